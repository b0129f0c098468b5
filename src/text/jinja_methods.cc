// SPDX-License-Identifier: Apache-2.0
// The methods of strings, dicts and lists that templates call.
#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

#include <unicode/uchar.h>

#include "text/jinja_builtins.h"
#include "text/jinja_format.h"
#include "text/jinja_print.h"
#include "text/jinja_text_functions.h"

namespace kinglet::jinja {
namespace {

// The object of a method is of the type that has it.

Result<Value> LeftStrip(const Value& self, const Arguments& arguments, Budget& budget) {
  return StripEnds(self, arguments, Ends::kLeft, budget);
}
Result<Value> RightStrip(const Value& self, const Arguments& arguments, Budget& budget) {
  return StripEnds(self, arguments, Ends::kRight, budget);
}

// Pays for a search from the right, which std::string_view does in quadratic time.
Result<void> PayForRightSearch(std::string_view text, std::string_view part, Budget& budget) {
  return budget.Step(1 + text.size() * part.size() / 1024);
}

// Whether text starts (or ends) with the argument, or with one of the tuple that it is.
Result<Value> HasAffix(const Value& self, const Arguments& arguments, bool at_start) {
  const std::vector<Value> bound = TRY(Bind(arguments, {"affix"}, 1));
  const std::string_view text = self.IfText()->bytes();
  const auto matches = [&](const Value& value) -> Result<bool> {
    const Text* affix = TRY(TextArgument(value, "affix"));
    return at_start ? text.starts_with(affix->bytes()) : text.ends_with(affix->bytes());
  };
  const Sequence* tuple = bound[0].IfSequence();
  if (tuple == nullptr || tuple->kind != SequenceKind::kTuple) {
    return Value(TRY(matches(bound[0])));
  }
  for (const Value& item : tuple->items) {
    if (TRY(matches(item))) return Value(true);
  }
  return Value(false);
}

Result<Value> StartsWith(const Value& self, const Arguments& arguments, Budget& /*budget*/) {
  return HasAffix(self, arguments, true);
}
Result<Value> EndsWith(const Value& self, const Arguments& arguments, Budget& /*budget*/) {
  return HasAffix(self, arguments, false);
}

// The pieces of a text between cuts, each a value that is paid for.
class Pieces {
 public:
  Pieces(const Text& text, Budget& budget) : text_(text), budget_(budget) {}

  Result<void> Add(std::size_t begin, std::size_t end) {
    TRY(budget_.Step());
    items_.push_back(TRY(budget_.Make(text_.Slice(begin, end))));
    return {};
  }
  Result<Value> Take(bool reversed) {
    if (reversed) std::ranges::reverse(items_);
    return budget_.Make(std::move(items_));
  }

