// SPDX-License-Identifier: Apache-2.0
// A tokenizer's vocabulary as plain data, as GGUF's tokenizer.ggml.* keys hold it. Who reads the
// file fills it (model/); the tokenizers of this folder only see this.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace kinglet {

// An index into Vocabulary::tokens. Signed because negative ids in files must be caught, not
// wrapped.
using TokenId = std::int32_t;

// tokenizer.ggml.token_type, with GGUF's own numbers.
enum class TokenKind : std::uint8_t {
  kNormal = 1,
  kUnknown = 2,
  kControl = 3,
  kUserDefined = 4,
  kUnused = 5,
  kByte = 6,
};

struct Vocabulary {
  std::string model;                // tokenizer.ggml.model: "gpt2", "llama", "bert"
  std::string pre;                  // tokenizer.ggml.pre; empty where the file has none
  std::vector<std::string> tokens;  // [vocab_size]
  std::vector<float> scores;        // [vocab_size] or empty; SentencePiece merge order
  std::vector<TokenKind> kinds;     // [vocab_size] or empty, which means all kNormal
  std::vector<std::string> merges;  // "left right", best first; byte-level BPE only
  std::optional<TokenId> bos, eos, eot, eom, unknown, separator, padding, cls, mask;
  std::optional<bool> add_bos, add_eos;  // unset: the tokenizer model's own default
  std::optional<bool> add_space_prefix;
  bool remove_extra_whitespaces = false;
};

}  // namespace kinglet
