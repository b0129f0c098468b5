// SPDX-License-Identifier: Apache-2.0
// Small vocabularies of each kind, for tests.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/utf8.h"
#include "text/vocabulary.h"

namespace kinglet {

// A byte as GPT-2's vocabularies spell it.
inline std::string ByteLevelName(unsigned char byte) {
  const auto printable = [](unsigned b) {
    return (b > 0x20 && b < 0x7F) || (b > 0xA0 && b != 0xAD);
  };
  char32_t code_point = byte;
  if (!printable(byte)) {
    code_point = 0x100;
    for (unsigned b = 0; b < byte; ++b) code_point += printable(b) ? 0 : 1;
  }
  std::string name;
  AppendUtf8(code_point, name);
  return name;
}

inline std::string ByteLevelName(std::string_view bytes) {
  std::string name;
  for (const char c : bytes) name += ByteLevelName(static_cast<unsigned char>(c));
  return name;
}

// Token i is byte i; then what the merges make, in their order; then the control tokens.
inline Vocabulary BytePairVocabulary(
    std::string_view pre, const std::vector<std::pair<std::string, std::string>>& merges = {},
    const std::vector<std::string>& control = {}) {
  Vocabulary vocabulary;
  vocabulary.model = "gpt2";
  vocabulary.pre = pre;
  for (unsigned byte = 0; byte < 256; ++byte)
    vocabulary.tokens.push_back(ByteLevelName(static_cast<unsigned char>(byte)));
  for (const auto& [left, right] : merges) {
    vocabulary.merges.push_back(ByteLevelName(left) + " " + ByteLevelName(right));
    vocabulary.tokens.push_back(ByteLevelName(left + right));
  }
  vocabulary.kinds.assign(vocabulary.tokens.size(), TokenKind::kNormal);
  for (const std::string& name : control) {
    vocabulary.tokens.push_back(name);
    vocabulary.kinds.push_back(TokenKind::kControl);
  }
  return vocabulary;
}

// <unk> 0, <s> 1, </s> 2, byte b at 3 + b, then the words, each with a lower score than the one
// before. Spaces in words are written as spaces.
inline Vocabulary SentencePieceVocabulary(const std::vector<std::string>& words) {
  Vocabulary vocabulary;
  vocabulary.model = "llama";
  vocabulary.tokens = {"<unk>", "<s>", "</s>"};
  vocabulary.kinds = {TokenKind::kUnknown, TokenKind::kControl, TokenKind::kControl};
  constexpr std::string_view kHex = "0123456789ABCDEF";
  for (unsigned byte = 0; byte < 256; ++byte) {
    vocabulary.tokens.push_back({'<', '0', 'x', kHex[byte / 16], kHex[byte % 16], '>'});
    vocabulary.kinds.push_back(TokenKind::kByte);
  }
  vocabulary.scores.assign(vocabulary.tokens.size(), 0.0F);
  for (const std::string& word : words) {
    std::string name;
    for (const char c : word) name += c == ' ' ? "\u2581" : std::string(1, c);
    vocabulary.tokens.push_back(name);
    vocabulary.kinds.push_back(TokenKind::kNormal);
    vocabulary.scores.push_back(-static_cast<float>(vocabulary.scores.size()));
  }
  vocabulary.unknown = 0;
  vocabulary.bos = 1;
  vocabulary.eos = 2;
  return vocabulary;
}

// [PAD] 0, [UNK] 1, [CLS] 2, [SEP] 3, then the tokens.
inline Vocabulary WordPieceVocabulary(const std::vector<std::string>& tokens) {
  Vocabulary vocabulary;
  vocabulary.model = "bert";
  vocabulary.tokens = {"[PAD]", "[UNK]", "[CLS]", "[SEP]"};
  vocabulary.kinds.assign(4, TokenKind::kControl);
  vocabulary.tokens.insert(vocabulary.tokens.end(), tokens.begin(), tokens.end());
  vocabulary.kinds.resize(vocabulary.tokens.size(), TokenKind::kNormal);
  vocabulary.unknown = 1;
  vocabulary.cls = 2;
  vocabulary.separator = 3;
  return vocabulary;
}

}  // namespace kinglet
