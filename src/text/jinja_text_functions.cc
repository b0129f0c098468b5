// SPDX-License-Identifier: Apache-2.0
// Case, stripping, replacing and line cutting: every result is paid for before it is made.
#include "text/jinja_text_functions.h"

#include <algorithm>
#include <string_view>

#include <unicode/uchar.h>

#include "text/jinja_print.h"

namespace kinglet::jinja {
namespace {

Result<Value> ToCase(const Value& input, LetterCase letter_case, Budget& budget) {
  const Text text = TRY(Str(input, budget));
  TRY(budget.Step(1 + (letter_case == LetterCase::kTitle ? text.size() : text.size() / 8)));
  TRY(budget.Reserve(text.size() * 3));  // a letter may become three: ligatures in upper case
  return budget.Make(MapCase(text, letter_case));
}

bool IsLineEnd(char32_t c) {
  return (c >= 0x0a && c <= 0x0d) || (c >= 0x1c && c <= 0x1e) || c == 0x85 || c == 0x2028 ||
         c == 0x2029;
}

bool HasOneCase(const Text& text, UBool (*is_wanted)(UChar32), UBool (*is_other)(UChar32)) {
  bool found = false;
  for (std::size_t i = 0; i < text.size();) {
    const Character character = CharacterAt(text.bytes(), i);
    const auto code_point = static_cast<UChar32>(character.code_point);
    if (is_other(code_point) != 0) return false;
    found = found || is_wanted(code_point) != 0;
    i += character.bytes;
  }
  return found;
}

}  // namespace

Result<Value> Upper(const Value& input, const Arguments& arguments, Budget& budget) {
  TRY(Bind(arguments, {}));
  return ToCase(input, LetterCase::kUpper, budget);
}

Result<Value> Lower(const Value& input, const Arguments& arguments, Budget& budget) {
  TRY(Bind(arguments, {}));
  return ToCase(input, LetterCase::kLower, budget);
}

Result<Value> Capitalize(const Value& input, const Arguments& arguments, Budget& budget) {
  TRY(Bind(arguments, {}));
  return ToCase(input, LetterCase::kCapitalize, budget);
}

Result<Value> Title(const Value& input, const Arguments& arguments, Budget& budget) {
  TRY(Bind(arguments, {}));
  return ToCase(input, LetterCase::kTitle, budget);
}

Result<Value> StripEnds(const Value& input, const Arguments& arguments, Ends ends, Budget& budget) {
  const std::vector<Value> bound = TRY(Bind(arguments, {"chars"}));
  const Text text = TRY(Str(input, budget));
  ByteRange kept;
  if (bound[0].IsUndefined() || bound[0].IsNone()) {
    TRY(budget.Step(1 + text.size() / 64));
    kept = StripRange(text.bytes(), ends);
  } else {
    const std::string_view chars = TRY(TextArgument(bound[0], "chars"))->bytes();
    TRY(budget.Step((1 + text.size() / 64) * (1 + chars.size() / 64)));
    kept = StripRange(text.bytes(), ends, &chars);
  }
  return budget.Make(text.Slice(kept.begin, kept.end));
}

Result<Value> Strip(const Value& input, const Arguments& arguments, Budget& budget) {
  return StripEnds(input, arguments, Ends::kBoth, budget);
}

Result<Value> Replace(const Value& input, const Arguments& arguments, Budget& budget) {
  const std::vector<Value> bound = TRY(Bind(arguments, {"old", "new", "count"}, 2));
  const Text text = TRY(Str(input, budget));
  const Text old = TRY(Str(bound[0], budget));
  const Text fresh = TRY(Str(bound[1], budget));
  const std::int64_t count = bound[2].IsNone() ? -1 : TRY(IntegerArgument(bound[2], "count", -1));
  TRY(budget.Step(1 + text.size() / 16));
  const std::string_view bytes = text.bytes();
  Text out;
  out.set_markup(text.is_markup());
  std::size_t done = 0;
  for (std::int64_t i = 0; i != count; ++i) {
    // An empty `old` stands before each character and at the end.
    std::size_t found = FindBytes(bytes, old.bytes(), done);
    if (old.empty() && i > 0) {
      if (done == bytes.size()) break;
      found = done + CharacterAt(bytes, done).bytes;
    }
    if (found == std::string_view::npos) break;
    TRY(budget.Reserve(fresh.size()));
    TRY(budget.Step());
    out.AppendSlice(text, done, found);
    out.Append(fresh);
    done = found + old.size();
  }
  out.AppendSlice(text, done, text.size());
  return budget.Make(std::move(out));
}

std::vector<Text> SplitLines(const Text& text) {
  std::vector<Text> lines;
  std::size_t line_begin = 0;
  for (std::size_t i = 0; i < text.size();) {
    const Character character = CharacterAt(text.bytes(), i);
    std::size_t next = i + character.bytes;
    if (IsLineEnd(character.code_point)) {
      lines.push_back(text.Slice(line_begin, i));
      if (character.code_point == '\r' && next < text.size() && text.bytes()[next] == '\n') ++next;
      line_begin = next;
    }
    i = next;
  }
  if (line_begin < text.size()) lines.push_back(text.Slice(line_begin, text.size()));
  return lines;
}

Result<const Text*> TextArgument(const Value& argument, std::string_view parameter) {
  const Text* text = argument.IfText();
  if (text == nullptr) {
    return TemplateError("the argument '{}' must be a str, not {}", parameter, argument.TypeName());
  }
  return text;
}

Result<std::int64_t> IntegerArgument(const Value& argument, std::string_view parameter,
                                     std::int64_t fallback) {
  if (argument.IsUndefined()) return fallback;
  std::int64_t integer = 0;
  if (!argument.AsInteger(integer)) {
    return TemplateError("the argument '{}' must be an int, not {}", parameter,
                         argument.TypeName());
  }
  return integer;
}

bool IsAllLower(const Text& text) { return HasOneCase(text, &u_isULowercase, &u_isUUppercase); }
bool IsAllUpper(const Text& text) { return HasOneCase(text, &u_isUUppercase, &u_isULowercase); }

}  // namespace kinglet::jinja
