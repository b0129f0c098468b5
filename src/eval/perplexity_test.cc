// SPDX-License-Identifier: Apache-2.0
// Which tokens are scored, behind which others: a model whose odds tell a token's place.
#include "eval/perplexity.h"

#include <cmath>
#include <numbers>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "text/language_model_for_test.h"

namespace kinglet {
namespace {

// A token's log-likelihood is minus its number; its window's first token is kept.
class NumberModel : public SilentModel {
 public:
  std::string_view TokenBytes(TokenId) const override { return "ab"; }
  Result<std::vector<GenerationResult>> GenerateAll(std::span<const GenerationRequest> requests,
                                                    const BatchSink&) override {
    std::vector<GenerationResult> results;
    for (const GenerationRequest& request : requests) {
      if (request.interrupted && request.interrupted()) {
        results.resize(requests.size());
        break;
      }
      first.push_back(request.prompt.front());
      GenerationResult& result = results.emplace_back();
      for (std::size_t i = 1; i < request.prompt.size(); ++i) {
        result.prompt_odds.push_back({.logprob = -static_cast<float>(request.prompt[i])});
      }
    }
    return results;
  }

  std::vector<TokenId> first;
};

std::vector<TokenId> Numbers(int count) {
  std::vector<TokenId> numbers(static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i) numbers[static_cast<std::size_t>(i)] = i;
  return numbers;
}

TEST(PerplexityTest, ScoresTheSecondHalves) {
  NumberModel model;
  const auto result =
      MeasurePerplexity(model, Numbers(19), std::vector<TokenId>{100}, {.context = 8});
  ASSERT_TRUE(result) << result.error().message();
  // Of 0..7 and 8..15: 5, 6, 7 and 13, 14, 15.
  EXPECT_EQ(result->windows, 2U);
  EXPECT_EQ(result->tokens, 6U);
  EXPECT_EQ(result->bytes, 12U);
  EXPECT_NEAR(result->nats, 60.0 / 6, 1e-9);
  EXPECT_NEAR(result->perplexity.mean, std::exp(10.0), 1e-6);
  EXPECT_NEAR(result->bits_per_byte.mean, 60 / std::numbers::ln2 / 12, 1e-9);
  EXPECT_EQ(model.first, (std::vector<TokenId>{100, 100})) << "the BOS stands for the first";
  // A sample is of one of the windows, twice, or of both.
  EXPECT_NEAR(result->perplexity.low, std::exp(6.0), 1e-6);
  EXPECT_NEAR(result->perplexity.high, std::exp(14.0), 1e-3);
}

TEST(PerplexityTest, ScoresTheLastOfEachStride) {
  NumberModel model;
  const auto result = MeasurePerplexity(model, Numbers(19), {}, {.context = 8, .stride = 3});
  ASSERT_TRUE(result) << result.error().message();
  // Windows at 0, 3, 6 and 9: 5..7, 8..10, 11..13, 14..16.
  EXPECT_EQ(model.first, (std::vector<TokenId>{0, 3, 6, 9}));
  EXPECT_EQ(result->tokens, 12U);
  EXPECT_NEAR(result->nats, (5 + 16) / 2.0, 1e-9);
  EXPECT_EQ(MeasurePerplexity(model, Numbers(8), {}, {.context = 8, .stride = 3})->windows, 1U);
  EXPECT_EQ(MeasurePerplexity(model, Numbers(19), {}, {.context = 8, .stride = 3, .max_windows = 2})
                ->windows,
            2U);
}

// As of a vocabulary that has no token for what the text is written in.
class WordlessModel : public NumberModel {
 public:
  std::string_view TokenBytes(TokenId) const override { return ""; }
};

TEST(PerplexityTest, NeedsBytesToDivideBy) {
  WordlessModel model;
  const auto result = MeasurePerplexity(model, Numbers(19), {}, {.context = 8});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code(), StatusCode::kInvalidInput);
  EXPECT_EQ(result.error().message(), "the 6 tokens that are scored stand for no bytes");
}

TEST(PerplexityTest, NeedsAWindow) {
  NumberModel model;
  EXPECT_EQ(MeasurePerplexity(model, Numbers(7), {}, {.context = 8}).error().code(),
            StatusCode::kUsage);
  EXPECT_FALSE(MeasurePerplexity(model, Numbers(19), {}, {.context = 8, .stride = 8}));
}

TEST(PerplexityTest, StopsWhenItIsToldOnce) {
  NumberModel model;
  bool told = false;
  const auto once = [&] { return !std::exchange(told, true); };
  const auto result =
      MeasurePerplexity(model, Numbers(19), {}, {.context = 8, .interrupted = once});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code(), StatusCode::kCancelled);
}

}  // namespace
}  // namespace kinglet
