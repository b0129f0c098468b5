// SPDX-License-Identifier: Apache-2.0
// Many requests at once, from many threads, on a tiny model with real weights: each hears what it
// would hear alone.
#include <array>
#include <condition_variable>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <future>
#include <latch>
#include <map>
#include <mutex>
#include <random>
#include <thread>

#include <gtest/gtest.h>

#include "engine/engine.h"

namespace kinglet {
namespace {

EngineOptions Options() {
  EngineOptions options;
  options.thread_count = 2;
  return options;
}

std::unique_ptr<Engine> Open(const EngineOptions& options = Options()) {
  auto engine = Engine::Open(KINGLET_TEST_DATA "/models/stories-q4_0.gguf", options);
  EXPECT_TRUE(engine.has_value()) << engine.error().message();
  return *std::move(engine);
}

const char* const kBeginnings[] = {
    "Once upon a time, there was a little girl named Lily.",
    "One day, a big dog went to the park",
    "Tom and his mom like to play with",
    "The sun was hot and the bird was sad because",
    "Once upon a time, there was a little girl named Sue. She had a red ball and a blue car.",
};

GenerationRequest Story(const Engine& engine, std::size_t beginning, int max_tokens) {
  GenerationRequest request;
  request.prompt = engine.prompts().EncodePrompt(kBeginnings[beginning % std::size(kBeginnings)]);
  request.max_tokens = max_tokens;
  request.ignore_end = true;
  return request;
}

// What each story says when it is told alone, with nothing cached.
std::vector<TokenId> Alone(std::size_t beginning, int max_tokens) {
  EngineOptions options = Options();
  options.reuse_prefix = false;
  const auto engine = Open(options);
  return engine->Generate(Story(*engine, beginning, max_tokens), nullptr)->tokens;
}

std::size_t PagesInUse(const Engine& engine) {
  const EngineState state = engine.State();
  return state.page_count - state.free_pages - state.cached_pages;
}

TEST(EngineServiceTest, RequestsTogetherSayWhatTheyWouldSayAlone) {
  const auto engine = Open();
  std::vector<std::future<std::vector<TokenId>>> told;
  for (std::size_t i = 0; i < 20; ++i) {
    told.push_back(std::async(std::launch::async, [&, i] {
      return engine->Generate(Story(*engine, i, 20 + static_cast<int>(i)), nullptr)->tokens;
    }));
  }
  for (std::size_t i = 0; i < told.size(); ++i) {
    EXPECT_EQ(told[i].get(), Alone(i, 20 + static_cast<int>(i))) << i;
  }
  EXPECT_EQ(PagesInUse(*engine), 0U);
}

TEST(EngineServiceTest, FewPagesChangeTheOrderAndNoToken) {
  EngineOptions options = Options();
  options.context_tokens = 256;
  const std::size_t page_bytes = Open(options)->model().pages().page_bytes();
  options.kv_bytes = 5 * page_bytes;  // of 64 tokens: of two stories at most
  std::array<std::vector<TokenId>, 6> told;
  std::latch all_here(1);
  std::latch all_told(told.size());
  const auto engine = Open(options);
  for (std::size_t i = 0; i < told.size(); ++i) {
    const auto id = engine->Submit(Story(*engine, i, 120), [&, i](GenerationEvent event) {
      all_here.wait();  // else a fast machine may have told one before the next comes
      told[i].insert(told[i].end(), event.tokens.begin(), event.tokens.end());
      if (event.end) all_told.count_down();
    });
    EXPECT_TRUE(id.has_value());
  }
  all_here.count_down();
  all_told.wait();
  for (std::size_t i = 0; i < told.size(); ++i) EXPECT_EQ(told[i], Alone(i, 120)) << i;
  EXPECT_GT(engine->State().preemptions, 0U);
  EXPECT_EQ(PagesInUse(*engine), 0U);
}

TEST(EngineServiceTest, WhoIsCancelledIsToldAndGivesBackHisPages) {
  const auto engine = Open();
  for (int round = 0; round < 20; ++round) {
    std::promise<FinishReason> ended;
    std::atomic<int> tokens = 0;
    std::latch cancelled(1);
    const auto id = engine->Submit(Story(*engine, 0, 400), [&](GenerationEvent event) {
      tokens += static_cast<int>(event.tokens.size());
      if (tokens >= round) cancelled.wait();  // or it might end before
      if (event.end) ended.set_value(event.end->finish_reason);
    });
    ASSERT_TRUE(id.has_value());
    while (tokens < round) std::this_thread::yield();
    engine->Cancel(*id);
    engine->Cancel(*id);
    cancelled.count_down();
    EXPECT_EQ(ended.get_future().get(), FinishReason::kCancelled);
  }
  engine->Cancel(12345);
  EXPECT_EQ(PagesInUse(*engine), 0U);
}

// A sink that goes may wait for a lock under which somebody asks for State(): the engine must not
// hold its own then.
TEST(EngineServiceTest, SinksGoWithoutTheLock) {
  const auto engine = Open();
  std::vector<std::future<std::size_t>> states;  // kept, since the end of one waits for it
  const auto sink = [&](std::promise<bool>& gone) {
    const std::shared_ptr<void> held(nullptr, [&](void*) {
      states.push_back(std::async(std::launch::async, [&] { return engine->State().page_count; }));
      gone.set_value(states.back().wait_for(std::chrono::seconds(60)) == std::future_status::ready);
    });
    return [held](const GenerationEvent&) {};
  };
  std::promise<bool> of_ended;
  ASSERT_TRUE(engine->Submit(Story(*engine, 0, 5), sink(of_ended)));
  EXPECT_TRUE(of_ended.get_future().get());
  GenerationRequest late = Story(*engine, 1, 5);
  late.terms.first_byte_budget_ms = 0;
  std::promise<bool> of_refused;
  EXPECT_FALSE(engine->Submit(late, sink(of_refused)));
  EXPECT_TRUE(of_refused.get_future().get());
}

TEST(EngineServiceTest, AnEngineThatClosesEndsWhatRuns) {
  std::promise<FinishReason> ended;
  std::latch closing(1);
  auto engine = Open();
  ASSERT_TRUE(engine->Submit(Story(*engine, 0, 450), [&](GenerationEvent event) {
    closing.wait();  // or it might end before
    if (event.end) ended.set_value(event.end->finish_reason);
  }));
  GenerationRequest late = Story(*engine, 1, 5);
  late.terms.first_byte_budget_ms = 0;
  // As long as its thread waits in the sink it is there, and tells when it closes.
  Engine& open = *engine;
  std::future<void> closed = std::async(std::launch::async, [&] { engine.reset(); });
  while (open.Submit(late, nullptr).error().code() != StatusCode::kCancelled) {
    std::this_thread::yield();
  }
  closing.count_down();
  EXPECT_EQ(ended.get_future().get(), FinishReason::kCancelled);
  closed.get();
}

TEST(EngineServiceTest, ABudgetThatCannotBeKeptIsRefusedAtOnceWithThePrediction) {
  const auto engine = Open();
  engine->MeasureSpeed();
  std::atomic<int> left = 40;
  std::promise<void> all_ended;
  for (int i = 0; i < 40; ++i) {
    GenerationRequest request = Story(*engine, 0, 30);
    request.prompt.insert(request.prompt.end(), 300, 5 + i);
    ASSERT_TRUE(engine->Submit(request, [&](const GenerationEvent& event) {
      if (event.end && --left == 0) all_ended.set_value();
    }));
  }
  GenerationRequest request = Story(*engine, 1, 5);
  request.terms.first_byte_budget_ms = 0.001;
  double predicted_ms = 0;
  const auto refused =
      engine->Submit(request, [](const GenerationEvent&) { FAIL(); }, &predicted_ms);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code(), StatusCode::kLimitExceeded);
  EXPECT_GT(predicted_ms, 0.001);
  request.terms.first_byte_budget_ms = 1e9;
  const auto kept = engine->Generate(request, nullptr);
  ASSERT_TRUE(kept.has_value());
  EXPECT_GT(kept->predicted_first_token_ms, 0);
  all_ended.get_future().wait();
}

TEST(EngineServiceTest, TooManyThatWaitAreRefused) {
  EngineOptions options = Options();
  options.max_waiting = 2;
  options.max_running = 1;
  std::latch all_asked(1);  // before it none ends
  const auto engine = Open(options);
  std::vector<std::uint64_t> ids;
  std::size_t refused = 0;
  for (int i = 0; i < 10; ++i) {
    const auto id = engine->Submit(Story(*engine, 0, 400),
                                   [&all_asked](const GenerationEvent&) { all_asked.wait(); });
    if (id) {
      ids.push_back(*id);
    } else {
      EXPECT_EQ(id.error().code(), StatusCode::kLimitExceeded);
      ++refused;
    }
  }
  EXPECT_GE(refused, 6U);
  for (const std::uint64_t id : ids) engine->Cancel(id);
  all_asked.count_down();
}

TEST(EngineServiceTest, WhoAsksTheSameTogetherWaitsForWhoIsReadingIt) {
  EngineOptions options = Options();
  std::latch all_asked(1);  // before it none is read
  const auto engine = Open(options);
  const GenerationRequest first = Story(*engine, 1, 1);
  ASSERT_TRUE(engine->Submit(first, [&](const GenerationEvent&) { all_asked.wait(); }));
  GenerationRequest request = Story(*engine, 0, 10);
  request.prompt.insert(request.prompt.end(), 350, 7);
  request.sampling.temperature = 1;
  std::map<std::uint64_t, GenerationResult> results;
  std::mutex mutex;
  std::condition_variable changed;
  for (std::uint64_t seed = 0; seed < 4; ++seed) {
    request.sampling.seed = seed;
    ASSERT_TRUE(engine->Submit(request, [&, seed](GenerationEvent event) {
      if (!event.end) return;
      const std::scoped_lock lock(mutex);
      results[seed] = *event.end;
      changed.notify_one();
    }));
  }
  all_asked.count_down();
  std::unique_lock lock(mutex);
  changed.wait(lock, [&] { return results.size() == 4; });
  for (std::uint64_t seed = 1; seed < 4; ++seed) {
    EXPECT_EQ(results[seed].cached_tokens, results[seed].prompt_tokens - 1) << seed;
  }
  EXPECT_LT(engine->State().prompt_tokens, first.prompt.size() + request.prompt.size() + 10);
}

TEST(EngineServiceTest, APromptThatFillsAllPagesStartsBehindASharedBeginning) {
  const auto engine = Open();
  GenerationRequest story = Story(*engine, 0, 4);
  (void)engine->Generate(story, nullptr);  // leaves a page that is full in part
  std::vector<TokenId>& prompt = story.prompt;
  while (prompt.size() + 5 < static_cast<std::size_t>(engine->context_tokens())) {
    prompt.push_back(prompt[prompt.size() - 7]);
  }
  prompt[10] = prompt[10] == 300 ? 301 : 300;  // but another story
  story.terms.timeout_ms = 120'000;
  EXPECT_EQ(engine->Generate(story, nullptr)->tokens.size(), 4U);
  EXPECT_EQ(PagesInUse(*engine), 0U);
}

TEST(EngineServiceTest, ScopesDoNotSeeEachOthersPrompts) {
  const auto engine = Open();
  GenerationRequest request = Story(*engine, 0, 5);
  request.prompt.insert(request.prompt.end(), 100, 9);
  request.terms.scope = "alice";
  ASSERT_TRUE(engine->Generate(request, nullptr).has_value());
  EXPECT_GT(engine->Generate(request, nullptr)->cached_tokens, 100);
  request.terms.scope = "bob";
  EXPECT_EQ(engine->Generate(request, nullptr)->cached_tokens, 0);
  engine->DropScope("alice");
  request.terms.scope = "alice";
  EXPECT_EQ(engine->Generate(request, nullptr)->cached_tokens, 0);
}

TEST(EngineServiceTest, ALastingPromptIsThereAfterARestartWithTheSameBits) {
  const std::filesystem::path folder = std::filesystem::path(testing::TempDir()) / "engine_pages";
  std::filesystem::remove_all(folder);
  EngineOptions options = Options();
  options.page_folder = folder;
  options.page_folder_bytes = std::uint64_t{100} << 20;
  GenerationRequest request;
  std::vector<TokenId> expected;
  {
    const auto engine = Open(options);
    request = Story(*engine, 0, 20);
    request.prompt.insert(request.prompt.end(), 200, 11);
    request.terms.lasting = true;
    request.logprobs = true;
    expected = engine->Generate(request, nullptr)->tokens;
    EXPECT_EQ(engine->Generate(request, nullptr)->tokens, expected);
  }
  {
    const auto engine = Open(options);
    EXPECT_GE(engine->State().pages_on_disk, request.prompt.size() / 64);
    const auto again = engine->Generate(request, nullptr);
    EXPECT_EQ(again->tokens, expected);
    EXPECT_GE(again->cached_tokens, static_cast<int>(request.prompt.size() / 64 * 64));
    engine->DropScope("");
    (void)engine->Generate(Story(*engine, 1, 1), nullptr);
    EXPECT_EQ(engine->State().pages_on_disk, 0U);
  }
  // A page that the disk has spoilt is computed again.
  {
    const auto engine = Open(options);
    (void)engine->Generate(request, nullptr);
    (void)engine->Generate(request, nullptr);
    while (engine->State().pages_on_disk < request.prompt.size() / 64) {
      (void)engine->Generate(Story(*engine, 1, 1), nullptr);
    }
  }
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file()) continue;
    std::fstream file(entry.path(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(-100, std::ios::end);
    file << "spoilt";
    ASSERT_TRUE(file.good());
  }
  const auto engine = Open(options);
  const auto again = engine->Generate(request, nullptr);
  EXPECT_EQ(again->tokens, expected);
  std::filesystem::remove_all(folder);
}

TEST(EngineServiceTest, TheDisksShareIsBounded) {
  const std::filesystem::path folder = std::filesystem::path(testing::TempDir()) / "few_pages";
  std::filesystem::remove_all(folder);
  EngineOptions options = Options();
  options.page_folder = folder;
  options.page_folder_bytes = 4 * Open()->model().pages().page_bytes();
  auto engine = Open(options);
  for (TokenId token = 20; token < 26; ++token) {
    GenerationRequest request = Story(*engine, 0, 1);
    request.prompt.insert(request.prompt.begin() + 1, 130, token);
    request.terms.lasting = true;
    for (int i = 0; i < 6; ++i) (void)engine->Generate(request, nullptr);
  }
  // They are written behind the engine's back, and told of between its steps.
  while (engine->State().pages_on_disk == 0) (void)engine->Generate(Story(*engine, 1, 1), nullptr);
  EXPECT_LE(engine->State().pages_on_disk, 4U);
  engine.reset();
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    files += entry.is_regular_file() ? 1U : 0U;
  }
  EXPECT_LE(files, 5U);  // one may have been on its way out
  std::filesystem::remove_all(folder);
}

