// SPDX-License-Identifier: Apache-2.0
// Any text through vocabularies of each kind, and through vocabularies made of the input itself.
// Covers: src/text/tokenizer.cc src/text/pre_tokenizer.cc src/text/special_tokens.cc
// Covers: src/text/*_encoder.cc src/text/token_table.cc src/text/text_stream.cc
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/utf8.h"
#include "text/text_stream.h"
#include "text/tokenizer.h"
#include "text/vocabulary_for_test.h"

namespace kinglet {
namespace {

// Takes an input apart; zeros and empty strings when it is used up.
class Input {
 public:
  Input(const std::uint8_t* data, std::size_t size)
      : rest_(reinterpret_cast<const char*>(data), size) {}

  std::uint8_t Byte() {
    if (rest_.empty()) return 0;
    const auto byte = static_cast<std::uint8_t>(rest_[0]);
    rest_.remove_prefix(1);
    return byte;
  }
  std::string String() { return Bytes(Byte() % 16U); }
  std::string Bytes(std::size_t count) {
    const std::string bytes(rest_.substr(0, count));
    rest_.remove_prefix(bytes.size());
    return bytes;
  }
  std::string Rest() { return Bytes(rest_.size()); }

 private:
  std::string_view rest_;
};

constexpr std::array<std::string_view, 16> kPreTokenizers = {
    "gpt-2",    "llama-bpe", "starcoder", "seed-coder",  "bailingmoe",     "tekken",
    "gpt-4o",   "kimi-k2",   "falcon",    "viking",      "deepseek-coder", "deepseek-llm",
    "superbpe", "chameleon", "qwen2",     "deepseek-v3",
};

bool KeepsText(std::string_view pre) { return pre != "qwen2"; }  // NFC

std::unique_ptr<Tokenizer> Make(Vocabulary vocabulary) {
  auto made = Tokenizer::Create(std::move(vocabulary));
  KINGLET_CHECK(made.has_value(), "{}", made.error().message());
  return *std::move(made);
}

const Tokenizer& BytePair(std::size_t number) {
  static const auto all = [] {
    std::array<std::unique_ptr<Tokenizer>, kPreTokenizers.size()> made;
    for (std::size_t i = 0; i < made.size(); ++i)
      made[i] = Make(BytePairVocabulary(
          kPreTokenizers[i],
          {{"a", "a"}, {"aa", "aa"}, {" ", "a"}, {"t", "h"}, {" ", "th"}, {"\xC3", "\xA9"}},
          {"<s>", "<|im_end|>"}));
    return made;
  }();
  return *all[number % all.size()];
}

const Tokenizer& SentencePiece() {
  static const auto made = Make(SentencePieceVocabulary(
      {"aa", "aaaa", " a", "th", " th", "> <", " ", "a", "t", "h", "<", ">", "\u00E9"}));
  return *made;
}

const Tokenizer& WordPiece() {
  static const auto made = Make(WordPieceVocabulary(
      {"\u2581a", "a", "\u2581th", "th", "\u2581e", "\u2581,", "\u2581\u4F60", "h", "\u2581"}));
  return *made;
}

// A vocabulary with anything in it, often nearly right.
Vocabulary AnyVocabulary(Input& input) {
  constexpr std::array<std::string_view, 4> kModels = {"gpt2", "llama", "bert", "none"};
  Vocabulary vocabulary;
  vocabulary.model = kModels[input.Byte() % kModels.size()];
  const std::uint8_t flags = input.Byte();
  if ((flags & 1U) != 0) {
    vocabulary = BytePairVocabulary(kPreTokenizers[input.Byte() % kPreTokenizers.size()]);
  } else {
    vocabulary.pre = input.String();
  }
  for (unsigned count = input.Byte() % 32U; count > 0; --count) {
    vocabulary.tokens.push_back(input.String());
    if ((flags & 2U) != 0 || !vocabulary.kinds.empty())
      vocabulary.kinds.push_back(static_cast<TokenKind>(1 + input.Byte() % 6));
    if ((flags & 4U) != 0) vocabulary.scores.push_back(static_cast<float>(input.Byte()) / 8.0F);
  }
  if ((flags & 8U) != 0) vocabulary.scores.resize(vocabulary.tokens.size());
  for (unsigned count = input.Byte() % 16U; count > 0; --count) {
    if (vocabulary.tokens.empty()) break;
    const auto any_token = [&] {
      return vocabulary.tokens[input.Byte() % vocabulary.tokens.size()];
    };
    std::string left = any_token();
    std::string right = any_token();
    if ((flags & 16U) != 0 && vocabulary.scores.empty()) {
      vocabulary.tokens.push_back(left + right);
      vocabulary.kinds.resize(vocabulary.tokens.size(), TokenKind::kNormal);
    }
    vocabulary.merges.push_back((flags & 32U) != 0 ? input.String() : left + " " + right);
  }
  const auto any_id = [&] { return static_cast<TokenId>(static_cast<std::int8_t>(input.Byte())); };
  vocabulary.bos = any_id();
  vocabulary.eos = any_id();
  vocabulary.unknown = any_id();
  vocabulary.add_eos = (flags & 64U) != 0;
  vocabulary.add_space_prefix = (flags & 128U) != 0;
  return vocabulary;
}

void CheckStream(const Tokenizer& tokenizer, const std::vector<TokenId>& ids) {
  TextStream stream;
  std::string bytes;
  std::string text;
  const auto take = [&](const std::string& piece) {
    KINGLET_CHECK(ValidUtf8Prefix(piece) == piece.size(), "half a character");
    text += piece;
  };
  for (const TokenId id : ids) {
    bytes += tokenizer.TokenBytes(id);
    take(stream.Push(tokenizer.TokenBytes(id)));
  }
  take(stream.Finish());
  if (ValidUtf8Prefix(bytes) == bytes.size()) KINGLET_CHECK(text == bytes, "text changed");
}

void CheckText(const Tokenizer& tokenizer, std::string_view text, bool keeps_text) {
  const std::vector<TokenId> ids = tokenizer.Encode(text);
  for (const TokenId id : ids)
    KINGLET_CHECK(id >= 0 && id < tokenizer.vocab_size(), "token {}", id);
  if (keeps_text) KINGLET_CHECK(tokenizer.Decode(ids) == text, "{} tokens", ids.size());
  CheckStream(tokenizer, ids);

  // In a text that is all literal, nothing is read that is not read in plain text.
  const std::array<ByteRange, 1> whole = {ByteRange{0, text.size()}};
  KINGLET_CHECK(tokenizer.Encode(text, {.parse_special = true, .literal = whole}) == ids,
                "literal text was read");
  const std::vector<TokenId> special =
      tokenizer.Encode(text, {.add_special = true, .parse_special = true});
  for (const TokenId id : special)
    KINGLET_CHECK(id >= 0 && id < tokenizer.vocab_size(), "token {}", id);
  CheckStream(tokenizer, special);
}

void Run(Input input) {
  constexpr std::string_view kSpaceMark = "\u2581";
  const std::uint8_t which = input.Byte();
  switch (which % 4) {
    case 0: {
      const std::size_t number = input.Byte() % kPreTokenizers.size();
      const std::string text = input.Rest();
      CheckText(BytePair(number), text, KeepsText(kPreTokenizers[number]));
      return;
    }
    case 1: {
      const std::string text = input.Rest();
      CheckText(SentencePiece(), text, text.find(kSpaceMark) == std::string::npos);
      return;
    }
    case 2:
      CheckText(WordPiece(), input.Rest(), false);
      return;
    default: {
      auto tokenizer = Tokenizer::Create(AnyVocabulary(input));
      if (!tokenizer) return;
      const std::string text = input.Rest();
      (*tokenizer)->FindToken(text);
      (*tokenizer)->IsEndOfGeneration((*tokenizer)->eos().value_or(0));
      (*tokenizer)->TokenBytes((*tokenizer)->bos().value_or(-1), ControlTokens::kShow);
      CheckText(**tokenizer, text, false);
    }
  }
}

}  // namespace
}  // namespace kinglet

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  kinglet::Run({data, size});
  return 0;
}
