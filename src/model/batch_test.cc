// SPDX-License-Identifier: Apache-2.0
// THE invariant: what follows a token has the same bits in every batch, chunk, thread count and
// placement of pages; on a model whose text crosses pages and segments.
#include <cmath>
#include <cstring>
#include <random>

#include <gtest/gtest.h>

#include "model/model_for_test.h"
#include "model/same_bits_for_test.h"

namespace kinglet {
namespace {

constexpr std::size_t kTokens = 600;  // three segments, ten pages

std::unique_ptr<Model> LoadRandom(const ModelOptions& options, std::uint32_t window = 0) {
  static std::vector<std::string> files;  // what models are views of
  GgufForTest file = RandomModelForTest();
  if (window > 0) file.Uint32("llama.attention.sliding_window", window);
  files.push_back(file.Bytes());
  auto parsed = GgufFile::Parse(std::as_bytes(std::span(files.back())));
  EXPECT_TRUE(parsed.has_value());
  auto model = Model::Load(*std::move(parsed), options);
  EXPECT_TRUE(model.has_value()) << model.error().message();
  return *std::move(model);
}

ModelOptions Options(int threads, KvType type = KvType::kF16) {
  return {.thread_count = threads,
          .context_tokens = 1024,
          .kv_type = type,
          .kv_bytes = std::size_t{64} << 20};
}

TEST(BatchTest, ChunksAndThreadsChangeNoBit) {
  for (const KvType type : {KvType::kF16, KvType::kQ8_0, KvType::kF32}) {
    const auto model = LoadRandom(Options(1, type));
    const auto tokens = RandomTokens(*model, kTokens, 1);
    const LogitDigests truth = RunAlone(*model, tokens, 1);
    for (const int threads : {1, 2, 3, 8}) {
      const auto other = LoadRandom(Options(threads, type));
      for (const std::size_t chunk :
           {std::size_t{1}, std::size_t{7}, std::size_t{64}, kStepTokens}) {
        ExpectSame(truth, RunAlone(*other, tokens, chunk), "chunk");
      }
    }
  }
}

TEST(BatchTest, OtherSequencesChangeNoBit) {
  for (const std::uint32_t window : {0U, 100U}) {
    const auto model = LoadRandom(Options(1), window);
    const auto tokens = RandomTokens(*model, kTokens, 1);
    const LogitDigests truth = RunAlone(*model, tokens, 1);
    ExpectSame(truth, RunMixed(*model, tokens, 7), "one thread");
    ExpectSame(truth, RunMixed(*LoadRandom(Options(3), window), tokens, 7), "three threads");
  }
}

TEST(BatchTest, AWindowHidesWhatIsBeforeIt) {
  const auto narrow = LoadRandom(Options(2), 100);
  const auto wide = LoadRandom(Options(2));
  const auto tokens = RandomTokens(*narrow, 300, 1);
  const LogitDigests seen = RunAlone(*narrow, tokens, 1);
  const LogitDigests all = RunAlone(*wide, tokens, 1);
  EXPECT_EQ(seen.at(99), all.at(99));
  EXPECT_NE(seen.at(100), all.at(100));
}

TEST(BatchTest, AForkGoesOnAsItsOriginalWould) {
  const auto model = LoadRandom(Options(2));
  const auto tokens = RandomTokens(*model, kTokens, 1);
  const LogitDigests truth = RunAlone(*model, tokens, 1);
  KvSequence original = model->NewSequence();
  RunAlone(*model, original, std::span(tokens).first(450), kStepTokens);
  for (const std::size_t prefix : {64U, 100U, 333U, 450U}) {
    KvSequence fork = original.Fork(prefix);
    KvSequence astray = original.Fork(prefix);
    RunAlone(*model, astray, RandomTokens(*model, 500, 2), 50);  // writes to what all three share
    ExpectSame(truth, RunAlone(*model, fork, tokens, 31), "fork");
  }
  ExpectSame(truth, RunAlone(*model, original, tokens, 31), "original");
  // A sequence cut back and written again.
  original.Truncate(280);
  RunAlone(*model, original, RandomTokens(*model, 300, 3), 20);
  original.Truncate(280);
  ExpectSame(truth, RunAlone(*model, original, tokens, 31), "cut back");
}

TEST(BatchTest, PagesInAnyOrderChangeNoBit) {
  const auto model = LoadRandom(Options(2));
  const auto tokens = RandomTokens(*model, kTokens, 1);
  const LogitDigests truth = RunAlone(*model, tokens, 1);
  {
    // Pages are given back in an order that is not that of their addresses.
    std::vector<KvSequence> sequences;
    for (int i = 0; i < 5; ++i) {
      sequences.push_back(model->NewSequence());
      RunAlone(*model, sequences.back(), RandomTokens(*model, 150, 4), 75);
    }
    std::swap(sequences[0], sequences[3]);
    std::swap(sequences[1], sequences[4]);
  }
  ExpectSame(truth, RunAlone(*model, tokens, 64), "after others");
}

TEST(BatchTest, LogitsAreThoseOfTheTokensThatAsked) {
  const auto model = LoadRandom(Options(2));
  const auto tokens = RandomTokens(*model, 120, 1);
  const LogitDigests truth = RunAlone(*model, tokens, 1);
  KvSequence sequence = model->NewSequence();
  ASSERT_TRUE(model->Forward(tokens, sequence, tokens.size()));  // in two passes over the weights
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    EXPECT_EQ(Digest(model->Logits(i)), truth.at(i)) << i;
  }
}

TEST(BatchTest, ABatchThatFindsNoPageLeavesAllAsItWas) {
  ModelOptions options = Options(1);
  const auto probe = LoadRandom(options);
  options.kv_bytes = 3 * probe->pages().page_bytes();
  const auto model = LoadRandom(options);
  const auto tokens = RandomTokens(*model, kTokens, 1);
  KvSequence first = model->NewSequence();
  KvSequence second = model->NewSequence();
  ASSERT_TRUE(model->Forward(std::span(tokens).first(60), first));
  ASSERT_TRUE(model->Forward(std::span(tokens).first(64), second));
  const BatchItem batch[] = {{&first, std::span(tokens).subspan(60, 10)},
                             {&second, std::span(tokens).subspan(64, 1)}};
  const auto refused = model->Forward(batch);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code(), StatusCode::kLimitExceeded);
  EXPECT_EQ(refused.error().message(), "the keys and values of 192 tokens fill their memory");
  EXPECT_EQ(first.length(), 60U);
  EXPECT_EQ(second.length(), 64U);
  EXPECT_EQ(model->pages().free_count(), 1U);
  ASSERT_TRUE(model->Forward(std::span(batch).first(1)));  // each of them alone finds one
}

