// SPDX-License-Identifier: Apache-2.0
// A pattern is rewritten atom by atom, so that PCRE2 sees nothing but what both call the same.
#include "grammar/ecma_pattern.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <string>
#include <utility>

#include <unicode/uchar.h>

#include "base/utf8.h"

namespace kinglet::validation {
namespace {

constexpr std::uint32_t kMaxHeapKib = 20'000;
// What a match may cost at first, and at last. PCRE2 does not say what one cost, so that it is
// tried with more and more, and each try is counted in full.
constexpr std::int64_t kFirstCost = 64;
constexpr std::int64_t kMaxCost = kFirstCost << 15U;

// ECMA-262's blanks and line ends, and all others, as parts of a class.
constexpr std::string_view kBlanks =
    R"(\x{9}-\x{D}\x{20}\x{A0}\x{1680}\x{2000}-\x{200A}\x{2028}\x{2029}\x{202F}\x{205F}\x{3000}\x{FEFF})";
constexpr std::string_view kNoBlanks =
    R"(\x{0}-\x{8}\x{E}-\x{1F}\x{21}-\x{9F}\x{A1}-\x{167F}\x{1681}-\x{1FFF}\x{200B}-\x{2027}\x{202A}-\x{202E}\x{2030}-\x{205E}\x{2060}-\x{2FFF}\x{3001}-\x{FEFE}\x{FF00}-\x{10FFFF})";
// PCRE2 takes []* for [].
constexpr std::string_view kNoCharacter = R"([^\x{0}-\x{10FFFF}])";
constexpr std::string_view kNoLineEnd = R"([^\n\r\x{2028}\x{2029}])";

bool IsSurrogate(char32_t c) { return c >= 0xD800 && c <= 0xDFFF; }

// One character, or what stands for many in a class.
struct Atom {
  std::optional<char32_t> character;
  std::string many;

  // Inside of a class. No text holds a surrogate.
  std::string ToClass() const {
    if (!character) return many;
    return IsSurrogate(*character)
               ? ""
               : fmt::format("\\x{{{:X}}}", static_cast<std::uint32_t>(*character));
  }
};

class Translator {
 public:
  explicit Translator(std::string_view pattern) : rest_(pattern), whole_(pattern) {}

  Result<std::string> Translate() {
    bool can_repeat = false;
    while (!rest_.empty()) {
      if (const auto repetition = Repetition()) {
        if (!can_repeat) return Fault("nothing to repeat");
        out_ += *repetition;
        can_repeat = false;
        continue;
      }
      can_repeat = !At("^") && !At("$") && !At("|") && !At("(");
      TRY(Term());
    }
    return std::move(out_);
  }

 private:
  std::unexpected<Status> Fault(std::string_view what) const {
    return Error(StatusCode::kInvalidInput, "the pattern {:?} has {} at byte {}", whole_, what,
                 whole_.size() - rest_.size());
  }

  bool At(std::string_view text) const { return rest_.starts_with(text); }
  bool Take(std::string_view text) {
    if (!At(text)) return false;
    rest_.remove_prefix(text.size());
    return true;
  }
  std::string_view TakeBytes(std::size_t size) {
    const std::string_view bytes = rest_.substr(0, size);
    rest_.remove_prefix(bytes.size());
    return bytes;
  }
  char32_t TakeCharacter() {
    const Utf8Character character = DecodeUtf8(rest_);
    rest_.remove_prefix(character.size_bytes);
    return character.code_point;
  }

  // *, +, ?, {2}, {2,} or {2,3}, and a ? behind it. A brace that is none of them stands for itself.
  std::optional<std::string> Repetition() {
    std::size_t size = 0;
    if (At("*") || At("+") || At("?")) {
      size = 1;
    } else if (At("{")) {
      const auto skip_digits = [&] {
        const std::size_t begin = size;
        while (size < rest_.size() && rest_[size] >= '0' && rest_[size] <= '9') ++size;
        return size > begin;
      };
      size = 1;
      if (!skip_digits()) return std::nullopt;
      if (rest_.substr(size).starts_with(',')) {
        ++size;
        skip_digits();
      }
      if (!rest_.substr(size).starts_with('}')) return std::nullopt;
      ++size;
    } else {
      return std::nullopt;
    }
    std::string repetition(TakeBytes(size));
    if (Take("?")) repetition += '?';
    return repetition;
  }

  Result<void> Term() {
    if (At("(")) return Group();
    if (At("[")) return Class();
    if (At("\\")) return Escape();
    if (Take(".")) {
      out_ += kNoLineEnd;
    } else if (At("^") || At("$") || At("|") || At(")")) {
      out_ += TakeBytes(1);
    } else {
      Add({.character = TakeCharacter(), .many = {}});
    }
    return {};
  }

  Result<void> Group() {
    Take("(");
    for (const std::string_view kind : {"?:", "?=", "?!", "?<=", "?<!"}) {
      if (!Take(kind)) continue;
      out_.append("(").append(kind);
      return {};
    }
    if (Take("?<") || Take("?P<")) {
      out_ += "(?<" + TRY(Name());
    } else if (At("?")) {
      return Fault("a kind of group that is not known");
    } else {
      out_ += '(';
    }
    return {};
  }

