// SPDX-License-Identifier: Apache-2.0
// Spelling out the tokens of a vocabulary, and their index.
#include "text/token_table.h"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <limits>
#include <optional>

#include "base/utf8.h"
#include "text/hash.h"

namespace kinglet {
namespace {

constexpr std::size_t kMaxTokens = std::size_t{1} << 24U;
// The longest tokens of real vocabularies are runs of spaces, 512 bytes.
constexpr std::size_t kMaxTokenBytes = 4096;
constexpr std::string_view kSpaceMark = "\xE2\x96\x81";  // U+2581, SentencePiece's visible space

// GPT-2's bytes_to_unicode, turned around: the byte that a character stands for, or -1. Printable
// Latin-1 stands for itself; the other 68 bytes are U+0100 and on, in their order.
constexpr auto kByteOfCharacter = [] {
  std::array<std::int16_t, 0x144> bytes{};
  bytes.fill(-1);
  std::size_t next = 0x100;
  for (std::int16_t byte = 0; byte < 0x100; ++byte) {
    const bool printable = (byte > 0x20 && byte < 0x7F) || (byte > 0xA0 && byte != 0xAD);
    bytes[printable ? static_cast<std::size_t>(byte) : next++] = byte;
  }
  return bytes;
}();

// The byte of "<0x0A>".
std::optional<unsigned char> ParseByteName(std::string_view name) {
  if (name.size() != 6 || !name.starts_with("<0x") || name[5] != '>') return std::nullopt;
  unsigned value = 0;
  const char* const end = name.data() + 5;
  if (std::from_chars(name.data() + 3, end, value, 16).ptr != end) return std::nullopt;
  return static_cast<unsigned char>(value);
}

void AppendSpacesUnmarked(std::string_view name, std::string& bytes) {
  for (std::size_t mark; (mark = name.find(kSpaceMark)) != std::string_view::npos;) {
    bytes.append(name.substr(0, mark)).push_back(' ');
    name.remove_prefix(mark + kSpaceMark.size());
  }
  bytes.append(name);
}

void AppendSpelled(std::string_view name, TokenKind kind, TokenSpelling spelling,
                   std::string& bytes) {
  const auto byte = kind == TokenKind::kByte ? ParseByteName(name) : std::nullopt;
  if (byte) {
    bytes.push_back(static_cast<char>(*byte));
  } else if (kind != TokenKind::kNormal && kind != TokenKind::kUnused) {
    bytes.append(name);
  } else if (spelling == TokenSpelling::kByteLevel) {
    if (!AppendByteLevel(name, bytes)) bytes.append(name);
  } else if (spelling == TokenSpelling::kSpaceMark) {
    AppendSpacesUnmarked(name, bytes);
  } else if (name.starts_with("##")) {
    bytes.append(name.substr(2));
  } else {
    bytes.append(" ").append(name);
  }
}

}  // namespace

bool AppendByteLevel(std::string_view name, std::string& bytes) {
  const std::size_t before = bytes.size();
  while (!name.empty()) {
    const Utf8Character character = DecodeUtf8(name);
    if (character.state != Utf8State::kValid || character.code_point >= kByteOfCharacter.size() ||
        kByteOfCharacter[character.code_point] < 0) {
      bytes.resize(before);
      return false;
    }
    bytes.push_back(static_cast<char>(kByteOfCharacter[character.code_point]));
    name.remove_prefix(character.size_bytes);
  }
  return true;
}

Result<TokenTable> TokenTable::Create(const Vocabulary& vocabulary, TokenSpelling spelling) {
  const std::size_t size = vocabulary.tokens.size();
  if (size == 0 || size > kMaxTokens)
    return Error(StatusCode::kInvalidInput, "the vocabulary has {} tokens; 1 to {} can be read",
                 size, kMaxTokens);
  if (!vocabulary.kinds.empty() && vocabulary.kinds.size() != size)
    return Error(StatusCode::kInvalidInput, "the vocabulary has {} tokens but {} token types", size,
                 vocabulary.kinds.size());
  for (std::size_t i = 0; i < size; ++i)
    if (vocabulary.tokens[i].size() > kMaxTokenBytes)
      return Error(StatusCode::kInvalidInput, "token {} has {} bytes, more than {}", i,
                   vocabulary.tokens[i].size(), kMaxTokenBytes);

  TokenTable table;
  table.kinds_ = vocabulary.kinds;
  table.kinds_.resize(size, TokenKind::kNormal);
  table.ends_.reserve(size + 1);
  table.ends_.push_back(0);
  for (std::size_t i = 0; i < size; ++i) {
    const std::size_t begin = table.arena_.size();
    AppendSpelled(vocabulary.tokens[i], table.kinds_[i], spelling, table.arena_);
    const std::size_t end = table.arena_.size();
    if (end > std::numeric_limits<std::uint32_t>::max())
      return Error(StatusCode::kInvalidInput, "the tokens have more than 4 GiB of text");
    table.ends_.push_back(static_cast<std::uint32_t>(end));
    table.longest_bytes_ = std::max(table.longest_bytes_, end - begin);
  }
  table.BuildIndex();
  return table;
}

void TokenTable::BuildIndex() {
  seed_ = RandomSeed();
  slots_.resize(std::bit_ceil(kinds_.size() * 2));
  byte_tokens_.assign(256, kNoToken);
  const auto insert = [this](TokenId id) {
    const std::uint64_t hash = HashBytes(bytes(id), seed_);
    std::size_t at = hash & (slots_.size() - 1);
    for (; slots_[at].id != kNoToken; at = (at + 1) & (slots_.size() - 1))
      if (slots_[at].hash == hash >> 32U && bytes(slots_[at].id) == bytes(id)) return;
    slots_[at] = {static_cast<std::uint32_t>(hash >> 32U), id};
  };
  for (const bool text : {true, false}) {
    for (TokenId id = 0; id < size(); ++id) {
      if (IsText(id) != text) continue;
      if (kind(id) != TokenKind::kByte) {
        insert(id);
      } else if (bytes(id).size() == 1) {
        TokenId& byte_token = byte_tokens_[static_cast<unsigned char>(bytes(id)[0])];
        if (byte_token == kNoToken) byte_token = id;
      }
    }
  }
}

TokenId TokenTable::Find(std::string_view bytes) const {
  if (bytes.size() > longest_bytes_) return kNoToken;
  const std::uint64_t hash = HashBytes(bytes, seed_);
  const std::size_t mask = slots_.size() - 1;
  for (std::size_t at = hash & mask;; at = (at + 1) & mask) {
    const Slot& slot = slots_[at];
    if (slot.id == kNoToken) return kNoToken;
    if (slot.hash == hash >> 32U && this->bytes(slot.id) == bytes) return slot.id;
  }
}

}  // namespace kinglet
