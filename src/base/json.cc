// SPDX-License-Identifier: Apache-2.0
// The wrapper in which Boost.JSON's errors end.
#include "base/json.h"

#include <boost/json/serialize.hpp>
#include <boost/json/stream_parser.hpp>

namespace kinglet {

Result<json::value> ParseJson(std::string_view text, const JsonLimits& limits) {
  if (text.size() > limits.max_bytes) {
    return Error(StatusCode::kLimitExceeded, "JSON of {} bytes, more than the limit of {}",
                 text.size(), limits.max_bytes);
  }
  json::parse_options options;
  options.max_depth = limits.max_depth;
  json::stream_parser parser(json::storage_ptr{}, options);
  boost::system::error_code error;
  const std::size_t consumed = parser.write_some(text.data(), text.size(), error);
  if (!error && consumed < text.size()) error = json::error::extra_data;
  if (!error) parser.finish(error);
  if (error) {
    return Error(StatusCode::kInvalidInput, "not JSON at byte {}: {}", consumed, error.message());
  }
  return parser.release();
}

std::string ToJson(const json::value& value) { return json::serialize(value); }

const json::value* Find(const json::value& value, std::string_view key) {
  const json::object* object = value.if_object();
  return object == nullptr ? nullptr : object->if_contains(key);
}

}  // namespace kinglet
