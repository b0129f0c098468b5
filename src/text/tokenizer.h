// SPDX-License-Identifier: Apache-2.0
// Text to token ids and back, for the kinds of vocabulary that GGUF files carry: byte-level BPE,
// SentencePiece BPE, WordPiece.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/byte_range.h"
#include "base/status.h"
#include "text/vocabulary.h"

namespace kinglet {

struct EncodeOptions {
  // Adds what the vocabulary wants around a text: BOS and EOS, or [CLS] and [SEP].
  bool add_special = false;
  // Reads the names of control tokens in the text as these tokens. User-defined tokens are read
  // always.
  bool parse_special = false;
  // Where parse_special does not hold: sorted, disjoint ranges of the text. A control token that
  // touches one is not read, so what a user wrote into a chat template stays text.
  std::span<const ByteRange> literal;
};

enum class ControlTokens {
  kHide,  // control and unknown tokens are no text
  kShow,  // they are their names, for people to look at
};

// Immutable once made: any thread may use it.
class Tokenizer {
 public:
  // kInvalidInput where the vocabulary is of an unknown kind, names an unknown pre-tokenizer or
  // contradicts itself. Special ids out of range count as absent.
  static Result<std::unique_ptr<Tokenizer>> Create(Vocabulary vocabulary);

  Tokenizer(const Tokenizer&) = delete;
  Tokenizer& operator=(const Tokenizer&) = delete;
  ~Tokenizer();

  // At most 256 MiB of text. Bytes that are not UTF-8 are kept where the vocabulary has tokens for
  // bytes.
  std::vector<TokenId> Encode(std::string_view text, const EncodeOptions& options = {}) const;

  // The bytes of one token, which may be a part of a UTF-8 character. Ids out of range are empty.
  // The view lives as long as the tokenizer.
  std::string_view TokenBytes(TokenId id, ControlTokens control = ControlTokens::kHide) const;

  // The bytes of a whole text: like TokenBytes of each, less the space that Encode puts in front
  // where the vocabulary wants one. WordPiece does not keep case and spaces.
  std::string Decode(std::span<const TokenId> ids,
                     ControlTokens control = ControlTokens::kHide) const;

  int vocab_size() const;
  std::optional<TokenId> bos() const;
  std::optional<TokenId> eos() const;

  // A token after which a model has said all: the vocabulary's EOS, EOT, EOM, and control tokens
  // whose names are known to mean that.
  bool IsEndOfGeneration(TokenId id) const;

  // The token with this name ("<|im_end|>") or, for an ordinary one, with these bytes (" the").
  std::optional<TokenId> FindToken(std::string_view name) const;

 private:
  struct Parts;
  explicit Tokenizer(std::unique_ptr<const Parts> parts);

  std::unique_ptr<const Parts> parts_;
};

}  // namespace kinglet
