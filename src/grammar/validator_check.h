// SPDX-License-Identifier: Apache-2.0
// One check of one value: what has been spent, where in the schema it is, and what failed last.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include "base/status.h"
#include "grammar/json_validator.h"
#include "grammar/validator_schema.h"

namespace kinglet::validation {

class ValueCheck {
 public:
  ValueCheck(const ValidatorSchema& schema, const ValidatorOptions& options);

  // As JsonValidator::Validate. Once only.
  Result<void> Run(const boost::json::value& value);

 private:
  // Which members or items of a value, by their positions, keywords have looked at: what
  // unevaluatedProperties and unevaluatedItems leave alone. Empty where the schema has neither.
  using Seen = std::vector<bool>;
  using Token = std::variant<std::string_view, std::size_t>;  // of a JSON pointer

  // A resource that was entered on the way to where the check is, innermost first.
  struct Scope {
    const SchemaResource* resource;
    const Scope* outer;
  };

  // False from all below: the value breaks the schema, and the failure says how; or the check has
  // stopped at a limit, which what asks for a failure (not, oneOf, contains) must not take for one.

  // The keyword `by` holds the part: a value breaks it where the part is false.
  bool Check(const SchemaPart& part, const boost::json::value& value, std::optional<Keyword> by,
             Seen& seen);
  bool CheckKeywords(const SchemaPart& part, const boost::json::value& value, Seen& seen);

  // A schema that a keyword holds, of the same value: what it has looked at is added where it
  // holds.
  bool CheckHere(const SchemaPart& part, const boost::json::value& value, Keyword by, Seen& seen);
  bool CheckHere(const boost::json::value& schema, const boost::json::value& value, Keyword by,
                 Seen& seen);
  // The same of a member or an item.
  bool CheckInside(const boost::json::value& schema, const boost::json::value& value, Keyword by,
                   Token token);

  bool CheckReferences(const SchemaPart& part, const boost::json::value& value, Seen& seen);
  const SchemaPart& DynamicTarget(const SchemaPart& part);
  bool CheckCombined(const SchemaPart& part, const boost::json::value& value, Seen& seen);
  bool CheckAnyOf(const boost::json::array& parts, const boost::json::value& value, Seen& seen);
  bool CheckOneOf(const boost::json::array& parts, const boost::json::value& value, Seen& seen);
  bool CheckIf(const SchemaPart& part, const boost::json::value& value, Seen& seen);
  bool CheckUnevaluated(const SchemaPart& part, const boost::json::value& value, Seen& seen);

  bool CheckAnyValue(const SchemaPart& part, const boost::json::value& value);
  bool IsType(const SchemaPart& part, const boost::json::value& value, std::string_view type);
  bool CheckNumber(const SchemaPart& part, const boost::json::value& number);
  bool CheckString(const SchemaPart& part, std::string_view text);
  bool CheckArray(const SchemaPart& part, const boost::json::array& items, Seen& seen);
  bool CheckUnique(const boost::json::array& items);
  bool CheckItems(const SchemaPart& part, const boost::json::array& items, Seen& seen);
  bool CheckContains(const SchemaPart& part, const boost::json::array& items, Seen& seen);
  bool CheckObject(const SchemaPart& part, const boost::json::object& members, Seen& seen);
  bool CheckMember(const SchemaPart& part, const boost::json::key_value_pair& member,
                   bool& is_known);
  bool CheckNames(const SchemaPart& part, const boost::json::object& members);
  bool CheckDependencies(const SchemaPart& part, const boost::json::value& value, Seen& seen);
  bool HasAll(const boost::json::value& names, const boost::json::object& members);
  // Whether a count is within two keywords.
  bool CheckCount(const SchemaPart& part, std::size_t count, Keyword min, Keyword max);
  bool IsFound(std::string_view pattern, std::string_view text);

  // Deep values and numbers without a value are turned away before anything is compared.
  bool CheckLimits(const boost::json::value& value, int depth);

  bool Fail(std::optional<Keyword> keyword);
  bool FailBelow(Token token);
  bool Stop(std::string why);
  bool Spend(std::int64_t steps);
  bool has_stopped() const { return !stop_.empty(); }
  Seen NothingSeen(const boost::json::value& value);
  std::string Pointer() const;

  const ValidatorSchema& schema_;
  const ValidatorOptions& options_;
  std::int64_t steps_left_;
  int depth_ = 0;
  const Scope* scope_ = nullptr;
  std::string stop_;               // why, in words
  std::optional<Keyword> failed_;  // nothing where the whole schema is false
  std::vector<Token> failed_at_;   // the last one first
};

}  // namespace kinglet::validation
