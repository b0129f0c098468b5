// SPDX-License-Identifier: Apache-2.0
// Read from left to right, as the grammars of the RFCs are written; Punycode and the rules of
// international labels are ICU's.
#include "grammar/network_formats.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include <unicode/bytestream.h>
#include <unicode/idna.h>
#include <unicode/stringpiece.h>
#include <unicode/uchar.h>

#include "base/utf8.h"

namespace kinglet::validation {
namespace {

constexpr std::size_t kMaxLabelBytes = 63;
constexpr std::size_t kMaxHostnameBytes = 253;
constexpr std::size_t kMaxInternationalBytes = 4 * kMaxHostnameBytes;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool IsHexDigit(char c) { return IsDigit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }
bool IsAscii(char c) { return static_cast<unsigned char>(c) < 0x80; }
bool IsOneOf(char c, std::string_view set) { return set.find(c) != std::string_view::npos; }

// The first part of a list; what separates it from the next is cut off, too.
std::string_view CutPart(std::string_view& rest, char separator) {
  const std::size_t end = std::min(rest.find(separator), rest.size());
  const std::string_view part = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return part;
}

bool IsByte(std::string_view text) {
  if (text.empty() || text.size() > 3 || !std::ranges::all_of(text, IsDigit)) return false;
  if (text.size() > 1 && text[0] == '0') return false;
  int number = 0;
  for (const char c : text) number = number * 10 + (c - '0');
  return number <= 255;
}

// How many groups of 16 bits stand there, with a colon between each two; none where they are not.
int Groups(std::string_view text, bool may_end_in_ipv4) {
  constexpr int kNone = -100;
  if (text.empty()) return 0;
  if (text.ends_with(':')) return kNone;
  int count = 0;
  while (!text.empty()) {
    const std::string_view group = CutPart(text, ':');
    if (text.empty() && may_end_in_ipv4 && IsIpv4(group)) return count + 2;
    if (group.empty() || group.size() > 4 || !std::ranges::all_of(group, IsHexDigit)) return kNone;
    ++count;
  }
  return count;
}

bool IsLabel(std::string_view label) {
  return !label.empty() && label.size() <= kMaxLabelBytes && label.front() != '-' &&
         label.back() != '-' &&
         std::ranges::all_of(label, [](char c) { return IsDigit(c) || IsLetter(c) || c == '-'; });
}

bool HasLabels(std::string_view text) {
  if (text.ends_with('.')) return false;
  do {
    if (!IsLabel(CutPart(text, '.'))) return false;
  } while (!text.empty());
  return true;
}

bool HasPunycode(std::string_view text) {
  while (!text.empty()) {
    const std::string_view label = CutPart(text, '.');
    if (label.size() >= 4 && (label[0] | 0x20) == 'x' && (label[1] | 0x20) == 'n' &&
        label[2] == '-' && label[3] == '-')
      return true;
  }
  return false;
}

// RFC 5892, 2.1 and 2.6. UTS 46 is wider: it lets symbols be.
bool IsInLabels(char32_t c) {
  // Those of them whose place matters ICU sees to.
  constexpr std::array<char32_t, 13> kMore = {U'-',   U'.',   0x00B7, 0x0375, 0x05F3,
                                              0x05F4, 0x06FD, 0x06FE, 0x0F0B, 0x200C,
                                              0x200D, 0x3007, 0x30FB};
  constexpr std::array<char32_t, 10> kLess = {0x0640, 0x07FA, 0x302E, 0x302F, 0x3031,
                                              0x3032, 0x3033, 0x3034, 0x3035, 0x303B};
  constexpr std::uint32_t kLettersAndDigits = U_GC_LL_MASK | U_GC_LU_MASK | U_GC_LO_MASK |
                                              U_GC_LM_MASK | U_GC_ND_MASK | U_GC_MN_MASK |
                                              U_GC_MC_MASK;
  if (std::ranges::find(kMore, c) != kMore.end()) return true;
  return (U_GET_GC_MASK(static_cast<UChar32>(c)) & kLettersAndDigits) != 0 &&
         std::ranges::find(kLess, c) == kLess.end();
}

// By ICU, whose `convert` is IDNA::nameToASCII_UTF8 or nameToUnicodeUTF8; false where it has
// errors.
template <typename Convert>
bool ConvertName(std::string_view name, Convert convert, std::string& converted) {
  constexpr std::uint32_t kOptions =
      UIDNA_USE_STD3_RULES | UIDNA_CHECK_BIDI | UIDNA_CHECK_CONTEXTJ | UIDNA_CHECK_CONTEXTO |
      UIDNA_NONTRANSITIONAL_TO_ASCII | UIDNA_NONTRANSITIONAL_TO_UNICODE;
  UErrorCode status = U_ZERO_ERROR;
  const std::unique_ptr<icu::IDNA> idna(icu::IDNA::createUTS46Instance(kOptions, status));
  if (U_FAILURE(status)) return false;
  icu::IDNAInfo info;
  icu::StringByteSink<std::string> sink(&converted);
  ((*idna).*convert)({name.data(), static_cast<std::int32_t>(name.size())}, sink, info, status);
  return U_SUCCESS(status) != 0 && !info.hasErrors();
}

bool HasAllowedLabels(std::string_view name) {
  std::string decoded;
  if (!ConvertName(name, &icu::IDNA::nameToUnicodeUTF8, decoded)) return false;
  for (std::string_view rest = decoded; !rest.empty();) {
    const Utf8Character character = DecodeUtf8(rest);
    if (!IsInLabels(character.code_point)) return false;
    rest.remove_prefix(character.size_bytes);
  }
  return true;
}

// The part in front of the @: words with dots between, or anything quoted.
bool TakeLocalPart(std::string_view& rest, bool is_international) {
  const std::string_view all = rest;
  if (rest.starts_with('"')) {
    rest.remove_prefix(1);
    while (!rest.empty() && rest.front() != '"') {
      if (rest.front() == '\\') rest.remove_prefix(1);
      if (rest.empty()) return false;
      const char c = rest.front();
      if (IsAscii(c) ? c < 0x20 || c == 0x7F : !is_international) return false;
      rest.remove_prefix(1);
    }
    if (rest.empty()) return false;
    rest.remove_prefix(1);
  } else {
    const auto* const end = std::ranges::find_if_not(rest, [&](char c) {
      return IsAscii(c) ? IsDigit(c) || IsLetter(c) || IsOneOf(c, ".!#$%&'*+-/=?^_`{|}~")
                        : is_international;
    });
    rest.remove_prefix(static_cast<std::size_t>(end - rest.begin()));
    const std::string_view words = all.substr(0, all.size() - rest.size());
    if (words.empty() || words.starts_with('.') || words.ends_with('.') ||
        words.find("..") != std::string_view::npos)
      return false;
  }
  return true;
}

bool IsEmailAddress(std::string_view text, bool is_international) {
  if (!TakeLocalPart(text, is_international) || !text.starts_with('@')) return false;
  text.remove_prefix(1);
  if (text.starts_with('[') && text.ends_with(']')) {
    text = text.substr(1, text.size() - 2);
    constexpr std::string_view kIpv6 = "ipv6:";
    const bool is_ipv6 = std::ranges::equal(
        text.substr(0, kIpv6.size()), kIpv6,
        [](char c, char of) { return IsLetter(of) ? (c | 0x20) == of : c == of; });
    return is_ipv6 ? IsIpv6(text.substr(kIpv6.size())) : IsIpv4(text);
  }
  return is_international ? IsInternationalHostname(text) : HasLabels(text);
}

// RFC 3987, ucschar.
bool IsInternational(char32_t c) {
  if (c >= 0x10000) return c < 0xE0000 ? (c & 0xFFFF) <= 0xFFFD : c >= 0xE1000 && c <= 0xEFFFD;
  return (c >= 0xA0 && c <= 0xD7FF) || (c >= 0xF900 && c <= 0xFDCF) || (c >= 0xFDF0 && c <= 0xFFEF);
}
bool IsPrivate(char32_t c) {
  return (c >= 0xE000 && c <= 0xF8FF) || (c >= 0xF0000 && c <= 0xFFFFD) || c >= 0x100000;
}

class UriReader {
 public:
  UriReader(std::string_view text, bool is_international)
      : text_(text), is_international_(is_international) {}

