// SPDX-License-Identifier: Apache-2.0
// THE invariant on a real model: what follows a token of a text of 700 has the same bits in every
// batch, chunk, thread count and placement of pages.
#include <cstdlib>
#include <filesystem>

#include <gtest/gtest.h>

#include "model/same_bits_for_test.h"

namespace kinglet {
namespace {

class BatchGoldenTest : public testing::Test {
 protected:
  void SetUp() override {
    const char* const folder = std::getenv("KINGLET_TEST_MODELS");
    if (folder == nullptr) GTEST_SKIP() << "KINGLET_TEST_MODELS is not set";
    path_ = std::filesystem::path(folder) / "SmolLM2-135M-Instruct.Q4_1.gguf";
    if (!std::filesystem::exists(path_)) GTEST_SKIP() << path_ << " is not here";
  }

  std::unique_ptr<Model> Load(int threads) {
    auto file = GgufFile::Open(path_);
    EXPECT_TRUE(file.has_value());
    auto model = Model::Load(
        *std::move(file),
        {.thread_count = threads, .context_tokens = 1024, .kv_bytes = std::size_t{512} << 20});
    EXPECT_TRUE(model.has_value()) << model.error().message();
    return *std::move(model);
  }

  std::filesystem::path path_;
};

TEST_F(BatchGoldenTest, NothingAroundATokenChangesABit) {
  const auto model = Load(2);
  const auto tokens = RandomTokens(*model, 700, 1);
  const LogitDigests truth = RunAlone(*model, tokens, 1);
  ExpectSame(truth, RunAlone(*model, tokens, kStepTokens), "chunk of a whole step");
  ExpectSame(truth, RunAlone(*model, tokens, 33), "chunk of 33");
  ExpectSame(truth, RunMixed(*model, tokens, 7), "beside seven others");

  KvSequence original = model->NewSequence();
  RunAlone(*model, original, std::span(tokens).first(650), kStepTokens);
  KvSequence fork = original.Fork(333);
  KvSequence astray = original.Fork(333);
  RunAlone(*model, astray, RandomTokens(*model, 400, 2), kStepTokens);
  ExpectSame(truth, RunAlone(*model, fork, tokens, 100), "fork");
  ExpectSame(truth, RunAlone(*model, original, tokens, 1), "original of forks");

  for (const int threads : {1, 3, 8}) {
    const auto other = Load(threads);
    ExpectSame(truth, RunAlone(*other, tokens, kStepTokens), "threads");
    KvSequence late = other->NewSequence();
    RunAlone(*other, late, std::span(tokens).first(680), kStepTokens);
    ExpectSame(truth, RunAlone(*other, late, tokens, 1), "threads, token by token");
  }
}

}  // namespace
}  // namespace kinglet