std::span<const float> FloatsOf(const Model& model, std::string_view name) {
  const Tensor* const tensor = model.file().FindTensor(name);
  EXPECT_NE(tensor, nullptr) << name;
  return {reinterpret_cast<const float*>(tensor->data.data()), tensor->data.size() / sizeof(float)};
}

// What the last layer leaves, normalised, times the embedding of a token is that token's logit.
TEST(BatchTest, TheLastStateIsWhatLogitsAreMadeOf) {
  const auto model = LoadRandom(Options(2));
  const std::size_t width = model->config().embedding_length;
  const auto tokens = RandomTokens(*model, 40, 3);
  KvSequence sequence = model->NewSequence();
  KvSequence other = model->NewSequence();
  std::vector<float> first(width);
  std::vector<float> last(width);
  const BatchItem items[] = {
      {.sequence = &other, .tokens = tokens, .state = first.data(), .state_layer = 0},
      {.sequence = &sequence, .tokens = tokens, .state = last.data(), .state_layer = 1}};
  ASSERT_TRUE(model->Forward(items));
  double squares = 0;
  for (const float value : last) squares += static_cast<double>(value) * value;
  const double scale = 1 / std::sqrt(squares / static_cast<double>(width) + 1e-5);
  const auto norm = FloatsOf(*model, "output_norm.weight");
  const auto embedding = FloatsOf(*model, "token_embd.weight");
  const std::span<const float> logits = model->Logits(2 * 40 - 1);
  for (std::size_t token = 0; token < logits.size(); ++token) {
    double logit = 0;
    for (std::size_t i = 0; i < width; ++i) {
      logit += static_cast<double>(last[i]) * scale * norm[i] * embedding[token * width + i];
    }
    EXPECT_NEAR(logits[token], logit, 1e-4 * (1 + std::abs(logit))) << token;
  }
  EXPECT_NE(first, last);
  // Alone and in pieces: the same bits.
  KvSequence alone = model->NewSequence();
  std::vector<float> again(width);
  ASSERT_TRUE(model->Forward(std::span(tokens).first(33), alone));
  const BatchItem rest = {.sequence = &alone,
                          .tokens = std::span(tokens).subspan(33),
                          .state = again.data(),
                          .state_layer = 0};
  ASSERT_TRUE(model->Forward(std::span(&rest, 1)));
  EXPECT_EQ(Digest(again), Digest(first));
}

}  // namespace
}  // namespace kinglet
