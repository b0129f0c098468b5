// SPDX-License-Identifier: Apache-2.0
// A tokenizer: special tokens cut out of the text, the rest to the encoder of the vocabulary's
// kind, and back.
#include "text/tokenizer.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/check.h"
#include "text/byte_pair_encoder.h"
#include "text/pre_tokenizer.h"
#include "text/sentencepiece_encoder.h"
#include "text/special_tokens.h"
#include "text/text_encoder.h"
#include "text/token_table.h"
#include "text/wordpiece_encoder.h"

namespace kinglet {
namespace {

// Offsets into a text are 32 bits wide while it is encoded, and normalization may make it longer.
constexpr std::size_t kMaxTextBytes = std::size_t{1} << 28U;

// Control tokens that end an answer in the chat formats of well-known models, whether or not a file
// says so.
constexpr std::string_view kEndNames[] = {
    "<|endoftext|>",                            // GPT-2, Qwen, Phi
    "<|im_end|>",                               // ChatML
    "<|eot_id|>",                               // Llama 3
    "<|eom_id|>",                               // Llama 3, before a tool's turn
    "<|end_of_text|>",                          // Llama 3, Granite
    "<|eot|>",                                  // Llama 4
    "<|eom|>",                                  // Llama 4
    "</s>",                                     // Llama 2, Mistral
    "<eos>",                                    // Gemma
    "<end_of_turn>",                            // Gemma
    "<turn|>",                                  // Gemma 4
    "<|end|>",                                  // Phi-3
    "<|return|>",                               // gpt-oss
    "<|call|>",                                 // gpt-oss, before a tool's turn
    "<|END_OF_TURN_TOKEN|>",                    // Command R
    "<|end_of_turn|>",                          // OpenChat
    "<|endofturn|>",                            // HyperCLOVA X
    "[|endofturn|]",                            // EXAONE
    "<end_of_utterance>",                       // SmolVLM
    "<EOT>",                                    // code completion
    "<\uFF5Cend\u2581of\u2581sentence\uFF5C>",  // DeepSeek
};

}  // namespace

struct Tokenizer::Parts {
  explicit Parts(TokenTable table) : tokens(std::move(table)) {}

  const TokenTable tokens;
  SpecialTokens special;                 // looks at tokens
  std::unique_ptr<TextEncoder> encoder;  // looks at tokens
  std::optional<TokenId> bos, eos;
  TokenId first = kNoToken;  // what add_special puts around a text
  TokenId last = kNoToken;
  bool space_prefix = false;
  std::vector<TokenId> ends;  // sorted

