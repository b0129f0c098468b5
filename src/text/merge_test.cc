// SPDX-License-Identifier: Apache-2.0
#include "text/merge.h"

#include <map>
#include <random>

#include <gtest/gtest.h>

namespace kinglet {
namespace {

using Merges = std::map<std::pair<TokenId, TokenId>, Merge>;

std::vector<TokenId> MergeAll(const std::vector<TokenId>& ids, const Merges& merges) {
  SymbolMerger merger;
  for (std::uint32_t i = 0; i < ids.size(); ++i) merger.symbols.push_back({i, 1, ids[i]});
  merger.Run([&](const MergeSymbol& left, const MergeSymbol& right) {
    const auto found = merges.find({left.id, right.id});
    return found == merges.end() ? Merge{} : found->second;
  });
  std::vector<TokenId> merged;
  std::uint32_t begin = 0;
  for (const MergeSymbol& symbol : merger.symbols) {
    EXPECT_EQ(symbol.begin, begin);
    begin += symbol.size_bytes;
    merged.push_back(symbol.id);
  }
  EXPECT_EQ(begin, ids.size());
  return merged;
}

// The definition: the best pair, leftmost of equals, again and again.
std::vector<TokenId> RunByDefinition(std::vector<TokenId> ids, const Merges& merges) {
  while (true) {
    Merge best;
    std::size_t at = 0;
    for (std::size_t i = 0; i + 1 < ids.size(); ++i) {
      const auto found = merges.find({ids[i], ids[i + 1]});
      if (found != merges.end() && found->second.rank < best.rank) {
        best = found->second;
        at = i;
      }
    }
    if (best.rank == Merge::kNone) return ids;
    ids[at] = best.id;
    ids.erase(ids.begin() + static_cast<std::ptrdiff_t>(at) + 1);
  }
}

TEST(SymbolMerger, TakesTheBestPairAndTheLeftmostOfEquals) {
  const Merges merges = {{{1, 1}, {5, 2}}, {{1, 3}, {0, 4}}};
  EXPECT_EQ(MergeAll({1, 1, 1}, merges), (std::vector<TokenId>{2, 1}));
  EXPECT_EQ(MergeAll({1, 1, 3}, merges), (std::vector<TokenId>{1, 4}));
}

TEST(SymbolMerger, LeavesNothingAndOneAlone) {
  EXPECT_TRUE(MergeAll({}, {}).empty());
  EXPECT_EQ(MergeAll({7}, {}), (std::vector<TokenId>{7}));
}

TEST(SymbolMerger, AgreesWithTheDefinitionOnShortAndLongPieces) {
  std::mt19937 random(1);
  const auto draw = [&](int below) { return static_cast<TokenId>(random() % below); };
  for (int round = 0; round < 300; ++round) {
    Merges merges;
    for (int i = 0; i < 12; ++i)
      merges[{draw(10), draw(10)}] = {static_cast<std::uint32_t>(draw(6)), draw(10)};
    std::vector<TokenId> ids;
    for (TokenId left = draw(150); left > 0; --left) ids.push_back(draw(4));
    EXPECT_EQ(MergeAll(ids, merges), RunByDefinition(ids, merges)) << "round " << round;
  }
}

}  // namespace
}  // namespace kinglet
