// SPDX-License-Identifier: Apache-2.0
// Tokens sorted by their bytes are a trie in depth-first order.
#include "grammar/token_trie.h"

#include <algorithm>
#include <iterator>
#include <limits>
#include <utility>

#include "base/utf8.h"

namespace kinglet {
namespace {

constexpr std::uint8_t kMaxCharacters = std::numeric_limits<std::uint8_t>::max();
// Class sets are told apart up to so many; what comes later is said to be anything.
constexpr std::size_t kMaxClassSets = 1 << 16;
constexpr CharacterClasses kAnything = ~CharacterClasses{0};

// What a text consists of.
struct Kind {
  CharacterClasses classes = 0;
  std::uint8_t characters = 0;

  void Add(const Kind& other) {
    classes |= other.classes;
    characters = std::max(characters, other.characters);
  }
};

constexpr Kind kBroken = {kBrokenCharacter, kMaxCharacters};

// The kind of what is left of the token behind each of its bytes, and of the whole token first.
void FindKinds(std::string_view token, std::vector<Kind>& kinds) {
  kinds.assign(token.size() + 1, kBroken);
  kinds.back() = {};
  for (std::size_t end = token.size(); end > 0;) {
    std::size_t begin = end - 1;
    while (begin > 0 && IsUtf8Continuation(token[begin])) --begin;
    const Utf8Character c = DecodeUtf8(token.substr(begin));
    if (c.state != Utf8State::kValid || c.size_bytes != end - begin) break;
    const Kind& behind = kinds[end];
    kinds[begin] = {behind.classes | ClassesOf(c.code_point),
                    static_cast<std::uint8_t>(std::min(behind.characters + 1, +kMaxCharacters))};
    end = begin;
  }
}

}  // namespace

TokenTrie::TokenTrie(std::span<const std::string_view> tokens, std::span<const TokenId> ends) {
  begin_.reserve(tokens.size() + 1);
  for (const std::string_view token : tokens) {
    begin_.push_back(static_cast<std::uint32_t>(text_.size()));
    text_ += token;
  }
  begin_.push_back(static_cast<std::uint32_t>(text_.size()));
  ends_.resize(mask_words());
  for (const TokenId id : ends) Allow(ends_, id);
  Sort();
  BuildMasks();
  class_sets_ = {kAnything};
  BuildNodes(all_);
  TokenMask plain;
  AssignMask(kPlainCharacters, kLengths.size() - 1, plain);
  std::ranges::copy_if(all_.order, std::back_inserter(beside_plain_.order),
                       [&](TokenId id) { return !IsAllowed(plain, id); });
  BuildNodes(beside_plain_);
}

std::optional<TokenId> TokenTrie::Find(std::string_view bytes_of_token) const {
  const auto found = std::ranges::lower_bound(all_.order, bytes_of_token, {},
                                              [this](TokenId id) { return bytes(id); });
  if (found == all_.order.end() || bytes(*found) != bytes_of_token) return std::nullopt;
  return *found;
}

bool TokenTrie::HasLonger(std::string_view bytes_of_token) const {
  const auto found = std::ranges::upper_bound(all_.order, bytes_of_token, {},
                                              [this](TokenId id) { return bytes(id); });
  return found != all_.order.end() && bytes(*found).starts_with(bytes_of_token);
}

void TokenTrie::Sort() {
  for (std::size_t i = 0; i < vocab_size(); ++i) {
    const auto id = static_cast<TokenId>(i);
    if (!bytes(id).empty()) all_.order.push_back(id);
  }
  std::ranges::sort(all_.order, {}, [this](TokenId id) { return std::pair(bytes(id), id); });
}

void TokenTrie::BuildMasks() {
  for (TokenMask& mask : of_length_) mask.resize(mask_words());
  for (TokenMask& mask : with_) mask.resize(mask_words());
  std::vector<Kind> kinds;
  for (const TokenId id : all_.order) {
    FindKinds(bytes(id), kinds);
    const Kind& whole = kinds.front();
    if (whole.classes == kBrokenCharacter) continue;
    for (std::size_t length = 0; length < kLengths.size(); ++length) {
      if (whole.characters <= kLengths[length]) Allow(of_length_[length], id);
    }
    ForEachClass(whole.classes,
                 [&](int each) { Allow(with_[static_cast<std::size_t>(each)], id); });
  }
}

void TokenTrie::AssignMask(CharacterClasses classes, std::size_t length, TokenMask& mask) const {
  mask = of_length_[length];
  ForEachClass(kAllCharacters & ~classes, [&](int each) {
    const TokenMask& with = with_[static_cast<std::size_t>(each)];
    for (std::size_t word = 0; word < mask.size(); ++word) mask[word] &= ~with[word];
  });
}

std::uint16_t TokenTrie::NumberOf(CharacterClasses classes) {
  const auto [found, is_new] =
      class_set_numbers_.try_emplace(classes, static_cast<std::uint16_t>(class_sets_.size()));
  if (!is_new) return found->second;
  if (class_sets_.size() == kMaxClassSets) return found->second = 0;
  class_sets_.push_back(classes);
  return found->second;
}

void TokenTrie::BuildNodes(Tree& tree) {
  std::vector<Node>& nodes = tree.nodes;
  struct Open {  // a node that leads to the last token
    std::size_t node;
    Kind whole, left;
  };
  std::vector<Open> path;
  const auto open = [&](std::size_t token, char byte) {
    path.push_back({.node = nodes.size()});
    nodes.push_back({.first = static_cast<std::uint32_t>(token),
                     .byte = static_cast<std::uint8_t>(byte),
                     .size = 1});
  };
  const auto close = [&](std::size_t depth) {
    for (; path.size() > depth; path.pop_back()) {
      const Open& last = path.back();
      Node& node = nodes[last.node];
      node.size = static_cast<std::uint32_t>(nodes.size() - last.node) & 0xFFFFFF;
      node.whole = NumberOf(last.whole.classes);
      node.left = NumberOf(last.left.classes);
      node.characters = last.whole.characters;
      node.left_characters = last.left.characters;
    }
  };
  open(0, 0);
  std::string_view last;
  std::vector<Kind> kinds;
  for (std::size_t i = 0; i < tree.order.size(); ++i) {
    const std::string_view token = bytes(tree.order[i]);
    const auto shared =
        static_cast<std::size_t>(std::ranges::mismatch(token, last).in1 - token.begin());
    close(shared + 1);
    for (std::size_t at = shared; at < token.size(); ++at) open(i, token[at]);
    if (shared < token.size()) nodes.back().is_token = true;  // else it has a twin before it
    FindKinds(token, kinds);
    for (std::size_t depth = 0; depth < path.size(); ++depth) {
      path[depth].whole.Add(kinds[0]);
      path[depth].left.Add(kinds[depth]);
    }
    last = token;
  }
  close(0);
  nodes.push_back({.first = static_cast<std::uint32_t>(tree.order.size()), .byte = 0, .size = 1});
}

}  // namespace kinglet
