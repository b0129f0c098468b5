// SPDX-License-Identifier: Apache-2.0
// JSON Schemas, values and patterns drawn from a fuzzer's bytes, so that almost every input is one
// that compiles: a mutation changes a keyword rather than the syntax.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

namespace kinglet {

// Zeros when it is used up, which lead to the smallest choice everywhere.
class ByteSource {
 public:
  explicit ByteSource(std::string_view bytes) : rest_(bytes) {}

  bool empty() const { return rest_.empty(); }
  std::uint8_t Byte() {
    if (rest_.empty()) return 0;
    const auto byte = static_cast<std::uint8_t>(rest_[0]);
    rest_.remove_prefix(1);
    return byte;
  }
  std::uint32_t Below(std::size_t count) {
    return static_cast<std::uint32_t>(Byte() % count);  // count <= 256
  }
  template <typename T, std::size_t N>
  const T& OneOf(const T (&choices)[N]) {
    return choices[Below(N)];
  }

 private:
  std::string_view rest_;
};

// ECMA-262 patterns over few letters, so that texts drawn from the same letters often match.
std::string DrawPattern(ByteSource& bytes, int depth);

// Numbers have few digits and no exponent.
json::value DrawValue(ByteSource& bytes, int depth);
// As a grammar of JSON Schema writes it: compact, strings escaped as little as can be.
std::string WrittenValue(const json::value& value);

// A document, with parts to refer to.
json::value DrawSchema(ByteSource& bytes);

}  // namespace kinglet
