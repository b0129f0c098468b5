// SPDX-License-Identifier: Apache-2.0
// Tokens sorted by their bytes are a trie in depth-first order.
#include "grammar/token_trie.h"

#include <algorithm>
#include <limits>
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
  if (c < 0x20 || c == U'"' || c == U'\\') return TokenTrie::kAlphabets;
  return c < 0x7F ? 3 : 4;
}

Kind KindOf(std::string_view token) {
  Kind kind;
  while (!token.empty()) {
    const Utf8Character c = DecodeUtf8(token);
    if (c.state != Utf8State::kValid || kind.characters == kOther.characters) return kOther;
    kind.alphabet = std::max(kind.alphabet, AlphabetOf(c.code_point));
    if (kind.alphabet == kOther.alphabet) return kOther;
    ++kind.characters;
    token.remove_prefix(c.size_bytes);
  }
  return kind;
}

// Bytes of UTF-8 that begin a character.
std::uint8_t CharactersIn(std::string_view bytes) {
  const auto count = std::ranges::count_if(
      bytes, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80; });
  return static_cast<std::uint8_t>(std::min<std::ptrdiff_t>(count, kOther.characters));
}

void Set(TokenMask& mask, TokenId id) {
  mask[static_cast<std::size_t>(id) / 64] |= std::uint64_t{1} << (id % 64);
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
  for (const TokenId id : ends) Set(ends_, id);
  Sort();
  BuildMasks();
  BuildNodes();
}

std::optional<TokenId> TokenTrie::Find(std::string_view bytes_of_token) const {
  const auto found = std::ranges::lower_bound(order_, bytes_of_token, {},
                                              [this](TokenId id) { return bytes(id); });
  if (found == order_.end() || bytes(*found) != bytes_of_token) return std::nullopt;
  return *found;
}

void TokenTrie::Sort() {
  for (std::size_t i = 0; i < vocab_size(); ++i) {
    const auto id = static_cast<TokenId>(i);
    if (!bytes(id).empty()) order_.push_back(id);
  }
  std::ranges::sort(order_, {}, [this](TokenId id) { return std::pair(bytes(id), id); });
}

void TokenTrie::BuildMasks() {
  for (auto& of_alphabet : masks_) {
    for (TokenMask& mask : of_alphabet) mask.resize(mask_words());
  }
  for (const TokenId id : order_) {
    const Kind kind = KindOf(bytes(id));
    for (std::size_t alphabet = kind.alphabet; alphabet < kAlphabets; ++alphabet) {
      for (std::size_t length = 0; length < kLengths.size(); ++length) {
        if (kind.characters > kLengths[length]) continue;
        masks_[alphabet][length][static_cast<std::size_t>(id) / 64] |= std::uint64_t{1}
                                                                       << (id % 64);
      }
    }
  }
}

void TokenTrie::BuildNodes() {
  nodes_.push_back({.first = 0, .byte = 0, .size = 1});
  std::vector<std::size_t> path = {0};  // the nodes that lead to the last token
  std::string_view last;
  const auto close = [&](std::size_t depth) {
    while (path.size() > depth + 1) {
      Node& node = nodes_[path.back()];
      node.size = static_cast<std::uint32_t>(nodes_.size() - path.back()) & 0xFFFFFF;
      const std::uint8_t before = CharactersIn(last.substr(0, path.size() - 1));
      node.left = static_cast<std::uint8_t>(node.characters - std::min(before, node.characters));
      path.pop_back();
    }
  };
  for (std::size_t i = 0; i < order_.size(); ++i) {
    const std::string_view token = bytes(order_[i]);
    const auto shared =
        static_cast<std::size_t>(std::ranges::mismatch(token, last).in1 - token.begin());
    close(shared);
    for (std::size_t at = shared; at < token.size(); ++at) {
      path.push_back(nodes_.size());
      nodes_.push_back({.first = static_cast<std::uint32_t>(i),
                        .byte = static_cast<std::uint8_t>(token[at]),
                        .size = 1});
    }
    if (shared < token.size()) nodes_.back().is_token = true;  // else it has a twin before it
    const Kind kind = KindOf(token);
    for (const std::size_t node : path) {
      nodes_[node].alphabet = std::max(nodes_[node].alphabet, kind.alphabet);
      nodes_[node].characters = std::max(nodes_[node].characters, kind.characters);
    }
    last = token;
  }
  close(0);
  nodes_[0].size = static_cast<std::uint32_t>(nodes_.size()) & 0xFFFFFF;
  nodes_[0].left = nodes_[0].characters;
  nodes_.push_back({.first = static_cast<std::uint32_t>(order_.size()), .byte = 0, .size = 1});
}

}  // namespace kinglet
