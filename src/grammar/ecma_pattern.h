// SPDX-License-Identifier: Apache-2.0
// Patterns of JSON Schema (ECMA-262's, by code points), found in texts by PCRE2 within a budget.
//
// What PCRE2 alone knows is refused: possessive and atomic groups, recursion, \A, \Z, \Q, (?i).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "base/status.h"

struct pcre2_real_code_8;

namespace kinglet::validation {

class EcmaPattern {
 public:
  // kInvalidInput where it is no pattern, or one that PCRE2 cannot match: look-behind of no fixed
  // length, counts above 65535, what takes more than 64 KiB compiled.
  static Result<EcmaPattern> Compile(std::string_view pattern);

  // Whether the pattern matches somewhere in the text. Takes what it costs from `steps`; nothing
  // where more than they are would be needed, or more than one match may cost.
  std::optional<bool> IsFoundIn(std::string_view text, std::int64_t& steps) const;

  std::size_t size_bytes() const;  // compiled

 private:
  struct Free {
    void operator()(pcre2_real_code_8* code) const;
  };
  using Code = std::unique_ptr<pcre2_real_code_8, Free>;
  explicit EcmaPattern(Code code) : code_(std::move(code)) {}

  Code code_;
};

}  // namespace kinglet::validation