  // A special id of the vocabulary, where it is one.
  TokenId Valid(std::optional<TokenId> id) const {
    return id && tokens.Contains(*id) ? *id : kNoToken;
  }
  Result<void> SetBytePair(const Vocabulary& vocabulary);
  Result<void> SetSentencePiece(const Vocabulary& vocabulary);
  void SetWordPiece(const Vocabulary& vocabulary);
  void SetEnds(const Vocabulary& vocabulary);
};

namespace {

Result<TokenSpelling> SpellingOf(const Vocabulary& vocabulary) {
  if (vocabulary.model == "gpt2") return TokenSpelling::kByteLevel;
  if (vocabulary.model == "llama") return TokenSpelling::kSpaceMark;
  if (vocabulary.model == "bert") {
    const bool marks_continuation = std::ranges::any_of(
        vocabulary.tokens, [](const std::string& token) { return token.starts_with("##"); });
    return marks_continuation ? TokenSpelling::kContinuationMark : TokenSpelling::kSpaceMark;
  }
  return Error(StatusCode::kInvalidInput,
               "unknown tokenizer '{}' (tokenizer.ggml.model); gpt2, llama and bert can be read",
               vocabulary.model);
}

// Some files call a token that ends a text user-defined (Phi-3 and Gemma 3 their </s>). Text that
// merely mentions it must not end anything.
void MakeEndsControl(Vocabulary& vocabulary) {
  for (std::size_t i = 0; i < std::min(vocabulary.kinds.size(), vocabulary.tokens.size()); ++i)
    if (vocabulary.kinds[i] == TokenKind::kUserDefined &&
        std::ranges::find(kEndNames, vocabulary.tokens[i]) != std::end(kEndNames))
      vocabulary.kinds[i] = TokenKind::kControl;
}

}  // namespace

Result<std::unique_ptr<Tokenizer>> Tokenizer::Create(Vocabulary vocabulary) {
  MakeEndsControl(vocabulary);
  const TokenSpelling spelling = TRY(SpellingOf(vocabulary));
  auto parts = std::make_unique<Parts>(TRY(TokenTable::Create(vocabulary, spelling)));
  parts->special = TRY(SpecialTokens::Create(parts->tokens));
  const auto in_range = [&](std::optional<TokenId> id) {
    return parts->Valid(id) == kNoToken ? std::nullopt : id;
  };
  parts->bos = in_range(vocabulary.bos);
  parts->eos = in_range(vocabulary.eos);
  if (vocabulary.model == "gpt2") {
    TRY(parts->SetBytePair(vocabulary));
  } else if (vocabulary.model == "llama") {
    TRY(parts->SetSentencePiece(vocabulary));
  } else {
    parts->SetWordPiece(vocabulary);
  }
  parts->SetEnds(vocabulary);
  return std::unique_ptr<Tokenizer>(new Tokenizer(std::move(parts)));
}

Result<void> Tokenizer::Parts::SetBytePair(const Vocabulary& vocabulary) {
  PreTokenizer pre_tokenizer = TRY(PreTokenizer::Create(vocabulary.pre));
  if (vocabulary.add_bos.value_or(pre_tokenizer.add_bos())) first = Valid(bos);
  if (vocabulary.add_eos.value_or(false)) last = Valid(eos);
  encoder = TRY(BytePairEncoder::Create(tokens, vocabulary.merges, std::move(pre_tokenizer),
                                        Valid(vocabulary.unknown)));
  return {};
}

Result<void> Tokenizer::Parts::SetSentencePiece(const Vocabulary& vocabulary) {
  if (vocabulary.add_bos.value_or(true)) first = Valid(bos);
  if (vocabulary.add_eos.value_or(false)) last = Valid(eos);
  space_prefix = vocabulary.add_space_prefix.value_or(true);
  encoder = TRY(SentencePieceEncoder::Create(tokens, vocabulary.scores, space_prefix,
                                             Valid(vocabulary.unknown)));
  return {};
}

void Tokenizer::Parts::SetWordPiece(const Vocabulary& vocabulary) {
  first = Valid(vocabulary.cls);
  if (first == kNoToken) first = Valid(bos);
  last = Valid(vocabulary.separator);
  if (last == kNoToken) last = Valid(eos);
  encoder = std::make_unique<WordPieceEncoder>(tokens, Valid(vocabulary.unknown));
}

void Tokenizer::Parts::SetEnds(const Vocabulary& vocabulary) {
  for (const auto& wanted : {vocabulary.eos, vocabulary.eot, vocabulary.eom}) {
    if (const TokenId id = Valid(wanted); id != kNoToken) ends.push_back(id);
  }
  for (const std::string_view name : kEndNames) {
    const TokenId id = special.FindName(name);
    if (id != kNoToken && tokens.kind(id) == TokenKind::kControl) ends.push_back(id);
  }
  std::ranges::sort(ends);
}

Tokenizer::Tokenizer(std::unique_ptr<const Parts> parts) : parts_(std::move(parts)) {}
Tokenizer::~Tokenizer() = default;

std::vector<TokenId> Tokenizer::Encode(std::string_view text, const EncodeOptions& options) const {
  KINGLET_CHECK(text.size() <= kMaxTextBytes, "{} bytes of text", text.size());
  std::vector<TokenId> ids;
  if (options.add_special && parts_->first != kNoToken) ids.push_back(parts_->first);
  for (std::size_t at = 0; at < text.size();) {
    const SpecialTokens::Match match =
        parts_->special.Find(text, at, options.parse_special, options.literal);
    if (match.range.begin > at)
      parts_->encoder->Encode(text.substr(at, match.range.begin - at), ids);
    if (match.id != kNoToken) ids.push_back(match.id);
    at = match.range.end;
  }
  if (options.add_special && parts_->last != kNoToken) ids.push_back(parts_->last);
  return ids;
}

std::string_view Tokenizer::TokenBytes(TokenId id, ControlTokens control) const {
  const TokenTable& tokens = parts_->tokens;
  if (!tokens.Contains(id)) return {};
  if (control == ControlTokens::kHide && !tokens.IsText(id)) return {};
  return tokens.bytes(id);
}

std::string Tokenizer::Decode(std::span<const TokenId> ids, ControlTokens control) const {
  const TokenTable& tokens = parts_->tokens;
  std::string text;
  bool after_special = true;
  for (const TokenId id : ids) {
    if (!tokens.Contains(id)) continue;
    std::string_view bytes = TokenBytes(id, control);
    const bool special = !tokens.IsText(id) || tokens.kind(id) == TokenKind::kUserDefined;
    if (parts_->space_prefix && after_special && !special && bytes.starts_with(' '))
      bytes.remove_prefix(1);
    text.append(bytes);
    after_special = special;
  }
  return text;
}

int Tokenizer::vocab_size() const { return parts_->tokens.size(); }
std::optional<TokenId> Tokenizer::bos() const { return parts_->bos; }
std::optional<TokenId> Tokenizer::eos() const { return parts_->eos; }

bool Tokenizer::IsEndOfGeneration(TokenId id) const {
  return std::ranges::binary_search(parts_->ends, id);
}

std::optional<TokenId> Tokenizer::FindToken(std::string_view name) const {
  TokenId id = parts_->special.FindName(name);
  if (id == kNoToken) id = parts_->tokens.FindText(name);
  return id == kNoToken ? std::nullopt : std::optional(id);
}

}  // namespace kinglet
