// SPDX-License-Identifier: Apache-2.0
// Zero bytes by rules of our own, all else by uchardet, whose answer is not always to be trusted.
#include "knowledge/encoding_guess.h"

#include <algorithm>
#include <cstdint>
#include <memory>

#include <uchardet/uchardet.h>

#include "base/check.h"
#include "knowledge/cleaner.h"

namespace kinglet {
namespace {

constexpr std::size_t kWideSampleBytes = 4096;
constexpr std::size_t kMinWideBytes = 8;
constexpr std::size_t kGuessedBytes = 64 << 10;

// So few accents say little of the language: uchardet takes "piña" for Estonian.
constexpr std::size_t kFewAccents = 8;

std::uint32_t Byte(char c) { return static_cast<unsigned char>(c); }

bool IsCharacterOfText(std::uint32_t c) {
  if (c < 0x20) return IsSpace(static_cast<char>(c));
  return c <= 0x10FFFF && (c < 0xD800 || c > 0xDFFF);
}

bool IsUtf32(std::string_view bytes, bool little) {
  for (std::size_t i = 0; i + 4 <= bytes.size(); i += 4) {
    std::uint32_t c = 0;
    for (std::size_t k = 0; k < 4; ++k) c |= Byte(bytes[i + k]) << (little ? 8 * k : 24 - 8 * k);
    if (!IsCharacterOfText(c)) return false;
  }
  return true;
}

// Half of the characters are ASCII or Latin-1, and none of those is a control.
bool IsUtf16(std::string_view bytes, bool little) {
  std::size_t latin = 0;
  for (std::size_t i = 0; i + 2 <= bytes.size(); i += 2) {
    const std::uint32_t low = Byte(bytes[little ? i : i + 1]);
    const std::uint32_t high = Byte(bytes[little ? i + 1 : i]);
    if (high != 0) continue;
    if (!IsCharacterOfText(low)) return false;
    ++latin;
  }
  return latin * 4 >= bytes.size();
}

bool IsAscii(char c) { return Byte(c) < 0x80; }

bool IsLetter(char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); }

// Accents and signs stand alone among ASCII; letters of other scripts stand side by side.
bool HasOnlyFewAccents(std::string_view bytes) {
  std::size_t others = 0;
  std::size_t runs = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (IsAscii(bytes[i])) continue;
    ++others;
    if (i == 0 || IsAscii(bytes[i - 1])) ++runs;
  }
  return others < kFewAccents && others < 2 * runs;
}

// Polish and Czech in ISO-8859-2, which has letters where windows-1250 has the signs ± and ¶, and
// nothing where that has quotes: uchardet often names the other.
bool IsLatin2(std::string_view bytes) {
  bool has_letter = false;
  for (std::size_t i = 1; i < bytes.size(); ++i) {
    if (Byte(bytes[i]) >= 0x80 && Byte(bytes[i]) < 0xA0) return false;
    const bool in_word = Byte(bytes[i - 1]) >= 0xC0 || IsLetter(bytes[i - 1]);
    has_letter = has_letter || (in_word && (bytes[i] == '\xB1' || bytes[i] == '\xB6'));
  }
  return has_letter;
}

struct DeleteDetector {
  void operator()(uchardet* detector) const { uchardet_delete(detector); }
};

}  // namespace

std::string_view WideEncodingByZeroBytes(std::string_view bytes) {
  if (bytes.size() < kMinWideBytes || bytes.size() % 2 != 0) return {};
  const std::string_view sample = bytes.substr(0, kWideSampleBytes);
  if (bytes.size() % 4 == 0) {
    if (IsUtf32(sample, true)) return "UTF-32LE";
    if (IsUtf32(sample, false)) return "UTF-32BE";
  }
  if (IsUtf16(sample, true)) return "UTF-16LE";
  if (IsUtf16(sample, false)) return "UTF-16BE";
  return {};
}

std::string GuessEncoding(std::string_view bytes) {
  const auto first = std::ranges::find_if_not(bytes, IsAscii);
  const std::string_view sample =
      bytes.substr(static_cast<std::size_t>(first - bytes.begin()), kGuessedBytes);
  if (HasOnlyFewAccents(sample)) return {};
  const std::unique_ptr<uchardet, DeleteDetector> detector(uchardet_new());
  KINGLET_CHECK(detector != nullptr, "out of memory");
  uchardet_handle_data(detector.get(), sample.data(), sample.size());
  uchardet_data_end(detector.get());
  const std::string_view name = uchardet_get_charset(detector.get());
  // Its letters are those of windows-1251 but for the capitals, and hardly a file is left that is
  // really in it; nor in its neighbour.
  if (name == "MAC-CYRILLIC") return "windows-1251";
  if (name == "MAC-CENTRALEUROPE") return {};
  if (name == "WINDOWS-1250" && IsLatin2(sample)) return "ISO-8859-2";
  if (name == "UHC") return "windows-949";
  return std::string(name);
}

}  // namespace kinglet