 private:
  const Text& text_;
  Budget& budget_;
  std::vector<Value> items_;
};

Result<Value> SplitAtSpace(const Text& text, std::int64_t max_cuts, bool from_right,
                           Budget& budget) {
  Pieces pieces(text, budget);
  ByteRange rest = StripRange(text.bytes(), Ends::kBoth);
  const std::string_view bytes = text.bytes();
  for (std::int64_t cuts = 0; rest.begin < rest.end; ++cuts) {
    if (cuts == max_cuts) {
      TRY(pieces.Add(from_right ? 0 : rest.begin, from_right ? rest.end : text.size()));
      break;
    }
    // The word at this end of the rest, and the rest without it and the space beside it.
    ByteRange word = rest;
    if (from_right) {
      std::size_t begin = rest.begin;
      for (std::size_t i = rest.begin; i < rest.end;) {
        const Character character = CharacterAt(bytes, i);
        i += character.bytes;
        if (IsSpace(character.code_point)) begin = i;
      }
      TRY(budget.Step(1 + rest.size() / 8));
      word.begin = begin;
      rest.end = StripRange(bytes.substr(0, begin), Ends::kRight).end;
      rest.end = std::max(rest.end, rest.begin);
    } else {
      std::size_t end = rest.begin;
      while (end < rest.end && !IsSpace(CharacterAt(bytes, end).code_point)) {
        end += CharacterAt(bytes, end).bytes;
      }
      word.end = end;
      rest.begin = end + StripRange(bytes.substr(end), Ends::kLeft).begin;
    }
    TRY(pieces.Add(word.begin, word.end));
  }
  return pieces.Take(from_right);
}

Result<Value> SplitText(const Value& self, const Arguments& arguments, bool from_right,
                        Budget& budget) {
  const std::vector<Value> bound = TRY(Bind(arguments, {"sep", "maxsplit"}));
  const Text& text = *self.IfText();
  const std::int64_t max_cuts = TRY(IntegerArgument(bound[1], "maxsplit", -1));
  TRY(budget.Step(1 + text.size() / 16));
  if (bound[0].IsUndefined() || bound[0].IsNone()) {
    return SplitAtSpace(text, max_cuts, from_right, budget);
  }
  const std::string_view bytes = text.bytes();
  const std::string_view separator = TRY(TextArgument(bound[0], "sep"))->bytes();
  if (separator.empty()) return TemplateError("empty separator");
  if (from_right) TRY(PayForRightSearch(bytes, separator, budget));
  Pieces pieces(text, budget);
  ByteRange rest{0, text.size()};
  for (std::int64_t cuts = 0; cuts != max_cuts; ++cuts) {
    const std::string_view left = bytes.substr(rest.begin, rest.size());
    const std::size_t found = from_right ? left.rfind(separator) : FindBytes(left, separator);
    if (found == std::string_view::npos) break;
    const std::size_t cut = rest.begin + found;
    if (from_right) {
      TRY(pieces.Add(cut + separator.size(), rest.end));
      rest.end = cut;
    } else {
      TRY(pieces.Add(rest.begin, cut));
      rest.begin = cut + separator.size();
    }
  }
  TRY(pieces.Add(rest.begin, rest.end));
  return pieces.Take(from_right);
}

Result<Value> Split(const Value& self, const Arguments& arguments, Budget& budget) {
  return SplitText(self, arguments, false, budget);
}
Result<Value> RightSplit(const Value& self, const Arguments& arguments, Budget& budget) {
  return SplitText(self, arguments, true, budget);
}

Result<Value> SplitIntoLines(const Value& self, const Arguments& arguments, Budget& budget) {
  TRY(Bind(arguments, {}));
  const Text& text = *self.IfText();
  TRY(budget.Step(1 + text.size() / 16));
  TRY(budget.Reserve(text.size() * sizeof(Text)));
  std::vector<Value> items;
  for (Text& line : SplitLines(text)) items.push_back(TRY(budget.Make(std::move(line))));
  return budget.Make(std::move(items));
}

Result<Value> PartitionText(const Value& self, const Arguments& arguments, bool from_right,
                            Budget& budget) {
  const std::vector<Value> bound = TRY(Bind(arguments, {"sep"}, 1));
  const Text& text = *self.IfText();
  const Text& separator = *TRY(TextArgument(bound[0], "sep"));
  TRY(budget.Step(1 + text.size() / 16));
  if (from_right) TRY(PayForRightSearch(text.bytes(), separator.bytes(), budget));
  const std::size_t found = from_right ? text.bytes().rfind(separator.bytes())
                                       : FindBytes(text.bytes(), separator.bytes());
  std::vector<Value> items;
  if (found == std::string::npos) {
    const Value nothing = Value::OfLiteral("");
    items = from_right ? std::vector{nothing, nothing, self} : std::vector{self, nothing, nothing};
  } else {
    items.push_back(TRY(budget.Make(text.Slice(0, found))));
    items.push_back(bound[0]);
    items.push_back(TRY(budget.Make(text.Slice(found + separator.size(), text.size()))));
  }
  return budget.Make(std::move(items), SequenceKind::kTuple);
}

Result<Value> Partition(const Value& self, const Arguments& arguments, Budget& budget) {
  return PartitionText(self, arguments, false, budget);
}
Result<Value> RightPartition(const Value& self, const Arguments& arguments, Budget& budget) {
  return PartitionText(self, arguments, true, budget);
}

// The number of the character where the argument is found, or -1.
Result<Value> FindText(const Value& self, const Arguments& arguments, bool from_right,
                       Budget& budget) {
  const std::vector<Value> bound = TRY(Bind(arguments, {"sub"}, 1));
  const std::string_view text = self.IfText()->bytes();
  const std::string_view part = TRY(TextArgument(bound[0], "sub"))->bytes();
  TRY(budget.Step(1 + text.size() / 16));
  if (from_right) TRY(PayForRightSearch(text, part, budget));
  const std::size_t found = from_right ? text.rfind(part) : FindBytes(text, part);
  if (found == std::string_view::npos) return Value(std::int64_t{-1});
  return Value(static_cast<std::int64_t>(CountCharacters(text.substr(0, found))));
}

Result<Value> Find(const Value& self, const Arguments& arguments, Budget& budget) {
  return FindText(self, arguments, false, budget);
}
Result<Value> RightFind(const Value& self, const Arguments& arguments, Budget& budget) {
  return FindText(self, arguments, true, budget);
}

Result<Value> CountText(const Value& self, const Arguments& arguments, Budget& budget) {
  const std::vector<Value> bound = TRY(Bind(arguments, {"sub"}, 1));
  const std::string_view text = self.IfText()->bytes();
  const std::string_view part = TRY(TextArgument(bound[0], "sub"))->bytes();
  TRY(budget.Step(1 + text.size() / 16));
  if (part.empty()) return Value(static_cast<std::int64_t>(CountCharacters(text)) + 1);
  std::int64_t count = 0;
  for (std::size_t i = FindBytes(text, part); i != std::string_view::npos;
       i = FindBytes(text, part, i + part.size())) {
    ++count;
  }
  return Value(count);
}

Result<Value> RemoveAffix(const Value& self, const Arguments& arguments, bool at_start,
                          Budget& budget) {
  const std::vector<Value> bound = TRY(Bind(arguments, {"affix"}, 1));
  const Text& text = *self.IfText();
  const std::string_view affix = TRY(TextArgument(bound[0], "affix"))->bytes();
  if (at_start && text.bytes().starts_with(affix)) {
    return budget.Make(text.Slice(affix.size(), text.size()));
  }
  if (!at_start && text.bytes().ends_with(affix)) {
    return budget.Make(text.Slice(0, text.size() - affix.size()));
  }
  return self;
}

Result<Value> RemovePrefix(const Value& self, const Arguments& arguments, Budget& budget) {
  return RemoveAffix(self, arguments, true, budget);
}
Result<Value> RemoveSuffix(const Value& self, const Arguments& arguments, Budget& budget) {
  return RemoveAffix(self, arguments, false, budget);
}

Result<Value> JoinItems(const Value& self, const Arguments& arguments, Budget& budget) {
  const std::vector<Value> bound = TRY(Bind(arguments, {"iterable"}, 1));
  const std::vector<Value> items = TRY(Iterate(bound[0], budget));
  Text out;
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (items[i].IfText() == nullptr) {
      return TemplateError("sequence item {}: expected str instance, {} found", i,
                           items[i].TypeName());
    }
    if (i > 0) TRY(AppendStr(self, out, budget));
    TRY(AppendStr(items[i], out, budget));
  }
  return budget.Make(std::move(out));
}

Result<Value> Format(const Value& self, const Arguments& arguments, Budget& budget) {
  return FormatBraces(*self.IfText(), arguments, budget);
}

// Whether the text is not empty and all its characters are of a kind.
template <typename IsKind>
Result<Value> AllCharacters(const Value& self, Budget& budget, IsKind is_kind) {
  const Text& text = *self.IfText();
  TRY(budget.Step(1 + text.size() / 16));
  for (std::size_t i = 0; i < text.size();) {
    const Character character = CharacterAt(text.bytes(), i);
    if (!is_kind(static_cast<UChar32>(character.code_point))) return Value(false);
    i += character.bytes;
  }
  return Value(!text.empty());
}

Result<Value> IsDigits(const Value& self, const Arguments& /*arguments*/, Budget& budget) {
  return AllCharacters(self, budget, [](UChar32 c) { return u_isdigit(c) != 0; });
}
Result<Value> IsAlphabetic(const Value& self, const Arguments& /*arguments*/, Budget& budget) {
  return AllCharacters(self, budget, [](UChar32 c) { return u_isalpha(c) != 0; });
}
Result<Value> IsAlphanumeric(const Value& self, const Arguments& /*arguments*/, Budget& budget) {
  return AllCharacters(self, budget, [](UChar32 c) { return u_isalnum(c) != 0; });
}
Result<Value> IsSpaces(const Value& self, const Arguments& /*arguments*/, Budget& budget) {
  return AllCharacters(self, budget, [](UChar32 c) { return IsSpace(static_cast<char32_t>(c)); });
}
Result<Value> IsLowerText(const Value& self, const Arguments& /*arguments*/, Budget& /*budget*/) {
  return Value(IsAllLower(*self.IfText()));
}
Result<Value> IsUpperText(const Value& self, const Arguments& /*arguments*/, Budget& /*budget*/) {
  return Value(IsAllUpper(*self.IfText()));
}

Result<Value> GetKey(const Value& self, const Arguments& arguments, Budget& budget) {
  const std::vector<Value> bound = TRY(Bind(arguments, {"key", "default"}, 1));
  const Value* value = TRY(FindKey(*self.IfDict(), bound[0], budget));
  if (value != nullptr) return *value;
  const bool has_default = arguments.positional.size() + arguments.named.size() > 1;
  return has_default ? bound[1] : Value(None{});
}

Result<Value> Keys(const Value& self, const Arguments& /*arguments*/, Budget& budget) {
  std::vector<Value> keys = TRY(Iterate(self, budget));
  return budget.Make(std::move(keys), SequenceKind::kView);
}

Result<Value> Values(const Value& self, const Arguments& /*arguments*/, Budget& budget) {
  std::vector<Value> values;
  for (const auto& entry : self.IfDict()->entries) values.push_back(entry.second);
  return budget.Make(std::move(values), SequenceKind::kView);
}

Result<Value> Items(const Value& self, const Arguments& /*arguments*/, Budget& budget) {
  std::vector<Value> items;
  for (const auto& [key, value] : self.IfDict()->entries) {
    items.push_back(TRY(budget.Make(std::vector{key, value}, SequenceKind::kTuple)));
  }
  return budget.Make(std::move(items), SequenceKind::kView);
}

Result<Value> Copy(const Value& self, const Arguments& /*arguments*/, Budget& /*budget*/) {
  return self;
}

Result<Value> CountItems(const Value& self, const Arguments& arguments, Budget& budget) {
  const std::vector<Value> bound = TRY(Bind(arguments, {"value"}, 1));
  std::int64_t count = 0;
  for (const Value& item : self.IfSequence()->items) {
    if (TRY(Equal(item, bound[0], budget))) ++count;
  }
  return Value(count);
}

Result<Value> IndexOfItem(const Value& self, const Arguments& arguments, Budget& budget) {
  const std::vector<Value> bound = TRY(Bind(arguments, {"value"}, 1));
  const std::vector<Value>& items = self.IfSequence()->items;
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (TRY(Equal(items[i], bound[0], budget))) return Value(static_cast<std::int64_t>(i));
  }
  return TemplateError("the value is not in the list");
}

