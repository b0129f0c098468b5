// SPDX-License-Identifier: Apache-2.0
// Ranges of data that follow their bytes; characters, white space and case as Python sees them.
#include "text/jinja_text.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <utility>

#include <unicode/ucasemap.h>
#include <unicode/uchar.h>

#include "base/check.h"
#include "base/utf8.h"

namespace kinglet::jinja {

Text::Text(std::string bytes, bool is_data) : bytes_(std::move(bytes)) {
  if (is_data) MarkData(0, bytes_.size());
}

void Text::MarkData(std::size_t begin, std::size_t end) {
  if (begin == end) return;
  if (!data_.empty() && data_.back().end == begin) {
    data_.back().end = end;
  } else {
    data_.push_back({begin, end});
  }
}

void Text::Append(std::string_view bytes, bool is_data) {
  const std::size_t begin = bytes_.size();
  bytes_.append(bytes);
  if (is_data) MarkData(begin, bytes_.size());
}

void Text::AppendSlice(const Text& text, std::size_t begin, std::size_t end) {
  KINGLET_CHECK(begin <= end && end <= text.size(), "[{}, {}) of {}", begin, end, text.size());
  KINGLET_CHECK(&text != this, "a text cannot grow by itself");
  const std::size_t shift = bytes_.size();
  bytes_.append(text.bytes_, begin, end - begin);
  auto range = std::ranges::upper_bound(text.data_, begin, {}, &ByteRange::end);
  for (; range != text.data_.end() && range->begin < end; ++range) {
    MarkData(std::max(range->begin, begin) - begin + shift,
             std::min(range->end, end) - begin + shift);
  }
}

Text Text::Slice(std::size_t begin, std::size_t end) const {
  Text slice;
  slice.AppendSlice(*this, begin, end);
  slice.is_markup_ = is_markup_;
  return slice;
}

bool Text::HasData(std::size_t begin, std::size_t end) const {
  const auto range = std::ranges::upper_bound(data_, begin, {}, &ByteRange::end);
  return range != data_.end() && range->begin < end;
}

Character CharacterAt(std::string_view text, std::size_t offset) {
  const auto lead = static_cast<unsigned char>(text[offset]);
  if (lead < 0x80) return {lead, 1};
  const Utf8Character character = DecodeUtf8(text.substr(offset));
  if (character.state != Utf8State::kValid) return {lead, 1};
  return {character.code_point, character.size_bytes};
}

std::size_t CountCharacters(std::string_view text) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < text.size(); i += CharacterAt(text, i).bytes) ++count;
  return count;
}

std::size_t OffsetOfCharacter(std::string_view text, std::size_t index) {
  std::size_t offset = 0;
  for (; index > 0 && offset < text.size(); --index) offset += CharacterAt(text, offset).bytes;
  return offset;
}

std::size_t FindBytes(std::string_view text, std::string_view part, std::size_t from) {
  if (from > text.size()) return std::string_view::npos;
  if (part.empty()) return from;
  const void* found = memmem(text.data() + from, text.size() - from, part.data(), part.size());
  if (found == nullptr) return std::string_view::npos;
  return static_cast<std::size_t>(static_cast<const char*>(found) - text.data());
}

bool IsSpace(char32_t code_point) {
  if (code_point < 0x80) {
    return code_point == ' ' || (code_point >= 0x09 && code_point <= 0x0d) ||
           (code_point >= 0x1c && code_point <= 0x1f);
  }
  return code_point == 0x85 || u_isUWhiteSpace(static_cast<UChar32>(code_point)) != 0;
}

ByteRange StripRange(std::string_view text, Ends ends, const std::string_view* chars) {
  const auto goes = [&](std::size_t offset, std::size_t bytes) {
    if (chars != nullptr) return chars->find(text.substr(offset, bytes)) != std::string_view::npos;
    return IsSpace(CharacterAt(text, offset).code_point);
  };
  ByteRange kept{0, text.size()};
  while (ends != Ends::kRight && kept.begin < kept.end) {
    const std::size_t bytes = CharacterAt(text, kept.begin).bytes;
    if (!goes(kept.begin, bytes)) break;
    kept.begin += bytes;
  }
  while (ends != Ends::kLeft && kept.begin < kept.end) {
    // A character begins at the one of the last four bytes from which it reaches just to the end.
    std::size_t start = kept.end - 1;
    for (std::size_t back = 2; back <= 4 && back <= kept.end - kept.begin; ++back) {
      if (CharacterAt(text, kept.end - back).bytes == back) start = kept.end - back;
    }
    if (!goes(start, kept.end - start)) break;
    kept.end = start;
  }
  return kept;
}

