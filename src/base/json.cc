// SPDX-License-Identifier: Apache-2.0
// The wrapper in which Boost.JSON's errors end.
#include "base/json.h"

#include <cmath>

#include <boost/json/serialize.hpp>
#include <boost/json/stream_parser.hpp>

#include "base/utf8.h"

namespace kinglet {
namespace {

// Some editors put it before a text; RFC 8259 (8.1) lets who reads pass over it.
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

// Boost writes 0.5 as 5E-1, which nobody would, and which a model is not to read either.
void WriteNumber(double number, std::string& out) {
  if (!std::isfinite(number)) {
    out += "null";
    return;
  }
  const std::string digits = fmt::format("{}", number);  // the fewest that read as the same
  out += digits;
  if (digits.find_first_of(".e") == std::string::npos) out += ".0";
}

void Write(const json::value& value, std::string& out) {
  if (value.is_double()) return WriteNumber(value.get_double(), out);
  if (const json::array* const array = value.if_array()) {
    out += '[';
    for (const json::value& one : *array) {
      if (&one != array->data()) out += ',';
      Write(one, out);
    }
    out += ']';
    return;
  }
  if (const json::object* const object = value.if_object()) {
    out += '{';
    for (const auto& member : *object) {
      if (&member != object->begin()) out += ',';
      out += json::serialize(member.key());
      out += ':';
      Write(member.value(), out);
    }
    out += '}';
    return;
  }
  out += json::serialize(value);
}

}  // namespace

Result<json::value> ParseJson(std::string_view text, const JsonLimits& limits) {
  if (text.size() > limits.max_bytes) {
    return Error(StatusCode::kLimitExceeded, "JSON of {} bytes, more than the limit of {}",
                 text.size(), limits.max_bytes);
  }
  json::parse_options options;
  options.max_depth = limits.max_depth;
  json::stream_parser parser(json::storage_ptr{}, options);
  boost::system::error_code error;
  const std::size_t mark = text.starts_with(kByteOrderMark) ? kByteOrderMark.size() : 0;
  const std::size_t consumed =
      mark + parser.write_some(text.data() + mark, text.size() - mark, error);
  if (!error && consumed < text.size()) error = json::error::extra_data;
  if (!error) parser.finish(error);
  if (error) {
    return Error(StatusCode::kInvalidInput, "not JSON at byte {}: {}", consumed, error.message());
  }
  return parser.release();
}

std::string ToJson(const json::value& value) {
  std::string bytes;
  Write(value, bytes);
  if (IsUtf8(bytes)) return bytes;
  std::string text;  // outside of strings all is ASCII
  for (std::string_view left = bytes; !left.empty();) {
    const Utf8Character character = DecodeUtf8(left);
    AppendUtf8(character.code_point, text);
    left.remove_prefix(character.size_bytes);
  }
  return text;
}

const json::value* Find(const json::value& value, std::string_view key) {
  const json::object* object = value.if_object();
  return object == nullptr ? nullptr : object->if_contains(key);
}

}  // namespace kinglet