  // The rest of <name>.
  Result<std::string> Name() {
    const std::size_t end = rest_.find('>');
    if (end == std::string_view::npos) return Fault("a name without its end");
    const std::string name(TakeBytes(end + 1));
    const bool is_name = std::all_of(name.begin(), name.end() - 1, [](char c) {
      return c == '_' || std::isalnum(static_cast<unsigned char>(c)) != 0;
    });
    return is_name ? Result<std::string>(name) : Fault("a name that is none");
  }

  Result<void> Class() {
    Take("[");
    const std::size_t begin = out_.size();
    out_ += Take("^") ? "[^" : "[";
    while (!Take("]")) {
      if (rest_.empty()) return Fault("a [ without its end");
      const Atom first = TRY(ClassAtom());
      if (!At("-") || At("-]")) {
        out_ += first.ToClass();
        continue;
      }
      Take("-");
      if (rest_.empty()) return Fault("a [ without its end");
      const Atom last = TRY(ClassAtom());
      if (!first.character || !last.character) {  // as [\w-.]: the dash stands for itself
        out_ += first.ToClass() + "\\-" + last.ToClass();
      } else if (*first.character > *last.character) {
        return Fault("a range in the wrong order");
      } else if (!IsSurrogate(*first.character) && !IsSurrogate(*last.character)) {
        out_ += first.ToClass() + "-" + last.ToClass();
      } else {
        return Fault("a range that ends in a surrogate");
      }
    }
    if (out_.substr(begin) == "[") {
      out_.replace(begin, 1, kNoCharacter);
    } else {
      out_ += ']';
    }
    return {};
  }

  Result<Atom> ClassAtom() {
    if (!Take("\\")) return Atom{.character = TakeCharacter(), .many = {}};
    if (Take("b")) return Atom{.character = U'\b', .many = {}};
    return AfterBackslash();
  }

  // Outside of a class.
  Result<void> Escape() {
    Take("\\");
    if (At("b") || At("B")) {
      out_.append("\\").append(TakeBytes(1));
    } else if (!rest_.empty() && rest_[0] >= '1' && rest_[0] <= '9') {
      std::size_t size = 1;
      while (size < rest_.size() && std::isdigit(static_cast<unsigned char>(rest_[size]))) ++size;
      out_.append("\\g{").append(TakeBytes(size)).append("}");
    } else if (Take("k<")) {
      out_ += "\\k<" + TRY(Name());
    } else {
      Add(TRY(AfterBackslash()));
    }
    return {};
  }

  // Outside of a class: as a class of its own, or a character.
  void Add(const Atom& atom) {
    const std::string text = atom.ToClass();
    if (text.empty()) {
      out_ += kNoCharacter;
    } else {
      out_ += atom.character ? text : "[" + text + "]";
    }
  }

  Result<Atom> AfterBackslash() {
    if (rest_.empty()) return Fault("a \\ at its end");
    if (At("d") || At("D") || At("w") || At("W"))
      return Atom{.character = {}, .many = "\\" + std::string(TakeBytes(1))};
    if (Take("s")) return Atom{.character = {}, .many = std::string(kBlanks)};
    if (Take("S")) return Atom{.character = {}, .many = std::string(kNoBlanks)};
    if (At("p{") || At("P{")) return Property();
    if (Take("c")) {
      if (rest_.empty() || !std::isalpha(static_cast<unsigned char>(rest_[0])))
        return Fault("an escape that is not known");
      return Atom{.character = static_cast<char32_t>(TakeBytes(1)[0] % 32), .many = {}};
    }
    if (Take("x")) return Atom{.character = TRY(Hexadecimal(2)), .many = {}};
    if (Take("u")) return Atom{.character = TRY(UnicodeEscape()), .many = {}};
    constexpr std::array<std::pair<char32_t, char32_t>, 6> kControls = {
        {{U't', U'\t'}, {U'n', U'\n'}, {U'v', U'\v'}, {U'f', U'\f'}, {U'r', U'\r'}, {U'0', U'\0'}}};
    const char32_t c = TakeCharacter();
    for (const auto& [letter, control] : kControls) {
      if (c == letter) return Atom{.character = control, .many = {}};
    }
    if (c < 0x80 && std::isalnum(static_cast<int>(c)) != 0)
      return Fault("an escape that is not known");
    return Atom{.character = c, .many = {}};
  }

  Result<char32_t> Hexadecimal(std::size_t digits) {
    std::uint32_t value = 0;
    const std::string_view text = TakeBytes(digits);
    const char* const begin = text.data();
    const char* const end = begin + text.size();
    if (digits == 0 || text.size() < digits || std::from_chars(begin, end, value, 16).ptr != end) {
      return Fault("an escape without its digits");
    }
    return static_cast<char32_t>(value);
  }

