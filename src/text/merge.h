// SPDX-License-Identifier: Apache-2.0
// Byte pair merging: of all neighbours that make a token, the best pair becomes one, until none is
// left. BPE and SentencePiece differ only in what a pair is worth.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <vector>

#include "text/token_table.h"

namespace kinglet {

// What two neighbours make. The lowest rank is merged first, and of equal ones the leftmost.
struct Merge {
  static constexpr std::uint32_t kNone = std::numeric_limits<std::uint32_t>::max();

  std::uint32_t rank = kNone;
  TokenId id = kNoToken;
};

// A part of a piece of text. id is kNoToken where it is no token: such a part may still merge.
struct MergeSymbol {
  std::uint32_t begin = 0;
  std::uint32_t size_bytes = 0;
  TokenId id = kNoToken;
};

// Merges in place; keeps its buffers from one piece to the next.
class SymbolMerger {
 public:
  std::vector<MergeSymbol> symbols;  // set before Run, merged after it

  // lookup(left, right) -> Merge of two neighbouring symbols.
  template <typename Lookup>
  void Run(const Lookup& lookup) {
    if (symbols.size() <= kFewSymbols) {
      RunOnFew(lookup);
    } else {
      RunOnMany(lookup);
    }
  }

 private:
  // Below this, looking through all pairs for the best beats a heap.
  static constexpr std::size_t kFewSymbols = 48;
  static constexpr std::uint32_t kEnd = std::numeric_limits<std::uint32_t>::max();

  template <typename Lookup>
  void RunOnFew(const Lookup& lookup) {
    std::size_t count = symbols.size();
    if (count < 2) return;
    Merge merges[kFewSymbols];
    for (std::size_t i = 0; i + 1 < count; ++i) merges[i] = lookup(symbols[i], symbols[i + 1]);
    for (; count >= 2; --count) {
      std::size_t best = 0;
      for (std::size_t i = 1; i + 1 < count; ++i)
        if (merges[i].rank < merges[best].rank) best = i;
      if (merges[best].rank == Merge::kNone) break;
      symbols[best].size_bytes += symbols[best + 1].size_bytes;
      symbols[best].id = merges[best].id;
      std::copy(symbols.begin() + best + 2, symbols.begin() + count, symbols.begin() + best + 1);
      std::copy(merges + best + 1, merges + count - 1, merges + best);
      if (best > 0) merges[best - 1] = lookup(symbols[best - 1], symbols[best]);
      if (best + 2 < count) merges[best] = lookup(symbols[best], symbols[best + 1]);
    }
    symbols.resize(count);
  }

  template <typename Lookup>
  void RunOnMany(const Lookup& lookup) {
    const auto count = static_cast<std::uint32_t>(symbols.size());
    next_.resize(count);
    previous_.resize(count);
    merges_.assign(count, Merge{});
    heap_.clear();
    for (std::uint32_t i = 0; i < count; ++i) {
      previous_[i] = i == 0 ? kEnd : i - 1;
      next_[i] = i + 1 == count ? kEnd : i + 1;
      if (i + 1 < count) Propose(i, lookup);
    }
    std::ranges::make_heap(heap_, std::greater());
    while (!heap_.empty()) {
      std::ranges::pop_heap(heap_, std::greater());
      const std::uint64_t candidate = heap_.back();
      heap_.pop_back();
      const auto left = static_cast<std::uint32_t>(candidate);
      const Merge merge = merges_[left];
      if (merge.rank == Merge::kNone || merge.rank != candidate >> 32U) continue;  // out of date
      const std::uint32_t right = next_[left];
      symbols[left].size_bytes += symbols[right].size_bytes;
      symbols[left].id = merge.id;
      symbols[right].size_bytes = 0;
      merges_[left] = {};
      merges_[right] = {};
      next_[left] = next_[right];
      if (next_[left] != kEnd) {
        previous_[next_[left]] = left;
        if (Propose(left, lookup)) std::ranges::push_heap(heap_, std::greater());
      }
      if (previous_[left] != kEnd && Propose(previous_[left], lookup))
        std::ranges::push_heap(heap_, std::greater());
    }
    std::erase_if(symbols, [](const MergeSymbol& symbol) { return symbol.size_bytes == 0; });
  }

  // Notes what a symbol makes with the next one, and appends it to the candidates if it is a token.
  template <typename Lookup>
  bool Propose(std::uint32_t left, const Lookup& lookup) {
    merges_[left] = lookup(symbols[left], symbols[next_[left]]);
    if (merges_[left].rank == Merge::kNone) return false;
    heap_.push_back((std::uint64_t{merges_[left].rank} << 32U) | left);
    return true;
  }

  std::vector<std::uint32_t> next_, previous_;  // [symbols]; of those that are left
  std::vector<Merge> merges_;                   // [symbols]; of each with the next one
  std::vector<std::uint64_t> heap_;  // rank, then index of the left symbol; lowest on top
};

}  // namespace kinglet
