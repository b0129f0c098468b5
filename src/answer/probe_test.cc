// SPDX-License-Identifier: Apache-2.0
#include "answer/probe.h"

#include <cmath>
#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace kinglet {
namespace {

using testing::HasSubstr;

// States in which two of the values tell, against each other and not alone; the others are noise of
// very different sizes.
class ProbeTest : public testing::Test {
 protected:
  static constexpr std::size_t kWidth = 37;

  ProbeTest() {
    std::mt19937 random(5);
    std::normal_distribution<float> noise;
    for (std::size_t i = 0; i < 400; ++i) {
      const bool is_true = i % 3 == 0;
      std::vector<float>& state = states_.emplace_back(kWidth);
      for (std::size_t k = 0; k < kWidth; ++k) state[k] = noise(random) * static_cast<float>(k + 1);
      const float common = 100 * noise(random);
      state[3] = common + (is_true ? 1.0F : -1.0F) + 0.3F * noise(random);
      state[8] = common;
      is_true_.push_back(is_true);
    }
  }

  std::vector<ProbeExample> Examples(std::size_t begin, std::size_t end) const {
    std::vector<ProbeExample> examples;
    for (std::size_t i = begin; i < end; ++i) examples.push_back({states_[i], is_true_[i]});
    return examples;
  }

  std::vector<std::vector<float>> states_;
  std::vector<bool> is_true_;
};

TEST_F(ProbeTest, TellsStatesApartThatItHasNotSeen) {
  const Probe probe = FitProbe(Examples(0, 300), 1e-6);
  int right = 0;
  for (std::size_t i = 300; i < 400; ++i) right += (probe.Value(states_[i]) > 0) == is_true_[i];
  EXPECT_GE(right, 97);
}

// The penalty keeps to what many examples say.
TEST_F(ProbeTest, LearnsTheMeanAloneUnderAGreatPenalty) {
  const Probe probe = FitProbe(Examples(0, 300), 1e9);
  for (std::size_t i = 0; i < 400; ++i) EXPECT_NEAR(probe.Value(states_[i]), -1.0 / 3, 1e-3);
}

// What the gradient of squares and penalty is where it is least: none.
TEST_F(ProbeTest, LeavesNoGradient) {
  constexpr double kRidge = 0.5;
  const auto examples = Examples(0, 300);
  const Probe probe = FitProbe(examples, kRidge);
  for (std::size_t k = 0; k < kWidth; ++k) {
    double mean = 0;
    for (const ProbeExample& one : examples) mean += one.state[k] / 300.0;
    double squares = 0;
    double gradient = 0;
    for (const ProbeExample& one : examples) {
      squares += (one.state[k] - mean) * (one.state[k] - mean) / 300.0;
      gradient += (probe.Value(one.state) - (one.is_true ? 1 : -1)) * (one.state[k] - mean) / 300.0;
    }
    gradient += kRidge * probe.weights[k] * squares;
    EXPECT_NEAR(gradient / std::sqrt(squares), 0, 2e-3) << k;
  }
}

TEST_F(ProbeTest, LearnsNothingFromNothing) {
  EXPECT_TRUE(FitProbe({}).weights.empty());
  const std::vector<ProbeExample> of_one_kind = {{states_[0], true}, {states_[1], true}};
  EXPECT_TRUE(FitProbe(of_one_kind).weights.empty());
  const std::vector<ProbeExample> without_states = {{{}, true}, {{}, false}};
  EXPECT_TRUE(FitProbe(without_states).weights.empty());
  EXPECT_EQ(Probe().Value(states_[0]), 0);
}

TEST_F(ProbeTest, IsReadBackAsItWasWritten) {
  const Probe probe = FitProbe(Examples(0, 300));
  const auto again = ParseProbe(ParseJson(ToJson(json::value(ToJson(probe)))).value());
  ASSERT_TRUE(again) << again.error().message();
  EXPECT_EQ(again->weights, probe.weights);
  const Probe great{.weights = {3.4028235e38F, -9.999999e29F}};
  const auto rounded = ParseProbe(ToJson(great));
  ASSERT_TRUE(rounded) << rounded.error().message();
  EXPECT_EQ(rounded->weights[1], -1e30F);
  EXPECT_EQ(again->bias, probe.bias);
}

TEST_F(ProbeTest, NamesWhatIsWrong) {
  for (const char* text : {"[]", "{}", R"({"bias": 1})", R"({"weights": [1]})"}) {
    EXPECT_THAT(ParseProbe(ParseJson(text).value()).error().message(), HasSubstr("bias")) << text;
  }
  for (const char* text : {R"({"bias": 1, "weights": ["a"]})", R"({"bias": 1, "weights": [1e40]})"})
    EXPECT_THAT(ParseProbe(ParseJson(text).value()).error().message(), HasSubstr("weights"));
}

}  // namespace
}  // namespace kinglet
