// SPDX-License-Identifier: Apache-2.0
// Sets of Unicode characters, and the bytes that each of them is written as.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "grammar/regex.h"

namespace kinglet {

// How characters become bytes. In a JSON string every character has exactly one spelling here (as
// it is, a two-letter escape, or \u00xx), so that sets of texts keep their meaning under "and" and
// "not".
enum class TextEncoding : std::uint8_t { kUtf8, kJsonString };

class CodePointSet {
 public:
  struct Range {
    char32_t first;
    char32_t last;
    bool operator==(const Range&) const = default;
  };

  CodePointSet() = default;
  CodePointSet(std::initializer_list<Range> ranges) {
    for (const Range& range : ranges) Add(range.first, range.last);
  }
  static CodePointSet All();  // all but surrogates, which no text holds

  void Add(char32_t first, char32_t last);
  void Add(const CodePointSet& other);
  CodePointSet Complement() const;
  bool Has(char32_t code_point) const;
  bool empty() const { return ranges_.empty(); }
  std::span<const Range> ranges() const { return ranges_; }  // sorted, apart, without surrogates

  // The characters in UTF-8: any byte of the first set, then any of the second, and so on, is one.
  std::vector<std::vector<ByteSet>> Utf8Sequences() const;
  RegexId ToRegex(RegexPool& pool, TextEncoding encoding) const;

 private:
  std::vector<Range> ranges_;
};

}  // namespace kinglet
