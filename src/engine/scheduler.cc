// SPDX-License-Identifier: Apache-2.0
// A plan is made in the order of rank: first those that write, then prompts, each as far as pages,
// sequences and the time of a step reach.
#include "engine/scheduler.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"

namespace kinglet {
namespace {

// A token that is written takes a pass over the weights that several share: it counts as much as
// so many tokens of a prompt.
constexpr double kWrittenTokens = 2;

// Without a deadline of its own a request is due after twice the time that it needs, and a second:
// short ones come first, and long ones are not put off for ever.
constexpr double kDueFactor = 2;
constexpr double kDueMs = 1000;

constexpr double kNever = std::numeric_limits<double>::infinity();

// Accounts that are remembered although they have no request here.
constexpr std::size_t kMaxAccounts = 4096;

enum Urgency : int { kOverdue, kPrompt, kLate, kPatient };

}  // namespace

Result<void> Scheduler::Add(const ScheduledRequest& request) {
  KINGLET_CHECK(request.prompt_tokens > request.cached_tokens, "{} tokens of {} are cached",
                request.cached_tokens, request.prompt_tokens);
  if (waiting() >= options_.max_waiting) {
    return Error(StatusCode::kLimitExceeded, "{} requests wait already", options_.max_waiting);
  }
  if (PagesFor(request.prompt_tokens + 1) > options_.page_count) {
    return Error(StatusCode::kUsage,
                 "the prompt has {} tokens, more than all memory for keys and values holds ({})",
                 request.prompt_tokens, options_.page_count * options_.page_tokens);
  }
  // Who was away starts even with the others: what was not asked for is not saved up.
  const bool is_here = std::ranges::any_of(
      entries_, [&](const auto& entry) { return entry.second.request.account == request.account; });
  if (!is_here && !entries_.empty()) {
    double& given = given_[request.account];
    given = std::max(given, LeastGiven());
  }
  Entry& entry = entries_[request.id];
  entry.request = request;
  entry.known = request.prompt_tokens;
  return {};
}

void Scheduler::Remove(std::uint64_t id) {
  entries_.erase(id);
  if (given_.size() <= kMaxAccounts) return;
  std::erase_if(given_, [this](const auto& given) {
    return std::ranges::none_of(
        entries_, [&](const auto& entry) { return entry.second.request.account == given.first; });
  });
}

void Scheduler::SetBlocked(std::uint64_t id, bool blocked) { entries_.at(id).blocked = blocked; }

void Scheduler::SetCached(std::uint64_t id, std::size_t tokens, std::size_t idle_pages) {
  Entry& entry = entries_.at(id);
  KINGLET_CHECK(!entry.running && tokens < entry.known, "{} of {} tokens", tokens, entry.known);
  entry.request.cached_tokens = tokens;
  entry.idle_pages = idle_pages;
}

void Scheduler::SetOwnPages(std::uint64_t id, std::size_t pages) {
  entries_.at(id).own_pages = pages;
}

void Scheduler::Advanced(std::uint64_t id, std::size_t length, std::size_t count) {
  Entry& entry = entries_.at(id);
  entry.running = true;
  entry.length = length + count;
  KINGLET_CHECK(entry.length <= entry.known, "{} of {} tokens", entry.length, entry.known);
  const auto tokens = static_cast<double>(count);
  given_[entry.request.account] += entry.wrote ? kWrittenTokens * tokens : tokens;
}

void Scheduler::Wrote(std::uint64_t id, std::size_t count) {
  Entry& entry = entries_.at(id);
  entry.wrote = true;
  entry.known += count;
  entry.latest = count;
}

std::size_t Scheduler::waiting() const { return entries_.size() - running(); }

std::size_t Scheduler::running() const {
  return static_cast<std::size_t>(
      std::ranges::count_if(entries_, [](const auto& entry) { return entry.second.running; }));
}

std::size_t Scheduler::tokens_to_read() const {
  std::size_t tokens = 0;
  for (const auto& [id, entry] : entries_) tokens += entry.writes() ? 0 : entry.left();
  return tokens;
}

double Scheduler::Given(std::uint64_t account) const {
  const auto found = given_.find(account);
  return found == given_.end() ? 0 : found->second;
}

double Scheduler::LeastGiven() const {
  double least = kNever;
  for (const auto& [id, entry] : entries_) {
    least = std::min(least, Given(entry.request.account));
  }
  return std::isfinite(least) ? least : 0;
}

double Scheduler::DeadlineOf(const ScheduledRequest& request) const {
  if (std::isfinite(request.deadline_ms)) return request.deadline_ms;
  const StepWork work =
      WorkOf(request.cached_tokens, request.prompt_tokens - request.cached_tokens);
  return request.arrival_ms + kDueFactor * cost_.PredictMs(work) + kDueMs;
}

Scheduler::Rank Scheduler::RankOf(const Entry& entry, double now_ms, double least_given) const {
  const ScheduledRequest& request = entry.request;
  Rank rank;
  rank.given = static_cast<std::uint64_t>(std::max(0.0, Given(request.account) - least_given) /
                                          options_.fair_tokens);
  rank.deadline_ms = DeadlineOf(request);
  rank.arrival_ms = request.arrival_ms;
  rank.id = request.id;
  if (!entry.wrote && now_ms - request.arrival_ms > options_.patience_ms) {
    rank.urgency = kOverdue;
  } else if (request.service_class == ServiceClass::kBatch) {
    rank.urgency = kPatient;
  } else {
    // A budget that cannot be kept any more breaks no others.
    const double own_ms = cost_.PredictMs(WorkOf(entry.before(), entry.left()));
    rank.urgency = !entry.wrote && now_ms + own_ms > request.deadline_ms ? kLate : kPrompt;
  }
  return rank;
}

std::size_t Scheduler::NewPages(const Entry& entry, std::size_t count) const {
  const std::size_t before = entry.before();
  std::size_t pages = PagesFor(before + count) - PagesFor(before);
  if (entry.running) {
    // A last page that others have too is copied before it is written to.
    const bool copies = before % options_.page_tokens != 0 && entry.own_pages == 0;
    return pages + (copies ? 1 : 0);
  }
  if (before % options_.page_tokens != 0) ++pages;
  return pages + entry.idle_pages;
}

double Scheduler::BudgetMs(const StepWork& writers) const {
  if (writers.tokens > 0) return options_.gap_ratio * cost_.PredictMs(writers);
  return std::max(options_.step_ms, options_.step_ratio * cost_.PredictMs({1, 1}));
}

std::size_t Scheduler::PieceTokens(const StepWork& others, const StepWork& writers,
                                   std::size_t length, std::size_t most) const {
  const std::size_t room = options_.step_tokens - others.tokens;
  most = std::min(most, room);
  const std::size_t within = cost_.TokensWithin(BudgetMs(writers), others, length, most);
  // The first piece of a step always goes on.
  const bool first = others.tokens == writers.tokens;
  return first ? std::max(within, std::min(most, options_.least_piece)) : within;
}

// One plan in the making.
class Scheduler::Planner {
 public:
  Planner(Scheduler& scheduler, double now_ms, std::size_t available_pages)
      : s_(scheduler), available_(available_pages) {
    const double least = s_.LeastGiven();
    for (auto& [id, entry] : s_.entries_) {
      ranked_.push_back({s_.RankOf(entry, now_ms, least), &entry});
    }
    std::ranges::sort(ranked_, {}, &Ranked::rank);
    running_ = s_.running();
  }

