// SPDX-License-Identifier: Apache-2.0
// A regular expression that a user wrote for his task, by PCRE2: Unicode, and as Python's `re`
// reads it but for what only one of the two knows.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/status.h"

struct pcre2_real_code_8;

namespace kinglet {

class TextPattern {
 public:
  // kInvalidInput says what is wrong with it.
  static Result<TextPattern> Compile(std::string_view pattern);

  // Whether some part of the text matches. A search that takes a million steps finds nothing.
  bool IsIn(std::string_view text) const;
  // The text without the parts that match; as it is where that takes too long.
  std::string Without(std::string_view text) const;

 private:
  explicit TextPattern(std::shared_ptr<const pcre2_real_code_8> code) : code_(std::move(code)) {}

  std::shared_ptr<const pcre2_real_code_8> code_;
};

}  // namespace kinglet
