// SPDX-License-Identifier: Apache-2.0
// Patterns compiled to languages against PCRE2's matcher, on texts given and on texts that walks
// through the languages write; formats against what tells them by hand; and GBNF, whose automata
// must come to no dead end. The first byte says which: a pattern as text up to a NUL, one drawn
// from bytes, a grammar up to a NUL, a format; the rest is a text and steers the walks.
// Covers: src/grammar/pattern.cc src/grammar/pattern_syntax.cc src/grammar/code_points.cc
// Covers: src/grammar/ecma_pattern.cc src/grammar/gbnf.cc src/grammar/regex.cc
// Covers: src/grammar/value_format.cc
// Longest input: 300
#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/check.h"
#include "base/display.h"
#include "base/json.h"
#include "base/utf8.h"
#include "grammar/ecma_pattern.h"
#include "grammar/gbnf.h"
#include "grammar/json_formats.h"
#include "grammar/matcher.h"
#include "grammar/pattern.h"
#include "grammar/schema_shape.h"
#include "grammar/value_format.h"
#include "schema_maker.h"

namespace kinglet {
namespace {

using validation::EcmaPattern;

constexpr std::size_t kMaxPatternBytes = 300;
constexpr std::size_t kMaxNodes = 20'000;
constexpr std::size_t kMaxWordBytes = 40;  // that a walk writes before it hurries to an end
constexpr std::int64_t kMatchSteps = 100'000;
constexpr MatcherLimits kLimits = {.max_states = 1000, .max_frames = 20'000, .max_places = 128};

// Nothing where PCRE2 takes too long.
std::optional<bool> IsFound(const EcmaPattern& pattern, std::string_view text) {
  std::int64_t steps = kMatchSteps;
  return pattern.IsFoundIn(text, steps);
}

bool Matches(RegexPool& pool, RegexId id, std::string_view text) {
  for (const char c : text) id = pool.Derivative(id, static_cast<std::uint8_t>(c));
  return pool.MatchesEmpty(id);
}

// Later characters may have been given properties in the Unicode of one library alone.
bool IsOfOldUnicode(std::string_view text) {
  while (!text.empty()) {
    const Utf8Character c = DecodeUtf8(text);
    if (c.code_point >= 0x250) return false;
    text.remove_prefix(c.size_bytes);
  }
  return true;
}

// A text of the language; nothing where it is empty, or no end was found.
std::optional<std::string> WalkThrough(RegexPool& pool, RegexId language, ByteSource& steer) {
  std::string word;
  if (pool.IsNothing(language)) return std::nullopt;
  while (word.size() < 2 * kMaxWordBytes && !pool.overflowed()) {
    const bool hurries = word.size() >= kMaxWordBytes || steer.empty();
    if (pool.MatchesEmpty(language) && (hurries || steer.Below(4) == 0)) return word;
    const ByteSet first = pool.FirstBytes(language);
    const unsigned start = hurries ? (word.empty() ? '"' : 'a') : steer.Byte();
    RegexId then = kNoText;
    if (hurries && first.Has('"') && !word.empty()) {
      then = pool.Derivative(language, '"');
      if (pool.IsNothing(then)) then = kNoText;
    }
    unsigned byte = '"';
    for (unsigned i = 0; then == kNoText && i < 256; ++i) {
      byte = (start + i) & 0xFF;
      if (!first.Has(static_cast<std::uint8_t>(byte))) continue;
      then = pool.Derivative(language, static_cast<std::uint8_t>(byte));
      if (pool.IsNothing(then)) then = kNoText;
    }
    if (then == kNoText) {
      KINGLET_CHECK(pool.MatchesEmpty(language) || pool.overflowed(), "{} leads nowhere",
                    EscapeForDisplay(word));
      return pool.overflowed() ? std::nullopt : std::optional(word);
    }
    word += static_cast<char>(byte);
    language = then;
  }
  return std::nullopt;
}

class Comparison {
 public:
  Comparison(std::string_view pattern, EcmaPattern found, EcmaPattern whole)
      : pattern_(pattern),
        is_of_properties_(pattern.find("\\p") != std::string_view::npos ||
                          pattern.find("\\P") != std::string_view::npos),
        found_(std::move(found)),
        whole_(std::move(whole)) {}

  void Run(RegexPool& pool, std::string_view text, ByteSource& steer) const {
    if (const auto strings = CompileStringPattern(pool, pattern_)) {
      CheckText(pool, *strings, text);
      const RegexId any = AnyString(pool);
      CheckWord(WalkThrough(pool, *strings, steer), true);
      CheckWord(WalkThrough(pool, pool.And({any, pool.Not(*strings)}), steer), false);
    }
    if (const auto texts = CompilePattern(pool, pattern_); texts && IsUtf8(text)) {
      const bool matches = Matches(pool, *texts, text);
      if (!pool.overflowed()) Expect(whole_, text, matches, "the whole of");
    }
  }

 private:
  static RegexId AnyString(RegexPool& pool) {
    const RegexId quote = pool.Literal("\"");
    const RegexId character = CodePointSet::All().ToRegex(pool, TextEncoding::kJsonString);
    return pool.Concat({quote, pool.Repeat(character, 0, kUnbounded), quote});
  }

  void CheckText(RegexPool& pool, RegexId strings, std::string_view text) const {
    if (!IsUtf8(text)) return;
    const bool matches = Matches(pool, strings, JsonStringText(text));
    if (!pool.overflowed()) Expect(found_, text, matches, "in");
  }

  // The JSON of a string in which the pattern is, or is not.
  void CheckWord(const std::optional<std::string>& word, bool is_found) const {
    if (!word) return;
    const auto value = ParseJson(*word);
    KINGLET_CHECK(value && value->is_string() && JsonStringText(value->get_string()) == *word,
                  "{}: {}", EscapeForDisplay(pattern_), EscapeForDisplay(*word));
    Expect(found_, value->get_string(), is_found, "in");
  }

  void Expect(const EcmaPattern& pattern, std::string_view text, bool matches,
              std::string_view how) const {
    if (is_of_properties_ && !IsOfOldUnicode(text)) return;
    const auto found = IsFound(pattern, text);
    KINGLET_CHECK(!found || *found == matches, "{}: {}found {} {} as a language",
                  EscapeForDisplay(pattern_), matches ? "" : "not ", how, EscapeForDisplay(text));
  }

  std::string_view pattern_;
  bool is_of_properties_;
  EcmaPattern found_;
  EcmaPattern whole_;
};

void ComparePattern(std::string_view pattern, bool is_drawn, std::string_view rest) {
  if (pattern.size() > kMaxPatternBytes) return;
  RegexPool pool(kMaxNodes);
  const auto language = CompilePattern(pool, pattern);
  auto found = EcmaPattern::Compile(pattern);
  auto whole = EcmaPattern::Compile("^(?:" + std::string(pattern) + ")$");
  if (!language) KINGLET_CHECK(!language.error().message().empty(), "a refusal without a reason");
  if (!found || !whole) {
    // Of its own limits and properties only what is written as text may pass.
    KINGLET_CHECK(!is_drawn || !language, "{}: {}", EscapeForDisplay(pattern),
                  found ? "" : found.error().message());
    return;
  }
  ByteSource steer(rest);
  std::string text;
  for (std::uint32_t count = steer.Below(8); is_drawn && count > 0; --count) {
    const json::value value = DrawValue(steer, 0);
    text += value.is_string() ? std::string_view(value.get_string()) : "a";
  }
  if (!is_drawn) text = rest.substr(0, 100);
  Comparison(pattern, *std::move(found), *std::move(whole)).Run(pool, text, steer);
}

// A format as a language, and by hand: all of the first have it, and nothing else where it is
// whole.
void CompareFormat(ByteSource steer) {
  struct Format {
    std::string_view name;
    bool is_whole;
  };
  static constexpr Format kFormats[] = {{"date", true},
                                        {"time", true},
                                        {"date-time", true},
                                        {"duration", true},
                                        {"email", true},
                                        {"hostname", true},
                                        {"ipv4", true},
                                        {"ipv6", true},
                                        {"uuid", true},
                                        {"uri", true},
                                        {"uri-reference", true},
                                        {"json-pointer", true},
                                        {"relative-json-pointer", true},
                                        {"idn-email", false},
                                        {"idn-hostname", false},
                                        {"iri", false},
                                        {"iri-reference", false}};
  const Format& format = steer.OneOf(kFormats);
  RegexPool pool(2 * kMaxNodes);
  const auto language = CompileStringFormat(pool, format.name);
  KINGLET_CHECK(language && *language, "{}", format.name);
  const auto check = [&](const std::optional<std::string>& word, bool has_format) {
    const auto value = word ? ParseJson(*word) : Error(StatusCode::kInvalidInput, "no word");
    if (!value) return;
    KINGLET_CHECK(validation::HasFormat(value->get_string(), format.name) == has_format, "{}: {}",
                  format.name, EscapeForDisplay(*word));
  };
  const std::optional<std::string> word = WalkThrough(pool, **language, steer);
  check(word, true);
  if (!format.is_whole || !word || word->size() < 3) return;
  // One character beside it is where the two are likeliest to part.
  std::string other = *word;
  other[1 + steer.Byte() % (other.size() - 2)] = static_cast<char>(' ' + steer.Byte() % 95);
  // Of the spellings of a string a language has one.
  const auto value = ParseJson(other);
  if (value && JsonStringText(value->get_string()) == other)
    check(other, Matches(pool, **language, other));
}

void WalkGrammar(std::string_view text, ByteSource steer) {
  auto grammar = ParseGbnf(text);
  if (!grammar) {
    KINGLET_CHECK(
        grammar.error().code() == StatusCode::kInvalidInput && !grammar.error().message().empty(),
        "{}", EscapeForDisplay(text));
    return;
  }
  Matcher matcher(*std::move(grammar), kLimits);
  Matcher::StateId state = matcher.start();
  for (int step = 0; step < 24; ++step) {
    const ByteSet next = matcher.NextBytes(state);
    if (matcher.is_exhausted()) return;
    KINGLET_CHECK(!next.empty() || matcher.MayEnd(state), "{}", EscapeForDisplay(text));
    if (next.empty()) return;
    unsigned byte = steer.Byte();
    while (!next.Has(static_cast<std::uint8_t>(byte))) byte = (byte + 1) & 0xFF;
    state = matcher.Next(state, static_cast<std::uint8_t>(byte));
    KINGLET_CHECK(state != Matcher::kDead || matcher.is_exhausted(), "{}", EscapeForDisplay(text));
  }
}

void Run(std::string_view input) {
  if (input.size() < 2) return;
  const int kind = input[0] & 3;
  input.remove_prefix(1);
  if (kind == 3) return CompareFormat(ByteSource(input));
  if (kind == 1) {  // drawn from the first half
    ByteSource bytes(input.substr(0, input.size() / 2));
    const std::string pattern = DrawPattern(bytes, 3);
    return ComparePattern(pattern, /*is_drawn=*/true, input.substr(input.size() / 2));
  }
  const std::size_t end = std::min(input.find('\0'), input.size());
  const std::string_view rest = input.substr(std::min(end + 1, input.size()));
  if (kind == 0) return ComparePattern(input.substr(0, end), /*is_drawn=*/false, rest);
  WalkGrammar(input.substr(0, end), ByteSource(rest));
}

}  // namespace
}  // namespace kinglet

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  kinglet::Run({reinterpret_cast<const char*>(data), size});
  return 0;
}
