// SPDX-License-Identifier: Apache-2.0
// Text that knows which of its bytes are data: cutting and joining carries the marks along.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/byte_range.h"

namespace kinglet::jinja {

// Bytes (UTF-8 as a rule; a stray byte counts as a character) and the ranges of them that are data.
class Text {
 public:
  Text() = default;
  explicit Text(std::string bytes, bool is_data = false);

  const std::string& bytes() const { return bytes_; }
  std::size_t size() const { return bytes_.size(); }
  bool empty() const { return bytes_.empty(); }
  // Sorted, disjoint, not empty, never touching.
  std::span<const ByteRange> data() const { return data_; }
  std::string TakeBytes() && { return std::move(bytes_); }

  // Python's Markup: `|safe` and `|escape` set it, and what + joins with it is HTML-escaped.
  bool is_markup() const { return is_markup_; }
  void set_markup(bool is_markup) { is_markup_ = is_markup; }

  void Reserve(std::size_t bytes) { bytes_.reserve(bytes); }
  void Append(std::string_view bytes, bool is_data = false);
  void Append(const Text& text) { AppendSlice(text, 0, text.size()); }
  void AppendSlice(const Text& text, std::size_t begin, std::size_t end);
  // The bytes [begin, end), a markup if this is one.
  Text Slice(std::size_t begin, std::size_t end) const;
  // Whether any byte of [begin, end) is data.
  bool HasData(std::size_t begin, std::size_t end) const;

 private:
  void MarkData(std::size_t begin, std::size_t end);

  std::string bytes_;
  std::vector<ByteRange> data_;
  bool is_markup_ = false;
};

// A character of text: its code point (the byte itself where it is no UTF-8) and its length.
struct Character {
  char32_t code_point = 0;
  std::size_t bytes = 0;
};
Character CharacterAt(std::string_view text, std::size_t offset);
std::size_t CountCharacters(std::string_view text);
// Offset of the character number index, text.size() where there are fewer.
std::size_t OffsetOfCharacter(std::string_view text, std::size_t index);

// Offset of the first `part` in text from `from` on, npos where there is none. In linear time,
// which std::string::find is not.
std::size_t FindBytes(std::string_view text, std::string_view part, std::size_t from = 0);

// What Python's str.isspace says.
bool IsSpace(char32_t code_point);

// Python's str.strip: characters of `chars`, or white space where it is null, go from the ends
// asked for.
enum class Ends { kLeft, kRight, kBoth };
ByteRange StripRange(std::string_view text, Ends ends, const std::string_view* chars = nullptr);

// Full Unicode case mapping. kTitle: the first letter of each run of letters up, the rest down;
// kCapitalize: the text's first letter up, the rest down.
enum class LetterCase { kUpper, kLower, kTitle, kCapitalize };
Text MapCase(const Text& text, LetterCase letter_case);

// & < > ' " as HTML entities, like Python's markupsafe. A markup stays as it is. Returns a markup.
Text EscapeHtml(const Text& text);

}  // namespace kinglet::jinja
