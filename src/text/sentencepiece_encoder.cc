// SPDX-License-Identifier: Apache-2.0
// SentencePiece BPE: T. Kudo and J. Richardson, "SentencePiece" (2018), with byte fallback.
#include "text/sentencepiece_encoder.h"

#include <bit>
#include <cmath>
#include <string>

#include "base/utf8.h"

namespace kinglet {
namespace {

constexpr std::string_view kSpaceMark = "\xE2\x96\x81";  // U+2581, the same as a space

// Orders scores from best to worst as unsigned numbers, never Merge::kNone.
std::uint32_t RankOfScore(float score) {
  const auto bits = std::bit_cast<std::uint32_t>(score == 0.0F ? 0.0F : score);
  return (bits & 0x80000000U) != 0 ? bits - 1 : 0x7FFFFFFFU - bits;
}

std::string WithPlainSpaces(std::string_view text, bool space_in_front) {
  std::string plain(space_in_front ? " " : "");
  plain.reserve(plain.size() + text.size());
  for (std::size_t mark; (mark = text.find(kSpaceMark)) != std::string_view::npos;) {
    plain.append(text.substr(0, mark)).push_back(' ');
    text.remove_prefix(mark + kSpaceMark.size());
  }
  plain.append(text);
  return plain;
}

}  // namespace

Result<std::unique_ptr<TextEncoder>> SentencePieceEncoder::Create(const TokenTable& tokens,
                                                                  const std::vector<float>& scores,
                                                                  bool space_prefix,
                                                                  TokenId unknown) {
  if (scores.size() != static_cast<std::size_t>(tokens.size()))
    return Error(StatusCode::kInvalidInput, "the vocabulary has {} tokens but {} scores",
                 tokens.size(), scores.size());
  for (std::size_t i = 0; i < scores.size(); ++i)
    if (std::isnan(scores[i]))
      return Error(StatusCode::kInvalidInput, "the score of token {} is not a number", i);
  return std::unique_ptr<TextEncoder>(
      new SentencePieceEncoder(tokens, scores, space_prefix, unknown));
}

SentencePieceEncoder::SentencePieceEncoder(const TokenTable& tokens,
                                           const std::vector<float>& scores, bool space_prefix,
                                           TokenId unknown)
    : tokens_(tokens),
      space_prefix_(space_prefix),
      unknown_(unknown),
      whole_(static_cast<std::size_t>(tokens.size())) {
  ranks_.reserve(scores.size());
  for (const float score : scores) ranks_.push_back(RankOfScore(score));
  for (TokenId id = 0; id < tokens.size(); ++id) {
    const std::string_view bytes = tokens.bytes(id);
    for (std::size_t i = 1; i < bytes.size(); ++i)
      if (bytes[i] == ' ') joins_space_[static_cast<unsigned char>(bytes[i - 1])] = true;
  }
}

void SentencePieceEncoder::Encode(std::string_view text, std::vector<TokenId>& ids) const {
  if (text.empty()) return;
  std::string plain;
  if (space_prefix_ || text.find(kSpaceMark) != std::string_view::npos) {
    plain = WithPlainSpaces(text, space_prefix_);
    text = plain;
  }
  SymbolMerger merger;
  std::size_t begin = 0;
  for (std::size_t space = 1; (space = text.find(' ', space)) != std::string_view::npos; ++space) {
    const char before = text[space - 1];
    if (before == ' ' || joins_space_[static_cast<unsigned char>(before)]) continue;
    EncodeWord(text.substr(begin, space - begin), merger, ids);
    begin = space;
  }
  EncodeWord(text.substr(begin), merger, ids);
}

void SentencePieceEncoder::EncodeWord(std::string_view word, SymbolMerger& merger,
                                      std::vector<TokenId>& ids) const {
  const TokenId token = tokens_.FindText(word);
  std::atomic<Whole>* whole = nullptr;
  if (token != kNoToken) {
    whole = &whole_[static_cast<std::size_t>(token)];
    if (whole->load(std::memory_order_relaxed) == Whole::kYes) {
      ids.push_back(token);
      return;
    }
  }
  merger.symbols.clear();
  for (std::uint32_t i = 0; i < word.size();) {
    const std::uint32_t size_bytes = DecodeUtf8(word.substr(i)).size_bytes;
    merger.symbols.push_back({i, size_bytes, kNoToken});
    i += size_bytes;
  }
  merger.Run([this, word](const MergeSymbol& left, const MergeSymbol& right) -> Merge {
    const TokenId id =
        tokens_.FindText(word.substr(left.begin, left.size_bytes + right.size_bytes));
    if (id == kNoToken || tokens_.kind(id) == TokenKind::kUnused) return {};
    return {ranks_[static_cast<std::size_t>(id)], id};
  });
  for (const MergeSymbol& symbol : merger.symbols)
    AppendSymbol(word.substr(symbol.begin, symbol.size_bytes), symbol.id, ids);
  if (whole != nullptr) {
    const bool is_whole = merger.symbols.size() == 1 && ids.back() == token;
    whole->store(is_whole ? Whole::kYes : Whole::kNo, std::memory_order_relaxed);
  }
}

void SentencePieceEncoder::AppendSymbol(std::string_view bytes, TokenId id,
                                        std::vector<TokenId>& ids) const {
  if (id == kNoToken) id = tokens_.FindText(bytes);
  if (id != kNoToken) {
    ids.push_back(id);
    return;
  }
  for (const char c : bytes) {
    const TokenId byte_token = tokens_.byte_token(static_cast<unsigned char>(c));
    if (byte_token != kNoToken) {
      ids.push_back(byte_token);
    } else if (unknown_ != kNoToken) {
      ids.push_back(unknown_);
      return;
    }
  }
}

}  // namespace kinglet
