// SPDX-License-Identifier: Apache-2.0
// A search with the automaton as its guide: a wrong member is seen at its name.
#include "eval/schema_text.h"

#include <algorithm>
#include <functional>
#include <utility>
#include <vector>

#include "grammar/decimal.h"
#include "grammar/schema_shape.h"

namespace kinglet {
namespace {

using StateId = Matcher::StateId;

constexpr int kMaxSteps = 20'000;

// The number as JSON has it, and written out: 5E1 is 50.0, and 50 where these are the same.
std::vector<std::string> NumberTexts(const json::value& number, bool is_draft_4) {
  std::vector<std::string> texts = {kinglet::ToJson(number)};
  const auto decimal = ParseDecimal(texts[0]);
  if (!decimal) return texts;
  std::string plain = decimal->is_negative && !decimal->is_zero() ? "-" : "";
  plain += decimal->integer.empty() ? "0" : decimal->integer;
  if (!decimal->is_integer()) {
    texts.push_back(plain + "." + decimal->fraction);
  } else {
    if (number.is_double()) texts.push_back(plain + ".0");
    if (!is_draft_4) texts.push_back(std::move(plain));
  }
  return texts;
}

using Names = std::vector<std::string_view>;

// The names of each "properties" in a schema, in their order.
void CollectNames(const json::value& schema, std::vector<Names>& lists) {
  if (const json::array* const array = schema.if_array()) {
    for (const json::value& each : *array) CollectNames(each, lists);
  }
  const json::object* const object = schema.if_object();
  if (object == nullptr) return;
  const json::value* const properties = object->if_contains("properties");
  if (properties != nullptr && properties->is_object()) {
    Names& names = lists.emplace_back();
    for (const json::key_value_pair& property : properties->get_object()) {
      names.emplace_back(property.key());
    }
  }
  for (const json::key_value_pair& member : *object) CollectNames(member.value(), lists);
}

bool IsDraft4(const json::value& schema) {
  const json::value* const uri = Find(schema, "$schema");
  return uri != nullptr && uri->is_string() &&
         std::string_view(uri->get_string()).contains("draft-04");
}

class Search {
 public:
  Search(Matcher& matcher, const json::value& schema)
      : matcher_(matcher), is_draft_4_(IsDraft4(schema)) {
    CollectNames(schema, lists_);
  }

  bool Run(const json::value& value) {
    return Value(value, matcher_.start(), [this](StateId state) { return matcher_.MayEnd(state); });
  }
  std::string Text() const {
    std::string text;
    for (const std::string& piece : pieces_) text += piece;
    return text;
  }

 private:
  using Then = std::function<bool(StateId)>;
  using Member = const json::key_value_pair*;

  // Writes the piece and goes on; takes it back where that leads nowhere.
  bool Write(const std::string& piece, StateId state, const Then& then) {
    if (++steps_ > kMaxSteps) return false;
    const StateId next = matcher_.Next(state, std::string_view(piece));
    if (next == Matcher::kDead) return false;
    pieces_.push_back(piece);
    if (then(next)) return true;
    pieces_.pop_back();
    return false;
  }

  bool Value(const json::value& value, StateId state, const Then& then) {
    if (const json::array* const items = value.if_array()) {
      return Write("[", state, [&](StateId next) { return Items(*items, 0, next, then); });
    }
    if (const json::object* const members = value.if_object()) {
      const std::vector<Member> left = InOrder(*members);
      return Write("{", state, [&](StateId next) { return Members(left, true, next, then); });
    }
    if (value.is_number()) {
      return std::ranges::any_of(NumberTexts(value, is_draft_4_),
                                 [&](const std::string& text) { return Write(text, state, then); });
    }
    return Write(CompactText(value), state, then);
  }

  bool Items(const json::array& items, std::size_t i, StateId state, const Then& then) {
    if (i == items.size()) return Write("]", state, then);
    const Then item = [&, i](StateId next) {
      return Value(items[i], next,
                   [&, i](StateId after) { return Items(items, i + 1, after, then); });
    };
    return i == 0 ? item(state) : Write(",", state, item);
  }

  bool Members(const std::vector<Member>& left, bool is_first, StateId state, const Then& then) {
    if (left.empty()) return Write("}", state, then);
    for (std::size_t i = 0; i < left.size(); ++i) {
      std::vector<Member> rest = left;
      rest.erase(rest.begin() + static_cast<std::ptrdiff_t>(i));
      const std::string key = (is_first ? "" : ",") + JsonStringText(left[i]->key()) + ":";
      const bool found = Write(key, state, [&](StateId next) {
        return Value(left[i]->value(), next,
                     [&](StateId after) { return Members(rest, false, after, then); });
      });
      if (found) return true;
      if (steps_ > kMaxSteps) return false;
    }
    return false;
  }

  // As the "properties" that has most of the names has them; those that it has not come last.
  std::vector<Member> InOrder(const json::object& members) const {
    const auto known = [&](const Names& names) {
      return std::ranges::count_if(
          names, [&](std::string_view name) { return members.if_contains(name) != nullptr; });
    };
    const auto best = std::ranges::max_element(lists_, {}, known);
    std::vector<Member> ordered;
    for (const json::key_value_pair& member : members) ordered.push_back(&member);
    if (best == lists_.end()) return ordered;
    // Where a schema is put together from several, they come one after the other.
    Names names = *best;
    for (const Names& list : lists_) names.insert(names.end(), list.begin(), list.end());
    const auto rank = [&](Member member) {  // those that no list names stay as they stand
      return std::pair(std::ranges::find(names, std::string_view(member->key())) - names.begin(),
                       member);
    };
    std::ranges::sort(ordered, {}, rank);
    return ordered;
  }

  Matcher& matcher_;
  bool is_draft_4_;
  std::vector<Names> lists_;
  std::vector<std::string> pieces_;
  int steps_ = 0;
};

}  // namespace

std::string CompactText(const json::value& value) {
  if (const json::array* const items = value.if_array()) {
    std::string text = "[";
    for (const json::value& item : *items) {
      if (text.size() > 1) text += ',';
      text += CompactText(item);
    }
    return text + "]";
  }
  if (const json::object* const members = value.if_object()) {
    std::string text = "{";
    for (const json::key_value_pair& member : *members) {
      if (text.size() > 1) text += ',';
      text += JsonStringText(member.key()) + ":" + CompactText(member.value());
    }
    return text + "}";
  }
  if (value.is_string()) return JsonStringText(std::string_view(value.get_string()));
  return kinglet::ToJson(value);
}

std::optional<std::string> FindText(Matcher& matcher, const json::value& value,
                                    const json::value& schema) {
  const std::string text = CompactText(value);
  const StateId end = matcher.Next(matcher.start(), std::string_view(text));
  if (end != Matcher::kDead && matcher.MayEnd(end)) return text;
  Search search(matcher, schema);
  if (!search.Run(value)) return std::nullopt;
  return search.Text();
}

}  // namespace kinglet
