// SPDX-License-Identifier: Apache-2.0
// A tiny model with real weights: what it says is repeatable, whatever is cached, cut or
// interrupted.
#include "engine/engine.h"

#include <algorithm>
#include <limits>
#include <span>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "text/token_constraint.h"

namespace kinglet {
namespace {

std::unique_ptr<Engine> OpenStories(const EngineOptions& options) {
  auto engine = Engine::Open(KINGLET_TEST_DATA "/models/stories-q4_0.gguf", options);
  EXPECT_TRUE(engine.has_value()) << engine.error().message();
  return *std::move(engine);
}

std::unique_ptr<Engine> OpenStories(int threads = 1, std::size_t context = 0, bool reuse = true) {
  return OpenStories(
      EngineOptions{.thread_count = threads, .context_tokens = context, .reuse_prefix = reuse});
}

GenerationRequest Story(const Engine& engine, int max_tokens) {
  GenerationRequest request;
  request.prompt =
      engine.prompts().EncodePrompt("Once upon a time, there was a little girl named Lily.");
  request.max_tokens = max_tokens;
  request.logprobs = true;
  return request;
}

std::vector<float> Logprobs(const GenerationResult& result) {
  std::vector<float> logprobs;
  for (const TokenOdds& odds : result.odds) logprobs.push_back(odds.logprob);
  return logprobs;
}

TEST(EngineTest, TellsTheStoryThatItsWeightsTell) {
  const auto engine = OpenStories();
  std::string streamed;
  const auto result = engine->Generate(Story(*engine, 40), [&](std::string_view piece) {
    streamed += piece;
    return true;
  });
  ASSERT_TRUE(result.has_value());
  EXPECT_EQ(result->text.substr(0, 41), " She loved to play outside in the sun. On");
  EXPECT_EQ(streamed, result->text);
  EXPECT_EQ(result->finish_reason, FinishReason::kLength);
  EXPECT_EQ(result->tokens.size(), 40U);
  ASSERT_EQ(result->odds.size(), 40U);
  for (std::size_t i = 0; i < 40; ++i) {
    EXPECT_EQ(result->odds[i].token, result->tokens[i]);
    EXPECT_LE(result->odds[i].logprob, 0);
  }
}

TEST(EngineTest, CacheAndThreadsDoNotChangeTheAnswer) {
  const auto fresh = OpenStories(1, 0, /*reuse=*/false);
  const auto expected = fresh->Generate(Story(*fresh, 60), nullptr);
  ASSERT_TRUE(expected.has_value());
  EXPECT_EQ(expected->cached_tokens, 0);
  const auto engine = OpenStories(3);
  for (int i = 0; i < 3; ++i) {
    const auto again = engine->Generate(Story(*engine, 60), nullptr);
    ASSERT_TRUE(again.has_value());
    EXPECT_EQ(again->tokens, expected->tokens);
    EXPECT_EQ(Logprobs(*again), Logprobs(*expected));  // to the last bit
    EXPECT_EQ(again->cached_tokens, i == 0 ? 0 : again->prompt_tokens - 1);
  }
}

TEST(EngineTest, ReusesTheTokensThatPromptsShare) {
  const auto engine = OpenStories();
  GenerationRequest request = Story(*engine, 5);
  ASSERT_TRUE(engine->Generate(request, nullptr).has_value());
  const std::size_t shared = request.prompt.size();
  const std::vector<TokenId> more = engine->EncodeText(" Then the dog came.");
  request.prompt.insert(request.prompt.end(), more.begin(), more.end());
  const auto longer = engine->Generate(request, nullptr);
  ASSERT_TRUE(longer.has_value());
  EXPECT_GE(longer->cached_tokens, static_cast<int>(shared));
  const auto fresh = OpenStories(1, 0, /*reuse=*/false);
  EXPECT_EQ(fresh->Generate(request, nullptr)->tokens, longer->tokens);
}

// Leaves no choice about its tokens; behind them all are allowed.
class Dictation final : public TokenConstraint {
 public:
  Dictation(const Engine& engine, std::vector<TokenId> tokens)
      : engine_(engine), tokens_(std::move(tokens)) {}