  bool Read(bool may_be_relative) const {
    std::string_view path = text_;
    const std::string_view before_fragment = CutPart(path, '#');
    if (!HasOnly(path, ":@/?")) return false;
    std::string_view query = before_fragment;
    path = CutPart(query, '?');
    if (!HasOnly(query, ":@/?", /*may_be_private=*/true)) return false;
    const std::size_t colon = path.find(':');
    if (colon < path.find('/')) {
      if (!IsScheme(path.substr(0, colon))) return false;
      path.remove_prefix(colon + 1);
    } else if (!may_be_relative) {
      return false;
    }
    if (path.starts_with("//")) {
      path.remove_prefix(2);
      const std::size_t end = std::min(path.find('/'), path.size());
      if (!IsAuthority(path.substr(0, end))) return false;
      path.remove_prefix(end);
    }
    return HasOnly(path, ":@/");
  }

 private:
  static bool IsScheme(std::string_view text) {
    return !text.empty() && IsLetter(text.front()) && std::ranges::all_of(text, [](char c) {
      return IsDigit(c) || IsLetter(c) || IsOneOf(c, "+-.");
    });
  }

  // Unreserved characters, sub-delims, %41, and what else is named.
  bool HasOnly(std::string_view text, std::string_view more, bool may_be_private = false) const {
    while (!text.empty()) {
      const Utf8Character character = DecodeUtf8(text);
      const char32_t c = character.code_point;
      if (c >= 0x80) {
        if (!is_international_ || !(IsInternational(c) || (may_be_private && IsPrivate(c))))
          return false;
      } else if (c == U'%') {
        if (text.size() < 3 || !IsHexDigit(text[1]) || !IsHexDigit(text[2])) return false;
      } else {
        const char byte = text.front();
        if (!IsDigit(byte) && !IsLetter(byte) && !IsOneOf(byte, "-._~!$&'()*+,;=") &&
            !IsOneOf(byte, more))
          return false;
      }
      text.remove_prefix(character.size_bytes);
    }
    return true;
  }

