// SPDX-License-Identifier: Apache-2.0
// The bytes of neighbouring words are joined before they are decoded, for senders cut characters in
// two. GMime joins their base64 instead, and loses what stands behind a padded word.
#include "knowledge/formats/mime_words.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>

#include "knowledge/cleaner.h"

namespace kinglet {
namespace {

constexpr std::size_t kMaxCharsetBytes = 60;

struct Word {
  std::string_view charset;
  char encoding;  // 'B' or 'Q', in either case
  std::string_view text;
  std::size_t size;  // of the whole, marks included
};

// Of what begins with "=?".
std::optional<Word> ParseWord(std::string_view raw) {
  const std::string_view head = raw.substr(2, kMaxCharsetBytes);
  const std::size_t charset_end = head.find_first_of("? \t\r\n");
  if (charset_end == std::string_view::npos || head[charset_end] != '?') return std::nullopt;
  const std::string_view charset = head.substr(0, std::min(head.find('*'), charset_end));
  const std::size_t encoding = 2 + charset_end + 1;
  if (encoding + 2 > raw.size() || raw[encoding + 1] != '?') return std::nullopt;
  if (std::string_view("BbQq").find(raw[encoding]) == std::string_view::npos) return std::nullopt;
  const std::size_t begin = encoding + 2;
  const std::size_t end = raw.find("?=", begin);
  if (end == std::string_view::npos) return std::nullopt;
  return Word{charset, raw[encoding], raw.substr(begin, end - begin), end + 2};
}

std::string DecodeBase64(std::string_view text) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string bytes;
  std::uint32_t bits = 0;
  int bit_count = 0;
  for (const char c : text) {
    const std::size_t digit = kDigits.find(c);
    if (digit == std::string_view::npos) continue;
    bits = (bits << 6 | static_cast<std::uint32_t>(digit)) & 0xFFFF;
    bit_count += 6;
    if (bit_count < 8) continue;
    bit_count -= 8;
    bytes += static_cast<char>(bits >> bit_count & 0xFF);
  }
  return bytes;
}

std::string DecodeQuoted(std::string_view text) {
  std::string spaced(text);
  std::ranges::replace(spaced, '_', ' ');
  return DecodeHexEscapes(spaced, '=');
}

}  // namespace

std::string DecodeMimeWords(std::string_view raw) {
  std::string out;
  std::string bytes;  // of the words since the last other text, all in one charset
  std::string_view charset;
  const auto flush = [&] { out += DecodeToUtf8(std::exchange(bytes, {}), charset); };
  std::size_t done = 0;
  for (std::size_t at = raw.find("=?"); at != std::string_view::npos;) {
    const std::optional<Word> word = ParseWord(raw.substr(at));
    if (!word) {
      // Where no word ends any more, none begins.
      if (raw.find("?=", at + 2) == std::string_view::npos) break;
      at = raw.find("=?", at + 2);
      continue;
    }
    const std::string_view between = raw.substr(done, at - done);
    const bool is_neighbour = !bytes.empty() && std::ranges::all_of(between, IsSpace);
    if (!is_neighbour || word->charset != charset) flush();
    if (!is_neighbour) out += DecodeToUtf8(between);
    charset = word->charset;
    bytes += word->encoding == 'B' || word->encoding == 'b' ? DecodeBase64(word->text)
                                                            : DecodeQuoted(word->text);
    done = at + word->size;
    at = raw.find("=?", done);
  }
  flush();
  return out + DecodeToUtf8(raw.substr(done));
}

}  // namespace kinglet
