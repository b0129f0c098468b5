// SPDX-License-Identifier: Apache-2.0
// The policy by itself: what it promises in single plans, and what holds over millions of steps of
// a machine that is simulated from a seed.
#include "engine/scheduler.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <random>
#include <set>

#include <gtest/gtest.h>

namespace kinglet {
namespace {

// A machine of 20 ms a step, or 1 ms a token where there are more than 20.
double TrueMs(const StepWork& work) { return std::max(20.0, static_cast<double>(work.tokens)); }

StepCost KnownCost() {
  StepCost cost;
  for (std::size_t count = 1; count <= 512; count *= 2) {
    cost.Observe({count, 0}, TrueMs({count, 0}));
  }
  return cost;
}

ScheduledRequest Request(std::uint64_t id, std::size_t prompt_tokens, double arrival_ms = 0) {
  ScheduledRequest request;
  request.id = id;
  request.prompt_tokens = prompt_tokens;
  request.arrival_ms = arrival_ms;
  return request;
}

// The engine's part: pages are handed out, tokens are "written", requests end.
class Machine {
 public:
  explicit Machine(const SchedulerOptions& options)
      : cost_(KnownCost()), scheduler_(options, cost_), free_pages_(options.page_count) {}

  Scheduler& scheduler() { return scheduler_; }
  double now_ms() const { return now_ms_; }
  void Wait(double ms) { now_ms_ += ms; }
  // Every seventh token brings others that a grammar leaves no choice about.
  void WriteAtOnce(std::size_t tokens) { most_at_once_ = tokens; }
  std::size_t free_pages() const { return free_pages_; }
  bool idle() const { return sequences_.empty(); }
  const std::map<std::uint64_t, double>& first_token_ms() const { return first_token_ms_; }
  const std::vector<double>& gaps_ms() const { return gaps_ms_; }
  std::size_t preemptions() const { return preemptions_; }

  bool Add(ScheduledRequest request, std::size_t answer_tokens) {
    request.arrival_ms = now_ms_;
    if (!scheduler_.Add(request)) return false;
    sequences_[request.id] = {request.prompt_tokens, request.prompt_tokens + answer_tokens};
    return true;
  }

  void Cancel(std::uint64_t id) {
    const auto found = sequences_.find(id);
    if (found == sequences_.end()) return;
    free_pages_ += found->second.pages;
    sequences_.erase(found);
    scheduler_.Remove(id);
  }

  // One step. What it broke, or an empty text.
  std::string Step() {
    for (const auto& [id, sequence] : sequences_) {
      if (sequence.running) scheduler_.SetOwnPages(id, sequence.pages);
    }
    const StepPlan plan = scheduler_.Plan(now_ms_, free_pages_);
    for (const Preemption& preemption : plan.preemptions) {
      Sequence& sequence = sequences_.at(preemption.id);
      if (!sequence.running) return "preempts one that does not run";
      free_pages_ += std::exchange(sequence.pages, 0);
      sequence.running = false;
      sequence.length = 0;
      ++preemptions_;
    }
    if (plan.items.empty()) {
      now_ms_ += 1;
      return {};
    }
    StepWork work;
    StepWork writers;
    std::set<std::uint64_t> seen;
    for (const StepItem& item : plan.items) {
      if (!seen.insert(item.id).second) return "plans one twice";
      if (!sequences_.contains(item.id)) return "plans one that is not there";
      if (std::string broken = Apply(item, work, writers); !broken.empty()) return broken;
    }
    const SchedulerOptions& options = scheduler_.options();
    if (work.tokens > options.step_tokens) return "too many tokens";
    std::size_t running = 0;
    for (const auto& [id, sequence] : sequences_) running += sequence.running ? 1 : 0;
    if (running > options.max_running) return "too many sequences";
    const double ms = TrueMs(work);
    if (writers.tokens > 0) {
      // Between the points of its curve the scheduler's machine is a little slower than this one.
      const double alone_ms = std::max(TrueMs(writers), cost_.PredictMs(writers));
      const double most =
          std::max(options.gap_ratio * alone_ms, TrueMs({writers.tokens + options.least_piece, 0}));
      if (ms > most * 1.05 + 1) return "a step that makes writers wait";
      gaps_ms_.push_back(ms);
    }
    now_ms_ += ms;
    for (const StepItem& item : plan.items) Advance(item);
    return {};
  }

