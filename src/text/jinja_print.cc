// SPDX-License-Identifier: Apache-2.0
// Python's ways to write a value, each byte marked as data where it comes from a string that is.
#include "text/jinja_print.h"

#include <array>
#include <charconv>
#include <cmath>
#include <numeric>
#include <vector>

#include <fmt/format.h>
#include <unicode/uchar.h>

namespace kinglet::jinja {
namespace {

// Appends the characters of text, those that `escape` has a spelling for (not empty) as that
// spelling; data stays data.
template <typename Escape>
void AppendEscaped(const Text& text, Text& out, Escape escape) {
  std::size_t done = 0;
  for (std::size_t i = 0; i < text.size();) {
    const Character character = CharacterAt(text.bytes(), i);
    const std::string spelling = escape(character);
    if (!spelling.empty()) {
      out.AppendSlice(text, done, i);
      out.Append(spelling, text.HasData(i, i + character.bytes));
      done = i + character.bytes;
    }
    i += character.bytes;
  }
  out.AppendSlice(text, done, text.size());
}

bool IsPrintable(char32_t code_point) {
  if (code_point < 0x7f) return code_point >= 0x20;
  constexpr auto kHidden = U_GC_C_MASK | U_GC_Z_MASK;
  return (U_GET_GC_MASK(static_cast<UChar32>(code_point)) & kHidden) == 0;
}

void AppendStringRepr(const Text& text, Text& out) {
  const bool has_single = text.bytes().find('\'') != std::string::npos;
  const bool has_double = text.bytes().find('"') != std::string::npos;
  const char quote = has_single && !has_double ? '"' : '\'';
  out.Append(std::string_view(&quote, 1));
  AppendEscaped(text, out, [quote](Character character) -> std::string {
    const char32_t c = character.code_point;
    if (c == '\\' || c == static_cast<char32_t>(quote)) return {'\\', static_cast<char>(c)};
    if (c == '\n') return "\\n";
    if (c == '\r') return "\\r";
    if (c == '\t') return "\\t";
    if (IsPrintable(c)) return {};
    if (c < 0x100) return fmt::format("\\x{:02x}", static_cast<unsigned>(c));
    if (c < 0x10000) return fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    return fmt::format("\\U{:08x}", static_cast<unsigned>(c));
  });
  out.Append(std::string_view(&quote, 1));
}

void AppendJsonString(const Text& text, bool ensure_ascii, Text& out) {
  out.Append("\"");
  AppendEscaped(text, out, [ensure_ascii](Character character) -> std::string {
    const auto c = static_cast<unsigned>(character.code_point);
    switch (c) {
      case '"':
        return "\\\"";
      case '\\':
        return "\\\\";
      case '\n':
        return "\\n";
      case '\r':
        return "\\r";
      case '\t':
        return "\\t";
      case '\b':
        return "\\b";
      case '\f':
        return "\\f";
      default:
        break;
    }
    if (c < 0x20) return fmt::format("\\u{:04x}", c);
    if (!ensure_ascii || c < 0x7f) return {};
    if (c < 0x10000) return fmt::format("\\u{:04x}", c);
    return fmt::format("\\u{:04x}\\u{:04x}", 0xd7c0 + (c >> 10), 0xdc00 + (c & 0x3ff));
  });
  out.Append("\"");
}

// What may be written for one string at the most, paid before it is.
Result<void> ReserveForString(const Text& text, Budget& budget) {
  TRY(budget.Step(1 + text.size() / 16));
  return budget.Reserve(text.size() + 2);
}

Result<void> AppendReprItems(const std::vector<Value>& items, Text& out, Budget& budget) {
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (i > 0) out.Append(", ");
    TRY(AppendRepr(items[i], out, budget));
  }
  return {};
}

Result<void> AppendReprSequence(const Sequence& sequence, Text& out, Budget& budget) {
  switch (sequence.kind) {
    case SequenceKind::kList:
      out.Append("[");
      TRY(AppendReprItems(sequence.items, out, budget));
      out.Append("]");
      return {};
    case SequenceKind::kTuple:
      out.Append("(");
      TRY(AppendReprItems(sequence.items, out, budget));
      out.Append(sequence.items.size() == 1 ? ",)" : ")");
      return {};
    case SequenceKind::kView:
      out.Append("dict_view([");
      TRY(AppendReprItems(sequence.items, out, budget));
      out.Append("])");
      return {};
    case SequenceKind::kRange:
      out.Append("<range>");
      return {};
    case SequenceKind::kGenerator:
      out.Append("<generator object>");
      return {};
  }
  return {};
}

}  // namespace

std::string FloatRepr(double number) {
  if (std::isnan(number)) return "nan";
  if (std::isinf(number)) return number < 0 ? "-inf" : "inf";
  std::array<char, 40> buffer{};
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), number,
                                 std::chars_format::scientific);
  const std::string_view scientific(buffer.data(),
                                    static_cast<std::size_t>(end.ptr - buffer.data()));
  const std::size_t e = scientific.find('e');
  int exponent = 0;
  const char* digits = scientific.data() + e + (scientific[e + 1] == '+' ? 2 : 1);
  std::from_chars(digits, end.ptr, exponent);
  if (exponent < -4 || exponent >= 16) return std::string(scientific);  // both have 1e+16, 1.5e-05
  const auto fixed_end =
      std::to_chars(buffer.data(), buffer.data() + buffer.size(), number, std::chars_format::fixed);
  std::string fixed(buffer.data(), fixed_end.ptr);
  if (fixed.find('.') == std::string::npos) fixed += ".0";
  return fixed;
}

