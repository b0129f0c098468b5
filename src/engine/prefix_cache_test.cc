// SPDX-License-Identifier: Apache-2.0
// Which tokens are found again, who owns their pages, and what goes when pages are short.
#include "engine/prefix_cache.h"

#include <numeric>
#include <random>

#include <gtest/gtest.h>

namespace kinglet {
namespace {

std::unique_ptr<KvPages> MakePool(std::size_t pages) {
  ModelConfig config;
  config.block_count = 1;
  config.kv_head_count = 1;
  config.head_count = 1;
  config.head_dim = 16;
  auto pool = KvPages::Create(config, KvType::kF16, pages);
  EXPECT_TRUE(pool.has_value());
  return *std::move(pool);
}

const PageKey kScope = ScopeKey("one");

std::vector<TokenId> Text(std::size_t count, TokenId first = 0) {
  std::vector<TokenId> tokens(count);
  std::iota(tokens.begin(), tokens.end(), first);
  return tokens;
}

std::vector<TokenId> operator+(std::vector<TokenId> a, const std::vector<TokenId>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

// A sequence that has computed the tokens, from what the cache has of them.
KvSequence Compute(PrefixCache& cache, const std::vector<TokenId>& tokens,
                   const PageKey& scope = kScope) {
  KvSequence sequence = cache.Take(scope, tokens, 10'000);
  const std::size_t left = tokens.size() - sequence.length();
  if (!sequence.Reserve(left)) {
    cache.Evict(sequence.PagesToReserve(left));
    EXPECT_TRUE(sequence.Reserve(left));
  }
  sequence.Extend(left);
  return sequence;
}

void ComputeAndKeep(PrefixCache& cache, const std::vector<TokenId>& tokens,
                    const PageKey& scope = kScope) {
  KvSequence sequence = Compute(cache, tokens, scope);
  cache.Keep(scope, tokens, sequence, /*with_tail=*/true);
}

TEST(PrefixCacheTest, FindsWhatPromptsShareToTheToken) {
  const auto pool = MakePool(20);
  PrefixCache cache(*pool);
  ComputeAndKeep(cache, Text(200));
  EXPECT_EQ(cache.idle_pages(), 4U);
  EXPECT_EQ(cache.Look(kScope, Text(200)).tokens, 200U);
  EXPECT_EQ(cache.Look(kScope, Text(500)).tokens, 200U);
  EXPECT_EQ(cache.Look(kScope, Text(100)).tokens, 100U);  // amid a page
  EXPECT_EQ(cache.Look(kScope, Text(150) + Text(50, 900)).tokens, 150U);
  EXPECT_EQ(cache.Look(kScope, Text(10) + Text(90, 900)).tokens, 10U);
  EXPECT_EQ(cache.Look(kScope, Text(100, 900)).tokens, 0U);
  EXPECT_EQ(cache.Look(kScope, {}).tokens, 0U);
  const KvSequence sequence = cache.Take(kScope, Text(150) + Text(50, 900), 1000);
  EXPECT_EQ(sequence.length(), 150U);
  EXPECT_EQ(sequence.pages().size(), 3U);
  EXPECT_EQ(cache.idle_pages(), 1U);
  EXPECT_EQ(cache.OwnPages(sequence), 3U);
}

TEST(PrefixCacheTest, ScopesShareNothing) {
  const auto pool = MakePool(20);
  PrefixCache cache(*pool);
  ComputeAndKeep(cache, Text(200));
  EXPECT_EQ(cache.Look(ScopeKey("another"), Text(200)).tokens, 0U);
  EXPECT_EQ(cache.Look(ScopeKey(""), Text(200)).tokens, 0U);
}

TEST(PrefixCacheTest, AWriterCopiesTheSharedPageThatItGoesOnIn) {
  const auto pool = MakePool(20);
  PrefixCache cache(*pool);
  ComputeAndKeep(cache, Text(100));
  const std::uint8_t* const kept = cache.Take(kScope, Text(100), 1000).pages()[1];
  KvSequence sequence = cache.Take(kScope, Text(90) + Text(10, 900), 1000);
  EXPECT_EQ(sequence.length(), 90U);
  EXPECT_EQ(sequence.pages()[1], kept);
  EXPECT_EQ(sequence.PagesToReserve(10), 1U);
  ASSERT_TRUE(sequence.Reserve(10));
  EXPECT_NE(sequence.pages()[1], kept);
  EXPECT_EQ(cache.Take(kScope, Text(100), 1000).pages()[1], kept);
}

TEST(PrefixCacheTest, WhoComputedTheSameChangesOverToWhatIsThere) {
  const auto pool = MakePool(20);
  PrefixCache cache(*pool);
  KvSequence first = Compute(cache, Text(128));
  KvSequence second = Compute(cache, Text(128));  // neither was kept yet
  EXPECT_EQ(pool->free_count(), 16U);
  cache.Keep(kScope, Text(128), first, true);
  cache.Keep(kScope, Text(128), second, true);
  EXPECT_EQ(pool->free_count(), 18U);
  EXPECT_EQ(first.pages()[0], second.pages()[0]);
  EXPECT_EQ(first.pages()[1], second.pages()[1]);
  EXPECT_EQ(cache.OwnPages(first), 0U);
}

TEST(PrefixCacheTest, ALongerPageTakesThePlaceOfAShorterOne) {
  const auto pool = MakePool(20);
  PrefixCache cache(*pool);
  for (const std::size_t length : {30, 50, 64, 100, 101}) ComputeAndKeep(cache, Text(length));
  EXPECT_EQ(cache.idle_pages(), 2U);
  EXPECT_EQ(pool->free_count(), 18U);
  EXPECT_EQ(cache.Look(kScope, Text(101)).tokens, 101U);
  ComputeAndKeep(cache, Text(70));  // less than what is there
  EXPECT_EQ(cache.idle_pages(), 2U);
}

TEST(PrefixCacheTest, WhatWasUsedLeastRecentlyGoesFirstAndLeavesBeforeTheirParents) {
  const auto pool = MakePool(8);
  PrefixCache cache(*pool);
  ComputeAndKeep(cache, Text(128));                 // two pages
  ComputeAndKeep(cache, Text(64) + Text(64, 500));  // shares the first
  ComputeAndKeep(cache, Text(128, 700));            // two others
  (void)cache.Take(kScope, Text(128), 1000);        // uses the first two again
  cache.Evict(1);
  EXPECT_EQ(cache.Look(kScope, Text(64) + Text(64, 500)).tokens, 64U);
  cache.Evict(1);
  EXPECT_EQ(cache.Look(kScope, Text(128, 700)).tokens, 64U);
  cache.Evict(1);
  EXPECT_EQ(cache.Look(kScope, Text(128, 700)).tokens, 0U);
  EXPECT_EQ(cache.Look(kScope, Text(128)).tokens, 128U);
  cache.Evict(100);
  EXPECT_EQ(cache.idle_pages(), 0U);
  EXPECT_EQ(pool->free_count(), 8U);
}

TEST(PrefixCacheTest, PagesInUseAreNotFreed) {
  const auto pool = MakePool(8);
  PrefixCache cache(*pool);
  ComputeAndKeep(cache, Text(256));
  const KvSequence user = cache.Take(kScope, Text(130), 1000);
  cache.Evict(100);
  EXPECT_EQ(cache.Look(kScope, Text(256)).tokens, 192U);  // the third page is used in part
  EXPECT_EQ(pool->free_count(), 5U);
}

TEST(PrefixCacheTest, LastingPagesAreAskedForOnceParentsFirst) {
  const auto pool = MakePool(20);
  PrefixCache cache(*pool);
  {
    KvSequence sequence = Compute(cache, Text(200));
    cache.Keep(kScope, Text(200), sequence, true, Lasting::kOnceReused, 150);
  }
  std::vector<PageKey> given_up;
  const auto take = [&](std::size_t most) { return cache.TakeUnsaved(most, 100, given_up); };
  EXPECT_TRUE(take(10).empty());  // nobody came again
  (void)cache.Take(kScope, Text(200), 1000);
  std::vector<PrefixCache::Unsaved> unsaved = take(1);
  ASSERT_EQ(unsaved.size(), 1U);
  EXPECT_EQ(unsaved[0].parent, kScope);
  EXPECT_EQ(unsaved[0].tokens, Text(64));
  const PageKey first = unsaved[0].key;
  EXPECT_TRUE(take(1).empty());  // one is on its way
  unsaved = take(10);
  ASSERT_EQ(unsaved.size(), 1U);  // tokens 150 to 200 were not to last
  EXPECT_EQ(unsaved[0].parent, first);
  EXPECT_TRUE(take(10).empty());
  cache.Evict(100);
  EXPECT_EQ(cache.Look(kScope, Text(200)).tokens, 128U);  // what is being saved stays
  cache.Saved(first, true);
  cache.Saved(unsaved[0].key, true);
  cache.Evict(100);
  EXPECT_EQ(pool->free_count(), 20U);
  const PrefixCache::Found found = cache.Look(kScope, Text(200));
  EXPECT_EQ(found.tokens, 128U);
  EXPECT_EQ(found.on_disk, (std::vector<PageKey>{first, unsaved[0].key}));
  EXPECT_EQ(cache.Take(kScope, Text(200), 1000).length(), 0U);
}

TEST(PrefixCacheTest, PagesComeBackFromTheDisk) {
  const auto pool = MakePool(4);
  PrefixCache cache(*pool);
  const PageKey first = PageKeyAfter(kScope, Text(64));
  const std::vector<TokenId> tail = Text(20, 64);
  const PageKey second = PageKeyAfter(first, tail);
  cache.AddOnDisk(kScope, first, second, tail);  // before its parent: of no use
  EXPECT_EQ(cache.pages_on_disk(), 0U);
  cache.AddOnDisk(kScope, kScope, first, Text(64));
  cache.AddOnDisk(kScope, first, second, tail);
  cache.AddOnDisk(kScope, first, PageKeyAfter(first, Text(9)), tail);  // another one's key
  EXPECT_EQ(cache.pages_on_disk(), 2U);
  EXPECT_EQ(cache.Look(kScope, Text(80)).tokens, 80U);
  for (const PageKey& key : cache.Look(kScope, Text(80)).on_disk) {
    std::uint8_t* const page = cache.RoomFor(key);
    ASSERT_NE(page, nullptr);
    EXPECT_EQ(cache.RoomFor(key), nullptr);  // it is on its way
    cache.Loaded(key, page, true);
  }
  EXPECT_TRUE(cache.Look(kScope, Text(80)).on_disk.empty());
  EXPECT_EQ(cache.Take(kScope, Text(80), 1000).length(), 80U);
  EXPECT_EQ(cache.idle_pages(), 2U);
}

TEST(PrefixCacheTest, ASpoiltPageIsForgottenAndComputedAgain) {
  const auto pool = MakePool(4);
  PrefixCache cache(*pool);
  const PageKey first = PageKeyAfter(kScope, Text(64));
  cache.AddOnDisk(kScope, kScope, first, Text(64));
  std::uint8_t* const page = cache.RoomFor(first);
  cache.Loaded(first, page, false);
  EXPECT_EQ(pool->free_count(), 4U);
  EXPECT_EQ(cache.pages_on_disk(), 0U);
  EXPECT_EQ(cache.Look(kScope, Text(64)).tokens, 0U);
  ComputeAndKeep(cache, Text(64));
  EXPECT_EQ(cache.Look(kScope, Text(64)).tokens, 64U);
}

TEST(PrefixCacheTest, TheDiskGivesUpLeavesThatWereUsedLeast) {
  const auto pool = MakePool(8);
  PrefixCache cache(*pool);
  const PageKey first = PageKeyAfter(kScope, Text(64));
  const PageKey second = PageKeyAfter(first, Text(64, 64));
  cache.AddOnDisk(kScope, kScope, first, Text(64));
  cache.AddOnDisk(kScope, first, second, Text(64, 64));
  {
    KvSequence sequence = Compute(cache, Text(64, 500));
    cache.Keep(kScope, Text(64, 500), sequence, true, Lasting::kAtOnce, 64);
  }
  std::vector<PageKey> given_up;
  const auto unsaved = cache.TakeUnsaved(4, 2, given_up);
  ASSERT_EQ(unsaved.size(), 1U);
  EXPECT_EQ(given_up, std::vector<PageKey>{second});
  cache.Saved(unsaved[0].key, true);
  EXPECT_EQ(cache.pages_on_disk(), 2U);
  EXPECT_EQ(cache.Look(kScope, Text(128)).tokens, 64U);
}

TEST(PrefixCacheTest, ADiskThatIsTooSmallForAPromptIsNotWrittenOverAndOver) {
  const auto pool = MakePool(20);
  PrefixCache cache(*pool);
  KvSequence sequence = Compute(cache, Text(640));
  cache.Keep(kScope, Text(640), sequence, true, Lasting::kAtOnce, 640);
  std::size_t saved = 0;
  std::vector<PageKey> given_up;
  for (int i = 0; i < 100; ++i) {
    for (const auto& unsaved : cache.TakeUnsaved(2, 3, given_up)) {
      cache.Saved(unsaved.key, true);
      ++saved;
    }
  }
  EXPECT_EQ(saved, 3U);
  EXPECT_TRUE(given_up.empty());
}

TEST(PrefixCacheTest, ADroppedScopeLeavesNothing) {
  const auto pool = MakePool(8);
  PrefixCache cache(*pool);
  ComputeAndKeep(cache, Text(100));
  ComputeAndKeep(cache, Text(100), ScopeKey("two"));
  const PageKey on_disk = PageKeyAfter(kScope, Text(64, 900));
  cache.AddOnDisk(kScope, kScope, on_disk, Text(64, 900));
  const KvSequence user = cache.Take(kScope, Text(100), 1000);
  EXPECT_EQ(cache.Drop(kScope), std::vector<PageKey>{on_disk});
  EXPECT_EQ(cache.Look(kScope, Text(100)).tokens, 0U);
  EXPECT_EQ(cache.Look(ScopeKey("two"), Text(100)).tokens, 100U);
  EXPECT_EQ(user.length(), 100U);
  EXPECT_EQ(cache.pages_on_disk(), 0U);
}

// Random prompts over few tokens, kept and evicted at random: a prompt finds at most what was
// computed, and no page is lost.
TEST(PrefixCacheTest, HoldsTogetherWhateverComes) {
  for (unsigned seed = 0; seed < 30; ++seed) {
    std::mt19937 random(seed);
    const auto pool = MakePool(24);
    {
      PrefixCache cache(*pool);
      std::vector<KvSequence> held;
      for (int i = 0; i < 400; ++i) {
        std::vector<TokenId> tokens;
        const std::size_t length = 1 + random() % 300;
        for (std::size_t at = 0; at < length; ++at) {
          tokens.push_back(at % 40 == 0 ? static_cast<TokenId>(random() % 2) : 7);
        }
        const PageKey scope = ScopeKey(random() % 2 == 0 ? "a" : "b");
        KvSequence sequence = cache.Take(scope, tokens, 10'000);
        ASSERT_LE(sequence.length(), tokens.size());
        const std::size_t left = tokens.size() - sequence.length();
        const std::size_t pages = sequence.PagesToReserve(left);
        if (pages > pool->free_count()) cache.Evict(pages - pool->free_count());
        if (!sequence.Reserve(left)) {
          held.clear();
          continue;
        }
        sequence.Extend(left);
        if (random() % 3 > 0) cache.Keep(scope, tokens, sequence, random() % 2 == 0);
        if (random() % 4 == 0) held.push_back(std::move(sequence));
        if (random() % 10 == 0) cache.Evict(random() % 5);
        if (random() % 50 == 0) (void)cache.Drop(scope);
        ASSERT_LE(cache.idle_pages() + pool->free_count(), pool->page_count());
      }
      held.clear();
      EXPECT_EQ(cache.idle_pages() + pool->free_count(), pool->page_count()) << "seed " << seed;
    }
    EXPECT_EQ(pool->free_count(), pool->page_count()) << "seed " << seed;
  }
}

}  // namespace
}  // namespace kinglet
