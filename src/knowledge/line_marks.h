// SPDX-License-Identifier: Apache-2.0
// Which line of the original a byte of the kept text comes from. Between two marks lines are either
// counted along with the line breaks of the text, or all the same, so most texts need few marks.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace kinglet {

struct LineMark {
  std::size_t byte = 0;  // of the text, where it begins to hold
  std::size_t line = 1;  // of the original, from 1
  bool counts = false;   // each line break behind it is one of the original

  friend bool operator==(const LineMark&, const LineMark&) = default;
};

// Ascending by bytes, none beyond a text of text_bytes, lines from 1.
bool AreLineMarks(std::span<const LineMark> marks, std::size_t text_bytes);

// Of a byte that `text` holds or ends at; text begins at byte text_begin. Unset before the first
// mark.
std::optional<std::size_t> LineAt(std::span<const LineMark> marks, std::string_view text,
                                  std::size_t text_begin, std::size_t byte);

// The same marks, and one at each of these bytes, which ascend: nobody needs the text before them.
std::vector<LineMark> WithMarksAt(std::span<const LineMark> marks, std::string_view text,
                                  std::span<const std::size_t> bytes);

}  // namespace kinglet
