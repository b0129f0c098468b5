// SPDX-License-Identifier: Apache-2.0
// A schema applied to a value, and the keywords that apply others to it.
#include "grammar/validator_check.h"

#include <algorithm>
#include <cmath>
#include <ranges>

#include <boost/json/string.hpp>

namespace kinglet::validation {
namespace {

namespace json = boost::json;

constexpr std::int64_t kStepsOfSchema = 16;

std::size_t SizeOf(const json::value& value) {
  if (value.is_object()) return value.get_object().size();
  return value.is_array() ? value.get_array().size() : 0;
}

const json::array* List(const SchemaPart& part, Keyword keyword) {
  const json::value* const value = part[keyword];
  return value == nullptr ? nullptr : value->if_array();
}

// Undone at the end of a block.
template <typename T>
class Restored {
 public:
  Restored(T& variable, T value) : variable_(variable), before_(variable) { variable = value; }
  ~Restored() { variable_ = before_; }
  Restored(const Restored&) = delete;
  Restored& operator=(const Restored&) = delete;

 private:
  T& variable_;
  T before_;
};

}  // namespace

ValueCheck::ValueCheck(const ValidatorSchema& schema, const ValidatorOptions& options)
    : schema_(schema), options_(options), steps_left_(options.max_steps) {}

Result<void> ValueCheck::Run(const json::value& value) {
  Seen seen = NothingSeen(value);
  const bool holds = CheckLimits(value, 0) && Check(schema_.root(), value, std::nullopt, seen);
  if (has_stopped()) return Error(StatusCode::kLimitExceeded, "{}", stop_);
  if (holds) return {};
  return Error(StatusCode::kInvalidInput, "the value at {:?} breaks {:?}", Pointer(),
               failed_ ? NameOf(*failed_) : "false");
}

bool ValueCheck::CheckLimits(const json::value& value, int depth) {
  if (depth > options_.max_depth)
    return Stop(fmt::format("the value is more than {} deep", options_.max_depth));
  if (!Spend(1)) return false;
  if (const double* const number = value.if_double(); number != nullptr && !std::isfinite(*number))
    return Stop("the value has a number that is too large to be compared exactly");
  if (const json::array* const items = value.if_array()) {
    return std::ranges::all_of(
        *items, [&](const json::value& item) { return CheckLimits(item, depth + 1); });
  }
  if (const json::object* const members = value.if_object()) {
    return std::ranges::all_of(*members, [&](const json::key_value_pair& member) {
      return CheckLimits(member.value(), depth + 1);
    });
  }
  return true;
}

bool ValueCheck::Check(const SchemaPart& part, const json::value& value, std::optional<Keyword> by,
                       Seen& seen) {
  if (!Spend(kStepsOfSchema)) return false;
  if (const bool* const all = part.schema->if_bool()) return *all || Fail(by);
  if (depth_ >= options_.max_depth)
    return Stop(fmt::format("the schema leads on without an end, or more than {} deep",
                            options_.max_depth));
  const Restored depth(depth_, depth_ + 1);
  const SchemaResource* const resource = &schema_.ResourceOf(part);
  const Scope scope{resource, scope_};
  const bool is_entered = scope_ == nullptr || scope_->resource != resource;
  const Restored entered(scope_, is_entered ? &scope : scope_);
  return CheckKeywords(part, value, seen);
}

bool ValueCheck::CheckKeywords(const SchemaPart& part, const json::value& value, Seen& seen) {
  if (!CheckAnyValue(part, value)) return false;
  if (value.is_number() && !CheckNumber(part, value)) return false;
  if (value.is_string() && !CheckString(part, value.get_string())) return false;
  if (value.is_array() && !CheckArray(part, value.get_array(), seen)) return false;
  if (value.is_object() &&
      (!CheckObject(part, value.get_object(), seen) || !CheckDependencies(part, value, seen))) {
    return false;
  }
  if (!CheckReferences(part, value, seen) || !CheckCombined(part, value, seen)) return false;
  return CheckUnevaluated(part, value, seen);
}

bool ValueCheck::CheckHere(const SchemaPart& part, const json::value& value, Keyword by,
                           Seen& seen) {
  Seen more = NothingSeen(value);
  if (!Check(part, value, by, more)) return false;
  for (std::size_t i = 0; i < more.size(); ++i) seen[i] = seen[i] || more[i];
  return true;
}

bool ValueCheck::CheckHere(const json::value& schema, const json::value& value, Keyword by,
                           Seen& seen) {
  return CheckHere(schema_.PartOf(schema), value, by, seen);
}

bool ValueCheck::CheckInside(const json::value& schema, const json::value& value, Keyword by,
                             Token token) {
  Seen seen = NothingSeen(value);
  return Check(schema_.PartOf(schema), value, by, seen) || FailBelow(token);
}

bool ValueCheck::CheckReferences(const SchemaPart& part, const json::value& value, Seen& seen) {
  if (part.ref != nullptr && !CheckHere(*part.ref, value, Keyword::kRef, seen)) return false;
  return part.dynamic_ref == nullptr ||
         CheckHere(DynamicTarget(part), value, Keyword::kDynamicRef, seen);
}

const SchemaPart& ValueCheck::DynamicTarget(const SchemaPart& part) {
  const SchemaPart* target = part.dynamic_ref;
  if (!part.is_dynamic) return *target;
  for (const Scope* scope = scope_; scope != nullptr; scope = scope->outer) {
    Spend(1 + static_cast<std::int64_t>(part.dynamic_name.size() / 16));
    const auto anchor = scope->resource->dynamic_anchors.find(part.dynamic_name);
    if (anchor != scope->resource->dynamic_anchors.end()) target = anchor->second;
  }
  return *target;
}

bool ValueCheck::CheckCombined(const SchemaPart& part, const json::value& value, Seen& seen) {
  if (const json::array* const all = List(part, Keyword::kAllOf)) {
    for (const json::value& each : *all) {
      if (!CheckHere(each, value, Keyword::kAllOf, seen)) return false;
    }
  }
  const json::array* const any = List(part, Keyword::kAnyOf);
  if (any != nullptr && !CheckAnyOf(*any, value, seen)) return false;
  const json::array* const one = List(part, Keyword::kOneOf);
  if (one != nullptr && !CheckOneOf(*one, value, seen)) return false;
  if (const json::value* const none = part[Keyword::kNot]) {
    Seen unused = NothingSeen(value);
    if (CheckHere(*none, value, Keyword::kNot, unused)) return Fail(Keyword::kNot);
    if (has_stopped()) return false;
  }
  return part[Keyword::kIf] == nullptr || CheckIf(part, value, seen);
}

// Where all that was looked at matters, each is tried, though the first may hold.
bool ValueCheck::CheckAnyOf(const json::array& parts, const json::value& value, Seen& seen) {
  bool holds = false;
  for (const json::value& each : parts) {
    holds = CheckHere(each, value, Keyword::kAnyOf, seen) || holds;
    if (has_stopped()) return false;
    if (holds && seen.empty()) break;
  }
  return holds || Fail(Keyword::kAnyOf);
}

bool ValueCheck::CheckOneOf(const json::array& parts, const json::value& value, Seen& seen) {
  int count = 0;
  for (const json::value& each : parts) {
    if (CheckHere(each, value, Keyword::kOneOf, seen)) ++count;
    if (has_stopped()) return false;
    if (count > 1) break;
  }
  return count == 1 || Fail(Keyword::kOneOf);
}

bool ValueCheck::CheckIf(const SchemaPart& part, const json::value& value, Seen& seen) {
  const bool holds = CheckHere(*part[Keyword::kIf], value, Keyword::kIf, seen);
  if (has_stopped()) return false;
  const Keyword next = holds ? Keyword::kThen : Keyword::kElse;
  return part[next] == nullptr || CheckHere(*part[next], value, next, seen);
}

bool ValueCheck::CheckUnevaluated(const SchemaPart& part, const json::value& value, Seen& seen) {
  const json::value* const of_members = part[Keyword::kUnevaluatedProperties];
  if (of_members != nullptr && value.is_object()) {
    std::size_t i = 0;
    for (const json::key_value_pair& member : value.get_object()) {
      if (!seen[i] && !CheckInside(*of_members, member.value(), Keyword::kUnevaluatedProperties,
                                   std::string_view(member.key())))
        return false;
      seen[i++] = true;
    }
  }
  const json::value* const of_items = part[Keyword::kUnevaluatedItems];
  if (of_items != nullptr && value.is_array()) {
    for (std::size_t i = 0; i < seen.size(); ++i) {
      if (!seen[i] && !CheckInside(*of_items, value.get_array()[i], Keyword::kUnevaluatedItems, i))
        return false;
      seen[i] = true;
    }
  }
  return true;
}

bool ValueCheck::Fail(std::optional<Keyword> keyword) {
  failed_ = keyword;
  failed_at_.clear();
  return false;
}

bool ValueCheck::FailBelow(Token token) {
  failed_at_.push_back(token);
  return false;
}

bool ValueCheck::Stop(std::string why) {
  if (stop_.empty()) stop_ = std::move(why);
  return false;
}

bool ValueCheck::Spend(std::int64_t steps) {
  if (has_stopped()) return false;
  steps_left_ -= steps;
  return steps_left_ >= 0 ||
         Stop(fmt::format("the check takes more than {} steps", options_.max_steps));
}

ValueCheck::Seen ValueCheck::NothingSeen(const json::value& value) {
  if (!schema_.asks_for_unevaluated()) return {};
  const std::size_t size = SizeOf(value);
  Spend(static_cast<std::int64_t>(size / 16));
  return Seen(size);
}

std::string ValueCheck::Pointer() const {
  std::string pointer;
  for (const Token& token : std::views::reverse(failed_at_)) {
    pointer += '/';
    if (const std::size_t* const index = std::get_if<std::size_t>(&token)) {
      pointer += std::to_string(*index);
      continue;
    }
    for (const char c : std::get<std::string_view>(token)) {
      if (c == '~') {
        pointer += "~0";
      } else if (c == '/') {
        pointer += "~1";
      } else {
        pointer += c;
      }
    }
  }
  return pointer;
}

}  // namespace kinglet::validation
