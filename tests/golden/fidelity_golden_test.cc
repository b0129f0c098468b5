// SPDX-License-Identifier: Apache-2.0
// What models say, against logits and texts that were computed in double precision. The figures are
// those of the goldens' own page: what a careful engine reaches.
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "base/file.h"
#include "base/json.h"
#include "engine/engine.h"
#include "eval/fidelity.h"

namespace kinglet {
namespace {

namespace fs = std::filesystem;

// The folder that an environment variable names; empty where it is not set.
fs::path FolderOf(const char* variable) {
  const char* const folder = std::getenv(variable);
  return folder == nullptr ? fs::path() : fs::path(folder);
}

struct Bar {
  std::string_view name;  // of the golden
  double kl_mean;         // on `wiki`, nats, at most
  double same_top = 0;    // at least
  double kl_first = 1;    // at position 0, which kl_mean leaves out; nats, at most
};

constexpr double kFloatBar = 2e-5;    // what a cache in half precision costs
constexpr double kRoundedBar = 8e-3;  // what activations of 8 bits cost
constexpr double kExactBar = 5e-9;    // what sums of f32 cost, in a tiny model
constexpr double kRealExactBar = 1e-6;
constexpr Bar kTinyBars[] = {
    {"llama-untied-f32", kFloatBar}, {"llama-tied-f32", kFloatBar},
    {"llama-mha-f32", kFloatBar},    {"llama-rope-freqs-f32", kFloatBar},
    {"stories260k-f32", kFloatBar},  {"stories260k-f16", kFloatBar},
    {"qwen2-f32", kFloatBar},        {"qwen3-f32", kFloatBar},
    {"llama-f16", kFloatBar},        {"llama-bf16", kFloatBar},
    {"llama-q4_0", kRoundedBar},     {"llama-q4_1", kRoundedBar},
    {"llama-q5_0", kRoundedBar},     {"llama-q5_1", kRoundedBar},
    {"llama-q8_0", kRoundedBar},     {"llama-q4_k", kRoundedBar},
    {"llama-q5_k", kRoundedBar},     {"llama-q6_k", kRoundedBar},
    {"llama-q2_k", kRoundedBar},     {"llama-q3_k", kRoundedBar},
    {"llama-iq4_nl", kRoundedBar},   {"llama-iq4_xs", kRoundedBar},
    {"llama-mxfp4", kRoundedBar},    {"llama-iq1_s", kFloatBar},
    {"llama-iq1_m", kFloatBar},      {"llama-iq2_xxs", kFloatBar},
    {"llama-iq2_xs", kFloatBar},     {"llama-iq2_s", kFloatBar},
    {"llama-iq3_xxs", kFloatBar},    {"llama-iq3_s", kFloatBar},
    {"llama-tq1_0", kFloatBar},      {"llama-tq2_0", kFloatBar},
    {"llama-moe-f32", kFloatBar},    {"qwen3moe-f32", kFloatBar},
    {"olmoe-f32", kFloatBar},        {"gemma3-f32", kFloatBar},
};

struct RealBar {
  std::string_view file;
  Bar bar;
};
constexpr RealBar kRealBars[] = {
    {"SmolLM2-135M-Instruct.Q4_1.gguf", {"smollm2-135m-instruct-q4_1", 2.5e-3, 0.96}},
    {"gemma-3-270m-q4_k_m.gguf", {"gemma-3-270m-q4_k_m", 1.6e-3, 0.97}},
    {"qwen2.5-coder-0.5b-instruct-q4_k_m.gguf",
     {"qwen2.5-coder-0.5b-instruct-q4_k_m", 8.9e-4, 0.96}},
    {"qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
     {"qwen2.5-coder-1.5b-instruct-q4_k_m", 2.15e-3, 0.96, 0.11}},
};

void ExpectWithin(const Bar& bar, const fs::path& model_path, std::size_t chunk,
                  bool exact = false) {
  const fs::path golden_path =
      FolderOf("KINGLET_SHARED") / "data/goldens/logits" / (std::string(bar.name) + ".safetensors");
  auto file = GgufFile::Open(model_path);
  const auto golden = SafetensorsFile::Open(golden_path);
  ASSERT_TRUE(file.has_value() && golden.has_value()) << bar.name;
  auto model = Model::Load(*std::move(file), {.thread_count = 2, .exact = exact});
  ASSERT_TRUE(model.has_value()) << model.error().message();
  const auto texts = ReadGoldenTexts(*golden);
  ASSERT_TRUE(texts.has_value()) << texts.error().message();
  const auto wiki = std::ranges::find(*texts, "wiki", &GoldenText::name);
  ASSERT_NE(wiki, texts->end());
  const auto fidelity = MeasureFidelity(**model, *wiki, chunk);
  ASSERT_TRUE(fidelity.has_value()) << fidelity.error().message();
  EXPECT_LE(fidelity->kl_mean, bar.kl_mean) << bar.name;
  EXPECT_GE(fidelity->same_top, bar.same_top) << bar.name;
  EXPECT_LE(fidelity->kl_first, bar.kl_first) << bar.name;
}

TEST(FidelityGoldenTest, TinyModelsSayWhatTheirWeightsSay) {
  const fs::path shared = FolderOf("KINGLET_SHARED");
  if (shared.empty()) GTEST_SKIP() << "KINGLET_SHARED is not set";
  for (const Bar& bar : kTinyBars) {
    for (const std::size_t chunk : {kStepTokens, std::size_t{1}}) {
      ExpectWithin(bar, shared / "data/tiny-models" / (std::string(bar.name) + ".gguf"), chunk);
    }
  }
}

TEST(FidelityGoldenTest, ExactTinyModelsSayItToTheLastDigits) {
  const fs::path shared = FolderOf("KINGLET_SHARED");
  if (shared.empty()) GTEST_SKIP() << "KINGLET_SHARED is not set";
  for (const Bar& bar : kTinyBars) {
    for (const std::size_t chunk : {kStepTokens, std::size_t{1}}) {
      ExpectWithin({bar.name, kExactBar, 0.999},
                   shared / "data/tiny-models" / (std::string(bar.name) + ".gguf"), chunk, true);
    }
  }
}

TEST(FidelityGoldenTest, AnExactRealModelDoesToo) {
  const fs::path path = FolderOf("KINGLET_TEST_MODELS") / kRealBars[0].file;
  if (FolderOf("KINGLET_SHARED").empty() || !fs::exists(path)) {
    GTEST_SKIP() << "the model or the golden is not here";
  }
  ExpectWithin({kRealBars[0].bar.name, kRealExactBar, 0.999}, path, kStepTokens, true);
}

TEST(FidelityGoldenTest, RealModelsSayWhatTheirWeightsSay) {
  const fs::path models = FolderOf("KINGLET_TEST_MODELS");
  if (models.empty() || FolderOf("KINGLET_SHARED").empty()) {
    GTEST_SKIP() << "KINGLET_TEST_MODELS and KINGLET_SHARED are not both set";
  }
  for (const RealBar& real : kRealBars) {
    if (fs::exists(models / real.file)) ExpectWithin(real.bar, models / real.file, kStepTokens);
  }
}

// Each token is fed the golden way; where the golden's choice led by enough, it must be ours.
TEST(FidelityGoldenTest, GreedyChoicesAgreeWhereTheyAreClear) {
  constexpr double kClearLead = 0.35;  // logits; below, rounding decides
  const fs::path shared = FolderOf("KINGLET_SHARED");
  const fs::path path = FolderOf("KINGLET_TEST_MODELS") / "SmolLM2-135M-Instruct.Q4_1.gguf";
  if (shared.empty() || !fs::exists(path)) GTEST_SKIP() << "the model or the golden is not here";
  const auto text = ReadFile(shared / "data/goldens/greedy/smollm2-135m-instruct-q4_1.json",
                             std::size_t{1} << 20);
  ASSERT_TRUE(text.has_value());
  const auto golden = ParseJson(*text);
  auto file = GgufFile::Open(path);
  ASSERT_TRUE(golden.has_value() && file.has_value());
  const auto model = Model::Load(*std::move(file), {.thread_count = 2});
  ASSERT_TRUE(model.has_value());
  int clear = 0;
  for (const json::value& prompt : Find(*golden, "prompts")->as_array()) {
    KvSequence sequence = (*model)->NewSequence();
    const json::array& continuation = prompt.at("continuation").as_array();
    for (const json::value& token : prompt.at("tokens").as_array()) {
      const auto id = token.to_number<TokenId>();
      ASSERT_TRUE((*model)->Forward(std::span(&id, 1), sequence));
    }
    for (std::size_t i = 0; i < continuation.size(); ++i) {
      const std::span<const float> logits = (*model)->Logits(0);
      const auto id = continuation[i].to_number<TokenId>();
      if (prompt.at("lead").at(i).to_number<double>() > kClearLead) {
        ++clear;
        EXPECT_EQ(std::ranges::max_element(logits) - logits.begin(), id) << i;
      }
      ASSERT_TRUE((*model)->Forward(std::span(&id, 1), sequence));
    }
  }
  EXPECT_GT(clear, 200);
}

TEST(FidelityGoldenTest, StoriesTellTheirPublishedText) {
  const fs::path shared = FolderOf("KINGLET_SHARED");
  if (shared.empty()) GTEST_SKIP() << "KINGLET_SHARED is not set";
  const auto engine =
      Engine::Open(shared / "data/tiny-models/stories260k-f32.gguf", {.thread_count = 2});
  const auto expected =
      ReadFile(shared / "data/stories260K/golden_greedy_n200.txt", std::size_t{1} << 16);
  ASSERT_TRUE(engine.has_value() && expected.has_value());
  GenerationRequest request;
  request.prompt = {*(*engine)->tokenizer().bos()};
  request.max_tokens = 200;
  const auto result = (*engine)->Generate(request, nullptr);
  ASSERT_TRUE(result.has_value());
  std::string text = (*engine)->tokenizer().Decode(result->tokens);
  std::string_view published = *expected;
  while (published.ends_with('\n')) published.remove_suffix(1);
  EXPECT_EQ(text.substr(0, published.size()), published);
  EXPECT_LE(text.size(), published.size() + 8);
}

}  // namespace
}  // namespace kinglet
