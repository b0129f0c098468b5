// SPDX-License-Identifier: Apache-2.0
// A step takes no memory: every allocation of this program is counted.
#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <new>

#include <gtest/gtest.h>

#include "model/encoder.h"
#include "model/encoder_for_test.h"
#include "model/family_model_for_test.h"
#include "model/model.h"

namespace {

std::atomic<std::size_t> allocations{0};

void* Allocate(std::size_t bytes, std::size_t alignment) {
  ++allocations;
  const std::size_t whole = (std::max<std::size_t>(bytes, 1) + alignment - 1) / alignment;
  void* const memory = std::aligned_alloc(alignment, whole * alignment);
  if (memory == nullptr) std::abort();
  return memory;
}

}  // namespace

void* operator new(std::size_t bytes) { return Allocate(bytes, alignof(std::max_align_t)); }
void* operator new(std::size_t bytes, std::align_val_t alignment) {
  return Allocate(bytes, static_cast<std::size_t>(alignment));
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }

namespace kinglet {
namespace {

GgufFile Parse(const std::string& bytes) {
  return GgufFile::Parse(std::as_bytes(std::span(bytes))).value();
}

TEST(CountingTest, EachAllocationCounts) {
  const std::size_t before = allocations;
  const auto numbers = std::make_unique<std::vector<int>>(100);
  EXPECT_EQ(allocations, before + 2) << numbers->size();
}

class AllocationTest : public testing::TestWithParam<const char*> {};

// A long piece, tokens one by one, and several sequences, across pages and segments.
TEST_P(AllocationTest, AStepTakesNoMemory) {
  for (const Weights weights : {Weights::kF32, Weights::kQ8_0}) {
    const std::string bytes = MakeFamilyModel(GetParam(), weights).Bytes();
    const auto model =
        Model::Load(Parse(bytes), {.thread_count = 3, .kv_bytes = std::size_t{8} << 20}).value();
    KvSequence first = model->NewSequence();
    KvSequence second = model->NewSequence();
    const std::vector<TokenId> tokens(400, 7);
    const BatchItem batch[] = {{&first, std::span(tokens).first(30), 3},
                               {&second, std::span(tokens).first(1), 1}};
    const std::size_t before = allocations;
    ASSERT_TRUE(model->Forward(std::span(tokens).first(300), first));
    for (int i = 0; i < 40; ++i) ASSERT_TRUE(model->Forward(std::span(tokens).first(1), second));
    ASSERT_TRUE(model->Forward(batch));
    EXPECT_EQ(model->Logits(30).size(), FamilyModel::kVocabulary);
    EXPECT_EQ(allocations, before);
  }
}

INSTANTIATE_TEST_SUITE_P(All, AllocationTest, testing::ValuesIn(kFamilyModels),
                         [](const auto& family) { return std::string(family.param); });

TEST(EncoderAllocationTest, TextsTakeNoMemory) {
  const std::string bytes = BertForTest().Bytes();
  const auto encoder = Encoder::Load(Parse(bytes), 3).value();
  const std::vector<std::vector<TokenId>> texts(50, {2, 5, 6, 7, 3});
  std::vector<float> vectors(texts.size() * encoder->width());
  const std::size_t before = allocations;
  ASSERT_TRUE(encoder->Embed(texts, vectors));
  EXPECT_EQ(allocations, before);
}

}  // namespace
}  // namespace kinglet
