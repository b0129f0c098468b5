// SPDX-License-Identifier: Apache-2.0
// A walk of the vocabulary's trie beside the automaton. Subtrees fall away at the first byte that
// leads nowhere, and are taken whole where what is left of their tokens may follow whatever it is.
#include "grammar/token_mask.h"

#include <utility>

namespace kinglet {
namespace {

constexpr std::uint32_t kWorthExploring = 1'000;  // nodes of a subtree
constexpr std::uint8_t kAnyLength = 255;          // characters of a token, at least

void AllowSubtree(const TokenTrie::Tree& tree, std::size_t node, TokenMask& mask) {
  const std::uint32_t first = tree.nodes[node].first;
  const std::uint32_t end = tree.nodes[node + tree.nodes[node].size].first;
  for (std::uint32_t at = first; at < end; ++at) Allow(mask, tree.order[at]);
}

}  // namespace

TokenMasker::TokenMasker(const TokenTrie& trie, Grammar grammar, const MatcherLimits& limits)
    : trie_(&trie), matcher_(std::move(grammar), limits), free_runs_(matcher_) {}

const TokenMask& TokenMasker::Mask(Matcher::StateId state) {
  if (const auto found = kept_.find(state); found != kept_.end()) return found->second;
  if (kept_.size() >= kMaxKept) kept_.clear();
  TokenMask& mask = kept_[state];
  Compute(state, mask);
  return mask;
}

void TokenMasker::Compute(Matcher::StateId state, TokenMask& mask) {
  FreeRuns::Run run = free_runs_.Of(state);
  std::size_t lengths = 0;
  while (lengths < TokenTrie::kLengths.size() && TokenTrie::kLengths[lengths] <= run.characters) {
    ++lengths;
  }
  if (state == Matcher::kDead || lengths == 0) {
    mask.assign(trie_->mask_words(), 0);
    return Walk(trie_->all(), state, {}, mask);
  }
  trie_->AssignMask(run.classes, lengths - 1, mask);
  // What is longer than an exact run is ruled out, and so is passed over as well.
  const bool is_exact = run.is_exact && TokenTrie::kLengths[lengths - 1] == run.characters;
  run.characters = is_exact ? kAnyLength : TokenTrie::kLengths[lengths - 1];
  const bool is_plain =
      (kPlainCharacters & ~run.classes) == 0 && run.characters >= TokenTrie::kLengths.back();
  Walk(is_plain ? trie_->beside_plain() : trie_->all(), state, run, mask);
}

void TokenMasker::Walk(const TokenTrie::Tree& tree, Matcher::StateId state,
                       const FreeRuns::Run& done, TokenMask& mask) {
  const auto hold = [this](const FreeRuns::Run& run, std::uint16_t classes,
                           std::uint8_t characters) {
    return characters <= run.characters && (trie_->classes(classes) & ~run.classes) == 0;
  };
  const std::size_t count = tree.nodes.size() - 1;
  path_.assign(1, {state, count});
  for (std::size_t i = 1; i < count;) {
    while (i >= path_.back().end) path_.pop_back();
    const TokenTrie::Node node = tree.nodes[i];
    if (hold(done, node.whole, node.characters)) {
      i += node.size;
      continue;
    }
    const Matcher::StateId next = matcher_.Next(path_.back().state, node.byte & 0xFF);
    if (next == Matcher::kDead) {
      i += node.size;
      continue;
    }
    if (node.size > 1) {
      const FreeRuns::Run& run =
          node.size < kWorthExploring ? free_runs_.AtSight(next) : free_runs_.Of(next);
      if (hold(run, node.left, node.left_characters)) {
        AllowSubtree(tree, i, mask);
        i += node.size;
        continue;
      }
      path_.push_back({next, i + node.size});
    }
    if (node.is_token) {
      // Those of the same bytes are in a row; what is longer begins with the next node.
      for (std::uint32_t at = node.first; at < tree.nodes[i + 1].first; ++at)
        Allow(mask, tree.order[at]);
    }
    ++i;
  }
}

std::string TokenMasker::Forced(Matcher::StateId state, std::size_t max_bytes) {
  std::string forced;
  while (forced.size() < max_bytes && !matcher_.MayEnd(state)) {
    const ByteSet next = matcher_.NextBytes(state);
    if (next.count() != 1) break;
    forced += static_cast<char>(next.first());
    state = matcher_.Next(state, next.first());
  }
  return forced;
}

}  // namespace kinglet
