// SPDX-License-Identifier: Apache-2.0
// Encodings by ICU's converters, characters by ICU's UTF-8 macros.
#include "knowledge/cleaner.h"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <memory>

#include <unicode/ucnv.h>
#include <unicode/utf8.h>

#include "base/display.h"
#include "knowledge/encoding_guess.h"

namespace kinglet {
namespace {

constexpr UChar32 kReplacement = 0xFFFD;

struct CloseConverter {
  void operator()(UConverter* converter) const { ucnv_close(converter); }
};
using Converter = std::unique_ptr<UConverter, CloseConverter>;

Converter OpenConverter(const char* name) {
  UErrorCode error = U_ZERO_ERROR;
  Converter converter(ucnv_open(name, &error));
  return U_SUCCESS(error) ? std::move(converter) : nullptr;
}

// HTML has it (WHATWG Encoding) that these names mean windows-1252, of which they are a part.
bool MeansWindows1252(const UConverter* converter) {
  UErrorCode error = U_ZERO_ERROR;
  const std::string_view name = ucnv_getName(converter, &error);
  return name == "ISO-8859-1" || name == "US-ASCII";
}

// By ICU with its default callback: what is not in the encoding becomes U+FFFD.
std::string Convert(std::string_view bytes, UConverter* from) {
  const Converter to = OpenConverter("UTF-8");
  if (to == nullptr) return CleanText(bytes);
  std::string out;
  UChar pivot[1024];
  UChar* pivot_source = pivot;
  UChar* pivot_target = pivot;
  char piece[4096];
  const char* source = bytes.data();
  const char* const source_end = bytes.data() + bytes.size();
  bool reset = true;
  for (;;) {
    UErrorCode error = U_ZERO_ERROR;
    char* target = piece;
    ucnv_convertEx(to.get(), from, &target, piece + sizeof piece, &source, source_end, pivot,
                   &pivot_source, &pivot_target, pivot + std::size(pivot), reset, true, &error);
    reset = false;
    out.append(piece, target);
    if (error != U_BUFFER_OVERFLOW_ERROR) return out;
  }
}

void AppendCodePoint(std::string& out, UChar32 c) {
  char bytes[U8_MAX_LENGTH];
  std::int32_t length = 0;
  U8_APPEND_UNSAFE(bytes, length, c);
  out.append(bytes, static_cast<std::size_t>(length));
}

bool IsUnwanted(UChar32 c) {
  if (c < 0x20) return c != '\n' && c != '\t';
  if (c >= 0x7F && c < 0xA0) return true;       // DEL and C1
  if (c >= 0x202A && c <= 0x202E) return true;  // bidirectional embeddings and overrides
  if (c >= 0x2066 && c <= 0x2069) return true;  // and isolates: they can reorder a terminal's line
  if (c >= 0xFFF9 && c <= 0xFFFB) return true;  // interlinear annotation
  return c == 0xAD || c == 0x200B || c == 0x2060 || c == 0xFEFF || (c & 0xFFFE) == 0xFFFE;
}

bool IsSpaceLike(UChar32 c) {
  return c == 0xA0 || c == 0x202F || (c >= 0x2000 && c <= 0x200A) || c == 0x3000;
}

}  // namespace

std::string DecodeToUtf8(std::string_view bytes, std::string_view declared) {
  UErrorCode error = U_ZERO_ERROR;
  std::int32_t mark_bytes = 0;
  const auto head = static_cast<std::int32_t>(std::min<std::size_t>(bytes.size(), 8));
  const char* marked =
      ucnv_detectUnicodeSignature(std::to_address(bytes.begin()), head, &mark_bytes, &error);
  if (marked != nullptr) {
    if (const Converter from = OpenConverter(marked)) {
      return Convert(bytes.substr(static_cast<std::size_t>(mark_bytes)), from.get());
    }
  }
  if (!declared.empty() && declared.size() < UCNV_MAX_CONVERTER_NAME_LENGTH) {
    const Converter from = OpenConverter(std::string(declared).c_str());
    // A page that was read as bytes up to its meta tag is not UTF-16, whatever the tag says.
    if (from != nullptr && ucnv_getMinCharSize(from.get()) == 1 && !MeansWindows1252(from.get())) {
      return Convert(bytes, from.get());
    }
  }
  if (const std::string wide(WideEncodingByZeroBytes(bytes)); !wide.empty()) {
    if (const Converter from = OpenConverter(wide.c_str())) return Convert(bytes, from.get());
  }
  if (IsUtf8(bytes)) return std::string(bytes);
  Converter from;
  if (const std::string name = GuessEncoding(bytes); !name.empty()) {
    from = OpenConverter(name.c_str());
    if (from != nullptr && MeansWindows1252(from.get())) from = nullptr;
  }
  if (from == nullptr) from = OpenConverter("windows-1252");
  return from == nullptr ? CleanText(bytes) : Convert(bytes, from.get());
}

std::string LowerAscii(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

std::string DecodeHexEscapes(std::string_view text, char mark) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::string digits;
    if (text[i] == mark && i + 2 < text.size()) digits = LowerAscii(text.substr(i + 1, 2));
    if (digits.empty() || digits.find_first_not_of(kDigits) != std::string::npos) {
      out += text[i];
    } else {
      out += static_cast<char>(kDigits.find(digits[0]) << 4 | kDigits.find(digits[1]));
      i += 2;
    }
  }
  return out;
}

std::string CleanText(std::string_view utf8) {
  std::string out;
  out.reserve(utf8.size());
  const auto* s = reinterpret_cast<const std::uint8_t*>(utf8.data());
  for (std::size_t i = 0; i < utf8.size();) {
    UChar32 c = 0;
    U8_NEXT(s, i, utf8.size(), c);  // NOLINT(bugprone-inc-dec-in-conditions): a macro of ICU's
    if (c < 0) c = kReplacement;
    const bool at_line_break =
        (i < utf8.size() && utf8[i] == '\n') || (!out.empty() && out.back() == '\n');
    if (c == '\r') {
      if (i < utf8.size() && utf8[i] == '\n') continue;
      c = '\n';
    } else if (c == '\f' && at_line_break) {
      continue;  // a page of a printer ends with a line: it makes no line of its own
    } else if (c == '\f' || c == '\v' || c == 0x85 || c == 0x2028 || c == 0x2029) {
      c = '\n';
    }
    if (IsUnwanted(c)) continue;
    AppendCodePoint(out, IsSpaceLike(c) ? ' ' : c);
  }
  return out;
}

std::string OneLine(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    if (!IsSpace(c)) {
      out += c;
    } else if (!out.empty() && out.back() != ' ') {
      out += ' ';
    }
  }
  if (!out.empty() && out.back() == ' ') out.pop_back();
  return out;
}

std::string TrimLines(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    std::string_view line = text.substr(begin, end - begin);
    while (!line.empty() && IsSpace(line.back())) line.remove_suffix(1);
    if (!(out.empty() && line.empty())) {
      out += line;
      out += '\n';
    }
    begin = end + 1;
  }
  while (!out.empty() && out.back() == '\n') out.pop_back();
  return out;
}

void TruncateUtf8(std::string& text, std::size_t max_bytes) {
  if (text.size() <= max_bytes) return;
  std::size_t end = max_bytes;
  while (end > 0 && U8_IS_TRAIL(text[end])) --end;
  text.resize(end);
}

}  // namespace kinglet