  bool IsAuthority(std::string_view text) const {
    if (const std::size_t at = text.find('@'); at != std::string_view::npos) {
      if (!HasOnly(text.substr(0, at), ":")) return false;
      text.remove_prefix(at + 1);
    }
    std::string_view host = text;
    if (text.starts_with('[')) {
      const std::size_t end = text.find(']');
      if (end == std::string_view::npos || !IsLiteral(text.substr(1, end - 1))) return false;
      host = {};
      text.remove_prefix(end + 1);
      if (!text.empty() && text.front() != ':') return false;
      CutPart(text, ':');
    } else {
      host = CutPart(text, ':');
    }
    return HasOnly(host, "") && std::ranges::all_of(text, IsDigit);
  }

  // Between the brackets: an IPv6 address, or one of a version to come.
  bool IsLiteral(std::string_view text) const {
    if (!text.starts_with('v') && !text.starts_with('V')) return IsIpv6(text);
    const std::string_view version = CutPart(text, '.').substr(1);
    return !version.empty() && std::ranges::all_of(version, IsHexDigit) && !text.empty() &&
           text.find('%') == std::string_view::npos && std::ranges::all_of(text, IsAscii) &&
           HasOnly(text, ":");
  }

  std::string_view text_;
  bool is_international_;
};

}  // namespace

bool IsIpv4(std::string_view text) {
  if (text.ends_with('.')) return false;
  int count = 0;
  while (!text.empty()) {
    if (!IsByte(CutPart(text, '.'))) return false;
    ++count;
  }
  return count == 4;
}

bool IsIpv6(std::string_view text) {
  const std::size_t gap = text.find("::");
  if (gap == std::string_view::npos) return Groups(text, /*may_end_in_ipv4=*/true) == 8;
  const int before = Groups(text.substr(0, gap), /*may_end_in_ipv4=*/false);
  const int after = Groups(text.substr(gap + 2), /*may_end_in_ipv4=*/true);
  return before >= 0 && after >= 0 && before + after <= 7;
}

bool IsHostname(std::string_view text) {
  return text.size() <= kMaxHostnameBytes && HasLabels(text) &&
         (!HasPunycode(text) || HasAllowedLabels(text));
}

bool IsInternationalHostname(std::string_view text) {
  std::string name;
  if (text.size() > kMaxInternationalBytes) return false;
  return ConvertName(text, &icu::IDNA::nameToASCII_UTF8, name) &&
         name.size() <= kMaxHostnameBytes && HasLabels(name) && HasAllowedLabels(text);
}

bool IsEmail(std::string_view text) { return IsEmailAddress(text, /*is_international=*/false); }
bool IsInternationalEmail(std::string_view text) {
  return IsEmailAddress(text, /*is_international=*/true);
}

bool IsUri(std::string_view text) { return UriReader(text, false).Read(false); }
bool IsUriReference(std::string_view text) { return UriReader(text, false).Read(true); }
bool IsIri(std::string_view text) { return UriReader(text, true).Read(false); }
bool IsIriReference(std::string_view text) { return UriReader(text, true).Read(true); }

}  // namespace kinglet::validation
