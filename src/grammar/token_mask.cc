// SPDX-License-Identifier: Apache-2.0
// A walk of the vocabulary's trie beside the automaton. Subtrees fall away at the first byte that
// leads nowhere, and are taken whole where what is left of their tokens may follow whatever it is.
#include "grammar/token_mask.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "grammar/code_points.h"

namespace kinglet {
namespace {

void Allow(TokenMask& mask, TokenId id) {
  mask[static_cast<std::size_t>(id) / 64] |= std::uint64_t{1} << (id % 64);
}

}  // namespace

TokenMasker::TokenMasker(const TokenTrie& trie, Grammar grammar, const MatcherLimits& limits)
    : trie_(&trie), matcher_(std::move(grammar), limits) {
  for (std::uint8_t i = 0; i < TokenTrie::kAlphabets; ++i) {
    alphabets_[i] = TokenTrie::Alphabet(i).ToRegex(matcher_.grammar().regex(), TextEncoding::kUtf8);
  }
}

TokenMasker::Freedom TokenMasker::FreedomOf(Matcher::StateId state) {
  if (state >= freedom_.size())
    freedom_.resize(std::max<std::size_t>(state + 1, freedom_.size() * 2));
  if (freedom_[state].is_known) return freedom_[state];
  Freedom freedom{.is_known = true};
  for (std::uint8_t alphabet = TokenTrie::kAlphabets; alphabet-- > 0;) {
    const std::uint32_t run = matcher_.FreeRun(state, alphabets_[alphabet]);
    if (run == 0) continue;
    freedom.alphabet = alphabet;
    freedom.characters = static_cast<std::uint8_t>(
        std::min<std::uint32_t>(run, std::numeric_limits<std::uint8_t>::max()));
    break;
  }
  return freedom_[state] = freedom;
}

const TokenMask& TokenMasker::Mask(Matcher::StateId state) {
  if (const auto found = kept_.find(state); found != kept_.end()) return found->second;
  if (kept_.size() >= kMaxKept) kept_.clear();
  TokenMask& mask = kept_[state];
  Compute(state, mask);
  return mask;
}

void TokenMasker::Compute(Matcher::StateId state, TokenMask& mask) {
  if (state == Matcher::kDead) {
    mask.assign(trie_->mask_words(), 0);
    return;
  }
  Freedom done = FreedomOf(state);
  std::size_t lengths = 0;
  while (lengths < TokenTrie::kLengths.size() && TokenTrie::kLengths[lengths] <= done.characters) {
    ++lengths;
  }
  if (lengths == 0 || done.alphabet == TokenTrie::kAlphabets) {
    done = {};
    mask.assign(trie_->mask_words(), 0);
  } else {
    done.characters = TokenTrie::kLengths[lengths - 1];
    mask = trie_->mask(done.alphabet, lengths - 1);
  }
  Walk(state, done, mask);
}

void TokenMasker::Walk(Matcher::StateId state, const Freedom& done, TokenMask& mask) {
  const std::span<const TokenTrie::Node> nodes = trie_->nodes();
  const std::size_t count = nodes.size() - 1;
  path_.assign(1, {state, count});
  for (std::size_t i = 1; i < count;) {
    while (i >= path_.back().end) path_.pop_back();
    const TokenTrie::Node node = nodes[i];
    if (node.alphabet <= done.alphabet && node.characters <= done.characters) {
      i += node.size;
      continue;
    }
    const Matcher::StateId next = matcher_.Next(path_.back().state, node.byte & 0xFF);
    if (next == Matcher::kDead) {
      i += node.size;
      continue;
    }
    if (FreedomOf(next).Holds(node)) {
      AllowSubtree(i, mask);
      i += node.size;
      continue;
    }
    if (node.is_token) {
      // Those of the same bytes are in a row; what is longer begins with the next node.
      for (std::uint32_t at = node.first; at < nodes[i + 1].first; ++at)
        Allow(mask, trie_->order()[at]);
    }
    if (node.size > 1) path_.push_back({next, i + node.size});
    ++i;
  }
}

void TokenMasker::AllowSubtree(std::size_t node, TokenMask& mask) const {
  const std::span<const TokenTrie::Node> nodes = trie_->nodes();
  const std::uint32_t first = nodes[node].first;
  const std::uint32_t end = nodes[node + nodes[node].size].first;
  for (const TokenId id : trie_->order().subspan(first, end - first)) Allow(mask, id);
}

std::string TokenMasker::Forced(Matcher::StateId state, std::size_t max_bytes) {
  std::string forced;
  while (forced.size() < max_bytes && !matcher_.MayEnd(state)) {
    const ByteSet next = matcher_.NextBytes(state);
    if (next.count() != 1) break;
    unsigned byte = 0;
    while (!next.Has(static_cast<std::uint8_t>(byte))) ++byte;
    forced += static_cast<char>(byte);
    state = matcher_.Next(state, static_cast<std::uint8_t>(byte));
  }
  return forced;
}

}  // namespace kinglet