  // The rest of \u12AB, \u{1F432}, or a pair of surrogates.
  Result<char32_t> UnicodeEscape() {
    if (Take("{")) {
      const std::size_t size = rest_.find('}');
      if (size > 6) return Fault("an escape without its digits");
      const char32_t c = TRY(Hexadecimal(size));
      Take("}");
      return c > 0x10FFFF ? Result<char32_t>(Fault("an escape of no character")) : c;
    }
    const char32_t high = TRY(Hexadecimal(4));
    if (high < 0xD800 || high > 0xDBFF || !At("\\u") || At("\\u{")) return high;
    const std::string_view before = rest_;
    Take("\\u");
    const char32_t low = TRY(Hexadecimal(4));
    if (low >= 0xDC00 && low <= 0xDFFF) return 0x10000 + ((high - 0xD800) << 10U) + (low - 0xDC00);
    rest_ = before;
    return high;
  }

  // PCRE2 knows scripts by their long names, but general categories by their short ones alone.
  Result<Atom> Property() {
    const std::string_view kind = TakeBytes(2);
    const std::size_t end = rest_.find('}');
    if (end == std::string_view::npos) return Fault("a { without its end");
    std::string name(TakeBytes(end + 1).substr(0, end));
    const bool is_name = !name.empty() && std::ranges::all_of(name, [](char c) {
      return c == '_' || c == '=' || std::isalnum(static_cast<unsigned char>(c)) != 0;
    });
    if (!is_name) return Fault("a property that is not known");
    for (const std::string_view prefix : {"General_Category=", "gc="}) {
      if (name.starts_with(prefix)) name.erase(0, prefix.size());
    }
    const std::int32_t category = u_getPropertyValueEnum(UCHAR_GENERAL_CATEGORY_MASK, name.c_str());
    if (category != UCHAR_INVALID_CODE) {
      const char* const brief =
          u_getPropertyValueName(UCHAR_GENERAL_CATEGORY_MASK, category, U_SHORT_PROPERTY_NAME);
      if (brief != nullptr) name = brief;
    }
    if (name == "LC") name = "L&";  // cased letters
    return Atom{.character = {}, .many = fmt::format("\\{}{}}}", kind, name)};
  }

  std::string_view rest_;
  std::string_view whole_;
  std::string out_;
};

struct FreeMatch {
  void operator()(pcre2_match_data* data) const { pcre2_match_data_free(data); }
  void operator()(pcre2_match_context* context) const { pcre2_match_context_free(context); }
};

}  // namespace

void EcmaPattern::Free::operator()(pcre2_real_code_8* code) const { pcre2_code_free(code); }

Result<EcmaPattern> EcmaPattern::Compile(std::string_view pattern) {
  if (!IsUtf8(pattern)) return Error(StatusCode::kInvalidInput, "a pattern is not UTF-8");
  const std::string translated = TRY(Translator(pattern).Translate());
  int error = 0;
  std::size_t offset = 0;
  Code code(pcre2_compile(reinterpret_cast<PCRE2_SPTR>(translated.data()), translated.size(),
                          PCRE2_UTF | PCRE2_DOLLAR_ENDONLY | PCRE2_ALLOW_EMPTY_CLASS |
                              PCRE2_MATCH_UNSET_BACKREF | PCRE2_NEVER_BACKSLASH_C,
                          &error, &offset, nullptr));
  if (!code) {
    std::array<PCRE2_UCHAR, 128> message{};
    pcre2_get_error_message(error, message.data(), message.size());
    return Error(StatusCode::kInvalidInput, "the pattern {:?}: {}", pattern,
                 reinterpret_cast<const char*>(message.data()));
  }
  return EcmaPattern(std::move(code));
}

std::size_t EcmaPattern::size_bytes() const {
  std::size_t bytes = 0;
  pcre2_pattern_info(code_.get(), PCRE2_INFO_SIZE, &bytes);
  return bytes;
}

std::optional<bool> EcmaPattern::IsFoundIn(std::string_view text, std::int64_t& steps) const {
  const std::unique_ptr<pcre2_match_data, FreeMatch> data(pcre2_match_data_create(1, nullptr));
  const std::unique_ptr<pcre2_match_context, FreeMatch> context(
      pcre2_match_context_create(nullptr));
  pcre2_set_heap_limit(context.get(), kMaxHeapKib);
  for (std::int64_t cost = kFirstCost; cost <= kMaxCost; cost *= 8) {
    steps -= cost + static_cast<std::int64_t>(text.size() / 8);
    if (steps < 0) return std::nullopt;
    pcre2_set_match_limit(context.get(), static_cast<std::uint32_t>(cost));
    const int count = pcre2_match(code_.get(), reinterpret_cast<PCRE2_SPTR>(text.data()),
                                  text.size(), 0, 0, data.get(), context.get());
    if (count >= 0) return true;
    const bool is_broken_text = count <= PCRE2_ERROR_UTF8_ERR1 && count >= PCRE2_ERROR_UTF8_ERR21;
    if (count == PCRE2_ERROR_NOMATCH || is_broken_text) return false;
    if (count != PCRE2_ERROR_MATCHLIMIT) return std::nullopt;
  }
  return std::nullopt;
}

}  // namespace kinglet::validation
