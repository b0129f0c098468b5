// SPDX-License-Identifier: Apache-2.0
// A schema and a value, both anyone's, with a NUL between them: a verdict, or a limit that is
// reached. Twice the same, as nothing is kept from one check to the next.
// Covers: src/grammar/json_validator.cc src/grammar/validator_ src/grammar/ecma_pattern.cc
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "base/json.h"
#include "grammar/json_validator.h"

namespace kinglet {
namespace {

constexpr ValidatorOptions kOptions = {.max_steps = 200'000};

void Run(std::string_view input) {
  const std::size_t end = input.find('\0');
  if (end == std::string_view::npos) return;
  auto schema = ParseJson(input.substr(0, end));
  const auto value = ParseJson(input.substr(end + 1));
  if (!schema || !value) return;
  const auto validator = JsonValidator::Create(*std::move(schema), kOptions);
  if (!validator) {
    KINGLET_CHECK(validator.error().code() == StatusCode::kInvalidInput, "{}",
                  validator.error().message());
    return;
  }
  const auto verdict = (*validator)->Validate(*value);
  const auto again = (*validator)->Validate(*value);
  KINGLET_CHECK(verdict.has_value() == again.has_value(), "{} and {}", verdict.has_value(),
                again.has_value());
  if (verdict) return;
  const StatusCode code = verdict.error().code();
  KINGLET_CHECK(code == StatusCode::kInvalidInput || code == StatusCode::kLimitExceeded, "{}",
                verdict.error().message());
  KINGLET_CHECK(verdict.error().message() == again.error().message(), "{} and {}",
                verdict.error().message(), again.error().message());
}

}  // namespace
}  // namespace kinglet

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  kinglet::Run({reinterpret_cast<const char*>(data), size});
  return 0;
}