  std::unique_ptr<ConstraintCursor> Begin() const override {
    return std::make_unique<Cursor>(engine_, tokens_);
  }

 private:
  class Cursor final : public ConstraintCursor {
   public:
    Cursor(const Engine& engine, std::span<const TokenId> tokens)
        : engine_(engine), left_(tokens) {}

    std::span<const std::uint64_t> Allowed() override {
      const auto words = static_cast<std::size_t>(engine_.tokenizer().vocab_size() + 63) / 64;
      mask_.assign(words, left_.empty() ? ~std::uint64_t{0} : 0);
      if (!left_.empty()) {
        mask_[static_cast<std::size_t>(left_[0]) / 64] = std::uint64_t{1} << (left_[0] % 64);
      }
      return mask_;
    }
    bool MayEnd() const override { return left_.empty(); }
    void Advance(TokenId token) override {
      if (left_.empty()) return;
      EXPECT_EQ(token, left_[0]);
      left_ = left_.subspan(1);
    }
    std::vector<TokenId> Forced(std::size_t most) override {
      const std::span<const TokenId> next = left_.first(std::min(most, left_.size()));
      return {next.begin(), next.end()};
    }
    std::string_view TokenBytes(TokenId token) const override {
      return engine_.tokenizer().TokenBytes(token);
    }

   private:
    const Engine& engine_;
    std::span<const TokenId> left_;
    std::vector<std::uint64_t> mask_;
  };