TEST(EngineServiceTest, TellsTheOddsOfPromptAndAnswer) {
  const auto engine = Open();
  GenerationRequest request = Story(*engine, 0, 6);
  request.logprobs = true;
  request.top_logprobs = 3;
  request.prompt_logprobs = true;
  for (int round = 0; round < 2; ++round) {  // the second time it is cached
    const auto result = engine->Generate(request, nullptr);
    ASSERT_TRUE(result.has_value());
    EXPECT_EQ(result->cached_tokens, 0);
    ASSERT_EQ(result->prompt_odds.size(), request.prompt.size() - 1);
    for (std::size_t i = 0; i < result->prompt_odds.size(); ++i) {
      const TokenOdds& odds = result->prompt_odds[i];
      EXPECT_EQ(odds.token, request.prompt[i + 1]);
      ASSERT_EQ(odds.top.size(), 3U);
      EXPECT_GE(odds.top[0].second, odds.top[1].second);
      EXPECT_LE(odds.logprob, odds.top[0].second);
      const auto before = std::span(request.prompt).first(i + 1);
      const auto alone = engine->NextTokenLogprobs(before, std::vector{odds.token});
      EXPECT_EQ(odds.logprob, alone->at(0)) << i;
    }
    ASSERT_EQ(result->odds.size(), 6U);
    EXPECT_EQ(result->odds[0].top[0].first, result->tokens[0]);  // greedy
  }
}

