// SPDX-License-Identifier: Apache-2.0
// A range of characters is cut until each piece is a product of byte ranges.
#include "grammar/code_points.h"

#include <algorithm>
#include <array>
#include <ranges>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "base/utf8.h"

namespace kinglet {
namespace {

constexpr char32_t kFirstSurrogate = 0xD800;
constexpr char32_t kLastSurrogate = 0xDFFF;
constexpr char32_t kLastCodePoint = 0x10FFFF;

ByteSet Between(char first, char last) {
  return ByteSet::Range(static_cast<std::uint8_t>(first), static_cast<std::uint8_t>(last));
}

using Sequences = std::vector<std::vector<ByteSet>>;

void AddUtf8(char32_t first, char32_t last, Sequences& sequences) {
  for (const char32_t end : {U'\x7F', U'\x7FF', U'\xFFFF'}) {
    if (first <= end && end < last) {
      AddUtf8(first, end, sequences);
      return AddUtf8(end + 1, last, sequences);
    }
  }
  for (unsigned bits = 6; bits <= 18 && last > 0x7F; bits += 6) {
    const char32_t low = (char32_t{1} << bits) - 1;
    if ((first & ~low) == (last & ~low)) break;
    if ((first & low) != 0) {
      AddUtf8(first, first | low, sequences);
      return AddUtf8((first | low) + 1, last, sequences);
    }
    if ((last & low) != low) {
      AddUtf8(first, (last & ~low) - 1, sequences);
      return AddUtf8(last & ~low, last, sequences);
    }
  }
  std::string begin;
  std::string end;
  AppendUtf8(first, begin);
  AppendUtf8(last, end);
  std::vector<ByteSet>& sequence = sequences.emplace_back();
  for (std::size_t i = 0; i < begin.size(); ++i) sequence.push_back(Between(begin[i], end[i]));
}

struct Escape {
  char32_t code_point;
  std::string_view text;
};
constexpr std::array<Escape, 7> kShortEscapes = {{{U'"', R"(\")"},
                                                  {U'\\', R"(\\)"},
                                                  {U'\b', R"(\b)"},
                                                  {U'\f', R"(\f)"},
                                                  {U'\n', R"(\n)"},
                                                  {U'\r', R"(\r)"},
                                                  {U'\t', R"(\t)"}}};

bool IsEscaped(char32_t code_point) {
  return code_point < 0x20 || code_point == U'"' || code_point == U'\\';
}

RegexId EscapeOf(RegexPool& pool, char32_t code_point) {
  const auto* const found = std::ranges::find(kShortEscapes, code_point, &Escape::code_point);
  if (found != kShortEscapes.end()) return pool.Literal(found->text);
  return pool.Literal(fmt::format("\\u{:04x}", static_cast<std::uint32_t>(code_point)));
}

}  // namespace

CodePointSet CodePointSet::All() { return {{0, kLastCodePoint}}; }

void CodePointSet::Add(char32_t first, char32_t last) {
  last = std::min(last, kLastCodePoint);
  if (first <= kLastSurrogate && last >= kFirstSurrogate) {
    if (first < kFirstSurrogate) Add(first, kFirstSurrogate - 1);
    if (last > kLastSurrogate) Add(kLastSurrogate + 1, last);
    return;
  }
  if (first > last) return;
  // All that overlap or touch become one.
  const auto begin =
      std::ranges::find_if(ranges_, [&](const Range& range) { return range.last + 1 >= first; });
  auto end = begin;
  while (end != ranges_.end() && end->first <= last + 1) {
    first = std::min(first, end->first);
    last = std::max(last, end->last);
    ++end;
  }
  ranges_.insert(ranges_.erase(begin, end), {first, last});
}

void CodePointSet::Add(const CodePointSet& other) {
  for (const Range& range : other.ranges_) Add(range.first, range.last);
}

CodePointSet CodePointSet::Complement() const {
  CodePointSet rest;
  char32_t next = 0;
  for (const Range& range : ranges_) {
    if (range.first > next) rest.Add(next, range.first - 1);
    next = range.last + 1;
  }
  if (next <= kLastCodePoint) rest.Add(next, kLastCodePoint);
  return rest;
}

bool CodePointSet::Has(char32_t code_point) const {
  return std::ranges::any_of(ranges_, [&](const Range& range) {
    return range.first <= code_point && code_point <= range.last;
  });
}

std::vector<std::vector<ByteSet>> CodePointSet::Utf8Sequences() const {
  Sequences sequences;
  for (const Range& range : ranges_) AddUtf8(range.first, range.last, sequences);
  return sequences;
}

RegexId CodePointSet::ToRegex(RegexPool& pool, TextEncoding encoding) const {
  std::vector<RegexId> pieces;
  CodePointSet plain = *this;
  if (encoding == TextEncoding::kJsonString) {
    plain = {};
    for (const Range& range : ranges_) {
      char32_t begin = range.first;
      for (char32_t c = range.first; c <= std::min(range.last, U'\\'); ++c) {
        if (!IsEscaped(c)) continue;
        if (begin < c) plain.Add(begin, c - 1);
        pieces.push_back(EscapeOf(pool, c));
        begin = c + 1;
      }
      if (begin <= range.last) plain.Add(begin, range.last);
    }
  }
  for (const std::vector<ByteSet>& sequence : plain.Utf8Sequences()) {
    RegexId piece = kEmptyText;
    for (const ByteSet& set : std::views::reverse(sequence)) {
      piece = pool.Concat(pool.Bytes(set), piece);
    }
    pieces.push_back(piece);
  }
  return pool.Or(pieces);
}

}  // namespace kinglet
