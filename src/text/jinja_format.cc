// SPDX-License-Identifier: Apache-2.0
// Fields are read from the format's bytes and filled with text that keeps its marks.
#include "text/jinja_format.h"

#include <algorithm>
#include <charconv>
#include <string>

#include "text/jinja_print.h"

namespace kinglet::jinja {
namespace {

constexpr std::size_t kMaxPrecision = 300;

struct Field {
  bool left = false, zero = false, plus = false, space = false;
  std::size_t width = 0;
  std::size_t precision = std::string::npos;
  char type = 's';
};

class PercentFormatter {
 public:
  PercentFormatter(const Text& format, const Value& value, Budget& budget)
      : format_(format), bytes_(format.bytes()), value_(value), budget_(budget) {}

  Result<Value> Run() {
    while (at_ < bytes_.size()) {
      const std::size_t percent = std::min(bytes_.find('%', at_), bytes_.size());
      out_.AppendSlice(format_, at_, percent);
      at_ = percent;
      if (at_ < bytes_.size()) TRY(ReadField());
    }
    const Sequence* tuple = Tuple();
    if (tuple != nullptr ? used_ < tuple->items.size()
                         : (used_ == 0 && value_.IfDict() == nullptr)) {
      return TemplateError("not all arguments converted during string formatting");
    }
    out_.set_markup(format_.is_markup());
    return budget_.Make(std::move(out_));
  }

 private:
  const Sequence* Tuple() const {
    const Sequence* sequence = value_.IfSequence();
    return sequence != nullptr && sequence->kind == SequenceKind::kTuple ? sequence : nullptr;
  }

  Result<std::size_t> ReadNumber() {
    std::size_t number = 0;
    const char* end = bytes_.data() + bytes_.size();
    const auto read = std::from_chars(bytes_.data() + at_, end, number);
    at_ = static_cast<std::size_t>(read.ptr - bytes_.data());
    if (read.ec == std::errc::result_out_of_range) return TemplateError("a format is too wide");
    return number;
  }

  Result<void> ReadField() {
    ++at_;
    Value named;
    if (at_ < bytes_.size() && bytes_[at_] == '(') {
      const std::size_t end = bytes_.find(')', at_);
      if (end == std::string_view::npos) return TemplateError("incomplete format key");
      named = TRY(Named(bytes_.substr(at_ + 1, end - at_ - 1)));
      at_ = end + 1;
    }
    const bool is_named = !named.IsUndefined();
    Field field;
    for (; at_ < bytes_.size(); ++at_) {
      if (bytes_[at_] == '-')
        field.left = true;
      else if (bytes_[at_] == '0')
        field.zero = true;
      else if (bytes_[at_] == '+')
        field.plus = true;
      else if (bytes_[at_] == ' ')
        field.space = true;
      else
        break;
    }
    field.width = TRY(ReadNumber());
    if (at_ < bytes_.size() && bytes_[at_] == '.') {
      ++at_;
      field.precision = TRY(ReadNumber());
    }
    if (at_ == bytes_.size()) return TemplateError("incomplete format");
    field.type = bytes_[at_++];
    if (field.type == '%') {
      out_.Append("%");
      return {};
    }
    const Value value = is_named ? named : TRY(NextValue());
    return AppendField(field, value);
  }

  Result<Value> Named(std::string_view name) {
    const Dict* dict = value_.IfDict();
    if (dict == nullptr) return TemplateError("format requires a mapping");
    const Value* found = TRY(FindKey(*dict, Value::OfLiteral(name), budget_));
    if (found == nullptr || found->IsUndefined()) return TemplateError("no value for %({})", name);
    return *found;
  }

  Result<Value> NextValue() {
    const Sequence* tuple = Tuple();
    if (tuple == nullptr ? used_ > 0 : used_ == tuple->items.size()) {
      return TemplateError("not enough arguments for format string");
    }
    return tuple == nullptr ? (++used_, value_) : tuple->items[used_++];
  }

