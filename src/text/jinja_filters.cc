// SPDX-License-Identifier: Apache-2.0
// Filters of Jinja, with the arguments and defaults of its own and of Hugging Face's `tojson`.
#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"
#include "text/jinja_builtins.h"
#include "text/jinja_convert.h"
#include "text/jinja_format.h"
#include "text/jinja_operators.h"
#include "text/jinja_print.h"
#include "text/jinja_sequence_filters.h"
#include "text/jinja_text_functions.h"

namespace kinglet::jinja {
namespace {

Result<Value> Default(const Value& input, const Arguments& arguments, Budget& /*budget*/) {
  const std::vector<Value> bound = TRY(Bind(arguments, {"default_value", "boolean"}));
  if (!input.IsUndefined() && (input.IsTrue() || !bound[1].IsTrue())) return input;
  const bool is_given = !arguments.positional.empty() || !arguments.named.empty();
  return is_given ? bound[0] : Value::OfLiteral("");
}

Result<Value> LengthOf(const Value& input, const Arguments& arguments, Budget& budget) {
  TRY(Bind(arguments, {}));
  return Value(TRY(Length(input, budget)));
}

Result<Value> ToText(const Value& input, const Arguments& arguments, Budget& budget) {
  TRY(Bind(arguments, {}));
  if (input.IfText() != nullptr) return input;
  Text text = TRY(Str(input, budget));
  return budget.Make(std::move(text));
}

Result<Value> Safe(const Value& input, const Arguments& arguments, Budget& budget) {
  TRY(Bind(arguments, {}));
  Text text = TRY(Str(input, budget));
  text.set_markup(true);
  return budget.Make(std::move(text));
}

Result<Value> Escape(const Value& input, const Arguments& arguments, Budget& budget) {
  TRY(Bind(arguments, {}));
  const Text text = TRY(Str(input, budget));
  TRY(budget.Step(1 + text.size() / 8));
  TRY(budget.Reserve(text.size() * 6));
  return budget.Make(EscapeHtml(text));
}

// Python's int(text) and float(text), after white space is stripped and underscores are dropped.
template <typename Number>
std::optional<Number> ParseNumber(const Text& text, int base = 10) {
  const ByteRange kept = StripRange(text.bytes(), Ends::kBoth);
  std::string digits = text.bytes().substr(kept.begin, kept.size());
  std::erase(digits, '_');
  const std::size_t plus = digits.starts_with('+') ? 1 : 0;
  const char* begin = digits.data() + plus;
  const char* end = digits.data() + digits.size();
  Number number{};
  std::from_chars_result read{};
  if constexpr (std::is_integral_v<Number>) {
    read = std::from_chars(begin, end, number, base);
  } else {
    read = std::from_chars(begin, end, number);
  }
  if (read.ec != std::errc() || read.ptr != end || begin == end) return std::nullopt;
  return number;
}

std::optional<std::int64_t> Truncate(double number) {
  constexpr double kTwoTo63 = 9223372036854775808.0;
  if (!(number > -kTwoTo63 && number < kTwoTo63)) return std::nullopt;
  return static_cast<std::int64_t>(number);
}

Result<Value> ToInteger(const Value& input, const Arguments& arguments, Budget& /*budget*/) {
  const std::vector<Value> bound = TRY(Bind(arguments, {"default", "base"}));
  if (input.IsUndefined()) return UndefinedError(input);
  const std::int64_t base = TRY(IntegerArgument(bound[1], "base", 10));
  if (base < 2 || base > 36) return TemplateError("the base of an integer is 2 to 36");
  std::optional<std::int64_t> integer;
  double number = 0;
  if (const Text* text = input.IfText()) {
    integer = ParseNumber<std::int64_t>(*text, static_cast<int>(base));
    if (!integer) integer = Truncate(ParseNumber<double>(*text).value_or(NAN));
  } else if (std::int64_t exact = 0; input.AsInteger(exact)) {
    integer = exact;
  } else if (input.AsNumber(number)) {
    integer = Truncate(number);
  }
  if (integer) return Value(*integer);
  return bound[0].IsUndefined() ? Value(std::int64_t{0}) : bound[0];
}

Result<Value> ToFloat(const Value& input, const Arguments& arguments, Budget& /*budget*/) {
  const std::vector<Value> bound = TRY(Bind(arguments, {"default"}));
  if (input.IsUndefined()) return UndefinedError(input);
  double number = 0;
  if (input.AsNumber(number)) return Value(number);
  if (const Text* text = input.IfText()) {
    if (const auto parsed = ParseNumber<double>(*text)) return Value(*parsed);
  }
  return bound[0].IsUndefined() ? Value(0.0) : bound[0];
}

Result<Value> Absolute(const Value& input, const Arguments& arguments, Budget& /*budget*/) {
  TRY(Bind(arguments, {}));
  double number = 0;
  if (!input.AsNumber(number)) {
    if (input.IsUndefined()) return UndefinedError(input);
    return TemplateError("bad operand type for abs(): '{}'", input.TypeName());
  }
  if (std::int64_t integer = 0; input.AsInteger(integer) && integer >= 0) return Value(integer);
  return number < 0 ? ApplySign(true, input) : Result<Value>(input);
}

Result<Value> Round(const Value& input, const Arguments& arguments, Budget& /*budget*/) {
  const std::vector<Value> bound = TRY(Bind(arguments, {"precision", "method"}));
  const std::int64_t asked = TRY(IntegerArgument(bound[0], "precision", 0));
  const auto precision = static_cast<int>(std::clamp<std::int64_t>(asked, 0, 300));
  double number = 0;
  if (!input.AsNumber(number)) {
    if (input.IsUndefined()) return UndefinedError(input);
    return TemplateError("type {} cannot be rounded", input.TypeName());
  }
  const Text* method = bound[1].IfText();
  if (method == nullptr || method->bytes() == "common") {
    if (input.If<double>() == nullptr) return input;
    if (!std::isfinite(number)) return input;
    // Through decimal digits: exact, and half to even only where the number is a true half.
    const std::string digits = fmt::format("{:.{}f}", number, precision);
    std::from_chars(digits.data(), digits.data() + digits.size(), number);
    return Value(number);
  }
  const double scale = std::pow(10.0, precision);
  if (method->bytes() == "ceil") return Value(std::ceil(number * scale) / scale);
  if (method->bytes() == "floor") return Value(std::floor(number * scale) / scale);
  return TemplateError("method must be common, ceil or floor");
}

Result<Value> FormatText(const Value& input, const Arguments& arguments, Budget& budget) {
  const Text text = TRY(Str(input, budget));
  if (arguments.named.empty()) {
    return FormatPercent(text, TRY(budget.Make(arguments.positional, SequenceKind::kTuple)),
                         budget);
  }
  std::vector<std::pair<Value, Value>> entries;
  for (const auto& [name, value] : arguments.named) {
    entries.emplace_back(Value::OfLiteral(name), value);
  }
  return FormatPercent(text, TRY(budget.MakeDict(std::move(entries))), budget);
}

Result<Value> Indent(const Value& input, const Arguments& arguments, Budget& budget) {
  const std::vector<Value> bound = TRY(Bind(arguments, {"width", "first", "blank"}));
  const Text text = TRY(Str(input, budget));
  Text indention;
  if (const Text* custom = bound[0].IfText()) {
    indention = *custom;
  } else {
    const std::int64_t width =
        std::max<std::int64_t>(TRY(IntegerArgument(bound[0], "width", 4)), 0);
    TRY(budget.Reserve(static_cast<std::size_t>(width)));
    indention = Text(std::string(static_cast<std::size_t>(width), ' '));
  }
  TRY(budget.Step(1 + text.size() / 16));
  TRY(budget.Reserve(text.size()));
  Text with_end = text;
  with_end.Append("\n");
  const std::vector<Text> lines = SplitLines(with_end);
  Text out;
  out.set_markup(text.is_markup());
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (i > 0) out.Append("\n");
    const bool is_indented = i == 0 ? bound[1].IsTrue() : bound[2].IsTrue() || !lines[i].empty();
    if (is_indented) {
      TRY(budget.Reserve(indention.size()));
      out.Append(indention);
    }
    out.Append(lines[i]);
  }
  return budget.Make(std::move(out));
}

// `title` as the filter has it: the letter behind white space, a hyphen or an opening bracket.
Result<Value> TitleWords(const Value& input, const Arguments& arguments, Budget& budget) {
  TRY(Bind(arguments, {}));
  const Text text = TRY(Str(input, budget));
  TRY(budget.Step(1 + text.size()));
  TRY(budget.Reserve(text.size() * 3));
  Text out;
  std::size_t word = 0;
  for (std::size_t i = 0; i < text.size();) {
    const Character character = CharacterAt(text.bytes(), i);
    i += character.bytes;
    const bool separates =
        IsSpace(character.code_point) ||
        (character.code_point < 0x80 && std::string_view("-({[<").find(static_cast<char>(
                                            character.code_point)) != std::string_view::npos);
    if (separates || i == text.size()) {
      out.Append(MapCase(text.Slice(word, i), LetterCase::kCapitalize));
      word = i;
    }
  }
  return budget.Make(std::move(out));
}

Result<Value> ToJsonText(const Value& input, const Arguments& arguments, Budget& budget) {
  const std::vector<Value> bound =
      TRY(Bind(arguments, {"ensure_ascii", "indent", "separators", "sort_keys"}));
  JsonStyle style;
  style.ensure_ascii = bound[0].IsTrue();
  style.sort_keys = bound[3].IsTrue();
  if (const Text* indent = bound[1].IfText()) {
    style.indent = *indent;
  } else if (!bound[1].IsUndefined() && !bound[1].IsNone()) {
    const std::int64_t width = TRY(IntegerArgument(bound[1], "indent", 0));
    style.indent =
        Text(std::string(static_cast<std::size_t>(std::clamp<std::int64_t>(width, 0, 64)), ' '));
  }
  if (style.indent) style.item_separator = Text(",");
  if (const Sequence* separators = bound[2].IfSequence();
      separators != nullptr && separators->items.size() == 2) {
    style.item_separator = *TRY(TextArgument(separators->items[0], "separators"));
    style.key_separator = *TRY(TextArgument(separators->items[1], "separators"));
  }
  Text out;
  TRY(AppendJson(input, style, out, budget));
  return budget.Make(std::move(out));
}

// Not Jinja's: what servers that run these templates offer for arguments that come as JSON text.
Result<Value> FromJsonText(const Value& input, const Arguments& arguments, Budget& budget) {
  TRY(Bind(arguments, {}));
  const Text& text = *TRY(TextArgument(input, "input"));
  TRY(budget.Step(1 + text.size() / 4));
  TRY(budget.Reserve(text.size() * 16));
  const json::value parsed = TRY(ParseJson(text.bytes()));
  return FromJson(parsed, /*is_data=*/!text.data().empty());
}

constexpr std::array kFilters = {
    NamedFunction{"abs", Absolute},
    NamedFunction{"attr", Attribute},
    NamedFunction{"capitalize", Capitalize},
    NamedFunction{"count", LengthOf},
    NamedFunction{"d", Default},
    NamedFunction{"default", Default},
    NamedFunction{"dictsort", DictSort},
    NamedFunction{"e", Escape},
    NamedFunction{"escape", Escape},
    NamedFunction{"first", First},
    NamedFunction{"float", ToFloat},
    NamedFunction{"format", FormatText},
    NamedFunction{"from_json", FromJsonText},
    NamedFunction{"indent", Indent},
    NamedFunction{"int", ToInteger},
    NamedFunction{"items", ItemPairs},
    NamedFunction{"join", JoinTexts},
    NamedFunction{"last", Last},
    NamedFunction{"length", LengthOf},
    NamedFunction{"list", ToList},
    NamedFunction{"lower", Lower},
    NamedFunction{"map", Map},
    NamedFunction{"max", Maximum},
    NamedFunction{"min", Minimum},
    NamedFunction{"reject", Reject},
    NamedFunction{"rejectattr", RejectAttribute},
    NamedFunction{"replace", Replace},
    NamedFunction{"reverse", Reverse},
    NamedFunction{"round", Round},
    NamedFunction{"safe", Safe},
    NamedFunction{"select", Select},
    NamedFunction{"selectattr", SelectAttribute},
    NamedFunction{"sort", Sort},
    NamedFunction{"string", ToText},
    NamedFunction{"sum", Sum},
    NamedFunction{"title", TitleWords},
    NamedFunction{"tojson", ToJsonText},
    NamedFunction{"trim", Strip},
    NamedFunction{"unique", Unique},
    NamedFunction{"upper", Upper},
};

}  // namespace

const NamedFunction* FindFilter(std::string_view name) {
  const auto* found = std::ranges::find(kFilters, name, &NamedFunction::name);
  return found == kFilters.end() ? nullptr : found;
}

}  // namespace kinglet::jinja
