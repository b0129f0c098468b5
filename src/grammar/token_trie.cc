// SPDX-License-Identifier: Apache-2.0
// Tokens sorted by their bytes are a trie in depth-first order.
#include "grammar/token_trie.h"

#include <algorithm>
#include <iterator>
#include <limits>
#include <ranges>
#include <utility>

#include "base/utf8.h"

namespace kinglet {
namespace {

struct Kind {
  std::uint8_t alphabet = 0;
  std::uint8_t characters = 0;
};

constexpr Kind kOther = {TokenTrie::kAlphabets, std::numeric_limits<std::uint8_t>::max()};

std::uint8_t AlphabetOf(char32_t c) {
  if (c >= U'a' && c <= U'z') return 0;
  if (c >= U'A' && c <= U'Z') return 1;
  if (c >= U'0' && c <= U'9') return 2;
  if (c == U'-' || c == U'_') return 3;
  if (c < 0x20 || c == U'"' || c == U'\\') return TokenTrie::kAlphabets;
  return c < 0x7F ? 4 : 5;
}

// The kind of what is left of the token behind each of its bytes, and of the whole token first.
std::vector<Kind> KindsOf(std::string_view token) {
  std::vector<Kind> kinds(token.size() + 1, kOther);
  std::vector<std::pair<std::size_t, std::uint8_t>> characters;  // where, and of which alphabet
  for (std::size_t at = 0; at < token.size();) {
    const Utf8Character c = DecodeUtf8(token.substr(at));
    if (c.state != Utf8State::kValid) return kinds;
    characters.emplace_back(at, AlphabetOf(c.code_point));
    at += c.size_bytes;
  }
  kinds.back() = {};
  Kind kind;
  for (const auto& [at, alphabet] : std::views::reverse(characters)) {
    if (alphabet == kOther.alphabet || kind.characters == kOther.characters) break;
    kind = {std::max(kind.alphabet, alphabet), static_cast<std::uint8_t>(kind.characters + 1)};
    kinds[at] = kind;
  }
  return kinds;
}

}  // namespace

CodePointSet TokenTrie::Alphabet(std::uint8_t index) {
  CodePointSet set;
  for (char32_t c = 0; c < 0x80; ++c) {
    if (AlphabetOf(c) <= index) set.Add(c, c);
  }
  if (index == kAlphabets - 1) set.Add(0x80, 0x10FFFF);
  return set;
}

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
  BuildNodes(all_);
  for (std::size_t length = 0; length < kLengths.size(); ++length) {
    std::ranges::copy_if(all_.order, std::back_inserter(beside_[length].order), [&](TokenId id) {
      return !IsAllowed(masks_[kAlphabets - 1][length], id);
    });
    BuildNodes(beside_[length]);
  }
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
  for (auto& of_alphabet : masks_) {
    for (TokenMask& mask : of_alphabet) mask.resize(mask_words());
  }
  for (const TokenId id : all_.order) {
    const Kind kind = KindsOf(bytes(id)).front();
    for (std::size_t alphabet = kind.alphabet; alphabet < kAlphabets; ++alphabet) {
      for (std::size_t length = 0; length < kLengths.size(); ++length) {
        if (kind.characters > kLengths[length]) continue;
        Allow(masks_[alphabet][length], id);
      }
    }
  }
}

void TokenTrie::BuildNodes(Tree& tree) const {
  std::vector<Node>& nodes = tree.nodes;
  nodes.push_back({.first = 0, .byte = 0, .size = 1});
  std::vector<std::size_t> path = {0};  // the nodes that lead to the last token
  std::string_view last;
  const auto close = [&](std::size_t depth) {
    while (path.size() > depth + 1) {
      Node& node = nodes[path.back()];
      node.size = static_cast<std::uint32_t>(nodes.size() - path.back()) & 0xFFFFFF;
      path.pop_back();
    }
  };
  for (std::size_t i = 0; i < tree.order.size(); ++i) {
    const std::string_view token = bytes(tree.order[i]);
    const auto shared =
        static_cast<std::size_t>(std::ranges::mismatch(token, last).in1 - token.begin());
    close(shared);
    for (std::size_t at = shared; at < token.size(); ++at) {
      path.push_back(nodes.size());
      nodes.push_back({.first = static_cast<std::uint32_t>(i),
                       .byte = static_cast<std::uint8_t>(token[at]),
                       .size = 1});
    }
    if (shared < token.size()) nodes.back().is_token = true;  // else it has a twin before it
    const std::vector<Kind> kinds = KindsOf(token);
    for (std::size_t depth = 0; depth < path.size(); ++depth) {
      Node& node = nodes[path[depth]];
      const Kind& left = kinds[depth];
      node.alphabet = std::max<std::uint8_t>(node.alphabet, kinds[0].alphabet) & 0xF;
      node.characters = std::max(node.characters, kinds[0].characters);
      node.left_alphabet = std::max<std::uint8_t>(node.left_alphabet, left.alphabet) & 0xF;
      node.left_characters = std::max(node.left_characters, left.characters);
    }
    last = token;
  }
  close(0);
  nodes[0].size = static_cast<std::uint32_t>(nodes.size()) & 0xFFFFFF;
  nodes.push_back({.first = static_cast<std::uint32_t>(tree.order.size()), .byte = 0, .size = 1});
}

}  // namespace kinglet
