// SPDX-License-Identifier: Apache-2.0
// What the next step computes, and for whom: continuous batching (Yu et al. 2022) with prompts cut
// into pieces (Agrawal et al. 2024), fairness between accounts by counting what each was given
// (Sheng et al. 2024), budgets for the first byte, and pages taken from those who can wait.
//
// Policy, and pure: it is told the time and how many pages can be had, and touches no tensor, clock
// or thread. What it plans is carried out by the engine, or by a simulation from a seed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <vector>

#include "base/status.h"
#include "engine/step_cost.h"
#include "text/language_model.h"

namespace kinglet {

struct SchedulerOptions {
  std::size_t max_running = 64;   // sequences that have pages
  std::size_t max_waiting = 512;  // beyond it nobody is let in
  std::size_t step_tokens = 512;
  std::size_t page_tokens = 64;
  std::size_t page_count = 0;
  // A step with sequences that are writing takes at most so many times what they take alone...
  double gap_ratio = 2.0;
  std::size_t least_piece = 4;  // ...but a prompt goes on by so many tokens at least
  // A step without them takes at most so long, or the other so many times that of one token: who
  // comes meanwhile waits for its end.
  double step_ms = 400;
  double step_ratio = 4;
  // Who has waited so long goes before those of a better class.
  double patience_ms = 20'000;
  // Accounts that were given less go first, where the difference is above so many tokens.
  double fair_tokens = 1024;
  // Of writing a page to the disk and reading it again; infinite: there is no disk.
  double swap_page_ms = std::numeric_limits<double>::infinity();
};

struct ScheduledRequest {
  std::uint64_t id = 0;
  ServiceClass service_class = ServiceClass::kInteractive;
  std::uint64_t account = 0;  // of whom fairness is asked
  double arrival_ms = 0;
  double deadline_ms = std::numeric_limits<double>::infinity();  // of its first token
  std::size_t prompt_tokens = 0;
  std::size_t cached_tokens = 0;  // of the prompt, as it looks now; below prompt_tokens
};

// `count` tokens of a sequence. One that writes gets 1.
struct StepItem {
  std::uint64_t id = 0;
  std::size_t count = 0;
  bool starts = false;  // it has no pages yet
  // Where it starts: takes no more tokens from the cache.
  std::size_t most_cached = std::numeric_limits<std::size_t>::max();
};

// A sequence that gives up its pages, and goes on later from what is cached then.
struct Preemption {
  std::uint64_t id = 0;
  bool to_disk = false;  // where that is cheaper than computing its tokens again
};

struct StepPlan {
  std::vector<Preemption> preemptions;  // before the items
  std::vector<StepItem> items;
  double predicted_ms = 0;
};

class Scheduler {
 public:
  // cost must outlive the scheduler.
  Scheduler(const SchedulerOptions& options, const StepCost& cost)
      : options_(options), cost_(cost) {}

  const SchedulerOptions& options() const { return options_; }

  // kLimitExceeded: too many wait. kUsage: its prompt would not fit all pages.
  Result<void> Add(const ScheduledRequest& request);
  // It has ended, or nobody wants it any more.
  void Remove(std::uint64_t id);

  // Not to be planned for, until it is called with false: its pages are on their way from the disk,
  // or another sequence is just computing what it needs.
  void SetBlocked(std::uint64_t id, bool blocked);
  // Of one that waits: tokens that the cache would give it now, and how many of their pages nobody
  // but the cache has, so that they are counted as available too.
  void SetCached(std::uint64_t id, std::size_t tokens, std::size_t idle_pages);
  // Of one that runs: pages that no other sequence has, which it would give back if preempted.
  void SetOwnPages(std::uint64_t id, std::size_t pages);

  // available_pages: free ones, and those that only the cache holds.
  StepPlan Plan(double now_ms, std::size_t available_pages);

  // What became of an item: the sequence had `length` tokens in pages before, cached ones too, and
  // has `count` more now...
  void Advanced(std::uint64_t id, std::size_t length, std::size_t count);
  // ...and so many more tokens are known, which the next step computes.
  void Wrote(std::uint64_t id, std::size_t count);

  // When the first token of a request would come that arrives now, in milliseconds from now.
  double PredictFirstTokenMs(const ScheduledRequest& request, double now_ms) const;

  std::size_t waiting() const;
  std::size_t running() const;
  std::size_t size() const { return entries_.size(); }
  // Tokens that all together have left to read.
  std::size_t tokens_to_read() const;

 private:
  struct Entry {
    ScheduledRequest request;
    bool running = false;
    bool blocked = false;
    bool wrote = false;      // its first token
    std::size_t length = 0;  // tokens in pages
    std::size_t known = 0;   // of prompt and answer
    std::size_t latest = 1;  // of these, those that were written last
    std::size_t own_pages = 0;
    std::size_t idle_pages = 0;  // of its cached tokens

    // Tokens that stand before those that are left to compute.
    std::size_t before() const { return running ? length : request.cached_tokens; }
    std::size_t left() const { return known - before(); }
    bool writes() const { return running && left() > 0 && left() <= latest; }
  };
  // The order of service: the least first.
  struct Rank {
    int urgency = 0;
    std::uint64_t given = 0;  // to its account, in units of fair_tokens
    double deadline_ms = 0;
    double arrival_ms = 0;
    std::uint64_t id = 0;

    friend auto operator<=>(const Rank&, const Rank&) = default;
  };

  // least_given: LeastGiven(), which is the same for all.
  Rank RankOf(const Entry& entry, double now_ms, double least_given) const;
  double DeadlineOf(const ScheduledRequest& request) const;
  std::size_t PagesFor(std::size_t tokens) const {
    return (tokens + options_.page_tokens - 1) / options_.page_tokens;
  }
  // Pages that `count` more tokens take out of those that are available.
  std::size_t NewPages(const Entry& entry, std::size_t count) const;
  double BudgetMs(const StepWork& writers) const;
  // The tokens of a piece of a prompt behind `length` tokens, beside `others`.
  std::size_t PieceTokens(const StepWork& others, const StepWork& writers, std::size_t length,
                          std::size_t most) const;
  double Given(std::uint64_t account) const;
  // The least that an account was given that has a request here.
  double LeastGiven() const;

  class Planner;

  SchedulerOptions options_;
  const StepCost& cost_;
  std::map<std::uint64_t, Entry> entries_;
  std::map<std::uint64_t, double> given_;  // tokens, by account
};

}  // namespace kinglet