constexpr std::array kStringMethods = {
    NamedFunction{"capitalize", Capitalize},
    NamedFunction{"count", CountText},
    NamedFunction{"endswith", EndsWith},
    NamedFunction{"find", Find},
    NamedFunction{"format", Format},
    NamedFunction{"isalnum", IsAlphanumeric},
    NamedFunction{"isalpha", IsAlphabetic},
    NamedFunction{"isdigit", IsDigits},
    NamedFunction{"islower", IsLowerText},
    NamedFunction{"isspace", IsSpaces},
    NamedFunction{"isupper", IsUpperText},
    NamedFunction{"join", JoinItems},
    NamedFunction{"lower", Lower},
    NamedFunction{"lstrip", LeftStrip},
    NamedFunction{"partition", Partition},
    NamedFunction{"removeprefix", RemovePrefix},
    NamedFunction{"removesuffix", RemoveSuffix},
    NamedFunction{"replace", Replace},
    NamedFunction{"rfind", RightFind},
    NamedFunction{"rpartition", RightPartition},
    NamedFunction{"rsplit", RightSplit},
    NamedFunction{"rstrip", RightStrip},
    NamedFunction{"split", Split},
    NamedFunction{"splitlines", SplitIntoLines},
    NamedFunction{"startswith", StartsWith},
    NamedFunction{"strip", Strip},
    NamedFunction{"title", Title},
    NamedFunction{"upper", Upper},
};

constexpr std::array kDictMethods = {
    NamedFunction{"copy", Copy}, NamedFunction{"get", GetKey},    NamedFunction{"items", Items},
    NamedFunction{"keys", Keys}, NamedFunction{"values", Values},
};

constexpr std::array kListMethods = {
    NamedFunction{"copy", Copy},
    NamedFunction{"count", CountItems},
    NamedFunction{"index", IndexOfItem},
};

template <std::size_t kCount>
const NamedFunction* FindIn(const std::array<NamedFunction, kCount>& table, std::string_view name) {
  const auto* found = std::ranges::find(table, name, &NamedFunction::name);
  return found == table.end() ? nullptr : found;
}

}  // namespace

const NamedFunction* FindMethod(const Value& object, std::string_view name) {
  if (object.IfText() != nullptr) return FindIn(kStringMethods, name);
  if (object.IfDict() != nullptr) return FindIn(kDictMethods, name);
  if (object.IfSequence() != nullptr) return FindIn(kListMethods, name);
  return nullptr;
}

}  // namespace kinglet::jinja
