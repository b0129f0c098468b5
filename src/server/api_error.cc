// SPDX-License-Identifier: Apache-2.0
// One error, three formats.
#include "server/api_error.h"

#include <string_view>

namespace kinglet {
namespace {

constexpr int kRetryAfterS = 1;  // when it is worth to ask again, where nothing foretells it

int StatusOf(StatusCode code) {
  switch (code) {
    case StatusCode::kUsage:
    case StatusCode::kInvalidInput:
      return 400;
    case StatusCode::kNotFound:
      return 404;
    case StatusCode::kLimitExceeded:
      return 429;
    case StatusCode::kBusy:
      return 503;
    case StatusCode::kCancelled:
      return 499;
    case StatusCode::kFailed:
      break;
  }
  return 500;
}

std::string_view CodeOf(StatusCode code) {
  switch (code) {
    case StatusCode::kUsage:
    case StatusCode::kInvalidInput:
      return "invalid_request";
    case StatusCode::kNotFound:
      return "not_found";
    case StatusCode::kLimitExceeded:
      return "overloaded";
    case StatusCode::kBusy:
      return "busy";
    case StatusCode::kCancelled:
      return "cancelled";
    case StatusCode::kFailed:
      break;
  }
  return "internal_error";
}

// The classes that OpenAI's and Anthropic's clients make exceptions of.
std::string_view TypeOf(int status) {
  switch (status) {
    case 401:
      return "authentication_error";
    case 403:
      return "permission_error";
    case 404:
      return "not_found_error";
    case 413:
      return "request_too_large";
    case 429:
      return "rate_limit_error";
    case 503:
      return "overloaded_error";
    default:
      return status >= 500 ? "api_error" : "invalid_request_error";
  }
}

}  // namespace

ApiError ApiError::OfField(const FieldError& error) {
  return {400, "invalid_request", fmt::format("{} {}", error.field, error.message), error.field};
}

ApiError ApiError::OfStatus(const Status& status) {
  ApiError error = {StatusOf(status.code()), std::string(CodeOf(status.code())), status.message()};
  if (error.status == 429 || error.status == 503) error.retry_after_s = kRetryAfterS;
  return error;
}

ApiError ApiError::OfPrompt(const Status& status) {
  if (status.code() != StatusCode::kLimitExceeded) return OfStatus(status);
  return {400, "invalid_request", status.message(), "messages"};
}

json::object ToJson(const ApiError& error, Dialect dialect) {
  if (dialect == Dialect::kOllama) return {{"error", error.message}};
  json::object inner = {{"message", error.message}, {"type", TypeOf(error.status)}};
  if (dialect == Dialect::kAnthropic) {
    return {{"type", "error"}, {"error", std::move(inner)}};
  }
  inner["param"] = error.field.empty() ? json::value() : json::value(error.field);
  inner["code"] = error.code;
  for (const auto& member : error.more) inner[member.key()] = member.value();
  return {{"error", std::move(inner)}};
}

}  // namespace kinglet
