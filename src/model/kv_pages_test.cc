// SPDX-License-Identifier: Apache-2.0
// Who owns a page, when it is copied, and when it comes back.
#include "model/kv_pages.h"

#include <gtest/gtest.h>

namespace kinglet {
namespace {

std::unique_ptr<KvPages> MakePool(std::size_t pages) {
  ModelConfig config;
  config.block_count = 2;
  config.kv_head_count = 3;
  config.head_count = 3;
  config.head_dim = 8;
  auto pool = KvPages::Create(config, KvType::kF16, pages);
  EXPECT_TRUE(pool.has_value());
  return *std::move(pool);
}

void Append(KvSequence& sequence, std::size_t count) {
  ASSERT_TRUE(sequence.Reserve(count));
  sequence.Extend(count);
}

TEST(KvPagesTest, BlocksOfAllLayersAndHeadsFillAPage) {
  const auto pool = MakePool(4);
  EXPECT_EQ(pool->layout().bytes, 64U * 8 * 2 + 64U * 16 * 2);
  EXPECT_EQ(pool->page_bytes(), 6 * pool->layout().bytes);
  EXPECT_EQ(pool->BlockOffset(1, 2), 5 * pool->layout().bytes);
  EXPECT_EQ(pool->bytes(), 4 * pool->page_bytes());
}

TEST(KvPagesTest, PagesAreTakenAsTokensComeAndGivenBackAsTheyGo) {
  const auto pool = MakePool(4);
  {
    KvSequence sequence(*pool, 1000);
    EXPECT_EQ(pool->free_count(), 4U);
    Append(sequence, 64);
    EXPECT_EQ(pool->free_count(), 3U);
    Append(sequence, 1);
    EXPECT_EQ(pool->free_count(), 2U);
    sequence.Truncate(64);
    EXPECT_EQ(pool->free_count(), 3U);
    Append(sequence, 192);
    EXPECT_EQ(pool->free_count(), 0U);
    EXPECT_EQ(sequence.Reserve(1).error().code(), StatusCode::kLimitExceeded);
    EXPECT_EQ(sequence.length(), 256U);
    sequence = KvSequence(*pool, 1000);
    EXPECT_EQ(pool->free_count(), 4U);
    Append(sequence, 10);
  }
  EXPECT_EQ(pool->free_count(), 4U);
}

TEST(KvPagesTest, AReservationThatFailsKeepsNoPage) {
  const auto pool = MakePool(2);
  KvSequence sequence(*pool, 1000);
  Append(sequence, 10);
  EXPECT_FALSE(sequence.Reserve(200));
  EXPECT_EQ(pool->free_count(), 1U);
  Append(sequence, 118);
}

TEST(KvPagesTest, ASharedPageIsCopiedByWhoWritesToIt) {
  const auto pool = MakePool(4);
  KvSequence first(*pool, 1000);
  Append(first, 70);
  first.pages()[1][5] = 42;
  KvSequence second = first.Fork(66);
  EXPECT_EQ(pool->free_count(), 2U);
  EXPECT_EQ(second.pages()[0], first.pages()[0]);
  EXPECT_EQ(second.pages()[1], first.pages()[1]);
  Append(second, 1);
  EXPECT_EQ(pool->free_count(), 1U);
  EXPECT_EQ(second.pages()[0], first.pages()[0]);
  ASSERT_NE(second.pages()[1], first.pages()[1]);
  EXPECT_EQ(second.pages()[1][5], 42);
  second.pages()[1][5] = 43;
  EXPECT_EQ(first.pages()[1][5], 42);
  // The first owns its page alone by now.
  const std::uint8_t* const page = first.pages()[1];
  Append(first, 1);
  EXPECT_EQ(first.pages()[1], page);
}

TEST(KvPagesTest, ASharedPageStaysUntilItsLastOwnerGoes) {
  const auto pool = MakePool(4);
  KvSequence last(*pool, 1000);
  {
    KvSequence first(*pool, 1000);
    Append(first, 128);
    last = first.Fork(128);
    KvSequence third = last.Fork(64);
    EXPECT_EQ(pool->free_count(), 2U);
  }
  EXPECT_EQ(pool->free_count(), 2U);
  last.Truncate(64);
  EXPECT_EQ(pool->free_count(), 3U);
  last.Truncate(0);
  EXPECT_EQ(pool->free_count(), 4U);
}

TEST(KvPagesTest, ACopyThatFindsNoPageLeavesTheSequenceAsItWas) {
  const auto pool = MakePool(1);
  KvSequence first(*pool, 1000);
  Append(first, 10);
  KvSequence second = first.Fork(5);
  EXPECT_FALSE(second.Reserve(1));
  EXPECT_EQ(second.length(), 5U);
  EXPECT_EQ(second.pages()[0], first.pages()[0]);
}

}  // namespace
}  // namespace kinglet
