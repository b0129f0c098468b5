// SPDX-License-Identifier: Apache-2.0
// What went wrong with a request, and how each of the wire formats says it.
#pragma once

#include <expected>
#include <optional>
#include <string>

#include "base/json.h"
#include "base/status.h"
#include "server/json_fields.h"

namespace kinglet {

struct ApiError {
  int status = 400;     // of HTTP
  std::string code;     // a word for programs, of OpenAI's where it has one
  std::string message;  // a line for people
  std::string field;    // that is wrong; empty: none
  std::optional<int> retry_after_s;
  json::object more;  // members of its own, beside those of the format

  static ApiError OfField(const FieldError& error);
  // kUsage 400, kInvalidInput 400, kNotFound 404, kLimitExceeded 429, kBusy 503, kCancelled 499,
  // others 500. 429 and 503 tell when to try again.
  static ApiError OfStatus(const Status& status);
  // Of a conversation that a template makes no prompt of: the limits are the request's fault.
  static ApiError OfPrompt(const Status& status);
  static ApiError NotFound(std::string message) { return {404, "not_found", std::move(message)}; }
};

template <typename T>
using ApiResult = std::expected<T, ApiError>;

// The formats of errors that clients know.
enum class Dialect { kOpenAi, kOllama, kAnthropic };

json::object ToJson(const ApiError& error, Dialect dialect);

}  // namespace kinglet