 private:
  struct Sequence {
    std::size_t known = 0, end = 0, latest = 1;
    std::size_t length = 0, pages = 0;
    bool running = false, wrote = false;
  };

  std::string Apply(const StepItem& item, StepWork& work, StepWork& writers) {
    Sequence& sequence = sequences_.at(item.id);
    if (item.starts == sequence.running) return "starts one that runs, or the reverse";
    if (item.count == 0 || sequence.length + item.count > sequence.known) return "a wrong count";
    const bool writes = sequence.running && sequence.known - sequence.length <= sequence.latest;
    sequence.running = true;
    const std::size_t page_tokens = scheduler_.options().page_tokens;
    const std::size_t pages = (sequence.length + item.count + page_tokens - 1) / page_tokens;
    const std::size_t more = pages - sequence.pages;
    if (more > free_pages_) return "more pages than there are";
    free_pages_ -= more;
    sequence.pages = pages;
    work += {item.count, 0};
    if (writes) writers += {item.count, 0};
    return {};
  }

  void Advance(const StepItem& item) {
    Sequence& sequence = sequences_.at(item.id);
    scheduler_.Advanced(item.id, sequence.length, item.count);
    sequence.length += item.count;
    if (sequence.length < sequence.known) return;
    if (!sequence.wrote) first_token_ms_[item.id] = now_ms_;
    sequence.wrote = true;
    if (sequence.known == sequence.end) return Cancel(item.id);
    sequence.latest = std::min(sequence.end - sequence.known,
                               sequence.known % 7 == 0 ? most_at_once_ : std::size_t{1});
    sequence.known += sequence.latest;
    scheduler_.Wrote(item.id, sequence.latest);
  }

