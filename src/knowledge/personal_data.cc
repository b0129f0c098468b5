// SPDX-License-Identifier: Apache-2.0
// One walk over the text. Where something may begin, each rule is asked, the most certain first;
// the walk goes on behind what one has found.
#include "knowledge/personal_data.h"

#include <charconv>
#include <optional>
#include <utility>

#include "base/utf8.h"
#include "knowledge/cleaner.h"
#include "knowledge/personal_data_rules.h"
#include "text/plain_words.h"

namespace kinglet {
namespace {

using End = std::optional<std::size_t>;  // where what begins here ends; unset: it is none

// What stands where a domain's last part does in names of files and of systemd's units.
constexpr auto kNoTopLevelDomains = std::to_array<std::string_view>(
    {"automount", "bmp",    "conf", "css",   "device", "gif",   "htm", "html", "ico",   "jpeg",
     "jpg",       "js",     "json", "mount", "path",   "pdf",   "php", "png",  "scope", "service",
     "slice",     "socket", "svg",  "swap",  "target", "timer", "txt", "webp", "xml"});
static_assert(std::ranges::is_sorted(kNoTopLevelDomains));

// Letters of Latin, Greek and Cyrillic beyond ASCII: addresses in scripts without spaces would
// take the sentence before them along.
bool IsEuropeanLetter(char32_t c) {
  return (c >= 0xC0 && c < 0x250 && c != 0xD7 && c != 0xF7) || (c >= 0x370 && c < 0x530);
}

// How many bytes the character before `end` has where it may stand in the name of a mailbox.
std::size_t MailboxCharacterBefore(std::string_view text, std::size_t end) {
  const char c = ByteBefore(text, end);
  if (IsInWord(c) || c == '.' || c == '-' || c == '+' || c == '%') return 1;
  if (!IsUtf8Continuation(c) || end < 2) return 0;
  const Utf8Character character = DecodeUtf8(text.substr(end - 2));
  return character.size_bytes == 2 && IsEuropeanLetter(character.code_point) ? 2 : 0;
}

std::size_t DomainCharacterAt(std::string_view text, std::size_t at) {
  if (at >= text.size()) return 0;
  if (IsDigit(text[at]) || IsLetter(text[at]) || text[at] == '-') return 1;
  const Utf8Character character = DecodeUtf8(text.substr(at));
  return character.size_bytes == 2 && IsEuropeanLetter(character.code_point) ? 2 : 0;
}

// Of at least two labels, the last one a top-level domain's.
End EndOfDomain(std::string_view text, std::size_t begin) {
  std::size_t end = begin;
  std::size_t label = begin;
  for (std::size_t labels = 1;; ++labels) {
    while (const std::size_t size = DomainCharacterAt(text, end)) end += size;
    if (end == label || text[label] == '-' || text[end - 1] == '-' || end - label > 63) return {};
    if (ByteAt(text, end) == '.' && DomainCharacterAt(text, end + 1) > 0) {
      label = ++end;
      continue;
    }
    const std::string top = LowerAscii(text.substr(label, end - label));
    const bool is_word = std::ranges::none_of(top, [](char c) { return IsDigit(c) || c == '-'; });
    if (labels < 2 || top.size() < 2 || (!is_word && !top.starts_with("xn--"))) return {};
    if (std::ranges::binary_search(kNoTopLevelDomains, std::string_view(top))) return {};
    return end;
  }
}

// "https://name:word@host" and "git@host:path" name an account of a machine.
bool IsOfUrl(std::string_view text, std::size_t begin, std::size_t end) {
  constexpr std::size_t kMaxUserBytes = 80;
  const std::size_t from = begin > kMaxUserBytes ? begin - kMaxUserBytes : 0;
  const std::string_view before = text.substr(from, begin - from);
  const std::size_t slash = before.find_last_of("/ \n\t<>\"");
  const bool has_scheme = slash != std::string_view::npos && slash >= 2 && before[slash] == '/' &&
                          before.substr(slash - 2, 3) == "://";
  const char behind = ByteAt(text, end + 1);
  return has_scheme || (ByteAt(text, end) == ':' && (IsLetter(behind) || behind == '/'));
}

// Around the "@".
std::optional<ByteRange> FindEmail(std::string_view text, std::size_t at, std::size_t floor) {
  constexpr std::size_t kMaxMailboxBytes = 64;
  std::size_t begin = at;
  while (begin > floor) {
    const std::size_t size = MailboxCharacterBefore(text, begin);
    if (size == 0 || begin - floor < size) break;
    if (text[begin - 1] == '.' && ByteAt(text, begin) == '.') break;
    begin -= size;
  }
  while (begin < at && (text[begin] == '.' || text[begin] == '-' || text[begin] == '%')) ++begin;
  if (begin == at || at - begin > kMaxMailboxBytes || text[at - 1] == '.') return std::nullopt;
  if (ByteBefore(text, begin) == '@') return std::nullopt;
  const End end = EndOfDomain(text, at + 1);
  if (!end || ByteAt(text, *end) == '@' || ByteAt(text, *end) == '_') return std::nullopt;
  if (IsOfUrl(text, begin, *end)) return std::nullopt;
  return ByteRange{begin, *end};
}

// Lengths from the registry of ISO 13616.
constexpr std::string_view kIbanLengths =
    "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DK18 DO28 "
    "EE20 EG29 ES24 FI18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HR21 HU28 IE22 IL23 IQ23 IS26 "
    "IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MR27 MT31 MU30 "
    "NL18 NO15 PK24 PL28 PS29 PT25 QA29 RO24 RS22 SA24 SC31 SD18 SE24 SI19 SK24 SM27 ST25 SV28 "
    "TL23 TN24 TR26 UA29 VA22 VG24 XK20 ";

std::size_t DigitAt(std::string_view digits, std::size_t at) {
  return static_cast<std::size_t>(digits[at] - '0');
}

std::size_t IbanLength(std::string_view country) {
  for (std::size_t i = 0; i < kIbanLengths.size(); i += 5) {
    if (kIbanLengths.substr(i, 2) != country) continue;
    return DigitAt(kIbanLengths, i + 2) * 10 + DigitAt(kIbanLengths, i + 3);
  }
  return 0;
}

bool IsCapital(char c) { return c >= 'A' && c <= 'Z'; }

// The first four are read last, and letters are two digits, A 10.
bool HasIbanCheckDigits(std::string_view iban) {
  unsigned remainder = 0;
  for (std::size_t i = 0; i < iban.size(); ++i) {
    const char c = iban[(i + 4) % iban.size()];
    remainder = IsDigit(c) ? remainder * 10 + static_cast<unsigned>(c - '0')
                           : remainder * 100 + static_cast<unsigned>(c - 'A' + 10);
    remainder %= 97;
  }
  return remainder == 1;
}

End EndOfIban(std::string_view text, std::size_t begin) {
  if (!IsCapital(ByteAt(text, begin + 1)) || !IsDigit(ByteAt(text, begin + 2)) ||
      !IsDigit(ByteAt(text, begin + 3))) {
    return {};
  }
  const std::size_t length = IbanLength(text.substr(begin, 2));
  std::string iban;
  std::size_t at = begin;
  while (iban.size() < length) {
    if (!iban.empty() && (ByteAt(text, at) == ' ' || ByteAt(text, at) == '-')) ++at;
    const char c = ByteAt(text, at);
    if (!IsCapital(c) && !IsDigit(c)) return {};
    iban += c;
    ++at;
  }
  if (iban.empty() || IsInWord(ByteAt(text, at)) || !HasIbanCheckDigits(iban)) return {};
  return at;
}

bool HasLuhnDigit(std::string_view digits) {
  int sum = 0;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    int digit = digits[digits.size() - 1 - i] - '0';
    if (i % 2 == 1) digit = digit > 4 ? 2 * digit - 9 : 2 * digit;
    sum += digit;
  }
  return sum % 10 == 0;
}

// First four digits from ... to, and the lengths that cards of that network have.
struct CardNetwork {
  std::size_t first;
  std::size_t last;
  std::size_t min_digits;
  std::size_t max_digits;
};
constexpr CardNetwork kCardNetworks[] = {
    {4000, 4999, 16, 16},  // Visa; those of 13 digits are long gone, and so many are articles
    {5100, 5599, 16, 16},  // Mastercard
    {2221, 2720, 16, 16},  // Mastercard
    {3400, 3499, 15, 15},  // American Express
    {3700, 3799, 15, 15},  // American Express
    {6011, 6011, 16, 19},  // Discover
    {6440, 6599, 16, 19},  // Discover
    {6200, 6299, 16, 19},  // UnionPay
    {3528, 3589, 16, 19},  // JCB
    {3000, 3059, 14, 14},  // Diners Club
    {3600, 3699, 14, 14},  // Diners Club
    {3800, 3999, 14, 14},  // Diners Club
};

bool IsCardNumber(std::string_view digits) {
  std::size_t head = 0;
  for (std::size_t i = 0; i < 4; ++i) head = head * 10 + DigitAt(digits, i);
  const bool is_known = std::ranges::any_of(kCardNetworks, [&](const CardNetwork& network) {
    return head >= network.first && head <= network.last && digits.size() >= network.min_digits &&
           digits.size() <= network.max_digits;
  });
  return is_known && HasLuhnDigit(digits);
}

// In one piece, or 4-4-4-4, 4-6-5, 4-6-4, with spaces or hyphens.
End EndOfCard(std::string_view text, std::size_t begin) {
  const char before = ByteBefore(text, begin);
  const bool is_behind_digit = IsDigit(ByteBefore(text, begin, 2));
  if (before == '.' || before == '/' || before == '=' || before == '+' || before == '-') return {};
  if ((before == ' ' || before == ',') && is_behind_digit) return {};
  constexpr std::size_t kMaxDigits = 19;
  const char separator = IsDigit(ByteAt(text, begin + 4)) ? '\0' : ByteAt(text, begin + 4);
  if (separator != '\0' && separator != ' ' && separator != '-') return {};
  std::string digits;
  std::string groups;  // how many digits each has, as characters
  const auto is_grouped = [&] { return groups == "4444" || groups == "465" || groups == "464"; };
  std::size_t at = begin;
  for (std::size_t start = at;; start = ++at) {
    while (IsDigit(ByteAt(text, at)) && digits.size() <= kMaxDigits) digits += text[at++];
    groups += static_cast<char>('0' + std::min(at - start, kMaxDigits));
    const bool has_more = separator != '\0' && ByteAt(text, at) == separator &&
                          IsDigit(ByteAt(text, at + 1)) && groups.size() < 4;
    if (is_grouped() || !has_more) break;
  }
  if ((separator == '\0') == is_grouped() || digits.size() < 14 || GoesOn(text, at)) return {};
  // A row of numbers of four digits goes on.
  std::size_t more = at + 1;
  while (IsDigit(ByteAt(text, more))) ++more;
  if (separator != '\0' && ByteAt(text, at) == separator && more - at == 5) return {};
  return IsCardNumber(digits) ? End(at) : End();
}

// Of programs, books and laws, which are numbered in four parts too.
constexpr auto kNumberedWords = std::to_array<std::string_view>(
    {"abbildung", "abschnitt", "annex",    "anhang",  "appendix", "art",      "article",
     "artikel",   "build",     "capítulo", "chapter", "chapitre", "clause",   "fig",
     "figure",    "firmware",  "item",     "kapitel", "kernel",   "no",       "nr",
     "paragraph", "punkt",     "rel",      "release", "rev",      "revision", "section",
     "sections",  "sección",   "tabelle",  "table",   "v",        "ver",      "version",
     "versions",  "versión",   "ziffer"});

constexpr auto kAddressWords = std::to_array<std::string_view>(
    {"addr",    "address", "addresses", "adres",     "adresse", "client",  "dirección",  "dns",
     "gateway", "host",    "inet",      "indirizzo", "ip",      "ipv4",    "nameserver", "network",
     "peer",    "ping",    "resolver",  "router",    "server",  "servers", "ssh",        "subnet"});

struct DottedQuad {
  std::array<int, 4> parts{};
  std::size_t end = 0;
};

std::optional<DottedQuad> ReadDottedQuad(std::string_view text, std::size_t begin) {
  DottedQuad quad;
  quad.end = begin;
  for (std::size_t i = 0; i < quad.parts.size(); ++i) {
    if (i > 0 && ByteAt(text, quad.end++) != '.') return std::nullopt;
    const std::size_t start = quad.end;
    int& part = quad.parts[i];
    while (IsDigit(ByteAt(text, quad.end)) && quad.end - start < 3) {
      part = part * 10 + (text[quad.end++] - '0');
    }
    const bool has_zero_ahead = text.substr(start).starts_with('0') && quad.end - start > 1;
    if (quad.end == start || part > 255 || has_zero_ahead) return std::nullopt;
  }
  return quad;
}

// "1.2.3.4" is a section, a version or an address; the last one says so.
bool SaysAddress(std::string_view text, std::size_t begin, std::size_t end) {
  const char before = ByteBefore(text, begin);
  if (before == '@' || before == '[' || text.substr(0, begin).ends_with("//")) return true;
  const char behind = ByteAt(text, end);
  const bool has_number = IsDigit(ByteAt(text, end + 1)) && IsDigit(ByteAt(text, end + 2));
  return ((behind == ':' || behind == '/') && has_number) ||
         HasWordBefore(text, begin, kAddressWords);
}

End EndOfIpv4(std::string_view text, std::size_t begin) {
  const char before = ByteBefore(text, begin);
  constexpr std::string_view kOfVersions = ".-~^<>+";
  if (kOfVersions.find(before) != std::string_view::npos) return {};
  const bool is_compared = before == '=' && std::string_view("<>=~!").find(ByteBefore(
                                                text, begin, 2)) != std::string_view::npos;
  if (is_compared || (before == '/' && ByteBefore(text, begin, 2) != '/')) return {};
  const auto quad = ReadDottedQuad(text, begin);
  if (!quad) return {};
  const std::size_t end = quad->end;
  const bool is_range = ByteAt(text, end) == '-' && ReadDottedQuad(text, end + 1);
  if ((!is_range && GoesOn(text, end) && ByteAt(text, end) != '/' && ByteAt(text, end) != ':') ||
      ByteAt(text, end) == '+' || ByteAt(text, end) == '~') {
    return {};
  }
  // This network, loopback, multicast, netmasks and broadcast: nobody's address.
  if (quad->parts[0] == 0 || quad->parts[0] == 127 || quad->parts[0] >= 224) return {};
  if (HasWordBefore(text, begin, kNumberedWords)) return {};
  const bool are_small = std::ranges::all_of(quad->parts, [](int part) { return part < 100; });
  return are_small && !SaysAddress(text, begin, end) ? End() : End(end);
}

std::size_t HexDigitsAt(std::string_view text, std::size_t at) {
  std::size_t end = at;
  while (IsDigit(ByteAt(text, end)) || (ByteAt(text, end) >= 'a' && text[end] <= 'f') ||
         (ByteAt(text, end) >= 'A' && text[end] <= 'F')) {
    ++end;
  }
  return end - at;
}

// Its first group has four digits in every address that is anybody's.
End EndOfIpv6(std::string_view text, std::size_t begin) {
  const char before = ByteBefore(text, begin);
  if (before == ':' || before == '.' || before == '-' || ByteAt(text, begin + 4) != ':') return {};
  if (HexDigitsAt(text, begin) != 4) return {};
  unsigned first = 0;
  std::from_chars(text.data() + begin, text.data() + begin + 4, first, 16);
  const bool is_global = first >= 0x2000 && first < 0x4000;
  if (!is_global && (first & 0xFE00) != 0xFC00 && (first & 0xFFC0) != 0xFE80) return {};
  std::size_t groups = 1;
  bool has_gap = false;
  std::size_t end = begin + 4;
  while (groups < 8 && ByteAt(text, end) == ':') {
    const bool is_gap = ByteAt(text, end + 1) == ':';
    const std::size_t digits = HexDigitsAt(text, end + (is_gap ? 2 : 1));
    if ((is_gap && has_gap) || digits > 4 || (digits == 0 && !is_gap)) break;
    has_gap = has_gap || is_gap;
    end += (is_gap ? 2 : 1) + digits;
    if (digits == 0) break;
    ++groups;
  }
  if (IsInWord(ByteAt(text, end)) || ByteAt(text, end) == ':') return {};
  const bool is_scope = is_global && groups <= 2 && ByteAt(text, begin + 5) == ':';  // "2023::fa"
  const bool is_whole = has_gap ? groups < 8 && !is_scope : groups == 8;
  return is_whole ? End(end) : End();
}

struct Rule {
  PersonalDataKind kind;
  End (*end_of)(std::string_view text, std::size_t begin);
};
constexpr Rule kRules[] = {{PersonalDataKind::kIban, EndOfIban},
                           {PersonalDataKind::kIpv6, EndOfIpv6},
                           {PersonalDataKind::kIpv4, EndOfIpv4},
                           {PersonalDataKind::kCard, EndOfCard},
                           {PersonalDataKind::kPhone, EndOfPhone}};

// The rules that what begins with this byte may meet.
bool MayBegin(PersonalDataKind kind, char c) {
  switch (kind) {
    case PersonalDataKind::kIban:
      return IsCapital(c);
    case PersonalDataKind::kIpv6:
      return IsDigit(c) || c == 'f' || c == 'F';
    case PersonalDataKind::kPhone:
      return IsDigit(c) || c == '+' || c == '(';
    case PersonalDataKind::kIpv4:
    case PersonalDataKind::kCard:
      return IsDigit(c);
    case PersonalDataKind::kEmail:
      break;
  }
  return false;
}

std::optional<PersonalData> FindAt(std::string_view text, std::size_t begin) {
  for (const Rule& rule : kRules) {
    if (!MayBegin(rule.kind, text[begin])) continue;
    if (const End end = rule.end_of(text, begin)) return PersonalData{rule.kind, {begin, *end}};
  }
  return std::nullopt;
}

}  // namespace

