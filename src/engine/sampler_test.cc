// SPDX-License-Identifier: Apache-2.0
// Fixed logits, known choices.
#include "engine/sampler.h"

#include <cmath>
#include <limits>
#include <map>

#include <gtest/gtest.h>

namespace kinglet {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInf = std::numeric_limits<float>::infinity();

SamplingOptions NoFilters(float temperature) {
  SamplingOptions options;
  options.temperature = temperature;
  options.top_k = 0;
  options.top_p = 1;
  options.min_p = 0;
  return options;
}

std::map<TokenId, int> Count(const SamplingOptions& options, const std::vector<float>& logits,
                             int draws) {
  Sampler sampler(options, logits.size());
  std::map<TokenId, int> counts;
  for (int i = 0; i < draws; ++i) ++counts[sampler.Choose(logits, {})];
  return counts;
}

TEST(SamplerTest, TemperatureZeroTakesTheFirstOfTheGreatest) {
  Sampler sampler({}, 4);
  EXPECT_EQ(sampler.Choose(std::vector<float>{1, 3, 3, 2}, {}), 1);
}

TEST(SamplerTest, DrawsFollowTheProbabilities) {
  // p = 1/2, 1/3, 1/6.
  const std::vector<float> logits = {std::log(3.0F), std::log(2.0F), 0};
  auto counts = Count(NoFilters(1), logits, 60000);
  EXPECT_NEAR(counts[0], 30000, 600);  // five standard deviations
  EXPECT_NEAR(counts[1], 20000, 600);
  EXPECT_NEAR(counts[2], 10000, 500);
  // At temperature 1/2 the odds are squared: 9 : 4 : 1.
  counts = Count(NoFilters(0.5F), logits, 70000);
  EXPECT_NEAR(counts[0], 45000, 700);
  EXPECT_NEAR(counts[2], 5000, 350);
}

TEST(SamplerTest, ASeedRepeatsItsDrawsAndAnotherDoesNot) {
  const std::vector<float> logits(50, 0.0F);
  const auto draw = [&](std::uint64_t seed) {
    SamplingOptions options = NoFilters(1);
    options.seed = seed;
    Sampler sampler(options, logits.size());
    std::vector<TokenId> ids;
    for (int i = 0; i < 20; ++i) ids.push_back(sampler.Choose(logits, {}));
    return ids;
  };
  EXPECT_EQ(draw(7), draw(7));
  EXPECT_NE(draw(7), draw(8));
}

TEST(SamplerTest, FiltersLeaveWhatTheyPromise) {
  // p = 0.5, 0.25, 0.125, 0.125
  const std::vector<float> logits = {std::log(4.0F), std::log(2.0F), 0, 0};
  SamplingOptions options = NoFilters(1);
  options.top_k = 2;
  EXPECT_EQ(Count(options, logits, 2000).size(), 2U);
  options = NoFilters(1);
  options.top_p = 0.7F;  // 0.5 is not enough; the one that crosses stays
  EXPECT_EQ(Count(options, logits, 2000).size(), 2U);
  options.top_p = 0.0F;
  EXPECT_EQ(Count(options, logits, 100).size(), 1U);
  options = NoFilters(1);
  options.min_p = 0.3F;  // of the best one's probability
  EXPECT_EQ(Count(options, logits, 2000).size(), 2U);
}

TEST(SamplerTest, PenaltiesLookAtTheLastTokens) {
  const std::vector<float> logits = {2.0F, 1.5F, -1.0F, -1.1F};
  const std::vector<TokenId> once = {0};
  SamplingOptions options;
  options.repeat_penalty = 2;  // 2 -> 1
  EXPECT_EQ(Sampler(options, 4).Choose(logits, once), 1);
  const std::vector<float> negative = {-1.0F, -1.5F};
  EXPECT_EQ(Sampler(options, 2).Choose(negative, once), 1);  // -1 -> -2

  options = {};
  options.presence_penalty = 0.4F;
  EXPECT_EQ(Sampler(options, 4).Choose(logits, std::vector<TokenId>{0, 0, 0}), 0);
  options.presence_penalty = 0.6F;
  EXPECT_EQ(Sampler(options, 4).Choose(logits, once), 1);

  options = {};
  options.frequency_penalty = 0.2F;
  EXPECT_EQ(Sampler(options, 4).Choose(logits, std::vector<TokenId>{0, 0}), 0);
  EXPECT_EQ(Sampler(options, 4).Choose(logits, std::vector<TokenId>{0, 0, 0}), 1);

  std::vector<TokenId> long_ago(Sampler::kPenaltyWindow + 1, 3);
  long_ago[0] = 0;
  options.presence_penalty = 100;
  EXPECT_EQ(Sampler(options, 4).Choose(logits, long_ago), 0);
  EXPECT_EQ(Sampler(options, 4).Choose(logits, std::vector<TokenId>{-5, 99}), 0);
}

TEST(SamplerTest, NumbersThatAreNoneAreSurvived) {
  for (const float temperature : {0.0F, 1.0F}) {
    const auto choose = [&](const std::vector<float>& logits) {
      return Sampler(NoFilters(temperature), logits.size()).Choose(logits, {});
    };
    EXPECT_EQ(choose({kNan, 1, kNan}), 1);
    EXPECT_EQ(choose({0, kInf, 5}), 1);
    EXPECT_EQ(choose({-kInf, -kInf, -3}), 2);
    const TokenId any = choose({kNan, kNan});
    EXPECT_TRUE(any == 0 || any == 1);
  }
}

TEST(SamplerTest, ChoosesAmongWhatIsAllowedAlone) {
  std::vector<float> logits(130);
  for (std::size_t id = 0; id < logits.size(); ++id) logits[id] = static_cast<float>(id);
  std::vector<std::uint64_t> allowed(3);
  for (const TokenId id : {3, 64, 70}) {
    allowed[static_cast<std::size_t>(id) / 64] |= std::uint64_t{1} << (id % 64);
  }
  EXPECT_EQ(Sampler(NoFilters(0), logits.size()).Choose(logits, {}, allowed), 70);
  SamplingOptions wild = NoFilters(1.5F);
  wild.top_k = 40;
  Sampler sampler(wild, logits.size());
  for (int i = 0; i < 200; ++i) {
    const TokenId token = sampler.Choose(logits, {}, allowed);
    EXPECT_TRUE(token == 3 || token == 64 || token == 70) << token;
  }
  // However unlikely what is allowed is.
  const std::vector<float> none(130, -kInf);
  const TokenId token = sampler.Choose(none, {}, allowed);
  EXPECT_TRUE(token == 3 || token == 64 || token == 70) << token;
}

TEST(LogprobTest, AddsUpToOne) {
  const std::vector<float> logits = {1, 2, 3, 1000};
  double total = 0;
  for (const float logit : logits) total += std::exp(Logprob(logit, LogSumExp(logits)));
  EXPECT_NEAR(total, 1, 1e-6);
  EXPECT_TRUE(std::isfinite(Logprob(kNan, LogSumExp(logits))));
  EXPECT_TRUE(std::isfinite(Logprob(1, LogSumExp(std::vector<float>{kInf, 1}))));
}

}  // namespace
}  // namespace kinglet
