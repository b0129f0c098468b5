// SPDX-License-Identifier: Apache-2.0
// Whether a JSON value satisfies a JSON Schema: an interpreter of the specification, which shares
// nothing with the compiler of schemas and so can catch it in a mistake.
#pragma once

#include <cstdint>
#include <memory>

#include <boost/json/value.hpp>

#include "base/status.h"

namespace kinglet {

enum class JsonSchemaDraft : std::uint16_t { k4 = 4, k6 = 6, k7 = 7, k2019 = 2019, k2020 = 2020 };

struct ValidatorOptions {
  JsonSchemaDraft default_draft = JsonSchemaDraft::k2020;  // where $schema names none of these
  bool check_formats = true;  // "format" rules out what has not the format; else it is a comment
  int max_depth = 512;  // schemas inside of each other while one place in the value is checked
  // Some 10 to 60 ns each. A schema applied to a value takes 16 and what its keywords look at.
  std::int64_t max_steps = 20'000'000;
};

// Immutable: any number of threads may validate with one at a time.
//
// A keyword that the draft does not know, or with a value that it cannot have, is ignored; so is
// what stands beside a $ref up to draft 7. But no value has a type that there is not. Read although
// their draft has them no more: "items" with an array, "dependencies", and an "exclusiveMinimum"
// that is true or false.
class JsonValidator {
 public:
  // kInvalidInput where a part of the schema that can be applied refers to what the schema does not
  // hold (the drafts' own meta-schemas among them), has a pattern that is none, or is no schema; or
  // where there is too much of it: 200 schemas inside of each other, 100,000 in all, an id of more
  // than 1 KiB, patterns that take more than 32 MiB.
  static Result<std::unique_ptr<JsonValidator>> Create(boost::json::value schema,
                                                       const ValidatorOptions& options = {});

  ~JsonValidator();
  JsonValidator(const JsonValidator&) = delete;
  JsonValidator& operator=(const JsonValidator&) = delete;

  // Nothing is returned where the value is valid. Else kInvalidInput with the place in the value,
  // as a JSON pointer, and the keyword: the value at "/a/0" breaks "minimum". Or kLimitExceeded,
  // where the schema leads on without an end, the check takes too long or too deep, or the value
  // has a number that no double holds (1e400).
  //
  // Numbers are what Boost.JSON holds of them: where the text had more digits than a double has,
  // the number that is checked is the one next to it.
  Result<void> Validate(const boost::json::value& value) const;

 private:
  struct Parts;
  explicit JsonValidator(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace kinglet
