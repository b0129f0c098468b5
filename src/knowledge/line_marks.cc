// SPDX-License-Identifier: Apache-2.0
// The last mark before a byte, and the line breaks between.
#include "knowledge/line_marks.h"

#include <algorithm>

namespace kinglet {

bool AreLineMarks(std::span<const LineMark> marks, std::size_t text_bytes) {
  const LineMark* previous = nullptr;
  for (const LineMark& mark : marks) {
    if (mark.line == 0 || mark.byte > text_bytes) return false;
    if (previous != nullptr && mark.byte <= previous->byte) return false;
    previous = &mark;
  }
  return true;
}

std::optional<std::size_t> LineAt(std::span<const LineMark> marks, std::string_view text,
                                  std::size_t text_begin, std::size_t byte) {
  const auto after = std::ranges::upper_bound(marks, byte, {}, &LineMark::byte);
  if (after == marks.begin()) return std::nullopt;
  const LineMark& mark = *(after - 1);
  if (!mark.counts) return mark.line;
  const std::size_t from = std::max(mark.byte, text_begin) - text_begin;
  const std::string_view between = text.substr(from, byte - text_begin - from);
  return mark.line + static_cast<std::size_t>(std::ranges::count(between, '\n'));
}

std::vector<LineMark> WithMarksAt(std::span<const LineMark> marks, std::string_view text,
                                  std::span<const std::size_t> bytes) {
  std::vector<LineMark> all;
  auto next = marks.begin();
  for (const std::size_t byte : bytes) {
    while (next != marks.end() && next->byte <= byte) all.push_back(*next++);
    if (all.empty() || all.back().byte == byte) continue;
    // Counted from the one before, which is no further back than the last of these bytes.
    const auto line = LineAt({&all.back(), 1}, text, 0, byte);
    if (line) all.push_back({byte, *line, all.back().counts});
  }
  all.insert(all.end(), next, marks.end());
  return all;
}

}  // namespace kinglet