  const Engine& engine_;
  std::vector<TokenId> tokens_;
};

TEST(EngineTest, WritesSpansOfGivenTexts) {
  const auto engine = OpenStories();
  const std::string text = " She had a big red ball. He had a small blue boat.";
  const std::vector<SpanSource> sources = {
      {.text = text, .starts = {0, 24}, .ends = {8, 14, 18, 24, 32}}};
  GenerationRequest request = Story(*engine, 40);
  request.constraint = engine->SpansOf(sources);
  const auto result = engine->Generate(request, nullptr);
  ASSERT_TRUE(result.has_value());
  EXPECT_TRUE(result->is_whole);
  EXPECT_EQ(result->finish_reason, FinishReason::kStop);
  const std::size_t begin = text.find(result->text);
  EXPECT_TRUE(begin == 0 || begin == 24) << result->text;
  EXPECT_EQ(std::ranges::count(sources[0].ends, begin + result->text.size()), 1) << result->text;
  for (const TokenOdds& odds : result->odds) {
    EXPECT_LE(odds.logprob, odds.allowed);
    EXPECT_LE(odds.allowed, 1e-5F);
  }
}

// The most that a beginning of the text has with its end, of those that are `count` tokens at most.
double LikeliestBeginning(const GenerationResult& result, std::size_t count) {
  double sum = 0;
  double best = -std::numeric_limits<double>::infinity();
  for (std::size_t i = 0; i < count; ++i) {
    best = std::max(best, sum + static_cast<double>(result.odds[i].end));
    sum += static_cast<double>(result.odds[i].logprob);
  }
  return best;
}

double LogprobOf(const GenerationResult& result, std::size_t count) {
  double sum = 0;
  for (std::size_t i = 0; i < count; ++i) sum += static_cast<double>(result.odds[i].logprob);
  return sum;
}

TEST(EngineTest, StopsWhereNothingLongerCanBeLikelier) {
  const auto engine = OpenStories();
  const std::string text = " She had a big red ball. He had a small blue boat. They had a red car.";
  SpanSource source{.text = text, .starts = {0}};
  for (std::size_t i = 1; i <= text.size(); ++i) {
    if (i == text.size() || text[i] == ' ') source.ends.push_back(i);
  }
  GenerationRequest request = Story(*engine, 40);
  const std::vector<SpanSource> sources = {source};
  request.constraint = engine->SpansOf(sources);
  request.logprobs = true;
  const GenerationResult whole = engine->Generate(request, nullptr).value();
  request.likeliest_beginning = true;
  const GenerationResult cut = engine->Generate(request, nullptr).value();
  const std::size_t count = cut.tokens.size();
  ASSERT_LT(count, whole.tokens.size());
  EXPECT_EQ(cut.finish_reason, FinishReason::kLength);
  EXPECT_TRUE(std::ranges::equal(cut.tokens, std::span(whole.tokens).first(count)));
  EXPECT_EQ(LikeliestBeginning(cut, count), LikeliestBeginning(whole, whole.tokens.size()));
  EXPECT_LE(LogprobOf(cut, count), LikeliestBeginning(cut, count));
  EXPECT_GT(LogprobOf(cut, count - 1), LikeliestBeginning(cut, count - 1)) << "no sooner";
}

TEST(EngineTest, GeneratesSeveralAtOnceAsOneByOne) {
  const auto engine = OpenStories();
  std::vector<GenerationRequest> requests = {Story(*engine, 20), Story(*engine, 5),
                                             Story(*engine, 1)};
  requests[2].candidates = {10, 300, 20};
  const auto together = engine->GenerateAll(requests, nullptr);
  ASSERT_TRUE(together.has_value());
  ASSERT_EQ(together->size(), 3U);
  for (std::size_t i = 0; i < 3; ++i) {
    const auto alone = OpenStories()->Generate(requests[i], nullptr);
    ASSERT_TRUE(alone.has_value());
    EXPECT_EQ((*together)[i].text, alone->text);
    EXPECT_EQ((*together)[i].tokens, alone->tokens);
    EXPECT_EQ(Logprobs((*together)[i]), Logprobs(*alone));
    EXPECT_EQ((*together)[i].candidate_logprobs, alone->candidate_logprobs);
  }
  requests[1].prompt.assign(100'000, 5);
  EXPECT_FALSE(engine->GenerateAll(requests, nullptr)) << "one that can never be computed";
  EXPECT_EQ(engine->State().running, 0U);
}

TEST(EngineTest, WritesWhatIsForcedWithoutAStepEach) {
  const auto engine = OpenStories();
  const std::vector<TokenId> dictated = engine->EncodeText(
      " She had a big red ball and a small blue boat, and every day she took both to the park.");
  ASSERT_GT(dictated.size(), 20U);
  GenerationRequest request = Story(*engine, static_cast<int>(dictated.size()) + 20);
  request.logprobs = false;
  request.constraint = std::make_shared<Dictation>(*engine, dictated);
  const std::uint64_t steps = engine->State().steps;
  const auto result = engine->Generate(request, nullptr);
  ASSERT_TRUE(result.has_value());
  EXPECT_LE(engine->State().steps - steps, 1 + dictated.size() / 16 + 20);

  // The same text is read as a prompt, and gone on from.
  GenerationRequest plain = Story(*engine, 20);
  plain.prompt.insert(plain.prompt.end(), dictated.begin(), dictated.end());
  const auto expected = OpenStories(1, 0, /*reuse=*/false)->Generate(plain, nullptr);
  ASSERT_TRUE(expected.has_value());
  std::vector<TokenId> tokens = dictated;
  tokens.insert(tokens.end(), expected->tokens.begin(), expected->tokens.end());
  EXPECT_EQ(result->tokens, tokens);

  // Whose odds are asked for is chosen.
  request.logprobs = true;
  const auto chooses = OpenStories(EngineOptions{.thread_count = 1, .guess_ratio = 0});
  const auto with_odds = chooses->Generate(request, nullptr);
  ASSERT_TRUE(with_odds.has_value());
  EXPECT_EQ(with_odds->tokens, tokens);
  EXPECT_EQ(with_odds->odds.size(), tokens.size());
  EXPECT_GE(chooses->State().steps, tokens.size() - 1);

  // A limit holds in the middle of it too.
  request.max_tokens = 7;
  request.logprobs = false;
  const auto cut = engine->Generate(request, nullptr);
  ASSERT_TRUE(cut.has_value());
  EXPECT_EQ(cut->tokens.size(), 7U);
  EXPECT_EQ(cut->finish_reason, FinishReason::kLength);
}

// Greedy or drawn, bound to spans or free: the same tokens with the same odds in fewer steps.
TEST(EngineTest, GuessesChangeStepsAndNothingElse) {
  const auto plain = OpenStories(EngineOptions{.thread_count = 1, .guess_ratio = 0});
  // Whatever it takes: with a model this small guesses cost more than they save.
  const auto guesses = OpenStories(
      EngineOptions{.thread_count = 1, .guess_ratio = std::numeric_limits<double>::infinity()});
  const std::string text = "Lily had a big red ball. She loved to play with her big red ball.";
  const std::vector<SpanSource> sources = {{.text = text, .starts = {0, 11}, .ends = {23, 64}}};
  GenerationRequest story = Story(*plain, 60);
  story.prompt = plain->prompts().EncodePrompt(text + " " + text + " " + text);
  std::vector<GenerationRequest> requests(4, story);
  requests[1].sampling = {.temperature = 0.8F, .repeat_penalty = 1.1F, .seed = 5};
  requests[2].constraint = plain->SpansOf(sources);
  requests[3].stop = {"red"};
  EXPECT_EQ(guesses->Generate(story, nullptr)->tokens, plain->Generate(story, nullptr)->tokens);
  EXPECT_LT(guesses->State().steps, plain->State().steps);
  const auto expected = plain->GenerateAll(requests, nullptr);
  const auto together = guesses->GenerateAll(requests, nullptr);
  ASSERT_TRUE(expected.has_value() && together.has_value());
  for (std::size_t i = 0; i < requests.size(); ++i) {
    EXPECT_EQ((*together)[i].text, (*expected)[i].text) << i;
    EXPECT_EQ((*together)[i].tokens, (*expected)[i].tokens) << i;
    EXPECT_EQ(Logprobs((*together)[i]), Logprobs((*expected)[i])) << i;
    EXPECT_EQ((*together)[i].end_logprob, (*expected)[i].end_logprob) << i;
    EXPECT_EQ((*together)[i].finish_reason, (*expected)[i].finish_reason) << i;
  }
  EXPECT_EQ(plain->State().guessed_tokens, 0U);
  EXPECT_GT(guesses->State().right_guesses, 0U);
  EXPECT_LT(guesses->State().right_guesses, guesses->State().guessed_tokens);
  // What was computed for a wrong guess is not in the cache.
  story.prompt.insert(story.prompt.end(), (*expected)[0].tokens.begin(),
                      (*expected)[0].tokens.end());
  const auto goes_on = guesses->Generate(story, nullptr);
  ASSERT_TRUE(goes_on.has_value());
  EXPECT_GT(goes_on->cached_tokens, (*expected)[0].prompt_tokens);
  const auto fresh = OpenStories(1, 0, /*reuse=*/false)->Generate(story, nullptr);
  EXPECT_EQ(goes_on->tokens, fresh->tokens);
  EXPECT_EQ(Logprobs(*goes_on), Logprobs(*fresh));
}

TEST(EngineTest, StopsBeforeAStopString) {
  const auto engine = OpenStories();
  GenerationRequest request = Story(*engine, 60);
  request.stop = {"outside in"};  // straddles tokens
  std::string streamed;
  const auto result = engine->Generate(request, [&](std::string_view piece) {
    streamed += piece;
    return true;
  });
  ASSERT_TRUE(result.has_value());
  EXPECT_EQ(result->text, " She loved to play ");
  EXPECT_EQ(streamed, result->text);
  EXPECT_EQ(result->finish_reason, FinishReason::kStop);
}

TEST(EngineTest, CanBeInterruptedAtAnyPoint) {
  const auto engine = OpenStories();
  const auto after_sink =
      engine->Generate(Story(*engine, 60), [](std::string_view) { return false; });
  ASSERT_TRUE(after_sink.has_value());
  EXPECT_EQ(after_sink->finish_reason, FinishReason::kCancelled);
  EXPECT_EQ(after_sink->tokens.size(), 1U);
  GenerationRequest request = Story(*engine, 60);
  request.interrupted = [] { return true; };
  const auto before_prompt = engine->Generate(request, nullptr);
  ASSERT_TRUE(before_prompt.has_value());
  EXPECT_EQ(before_prompt->finish_reason, FinishReason::kCancelled);
  EXPECT_TRUE(before_prompt->tokens.empty());
  // And is as good as new.
  const auto fresh = OpenStories();
  EXPECT_EQ(engine->Generate(Story(*engine, 20), nullptr)->tokens,
            fresh->Generate(Story(*fresh, 20), nullptr)->tokens);
}

TEST(EngineTest, AnswersWithTheContextsEnd) {
  const auto engine = OpenStories(1, 32);
  const auto result = engine->Generate(Story(*engine, 1000), nullptr);
  ASSERT_TRUE(result.has_value());
  EXPECT_EQ(result->prompt_tokens + static_cast<int>(result->tokens.size()), 32);
  EXPECT_EQ(result->finish_reason, FinishReason::kLength);
  GenerationRequest request;
  request.prompt.assign(32, 5);
  const auto refused = engine->Generate(request, nullptr);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code(), StatusCode::kUsage);
  EXPECT_EQ(refused.error().message(),
            "the prompt has 32 tokens and the context 32, one of which is for the answer");
}

TEST(EngineTest, RefusesWhatCannotBeAsked) {
  const auto engine = OpenStories(1, 64);
  GenerationRequest request;
  EXPECT_EQ(engine->Generate(request, nullptr).error().message(), "the prompt is empty");
  for (const TokenId id : {-1, 512, 1 << 30}) {
    request.prompt = {1, id};
    const auto result = engine->Generate(request, nullptr);
    ASSERT_FALSE(result.has_value());
    EXPECT_EQ(result.error().code(), StatusCode::kUsage);
    EXPECT_FALSE(engine->NextTokenLogprobs(std::vector<TokenId>{1}, std::vector<TokenId>{id}));
  }
  const std::vector<ChatMessage> messages = {{"user", "hello"}};
  EXPECT_EQ(engine->EncodeChat(messages).error().code(), StatusCode::kInvalidInput);
}

TEST(EngineTest, TellsTheOddsOfGivenTokens) {
  const auto engine = OpenStories();
  const GenerationRequest request = Story(*engine, 1);
  const auto result = engine->Generate(request, nullptr);
  ASSERT_TRUE(result.has_value());
  std::vector<TokenId> all(512);
  for (std::size_t id = 0; id < all.size(); ++id) all[id] = static_cast<TokenId>(id);
  const auto odds = engine->NextTokenLogprobs(request.prompt, all);
  ASSERT_TRUE(odds.has_value());
  const auto best = std::ranges::max_element(*odds) - odds->begin();
  EXPECT_EQ(best, result->tokens[0]);
  EXPECT_EQ(*std::ranges::max_element(*odds), result->odds[0].logprob);
}

TEST(EngineTest, GivesTheStateOfAPromptsLastToken) {
  const auto engine = OpenStories();
  GenerationRequest request = Story(*engine, 3);
  const auto without = engine->Generate(request, nullptr).value();
  EXPECT_TRUE(without.state.empty());
  request.state_depth = 1;
  const auto last = engine->Generate(request, nullptr).value();
  ASSERT_EQ(last.state.size(), engine->model().config().embedding_length);
  EXPECT_EQ(last.tokens, without.tokens);
  EXPECT_GT(last.cached_tokens, 0);
  request.state_depth = 0.5;
  const auto middle = engine->Generate(request, nullptr).value();
  EXPECT_EQ(middle.state.size(), last.state.size());
  EXPECT_NE(middle.state, last.state);
  // Wherever the rest of the prompt came from.
  const auto other = OpenStories(/*threads=*/2, /*context=*/0, /*reuse=*/false);
  EXPECT_EQ(other->Generate(request, nullptr).value().state, middle.state);
}

}  // namespace
}  // namespace kinglet