Result<void> AppendRepr(const Value& value, Text& out, Budget& budget) {
  TRY(budget.Step());
  TRY(budget.Reserve(8));
  if (value.IsUndefined()) {
    out.Append("Undefined");
  } else if (value.IsNone()) {
    out.Append("None");
  } else if (const auto* truth = value.If<bool>()) {
    out.Append(*truth ? "True" : "False");
  } else if (const auto* integer = value.If<std::int64_t>()) {
    out.Append(fmt::format("{}", *integer));
  } else if (const auto* real = value.If<double>()) {
    out.Append(FloatRepr(*real));
  } else if (const Text* text = value.IfText()) {
    TRY(ReserveForString(*text, budget));
    AppendStringRepr(*text, out);
  } else if (const Sequence* sequence = value.IfSequence()) {
    return AppendReprSequence(*sequence, out, budget);
  } else if (const Dict* dict = value.IfDict()) {
    out.Append("{");
    for (std::size_t i = 0; i < dict->entries.size(); ++i) {
      if (i > 0) out.Append(", ");
      TRY(AppendRepr(dict->entries[i].first, out, budget));
      out.Append(": ");
      TRY(AppendRepr(dict->entries[i].second, out, budget));
    }
    out.Append("}");
  } else {
    out.Append(fmt::format("<{}>", value.TypeName()));
  }
  return {};
}

Result<void> AppendStr(const Value& value, Text& out, Budget& budget) {
  if (value.IsUndefined()) return {};
  const Text* text = value.IfText();
  if (text == nullptr) return AppendRepr(value, out, budget);
  TRY(budget.Step(1 + text->size() / 64));
  TRY(budget.Reserve(text->size()));
  out.Append(*text);
  return {};
}

Result<Text> Str(const Value& value, Budget& budget) {
  if (const Text* text = value.IfText()) {
    TRY(budget.Reserve(text->size()));
    return *text;
  }
  Text out;
  TRY(AppendStr(value, out, budget));
  return out;
}

namespace {

class JsonPrinter {
 public:
  JsonPrinter(const JsonStyle& style, Text& out, Budget& budget)
      : style_(style), out_(out), budget_(budget) {}

  Result<void> Print(const Value& value) {
    TRY(budget_.Step());
    TRY(budget_.Reserve(8));
    if (value.IsNone()) {
      out_.Append("null");
    } else if (const auto* truth = value.If<bool>()) {
      out_.Append(*truth ? "true" : "false");
    } else if (const auto* integer = value.If<std::int64_t>()) {
      out_.Append(fmt::format("{}", *integer));
    } else if (const auto* real = value.If<double>()) {
      out_.Append(JsonFloat(*real));
    } else if (const Text* text = value.IfText()) {
      TRY(ReserveForString(*text, budget_));
      AppendJsonString(*text, style_.ensure_ascii, out_);
    } else if (const Sequence* sequence = value.IfSequence();
               sequence != nullptr &&
               (sequence->kind == SequenceKind::kList || sequence->kind == SequenceKind::kTuple)) {
      return PrintItems(*sequence);
    } else if (const Dict* dict = value.IfDict()) {
      return PrintEntries(*dict);
    } else {
      return TemplateError("Object of type {} is not JSON serializable", value.TypeName());
    }
    return {};
  }

 private:
  static std::string JsonFloat(double number) {
    if (std::isnan(number)) return "NaN";
    if (std::isinf(number)) return number < 0 ? "-Infinity" : "Infinity";
    return FloatRepr(number);
  }

  Result<void> PrintItems(const Sequence& sequence) {
    if (sequence.items.empty()) {
      out_.Append("[]");
      return {};
    }
    out_.Append("[");
    ++level_;
    for (std::size_t i = 0; i < sequence.items.size(); ++i) {
      TRY(Separate(i == 0));
      TRY(Print(sequence.items[i]));
    }
    --level_;
    TRY(BreakLine());
    out_.Append("]");
    return {};
  }

  Result<void> PrintEntries(const Dict& dict) {
    if (dict.entries.empty()) {
      out_.Append("{}");
      return {};
    }
    std::vector<std::size_t> order(dict.entries.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    if (style_.sort_keys) {
      std::vector<Value> keys;
      for (const auto& entry : dict.entries) keys.push_back(entry.first);
      order = TRY(SortedOrder(keys, false, budget_));
    }
    out_.Append("{");
    ++level_;
    for (std::size_t i = 0; i < order.size(); ++i) {
      const auto& [key, value] = dict.entries[order[i]];
      TRY(Separate(i == 0));
      TRY(PrintKey(key));
      out_.Append(style_.key_separator);
      TRY(Print(value));
    }
    --level_;
    TRY(BreakLine());
    out_.Append("}");
    return {};
  }

  // JSON has string keys only: json.dumps writes numbers, booleans and None as strings.
  Result<void> PrintKey(const Value& key) {
    if (key.IfText() != nullptr) return Print(key);
    out_.Append("\"");
    TRY(Print(key));
    out_.Append("\"");
    return {};
  }

  Result<void> Separate(bool is_first) {
    TRY(budget_.Reserve(style_.item_separator.size() + style_.key_separator.size()));
    if (!is_first) out_.Append(style_.item_separator);
    return BreakLine();
  }

  Result<void> BreakLine() {
    if (!style_.indent) return {};
    TRY(budget_.Reserve(1 + level_ * style_.indent->size()));
    out_.Append("\n");
    for (std::size_t i = 0; i < level_; ++i) out_.Append(*style_.indent);
    return {};
  }

  const JsonStyle& style_;
  Text& out_;
  Budget& budget_;
  std::size_t level_ = 0;
};

}  // namespace

Result<void> AppendJson(const Value& value, const JsonStyle& style, Text& out, Budget& budget) {
  return JsonPrinter(style, out, budget).Print(value);
}

}  // namespace kinglet::jinja