  StepPlan Make() {
    PlanWriters();
    writers_ = work_;
    for (const Ranked& next : ranked_) {
      Entry& entry = *next.entry;
      if (entry.blocked || entry.writes() || entry.left() == 0 || IsPreempted(entry)) continue;
      if (!PlanPrompt(next)) break;
    }
    for (const Ranked& ranked : ranked_) {
      if (IsPreempted(*ranked.entry)) Forget(*ranked.entry);
    }
    plan_.predicted_ms = plan_.items.empty() ? 0 : s_.cost_.PredictMs(work_);
    return std::move(plan_);
  }

 private:
  struct Ranked {
    Rank rank;
    Entry* entry;
  };

  void PlanWriters() {
    for (const Ranked& next : ranked_) {
      const Entry& entry = *next.entry;
      if (!entry.writes() || entry.blocked || IsPreempted(entry)) continue;
      if (work_.tokens == s_.options_.step_tokens) return;
      const std::size_t count = std::min(entry.left(), s_.options_.step_tokens - work_.tokens);
      const std::size_t pages = s_.NewPages(entry, count);
      while (pages > available_ && PreemptOne(next.rank)) {
      }
      // The last in rank gives up its own pages to those before it.
      if (pages > available_) {
        if (running_ > 1) Preempt(*next.entry);
        continue;
      }
      AddItem(entry, count, pages);
    }
  }

