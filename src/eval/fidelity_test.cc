// SPDX-License-Identifier: Apache-2.0
// The divergence of known distributions, and a small model against its golden.
#include "eval/fidelity.h"

#include <cmath>

#include <gtest/gtest.h>

namespace kinglet {
namespace {

TEST(KlDivergenceTest, IsThatOfTheOutcomes) {
  // Golden: 1/2, 1/4 and 1/4 in all others. The same logits, shifted: no divergence.
  const std::vector<std::int32_t> ids = {0, 1};
  const std::vector<float> golden = {std::log(0.5F), std::log(0.25F)};
  const std::vector<float> same = {std::log(0.5F) + 7, std::log(0.25F) + 7, std::log(0.25F) + 7};
  EXPECT_NEAR(KlDivergence(ids, golden, 0, same), 0, 1e-6);
  const std::vector<float> uniform = {1, 1, 1};
  const double expected = 0.5 * std::log(1.5) + 0.5 * std::log(0.75);
  EXPECT_NEAR(KlDivergence(ids, golden, 0, uniform), expected, 1e-6);
  const std::vector<float> spoilt = {NAN, 1, 1};
  EXPECT_TRUE(std::isinf(KlDivergence(ids, golden, 0, spoilt)));
}

constexpr double kExactBar = 5e-9;  // what sums of f32 cost

struct SmallModel {
  explicit SmallModel(bool exact = false) {
    auto gguf = GgufFile::Open(KINGLET_TEST_DATA "/models/stories-q4_0.gguf");
    auto safetensors = SafetensorsFile::Open(KINGLET_TEST_DATA "/models/stories-q4_0.safetensors");
    EXPECT_TRUE(gguf && safetensors);
    auto loaded = Model::Load(*std::move(gguf), {.thread_count = 2, .exact = exact});
    auto read = ReadGoldenTexts(*safetensors);
    EXPECT_TRUE(loaded && read);
    model = *std::move(loaded);
    texts = *std::move(read);
  }
  std::unique_ptr<Model> model;
  std::vector<GoldenText> texts;
};

TEST(FidelityTest, ASmallModelSaysWhatItsWeightsSay) {
  SmallModel small;
  ASSERT_EQ(small.texts.size(), 1U);
  EXPECT_EQ(small.texts[0].name, "wiki");
  const auto fidelity = MeasureFidelity(*small.model, small.texts[0], kStepTokens);
  ASSERT_TRUE(fidelity.has_value());
  EXPECT_EQ(fidelity->tokens, 96U);
  EXPECT_LE(fidelity->kl_mean, 8e-3);
  EXPECT_GE(fidelity->kl_mean, 1e-5);  // activations are rounded: less would be another model
  EXPECT_GE(fidelity->same_top, 0.9);
}

TEST(FidelityTest, AnExactModelRoundsNothing) {
  SmallModel small(true);
  const auto fidelity = MeasureFidelity(*small.model, small.texts[0], kStepTokens);
  ASSERT_TRUE(fidelity.has_value());
  EXPECT_LE(fidelity->kl_mean, kExactBar);
  EXPECT_EQ(fidelity->same_top, 1.0);
}

TEST(FidelityTest, PiecesDoNotMatter) {
  for (const bool exact : {false, true}) {
    SmallModel small(exact);
    const auto whole = MeasureFidelity(*small.model, small.texts[0], kStepTokens);
    for (const std::size_t chunk : {1U, 3U, 8U, 50U}) {
      const auto pieces = MeasureFidelity(*small.model, small.texts[0], chunk);
      ASSERT_TRUE(whole && pieces);
      EXPECT_EQ(pieces->kl_mean, whole->kl_mean) << exact << chunk;  // to the last bit
      EXPECT_EQ(pieces->kl_p99, whole->kl_p99) << exact << chunk;
    }
  }
}

TEST(FidelityTest, OfAMixtureClearPositionsAloneAreJudged) {
  SmallModel small;
  GoldenText text = small.texts[0];
  text.router_lead.assign(text.tokens.size(), 1.0F);
  const auto all = MeasureFidelity(*small.model, text, kStepTokens);
  std::fill(text.router_lead.begin() + 40, text.router_lead.end(), kClearRouterLead);
  const auto some = MeasureFidelity(*small.model, text, kStepTokens);
  text.tokens[41] = 300;  // another text from there on
  const auto other = MeasureFidelity(*small.model, text, kStepTokens);
  ASSERT_TRUE(all && some && other);
  EXPECT_EQ(some->tokens, all->tokens);
  EXPECT_NE(some->kl_mean, all->kl_mean);
  EXPECT_EQ(other->kl_mean, some->kl_mean);
  EXPECT_EQ(other->same_top, some->same_top);
}

TEST(FidelityTest, AnotherTextShows) {
  SmallModel small;
  GoldenText text = small.texts[0];
  text.tokens[1] = 300;
  const auto fidelity = MeasureFidelity(*small.model, text, kStepTokens);
  ASSERT_TRUE(fidelity.has_value());
  EXPECT_GT(fidelity->kl_mean, 8e-3);
}

TEST(FidelityTest, RefusesIdsThatTheModelDoesNotHave) {
  SmallModel small;
  GoldenText text = small.texts[0];
  text.top_ids[5] = 512;
  EXPECT_EQ(MeasureFidelity(*small.model, text, 8).error().code(), StatusCode::kInvalidInput);
  text = small.texts[0];
  text.tokens[5] = -1;
  EXPECT_EQ(MeasureFidelity(*small.model, text, 8).error().code(), StatusCode::kUsage);
}

}  // namespace
}  // namespace kinglet
