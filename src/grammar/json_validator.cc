// SPDX-License-Identifier: Apache-2.0
// A schema that is read once, and a check of its own for each value.
#include "grammar/json_validator.h"

#include <utility>

#include "grammar/validator_check.h"
#include "grammar/validator_schema.h"

namespace kinglet {

struct JsonValidator::Parts {
  std::unique_ptr<validation::ValidatorSchema> schema;
  ValidatorOptions options;
};

JsonValidator::JsonValidator(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
JsonValidator::~JsonValidator() = default;

Result<std::unique_ptr<JsonValidator>> JsonValidator::Create(boost::json::value schema,
                                                             const ValidatorOptions& options) {
  auto read = TRY(validation::ValidatorSchema::Read(std::move(schema), options.default_draft));
  auto parts = std::make_unique<Parts>(Parts{.schema = std::move(read), .options = options});
  return std::unique_ptr<JsonValidator>(new JsonValidator(std::move(parts)));
}

Result<void> JsonValidator::Validate(const boost::json::value& value) const {
  return validation::ValueCheck(*parts_->schema, parts_->options).Run(value);
}

}  // namespace kinglet