  Result<void> AppendField(const Field& field, const Value& value) {
    Text body;
    switch (field.type) {
      case 's':
      case 'r': {
        Text text;
        TRY(field.type == 's' ? AppendStr(value, text, budget_) : AppendRepr(value, text, budget_));
        body.AppendSlice(text, 0, OffsetOfCharacter(text.bytes(), field.precision));
        break;
      }
      case 'd':
      case 'i':
      case 'x':
      case 'X':
      case 'f':
        body.Append(TRY(NumberField(field, value)));
        break;
      default:
        return TemplateError("unsupported format character '{}'", field.type);
    }
    const std::size_t length = CountCharacters(body.bytes());
    const std::size_t padding = field.width > length ? field.width - length : 0;
    TRY(budget_.Reserve(padding + body.size()));
    const bool is_number = field.type != 's' && field.type != 'r';
    if (field.left) {
      out_.Append(body);
      out_.Append(std::string(padding, ' '));
    } else if (field.zero && is_number) {
      const std::size_t sign = body.bytes().find_first_not_of("+- ");
      out_.AppendSlice(body, 0, sign);
      out_.Append(std::string(padding, '0'));
      out_.AppendSlice(body, sign, body.size());
    } else {
      out_.Append(std::string(padding, ' '));
      out_.Append(body);
    }
    return {};
  }

  static Result<std::string> NumberField(const Field& field, const Value& value) {
    double number = 0;
    if (!value.AsNumber(number)) {
      return TemplateError("%{} format: a number is required, not {}", field.type,
                           value.TypeName());
    }
    std::int64_t integer = 0;
    const bool is_integer = value.AsInteger(integer);
    if (field.type != 'f' && !is_integer) {
      constexpr double kTwoTo63 = 9223372036854775808.0;
      if (!(number > -kTwoTo63 && number < kTwoTo63)) {
        return TemplateError("an integer of more than 64 bits");
      }
      integer = static_cast<std::int64_t>(number);
    }
    const bool is_negative = field.type == 'f' ? number < 0 : integer < 0;
    const auto magnitude =
        integer < 0 ? 0 - static_cast<std::uint64_t>(integer) : static_cast<std::uint64_t>(integer);
    std::string digits = is_negative ? "-" : field.plus ? "+" : field.space ? " " : "";
    switch (field.type) {
      case 'x':
        return digits + fmt::format("{:x}", magnitude);
      case 'X':
        return digits + fmt::format("{:X}", magnitude);
      case 'f': {
        const std::size_t precision = field.precision == std::string::npos ? 6 : field.precision;
        return digits + fmt::format("{:.{}f}", std::abs(number),
                                    static_cast<int>(std::min(precision, kMaxPrecision)));
      }
      default:
        return digits + fmt::format("{}", magnitude);
    }
  }

  const Text& format_;
  std::string_view bytes_;
  const Value& value_;
  Budget& budget_;
  std::size_t at_ = 0;
  std::size_t used_ = 0;
  Text out_;
};

// The argument of the field {name}: by number, by name, or the next one where it is empty.
Result<Value> FieldValue(std::string_view name, std::size_t& next, const Arguments& arguments) {
  std::size_t index = next;
  const char* end = name.data() + name.size();
  const bool is_number = std::from_chars(name.data(), end, index).ptr == end;
  if (name.empty() || is_number) {
    if (name.empty()) ++next;
    if (index < arguments.positional.size()) return arguments.positional[index];
    return TemplateError("no argument for field {} of a format", index);
  }
  for (const auto& [key, value] : arguments.named) {
    if (key == name) return value;
  }
  return TemplateError("no argument for field '{}' of a format", name);
}

}  // namespace

Result<Value> FormatPercent(const Text& format, const Value& value, Budget& budget) {
  TRY(budget.Step(1 + format.size() / 16));
  return PercentFormatter(format, value, budget).Run();
}

Result<Value> FormatBraces(const Text& format, const Arguments& arguments, Budget& budget) {
  TRY(budget.Step(1 + format.size() / 16));
  const std::string_view bytes = format.bytes();
  Text out;
  out.set_markup(format.is_markup());
  std::size_t next = 0;
  std::size_t done = 0;
  for (std::size_t i = bytes.find_first_of("{}"); i != std::string_view::npos;
       i = bytes.find_first_of("{}", done)) {
    out.AppendSlice(format, done, i);
    if (i + 1 < bytes.size() && bytes[i + 1] == bytes[i]) {
      out.AppendSlice(format, i, i + 1);
      done = i + 2;
      continue;
    }
    const std::size_t end = bytes.find('}', i);
    if (bytes[i] == '}' || end == std::string_view::npos) {
      return TemplateError("a single '{}' in a format", bytes[i]);
    }
    const std::string_view name = bytes.substr(i + 1, end - i - 1);
    if (name.find_first_of(":!.[{") != std::string_view::npos) {
      return TemplateError("the format field '{}' is not supported", name);
    }
    const Value value = TRY(FieldValue(name, next, arguments));
    TRY(AppendStr(value, out, budget));
    done = end + 1;
  }
  out.AppendSlice(format, done, bytes.size());
  return budget.Make(std::move(out));
}

}  // namespace kinglet::jinja