bool GoesOn(std::string_view text, std::size_t end) {
  const char next = ByteAt(text, end);
  if (IsInWord(next) || next == '@') return true;
  const char behind = ByteAt(text, end + 1);
  if (next == '-') return IsInWord(behind);
  return (next == '.' || next == ',' || next == ':' || next == '/') && IsDigit(behind);
}

bool HasWordBefore(std::string_view text, std::size_t at, std::span<const std::string_view> words) {
  constexpr std::size_t kFarBytes = 40;
  const std::size_t far = at > kFarBytes ? at - kFarBytes : 0;
  std::string_view before = text.substr(far, at - far);
  const std::size_t line = before.rfind('\n');
  if (line != std::string_view::npos) {
    before.remove_prefix(line);
  } else if (far > 0) {
    before.remove_prefix(std::min(before.find(' '), before.size()));  // the rest of a word is none
  }
  bool was_one = false;
  bool is_one = false;
  for (PlainWords word(before); word.Next();) {
    was_one = is_one;
    is_one = std::ranges::find(words, word.word()) != words.end();
  }
  return is_one || was_one;
}

std::string_view Name(PersonalDataKind kind) {
  switch (kind) {
    case PersonalDataKind::kEmail:
      return "email";
    case PersonalDataKind::kPhone:
      return "phone";
    case PersonalDataKind::kIban:
      return "iban";
    case PersonalDataKind::kCard:
      return "card";
    case PersonalDataKind::kIpv4:
      return "ipv4";
    case PersonalDataKind::kIpv6:
      break;
  }
  return "ipv6";
}

std::vector<PersonalData> FindPersonalData(std::string_view utf8) {
  std::vector<PersonalData> found;
  std::size_t floor = 0;  // where the last one ends
  for (std::size_t at = 0; at < utf8.size();) {
    const char c = utf8[at];
    std::optional<PersonalData> here;
    if (c == '@') {
      const auto range = FindEmail(utf8, at, floor);
      if (range) here = PersonalData{PersonalDataKind::kEmail, *range};
    } else if (!IsInWord(ByteBefore(utf8, at))) {
      here = FindAt(utf8, at);
    }
    if (!here) {
      ++at;
      continue;
    }
    found.push_back(*here);
    at = floor = here->range.end;
  }
  return found;
}

std::string MaskPersonalData(std::string_view utf8, const std::vector<PersonalData>& found) {
  std::string masked;
  std::size_t at = 0;
  for (const PersonalData& data : found) {
    masked += utf8.substr(at, data.range.begin - at);
    masked += '[';
    masked += Name(data.kind);
    masked += ']';
    at = data.range.end;
  }
  masked += utf8.substr(at);
  return masked;
}

}  // namespace kinglet
