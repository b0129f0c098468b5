// SPDX-License-Identifier: Apache-2.0
// The syntax tree of a pattern.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "grammar/code_points.h"

namespace kinglet {

struct PatternNode {
  enum class Kind : std::uint8_t {
    kSet,         // one character of `set`
    kBegin,       // ^
    kEnd,         // $
    kAhead,       // (?=...), child 0
    kNotAhead,    // (?!...), child 0
    kSequence,    // of the children
    kChoice,      // one of the children
    kRepetition,  // of child 0, from min to max times
  };

  Kind kind = Kind::kSequence;
  CodePointSet set = {};
  std::uint32_t min = 0;
  std::uint32_t max = 0;
  std::vector<PatternNode> children = {};
};

// A kChoice of kSequences.
Result<PatternNode> ParsePattern(std::string_view pattern);

}  // namespace kinglet