TEST(EngineServiceTest, ABiasForbidsATokenOrForcesIt) {
  const auto engine = Open();
  GenerationRequest request = Story(*engine, 0, 5);
  const std::vector<TokenId> free = engine->Generate(request, nullptr)->tokens;
  request.sampling.logit_bias = {{free[0], -100.0F}};
  EXPECT_NE(engine->Generate(request, nullptr)->tokens[0], free[0]);
  request.sampling.logit_bias = {{77, 1000.0F}, {-5, 1.0F}, {100000, 1.0F}};
  EXPECT_EQ(engine->Generate(request, nullptr)->tokens, std::vector<TokenId>(5, 77));
}

TEST(EngineServiceTest, APromptCanBeReadForItsOddsAlone) {
  const auto engine = Open();
  GenerationRequest request = Story(*engine, 0, 0);
  request.prompt_logprobs = true;
  const auto result = engine->Generate(request, nullptr);
  ASSERT_TRUE(result.has_value());
  EXPECT_TRUE(result->tokens.empty());
  EXPECT_EQ(result->text, "");
  EXPECT_EQ(result->finish_reason, FinishReason::kLength);
  EXPECT_EQ(result->prompt_odds.size(), request.prompt.size() - 1);
}

// Threads that submit, cancel and look at random: nothing is lost, and nothing hangs.
TEST(EngineServiceTest, SurvivesACrowd) {
  EngineOptions options = Options();
  options.max_running = 5;
  options.kv_bytes = 30 * Open()->model().pages().page_bytes();
  const auto engine = Open(options);
  std::atomic<int> begun = 0;
  std::atomic<int> ended = 0;
  std::vector<std::thread> threads;
  for (unsigned seed = 0; seed < 4; ++seed) {
    threads.emplace_back([&, seed] {
      std::mt19937 random(seed);
      for (int i = 0; i < 25; ++i) {
        GenerationRequest request = Story(*engine, random() % 5, static_cast<int>(random() % 40));
        request.prompt.insert(request.prompt.end(), random() % 200,
                              static_cast<TokenId>(5 + random() % 3));
        request.terms.account = random() % 3;
        if (random() % 3 == 0) request.terms.service_class = ServiceClass::kBatch;
        const auto id = engine->Submit(request, [&](const GenerationEvent& event) {
          if (event.end) ++ended;
        });
        if (!id) continue;
        ++begun;
        if (random() % 3 == 0) engine->Cancel(*id);
        if (random() % 5 == 0) (void)engine->State();
        if (random() % 20 == 0) engine->DropScope("");
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(120);
  while (ended < begun) {
    ASSERT_LT(std::chrono::steady_clock::now(), deadline) << ended << " of " << begun;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  EXPECT_EQ(PagesInUse(*engine), 0U);
}

}  // namespace
}  // namespace kinglet
