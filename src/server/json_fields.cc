// SPDX-License-Identifier: Apache-2.0
// Types, ranges and names, checked one field at a time.
#include "server/json_fields.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/display.h"

namespace kinglet {

JsonFields::JsonFields(const json::object& object, std::string path)
    : object_(object), path_(std::move(path)) {}

std::string JsonFields::PathOf(std::string_view name) const {
  return path_.empty() ? std::string(name) : fmt::format("{}.{}", path_, name);
}

void JsonFields::Fail(std::string_view name, std::string message) {
  if (!error_) error_ = {PathOf(name), std::move(message)};
}

const json::value* JsonFields::Value(std::string_view name) {
  asked_.emplace(name);
  const json::value* const value = object_.if_contains(name);
  return value == nullptr || value->is_null() ? nullptr : value;
}

std::optional<std::string> JsonFields::Text(std::string_view name, std::size_t max_bytes) {
  const json::value* const value = Value(name);
  if (value == nullptr) return std::nullopt;
  if (!value->is_string()) {
    Fail(name, "must be a string");
    return std::nullopt;
  }
  if (value->get_string().size() > max_bytes) {
    Fail(name, fmt::format("is longer than {} bytes", max_bytes));
    return std::nullopt;
  }
  return std::string(value->get_string());
}

std::string JsonFields::RequiredText(std::string_view name, std::size_t max_bytes) {
  auto text = Text(name, max_bytes);
  if (!text) Fail(name, "is required, a string");
  return std::move(text).value_or("");
}

std::optional<bool> JsonFields::Flag(std::string_view name) {
  const json::value* const value = Value(name);
  if (value == nullptr) return std::nullopt;
  if (value->is_bool()) return value->get_bool();
  Fail(name, "must be true or false");
  return std::nullopt;
}

std::optional<double> JsonFields::Number(std::string_view name, double least, double most) {
  const json::value* const value = Value(name);
  if (value == nullptr) return std::nullopt;
  if (value->is_number()) {
    const double number = value->to_number<double>();
    if (number >= least && number <= most) return number;
  }
  Fail(name, fmt::format("must be a number from {} to {}", least, most));
  return std::nullopt;
}

std::optional<std::int64_t> JsonFields::Whole(std::string_view name, std::int64_t least,
                                              std::int64_t most) {
  const json::value* const value = Value(name);
  if (value == nullptr) return std::nullopt;
  // Some clients write whole numbers as 64.0.
  boost::system::error_code error;
  std::int64_t number = value->is_number() ? value->to_number<std::int64_t>(error) : 0;
  const bool is_whole = value->is_number() && !error;
  if (is_whole && number >= least && number <= most) return number;
  Fail(name, fmt::format("must be a whole number from {} to {}", least, most));
  return std::nullopt;
}

std::optional<std::string> JsonFields::Word(std::string_view name,
                                            std::initializer_list<std::string_view> words) {
  auto text = Text(name);
  if (text && std::ranges::find(words, *text) == words.end()) {
    Fail(name, fmt::format("must be one of: {}", fmt::join(words, ", ")));
    return std::nullopt;
  }
  return text;
}

std::vector<std::string> JsonFields::Texts(std::string_view name, std::size_t most) {
  const json::value* const value = Value(name);
  if (value == nullptr) return {};
  if (value->is_string()) return {std::string(value->get_string())};
  std::vector<std::string> texts;
  if (value->is_array() && value->get_array().size() <= most) {
    for (const json::value& text : value->get_array()) {
      if (text.is_string()) texts.emplace_back(text.get_string());
    }
    if (texts.size() == value->get_array().size()) return texts;
  }
  Fail(name, fmt::format("must be a string, or an array of at most {} strings", most));
  return {};
}

const json::object* JsonFields::Object(std::string_view name) {
  const json::value* const value = Value(name);
  if (value == nullptr || value->is_object())
    return value == nullptr ? nullptr : &value->get_object();
  Fail(name, "must be an object");
  return nullptr;
}

const json::array* JsonFields::Array(std::string_view name) {
  const json::value* const value = Value(name);
  if (value == nullptr || value->is_array())
    return value == nullptr ? nullptr : &value->get_array();
  Fail(name, "must be an array");
  return nullptr;
}

void JsonFields::Ignore(std::initializer_list<std::string_view> names) {
  for (const std::string_view name : names) asked_.emplace(name);
}

void JsonFields::OnlyDefault(std::string_view name, std::initializer_list<json::value> defaults,
                             std::string_view why) {
  const json::value* const value = Value(name);
  if (value == nullptr || std::ranges::find(defaults, *value) != defaults.end()) return;
  Fail(name, std::string(why));
}

void JsonFields::TakeErrorOf(JsonFields& inner) {
  auto error = inner.Finish();
  if (!error_) error_ = std::move(error);
}

std::optional<FieldError> JsonFields::Finish() {
  for (const auto& member : object_) {
    if (error_ || asked_.contains(std::string_view(member.key()))) continue;
    if (member.value().is_null()) continue;
    error_ = {PathOf(EscapeForDisplay(member.key())), "is no field that this server knows"};
  }
  return error_;
}

}  // namespace kinglet
