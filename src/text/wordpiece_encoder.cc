// SPDX-License-Identifier: Apache-2.0
// The basic tokenizer of BERT (google-research/bert, tokenization.py: BasicTokenizer and
// WordpieceTokenizer), and its greedy longest match.
#include "text/wordpiece_encoder.h"

#include <algorithm>

#include <unicode/bytestream.h>
#include <unicode/normalizer2.h>
#include <unicode/stringpiece.h>
#include <unicode/uchar.h>

#include "base/check.h"
#include "base/utf8.h"

namespace kinglet {
namespace {

// Longer words are unknown, as in the original.
constexpr std::size_t kMaxWordCharacters = 100;

enum class CharacterRole { kWord, kAlone, kSpace, kDropped };

bool IsHan(char32_t c) {  // the blocks that BERT names, not the script: no Hangul, no kana
  return (c >= 0x4E00 && c <= 0x9FFF) || (c >= 0x3400 && c <= 0x4DBF) ||
         (c >= 0x20000 && c <= 0x2A6DF) || (c >= 0x2A700 && c <= 0x2CEAF) ||
         (c >= 0xF900 && c <= 0xFAFF) || (c >= 0x2F800 && c <= 0x2FA1F);
}

CharacterRole RoleOf(char32_t c) {
  if (c < 0x80) {
    if (c == ' ' || c == '\t' || c == '\n' || c == '\r') return CharacterRole::kSpace;
    if (c < 0x20 || c == 0x7F) return CharacterRole::kDropped;
    const bool alphanumeric =
        (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
    return alphanumeric ? CharacterRole::kWord : CharacterRole::kAlone;
  }
  const auto category = U_MASK(u_charType(static_cast<UChar32>(c)));
  if (c == 0xFFFD || (category & (U_GC_CC_MASK | U_GC_CF_MASK | U_GC_CO_MASK | U_GC_CN_MASK)) != 0)
    return CharacterRole::kDropped;
  if ((category & U_GC_MN_MASK) != 0) return CharacterRole::kDropped;  // accents
  if (u_isUWhiteSpace(static_cast<UChar32>(c))) return CharacterRole::kSpace;
  if ((category & U_GC_P_MASK) != 0 || IsHan(c)) return CharacterRole::kAlone;
  return CharacterRole::kWord;
}

// Valid UTF-8 without what is not, in Unicode NFD.
std::string Decomposed(std::string_view text) {
  std::string valid;
  while (!text.empty()) {
    const std::size_t valid_bytes = ValidUtf8Prefix(text);
    valid.append(text.substr(0, valid_bytes));
    text.remove_prefix(valid_bytes);
    if (!text.empty()) text.remove_prefix(DecodeUtf8(text).size_bytes);
  }
  if (std::ranges::all_of(valid, [](char c) { return static_cast<signed char>(c) >= 0; }))
    return valid;
  UErrorCode error = U_ZERO_ERROR;
  const icu::Normalizer2* const nfd = icu::Normalizer2::getNFDInstance(error);
  KINGLET_CHECK(U_SUCCESS(error), "ICU: {}", u_errorName(error));
  std::string decomposed;
  icu::StringByteSink<std::string> sink(&decomposed);
  nfd->normalizeUTF8(0, icu::StringPiece(valid.data(), static_cast<std::int32_t>(valid.size())),
                     sink, nullptr, error);
  KINGLET_CHECK(U_SUCCESS(error), "ICU: {}", u_errorName(error));
  return decomposed;
}

}  // namespace

void WordPieceEncoder::Encode(std::string_view text, std::vector<TokenId>& ids) const {
  const std::string decomposed = Decomposed(text);
  std::string word = " ";
  std::size_t characters = 0;
  const auto end_word = [&] {
    if (characters > 0) EncodeWord(word, characters, ids);
    word.resize(1);
    characters = 0;
  };
  for (std::string_view rest = decomposed; !rest.empty();) {
    const Utf8Character character = DecodeUtf8(rest);
    rest.remove_prefix(character.size_bytes);
    const CharacterRole role = RoleOf(character.code_point);
    if (role == CharacterRole::kDropped) continue;
    if (role != CharacterRole::kWord) end_word();
    if (role == CharacterRole::kSpace) continue;
    AppendUtf8(static_cast<char32_t>(u_tolower(static_cast<UChar32>(character.code_point))), word);
    ++characters;
    if (role == CharacterRole::kAlone) end_word();
  }
  end_word();
}

void WordPieceEncoder::EncodeWord(std::string_view word, std::size_t characters,
                                  std::vector<TokenId>& ids) const {
  const std::size_t before = ids.size();
  bool fits = characters <= kMaxWordCharacters;
  while (fits && !word.empty()) {
    std::size_t size_bytes = std::min(word.size(), tokens_.longest_bytes());
    TokenId id = kNoToken;
    // A space alone is no start of a word, whatever the vocabulary holds.
    const std::size_t least_bytes = word[0] == ' ' ? 2 : 1;
    for (; size_bytes >= least_bytes; --size_bytes) {
      id = tokens_.FindText(word.substr(0, size_bytes));
      if (id != kNoToken) break;
    }
    fits = id != kNoToken;
    if (!fits) break;
    ids.push_back(id);
    word.remove_prefix(size_bytes);
  }
  if (fits) return;
  ids.resize(before);
  if (unknown_ != kNoToken) ids.push_back(unknown_);
}

}  // namespace kinglet