  // False: the step is full.
  bool PlanPrompt(const Ranked& next) {
    Entry& entry = *next.entry;
    if (!entry.running && !lets_in_) return true;
    std::size_t count = s_.PieceTokens(work_, writers_, entry.before(), entry.left());
    if (count == 0) return false;
    // One that starts finds room for its whole prompt, and leaves a page to each that writes.
    const bool starts = !entry.running;
    std::size_t pages = starts ? s_.NewPages(entry, entry.left()) : s_.NewPages(entry, count);
    const std::size_t spare = starts ? writers_.tokens : 0;
    const auto fits = [&] {
      return pages + spare <= available_ && (!starts || running_ < s_.options_.max_running);
    };
    std::size_t most_cached = std::numeric_limits<std::size_t>::max();
    if (starts && !fits() && entry.before() % s_.options_.page_tokens != 0) {
      // A cached page that is shared in part is there twice until it is copied. A prompt that needs
      // nearly all pages would wait for that one for ever.
      CutTail(entry);
      most_cached = entry.before();
      count = s_.PieceTokens(work_, writers_, entry.before(), entry.left());
      pages = s_.NewPages(entry, entry.left());
    }
    while (!fits() && PreemptOne(next.rank, /*patient_only=*/starts)) {
    }
    if (!fits()) {
      // Who starts after one that finds no room would take it away from him for ever. Who runs
      // goes on, so that there will be room.
      lets_in_ = lets_in_ && !starts;
      if (!starts && running_ > 1) Preempt(entry);
      return true;
    }
    AddItem(entry, count, pages);
    plan_.items.back().most_cached = most_cached;
    if (starts) ++running_;
    return true;
  }

  // The last in rank of those that run, if it comes after `rank`.
  bool PreemptOne(const Rank& rank, bool patient_only = false) {
    for (auto it = ranked_.rbegin(); it != ranked_.rend() && it->rank > rank; ++it) {
      if (!it->entry->running || IsPreempted(*it->entry) || IsPlanned(*it->entry)) continue;
      if (patient_only && it->rank.urgency != kPatient) return false;
      Preempt(*it->entry);
      return true;
    }
    return false;
  }

  void Preempt(Entry& entry) {
    const double swap_ms = static_cast<double>(entry.own_pages) * s_.options_.swap_page_ms;
    const double compute_ms = s_.cost_.PredictMs(WorkOf(0, std::max<std::size_t>(entry.length, 1)));
    plan_.preemptions.push_back({entry.request.id, 2 * swap_ms < compute_ms});
    available_ += entry.own_pages;
    --running_;
  }

  // Of what it has in the cache, whole pages stay.
  void CutTail(Entry& entry) {
    const std::size_t pages = entry.request.cached_tokens / s_.options_.page_tokens;
    entry.request.cached_tokens = pages * s_.options_.page_tokens;
    entry.idle_pages = std::min(entry.idle_pages, pages);
  }

  void Forget(Entry& entry) {
    entry.running = false;
    entry.length = 0;
    entry.own_pages = 0;
    entry.idle_pages = 0;
    entry.request.cached_tokens = 0;
  }

  void AddItem(const Entry& entry, std::size_t count, std::size_t pages) {
    plan_.items.push_back({entry.request.id, count, !entry.running});
    work_ += WorkOf(entry.before(), count);
    available_ -= pages;
  }

  bool IsPreempted(const Entry& entry) const {
    return std::ranges::any_of(plan_.preemptions, [&](const Preemption& preemption) {
      return preemption.id == entry.request.id;
    });
  }
  bool IsPlanned(const Entry& entry) const {
    return std::ranges::any_of(plan_.items,
                               [&](const StepItem& item) { return item.id == entry.request.id; });
  }

  Scheduler& s_;
  std::size_t available_;
  std::size_t running_ = 0;
  bool lets_in_ = true;
  std::vector<Ranked> ranked_;
  StepPlan plan_;
  StepWork work_;
  StepWork writers_;
};

StepPlan Scheduler::Plan(double now_ms, std::size_t available_pages) {
  return Planner(*this, now_ms, available_pages).Make();
}

double Scheduler::PredictFirstTokenMs(const ScheduledRequest& request, double now_ms) const {
  Entry own;
  own.request = request;
  own.known = request.prompt_tokens;
  const double least = LeastGiven();
  const Rank rank = RankOf(own, now_ms, least);
  // Prompts are read in the order of rank, and who has read his writes from then on.
  StepWork writers;
  std::vector<std::pair<Rank, const Entry*>> ahead;
  for (const auto& [id, entry] : entries_) {
    if (entry.writes()) {
      writers += WorkOf(entry.length, entry.left());
    } else if (const Rank other = RankOf(entry, now_ms, least); other < rank && entry.left() > 0) {
      ahead.emplace_back(other, &entry);
    }
  }
  std::ranges::sort(ahead);
  ahead.emplace_back(rank, &own);
  double ms = 0;
  for (const auto& [other, entry] : ahead) {
    const std::size_t piece = PieceTokens(writers, writers, entry->before(), entry->left());
    StepWork step = writers;
    step += WorkOf(entry->before() + entry->left() / 2, std::max<std::size_t>(piece, 1));
    const auto steps =
        static_cast<double>(entry->left()) / static_cast<double>(std::max<std::size_t>(piece, 1));
    ms += steps * cost_.PredictMs(step);
    writers += WorkOf(entry->known, 1);
  }
  return ms;
}

}  // namespace kinglet
