// SPDX-License-Identifier: Apache-2.0
// JSON by Boost.JSON, with limits set and errors as values. Boost throws on allocation alone here.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include "base/status.h"

namespace kinglet {

namespace json = boost::json;

struct JsonLimits {
  std::size_t max_bytes = std::size_t{64} << 20;
  std::size_t max_depth = 64;
};

// The value that text holds, UTF-8 checked; kInvalidInput with the byte offset where it is not
// JSON.
Result<json::value> ParseJson(std::string_view text, const JsonLimits& limits = {});

// Compact JSON on one line. Bytes of a string that are not UTF-8 come out as U+FFFD, numbers that
// are not finite as null.
std::string ToJson(const json::value& value);

// A member of an object, or null where there is none or the value is no object.
const json::value* Find(const json::value& value, std::string_view key);

// What may be missing, as a value: null where it is.
template <typename T>
json::value OrNull(const std::optional<T>& value) {
  return value ? json::value(*value) : json::value(nullptr);
}
inline json::value OrNull(const std::string& text) {  // missing where it is empty
  return text.empty() ? json::value(nullptr) : json::value(text);
}

}  // namespace kinglet
