// SPDX-License-Identifier: Apache-2.0
// Tokens that are read by their names before any other tokenization: control tokens where asked
// for, user-defined ones always.
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include "base/byte_range.h"
#include "base/status.h"
#include "text/token_table.h"

namespace kinglet {

class SpecialTokens {
 public:
  // tokens must outlive this. kInvalidInput where a name is longer than any real one.
  static Result<SpecialTokens> Create(const TokenTable& tokens);

  struct Match {
    ByteRange range;
    TokenId id = kNoToken;
  };
  // The first special token in text at or after from, the longest of those that start there; its id
  // is kNoToken where there is none. Control tokens count only with parse_control, and where they
  // touch none of the literal ranges, which are sorted and disjoint.
  Match Find(std::string_view text, std::size_t from, bool parse_control,
             std::span<const ByteRange> literal) const;

  // The special token of this name, or kNoToken.
  TokenId FindName(std::string_view name) const;

 private:
  struct Entry {
    std::string_view name;
    TokenId id;
    bool is_control;  // or unknown: not for plain text
  };
  std::vector<Entry> entries_;           // sorted by name
  std::array<bool, 256> starts_{};       // the first bytes of all names
  std::array<bool, 256> text_starts_{};  // of those for plain text
};

}  // namespace kinglet