  StepCost cost_;
  Scheduler scheduler_;
  double now_ms_ = 0;
  std::size_t most_at_once_ = 1;
  std::size_t free_pages_;
  std::map<std::uint64_t, Sequence> sequences_;
  std::map<std::uint64_t, double> first_token_ms_;
  std::vector<double> gaps_ms_;
  std::size_t preemptions_ = 0;
};

SchedulerOptions Roomy() {
  SchedulerOptions options;
  options.page_count = 1000;
  return options;
}

TEST(SchedulerTest, APromptAloneGoesInPiecesThatLetOthersInSoon) {
  Machine machine(Roomy());
  ASSERT_TRUE(machine.Add(Request(1, 2000), 1));
  const StepPlan plan = machine.scheduler().Plan(0, 1000);
  ASSERT_EQ(plan.items.size(), 1U);
  EXPECT_TRUE(plan.items[0].starts);
  EXPECT_NEAR(static_cast<double>(plan.items[0].count), 400, 20);  // of step_ms
  EXPECT_NEAR(plan.predicted_ms, 400, 20);
}

TEST(SchedulerTest, WritersDoNotWaitForALongPrompt) {
  Machine machine(Roomy());
  for (std::uint64_t id = 1; id <= 4; ++id) ASSERT_TRUE(machine.Add(Request(id, 10), 300));
  for (int i = 0; i < 20; ++i) ASSERT_EQ(machine.Step(), "");
  ASSERT_TRUE(machine.Add(Request(9, 4000), 10));
  while (!machine.first_token_ms().contains(9)) ASSERT_EQ(machine.Step(), "");
  std::vector<double> gaps = machine.gaps_ms();
  std::ranges::sort(gaps);
  EXPECT_LE(gaps[gaps.size() * 99 / 100], 2.1 * 20);
}

TEST(SchedulerTest, AShortPromptOvertakesALongOne) {
  Machine machine(Roomy());
  ASSERT_TRUE(machine.Add(Request(1, 20'000), 1));
  ASSERT_EQ(machine.Step(), "");
  ASSERT_TRUE(machine.Add(Request(2, 20), 1));
  ASSERT_EQ(machine.Step(), "");
  EXPECT_TRUE(machine.first_token_ms().contains(2));
}

TEST(SchedulerTest, InteractiveRequestsGoBeforeBatches) {
  Machine machine(Roomy());
  ScheduledRequest batch = Request(1, 300);
  batch.service_class = ServiceClass::kBatch;
  ASSERT_TRUE(machine.Add(batch, 1));
  ASSERT_TRUE(machine.Add(Request(2, 390), 1));
  ASSERT_EQ(machine.Step(), "");
  EXPECT_TRUE(machine.first_token_ms().contains(2));
  EXPECT_FALSE(machine.first_token_ms().contains(1));
}

TEST(SchedulerTest, AccountsShareTheMachineHoweverMuchOneAsks) {
  Machine machine(Roomy());
  std::uint64_t id = 0;
  for (; id < 300; ++id) {
    ScheduledRequest request = Request(id, 400);
    request.account = 1;
    ASSERT_TRUE(machine.Add(request, 20));
  }
  for (int i = 0; i < 60; ++i) ASSERT_EQ(machine.Step(), "");
  ScheduledRequest other = Request(1000, 400);
  other.account = 2;
  const double arrival_ms = machine.now_ms();
  ASSERT_TRUE(machine.Add(other, 20));
  while (!machine.first_token_ms().contains(1000)) ASSERT_EQ(machine.Step(), "");
  // Beside those that are writing a prompt of 400 takes 400 / 16 steps at most.
  EXPECT_LT(machine.first_token_ms().at(1000) - arrival_ms, 25 * 90);
}

TEST(SchedulerTest, AnEarlierDeadlineGoesFirstAndALostOneSpoilsNoOther) {
  Machine machine(Roomy());
  ScheduledRequest lost = Request(1, 390);
  lost.deadline_ms = 100;  // cannot be met
  ScheduledRequest later = Request(2, 390);
  later.deadline_ms = 3000;
  ScheduledRequest sooner = Request(3, 390);
  sooner.deadline_ms = 450;
  for (const ScheduledRequest& request : {lost, later, sooner}) {
    ASSERT_TRUE(machine.Add(request, 1));
  }
  while (machine.first_token_ms().size() < 3) ASSERT_EQ(machine.Step(), "");
  const auto& first = machine.first_token_ms();
  EXPECT_LE(first.at(3), 450);
  EXPECT_LE(first.at(2), 3000);
  EXPECT_GT(first.at(1), first.at(2));
}

TEST(SchedulerTest, TellsWhenAFirstTokenWillCome) {
  Machine machine(Roomy());
  for (std::uint64_t id = 1; id <= 3; ++id) ASSERT_TRUE(machine.Add(Request(id, 700), 500));
  while (machine.first_token_ms().empty()) ASSERT_EQ(machine.Step(), "");
  ScheduledRequest request = Request(9, 300, machine.now_ms());
  const double predicted_ms = machine.scheduler().PredictFirstTokenMs(request, machine.now_ms());
  const double start_ms = machine.now_ms();
  ASSERT_TRUE(machine.Add(request, 1));
  while (!machine.first_token_ms().contains(9)) ASSERT_EQ(machine.Step(), "");
  const double took_ms = machine.first_token_ms().at(9) - start_ms;
  EXPECT_NEAR(predicted_ms, took_ms, 0.25 * took_ms);
}

TEST(SchedulerTest, PagesThatRunOutAreTakenFromTheLast) {
  SchedulerOptions options;
  options.page_count = 20;
  Machine machine(options);
  ASSERT_TRUE(machine.Add(Request(1, 500), 400));
  ASSERT_TRUE(machine.Add(Request(2, 500), 400));
  while (!machine.idle()) ASSERT_EQ(machine.Step(), "");
  EXPECT_EQ(machine.preemptions(), 1U);
  EXPECT_LT(machine.first_token_ms().at(1), machine.first_token_ms().at(2));
  EXPECT_EQ(machine.free_pages(), 20U);
}

TEST(SchedulerTest, GoesToTheDiskWhereThatIsCheaper) {
  for (const double swap_page_ms : {1.0, 1000.0}) {
    SchedulerOptions options;
    options.page_count = 20;
    options.swap_page_ms = swap_page_ms;
    const StepCost cost = KnownCost();
    Scheduler scheduler(options, cost);
    for (std::uint64_t id = 1; id <= 2; ++id) {
      ASSERT_TRUE(scheduler.Add(Request(id, 640)));
      scheduler.Advanced(id, 0, 640);
      scheduler.Wrote(id, 1);
      scheduler.SetOwnPages(id, 10);
    }
    const StepPlan plan = scheduler.Plan(0, 0);
    ASSERT_EQ(plan.preemptions.size(), 1U);
    EXPECT_EQ(plan.preemptions[0].to_disk, swap_page_ms < 10);
  }
}

TEST(SchedulerTest, RefusesWhatCanNeverBeAndWhatIsTooMuchNow) {
  SchedulerOptions options;
  options.page_count = 10;
  options.max_waiting = 2;
  const StepCost cost;
  Scheduler scheduler(options, cost);
  EXPECT_EQ(scheduler.Add(Request(1, 640)).error().code(), StatusCode::kUsage);
  ASSERT_TRUE(scheduler.Add(Request(2, 600)));
  ASSERT_TRUE(scheduler.Add(Request(3, 10)));
  EXPECT_EQ(scheduler.Add(Request(4, 10)).error().code(), StatusCode::kLimitExceeded);
}

TEST(SchedulerTest, AnotherPagesTailKeepsNobodyOut) {
  const StepCost cost = KnownCost();
  Scheduler scheduler({.page_tokens = 64, .page_count = 8}, cost);
  // All 8 pages, and of its first 70 tokens a whole page and a part are cached: with the copy of
  // that part it would be 9.
  ASSERT_TRUE(scheduler.Add(Request(1, 500)));
  scheduler.SetCached(1, 70, 2);
  const StepPlan plan = scheduler.Plan(0, 8);
  ASSERT_EQ(plan.items.size(), 1U);
  EXPECT_TRUE(plan.items[0].starts);
  EXPECT_EQ(plan.items[0].most_cached, 64U);
  // Where there is room the part is taken too.
  Scheduler roomy({.page_tokens = 64, .page_count = 9}, cost);
  ASSERT_TRUE(roomy.Add(Request(1, 500)));
  roomy.SetCached(1, 70, 2);
  const StepPlan with_part = roomy.Plan(0, 9);
  ASSERT_EQ(with_part.items.size(), 1U);
  EXPECT_GE(with_part.items[0].most_cached, 70U);
}

TEST(SchedulerTest, PlansForNobodyWhoIsBlocked) {
  Machine machine(Roomy());
  ASSERT_TRUE(machine.Add(Request(1, 100), 1));
  machine.scheduler().SetBlocked(1, true);
  EXPECT_TRUE(machine.scheduler().Plan(0, 1000).items.empty());
  machine.scheduler().SetBlocked(1, false);
  EXPECT_EQ(machine.scheduler().Plan(0, 1000).items.size(), 1U);
}

// Random requests, classes, accounts, budgets and cancellations on a machine with few pages. Nobody
// starves, no page is lost, no budget that was promised is broken by much.
class SimulationTest : public testing::TestWithParam<int> {};

TEST_P(SimulationTest, HoldsItsPromisesWhateverComes) {
  const int seed = GetParam();
  std::mt19937 random(static_cast<unsigned>(seed));
  const auto below = [&](std::size_t n) { return static_cast<std::size_t>(random() % n); };
  SchedulerOptions options;
  options.page_count = 12 + below(200);
  options.max_running = 1 + below(20);
  options.max_waiting = 1 + below(60);
  options.patience_ms = 3000;
  Machine machine(options);
  if (seed % 2 == 0) machine.WriteAtOnce(2 + below(15));
  const std::size_t longest = options.page_count * options.page_tokens / 2;
  const std::size_t load = 5 + below(60);  // one arrival in so many steps
  std::uint64_t last_id = 0;
  std::map<std::uint64_t, double> promised_ms;
  std::map<std::uint64_t, double> arrived_ms;
  constexpr int kSteps = 20'000;
  for (int step = 0; step < kSteps; ++step) {
    SCOPED_TRACE(testing::Message() << "seed " << seed << " step " << step);
    if (below(load) == 0) {
      ScheduledRequest request = Request(++last_id, 1 + below(std::min<std::size_t>(longest, 900)));
      request.account = below(3);
      if (below(4) == 0) request.service_class = ServiceClass::kBatch;
      if (below(4) == 0)
        request.deadline_ms = machine.now_ms() + 200 + static_cast<double>(below(3000));
      if (machine.Add(request, below(200))) arrived_ms[last_id] = machine.now_ms();
    }
    if (below(300) == 0 && last_id > 0) {
      const std::uint64_t id = 1 + below(last_id);
      machine.Cancel(id);
      arrived_ms.erase(id);
    }
    ASSERT_EQ(machine.Step(), "");
  }
  // When nobody comes any more, all are served.
  for (int step = 0; step < 200'000 && !machine.idle(); ++step) ASSERT_EQ(machine.Step(), "");
  EXPECT_TRUE(machine.idle()) << "seed " << seed;
  EXPECT_EQ(machine.free_pages(), options.page_count);
  for (const auto& [id, arrival_ms] : arrived_ms) {
    EXPECT_TRUE(machine.first_token_ms().contains(id)) << "seed " << seed << " request " << id;
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, SimulationTest, testing::Range(0, 50));

// One account, one class, and a budget for all: who is let in because the prediction keeps to it
// has its first token in time.
TEST(SchedulerTest, BudgetsThatWerePromisedAreKept) {
  for (int seed = 0; seed < 20; ++seed) {
    std::mt19937 random(static_cast<unsigned>(seed));
    Machine machine(Roomy());
    std::map<std::uint64_t, double> deadlines_ms;
    std::uint64_t id = 0;
    constexpr double kBudgetMs = 1500;
    for (int step = 0; step < 20'000; ++step) {
      if (random() % 10 == 0) {
        ScheduledRequest request = Request(++id, 1 + random() % 600, machine.now_ms());
        request.deadline_ms = machine.now_ms() + kBudgetMs;
        const double ms = machine.scheduler().PredictFirstTokenMs(request, machine.now_ms());
        if (ms <= kBudgetMs && machine.Add(request, random() % 60)) {
          deadlines_ms[id] = request.deadline_ms;
        }
      }
      ASSERT_EQ(machine.Step(), "");
    }
    while (!machine.idle()) ASSERT_EQ(machine.Step(), "");
    std::size_t broken = 0;
    for (const auto& [request, deadline_ms] : deadlines_ms) {
      if (machine.first_token_ms().at(request) > deadline_ms) ++broken;
    }
    EXPECT_GT(deadlines_ms.size(), 200U);
    EXPECT_LE(broken, deadlines_ms.size() / 50) << "seed " << seed;
  }
}

}  // namespace
}  // namespace kinglet