namespace {

// `mapped` in upper or lower case, by ICU with no language's own rules.
std::string MapRun(std::string_view run, bool upper) {
  const bool is_ascii = std::ranges::all_of(run, [](char c) { return (c & 0x80) == 0; });
  std::string mapped(run);
  if (is_ascii) {
    for (char& c : mapped) {
      if (upper ? (c >= 'a' && c <= 'z') : (c >= 'A' && c <= 'Z')) c = static_cast<char>(c ^ 0x20);
    }
    return mapped;
  }
  UErrorCode status = U_ZERO_ERROR;
  const std::unique_ptr<UCaseMap, decltype(&ucasemap_close)> map(ucasemap_open("", 0, &status),
                                                                 &ucasemap_close);
  const auto to_case = upper ? &ucasemap_utf8ToUpper : &ucasemap_utf8ToLower;
  mapped.resize(run.size() * 3 + 16);
  const std::int32_t bytes =
      to_case(map.get(), mapped.data(), static_cast<std::int32_t>(mapped.size()), run.data(),
              static_cast<std::int32_t>(run.size()), &status);
  if (U_FAILURE(status) != 0) return std::string(run);
  mapped.resize(static_cast<std::size_t>(bytes));
  return mapped;
}

// Appends text[begin, end) mapped, run by run of bytes that are all data or all not.
void AppendMapped(Text& out, const Text& text, std::size_t begin, std::size_t end, bool upper) {
  const auto append = [&](std::size_t from, std::size_t to, bool is_data) {
    if (from < to) {
      out.Append(MapRun(std::string_view(text.bytes()).substr(from, to - from), upper), is_data);
    }
  };
  auto range = std::ranges::upper_bound(text.data(), begin, {}, &ByteRange::end);
  for (; range != text.data().end() && range->begin < end; ++range) {
    append(begin, range->begin, false);
    const std::size_t stop = std::min(end, range->end);
    append(std::max(begin, range->begin), stop, true);
    begin = stop;
  }
  append(begin, end, false);
}

}  // namespace

Text MapCase(const Text& text, LetterCase letter_case) {
  Text out;
  out.set_markup(text.is_markup());
  if (letter_case == LetterCase::kUpper || letter_case == LetterCase::kLower) {
    AppendMapped(out, text, 0, text.size(), letter_case == LetterCase::kUpper);
    return out;
  }
  bool in_word = false;
  for (std::size_t begin = 0; begin < text.size();) {
    // One letter in upper case, or all that follows in the same case.
    Character character = CharacterAt(text.bytes(), begin);
    std::size_t end = begin + character.bytes;
    if (in_word && letter_case == LetterCase::kCapitalize) end = text.size();
    AppendMapped(out, text, begin, end, !in_word);
    in_word = letter_case == LetterCase::kCapitalize ||
              u_isalpha(static_cast<UChar32>(character.code_point)) != 0;
    begin = end;
  }
  return out;
}

Text EscapeHtml(const Text& text) {
  if (text.is_markup()) return text;
  Text out;
  std::size_t done = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::string_view entity;
    switch (text.bytes()[i]) {
      case '&':
        entity = "&amp;";
        break;
      case '<':
        entity = "&lt;";
        break;
      case '>':
        entity = "&gt;";
        break;
      case '\'':
        entity = "&#39;";
        break;
      case '"':
        entity = "&#34;";
        break;
      default:
        continue;
    }
    out.AppendSlice(text, done, i);
    out.Append(entity, text.HasData(i, i + 1));
    done = i + 1;
  }
  out.AppendSlice(text, done, text.size());
  out.set_markup(true);
  return out;
}

}  // namespace kinglet::jinja
