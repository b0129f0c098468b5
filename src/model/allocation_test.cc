// SPDX-License-Identifier: Apache-2.0
// A step allocates nothing: every operator new of the program is counted.
#include <atomic>
#include <cstdlib>
#include <new>

#include <gtest/gtest.h>

#include "model/encoder.h"
#include "model/encoder_for_test.h"
#include "model/family_model_for_test.h"
#include "model/model_for_test.h"
#include "model/same_bits_for_test.h"

namespace {

std::atomic<std::size_t> allocations = 0;

void* Count(std::size_t bytes, std::size_t alignment) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  void* const memory =
      std::aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
  if (memory == nullptr) std::abort();
  return memory;
}

}  // namespace

void* operator new(std::size_t bytes) { return Count(bytes, alignof(std::max_align_t)); }
void* operator new(std::size_t bytes, std::align_val_t alignment) {
  return Count(bytes, static_cast<std::size_t>(alignment));
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }

namespace kinglet {
namespace {

TEST(AllocationTest, TheCounterCounts) {
  const std::size_t before = allocations;
  const auto number = std::make_unique<int>(1);
  EXPECT_EQ(allocations, before + 1);
}

// From the first step on: long and short ones, of one sequence and of several, with pages taken,
// copied and given back, on one thread and on several.
TEST(AllocationTest, AStepAllocatesNothing) {
  const std::string bytes = RandomModelForTest().Bytes();
  for (const int threads : {1, 3}) {
    for (const KvType type : {KvType::kF16, KvType::kQ8_0}) {
      auto model = Model::Load(GgufFile::Parse(std::as_bytes(std::span(bytes))).value(),
                               {.thread_count = threads, .kv_type = type, .kv_bytes = 16U << 20U})
                       .value();
      const auto tokens = RandomTokens(*model, 700, 1);
      KvSequence first = model->NewSequence();
      KvSequence second = model->NewSequence();
      const auto text = std::span(tokens);
      const BatchItem batch[] = {{&first, text.subspan(600, 3)}, {&second, text.first(70), 40}};
      std::size_t before = allocations;
      ASSERT_TRUE(model->Forward(text.first(500), first, 0));
      ASSERT_TRUE(model->Forward(text.subspan(500, 100), first, 100));
      ASSERT_TRUE(model->Forward(batch));
      for (std::size_t i = 70; i < 140; ++i)
        ASSERT_TRUE(model->Forward(text.subspan(i, 1), second));
      second.Truncate(60);
      EXPECT_EQ(allocations, before) << threads << " threads";
      KvSequence fork = first.Fork(590);
      before = allocations;
      ASSERT_TRUE(model->Forward(text.subspan(590, 10), fork));
      EXPECT_EQ(allocations, before) << threads << " threads";
    }
  }
}

// A long piece, tokens one by one, and two sequences together.
TEST(AllocationTest, NoFamilyAllocatesInAStep) {
  const std::vector<TokenId> tokens(300, 7);
  for (const std::string family : kFamilyModels) {
    for (const Weights weights : {Weights::kF32, Weights::kQ8_0}) {
      const std::string bytes = MakeFamilyModel(family, weights).Bytes();
      const auto model = Model::Load(GgufFile::Parse(std::as_bytes(std::span(bytes))).value(),
                                     {.thread_count = 3, .kv_bytes = 8U << 20U})
                             .value();
      KvSequence first = model->NewSequence();
      KvSequence second = model->NewSequence();
      const auto text = std::span(tokens);
      const BatchItem batch[] = {{&first, text.first(30), 3}, {&second, text.first(1), 1}};
      const std::size_t before = allocations;
      ASSERT_TRUE(model->Forward(text, first));
      for (int i = 0; i < 40; ++i) ASSERT_TRUE(model->Forward(text.first(1), second));
      ASSERT_TRUE(model->Forward(batch));
      EXPECT_EQ(allocations, before) << family;
    }
  }
}

TEST(AllocationTest, AnEncoderAllocatesNothing) {
  const std::string bytes = BertForTest().Bytes();
  const auto encoder =
      Encoder::Load(GgufFile::Parse(std::as_bytes(std::span(bytes))).value(), {.thread_count = 3})
          .value();
  const std::vector<std::vector<TokenId>> texts(50, {2, 5, 6, 7, 3});
  std::vector<float> vectors(texts.size() * encoder->width());
  const std::size_t before = allocations;
  ASSERT_TRUE(encoder->Embed(texts, vectors));
  EXPECT_EQ(allocations, before);
}

}  // namespace
}  // namespace kinglet
