// SPDX-License-Identifier: Apache-2.0
// TRY: values come through, errors leave the function.
#include "base/status.h"

#include <memory>

#include <gtest/gtest.h>

namespace kinglet {
namespace {

Result<std::unique_ptr<int>> Make(bool ok) {
  if (!ok) return Error(StatusCode::kNotFound, "no {}", "int");
  return std::make_unique<int>(7);
}

Result<void> Nothing(bool ok) {
  if (!ok) return Error(StatusCode::kFailed, "nothing");
  return {};
}

Result<int> Use(bool make, bool nothing) {
  const std::unique_ptr<int> value = TRY(Make(make));
  TRY(Nothing(nothing));
  return *value;
}

TEST(Try, PassesValuesAndErrors) {
  EXPECT_EQ(Use(true, true).value(), 7);
  EXPECT_EQ(Use(false, true).error().message(), "no int");
  EXPECT_EQ(Use(true, false).error().code(), StatusCode::kFailed);
  EXPECT_EQ(Use(false, true).error().WithContext("a.gguf").message(), "a.gguf: no int");
}

}  // namespace
}  // namespace kinglet
