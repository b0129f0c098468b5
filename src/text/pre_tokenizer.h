// SPDX-License-Identifier: Apache-2.0
// How a text is split into the words that BPE never merges across. Models were trained with one
// way each; tokenizer.ggml.pre names it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace kinglet {

struct PreTokenizerRule;  // a row of the table in pre_tokenizer.cc
struct CompiledPattern;

class PreTokenizer {
 public:
  // kInvalidInput, naming it, where the name is not in the table; also for no name, as no way is
  // the default one.
  static Result<PreTokenizer> Create(std::string_view name);

  PreTokenizer(PreTokenizer&&) noexcept;
  PreTokenizer& operator=(PreTokenizer&&) noexcept;
  ~PreTokenizer();

  // The text as the model wants it: Unicode NFC, or as it is. The view is of utf8 or of buffer.
  std::string_view Normalize(std::string_view utf8, std::string& buffer) const;

  // Where the words of valid UTF-8 end, in bytes, rising. Together they are the whole text.
  std::vector<std::uint32_t> Split(std::string_view utf8) const;

  // A word that is a token is that token, even where merging would not lead there.
  bool whole_words() const;
  // Whether BOS comes first where the file does not say.
  bool add_bos() const;

 private:
  PreTokenizer(const PreTokenizerRule& rule, std::vector<CompiledPattern> patterns);

  const PreTokenizerRule* rule_;
  std::vector<CompiledPattern> patterns_;
};

}  // namespace kinglet
