// SPDX-License-Identifier: Apache-2.0
// Errors as values: Result<T> is a T or a Status; TRY passes a Status on. Nothing here throws.
#pragma once

#include <expected>
#include <string>
#include <utility>

#include <fmt/format.h>

namespace kinglet {

// What kind of trouble, as far as a caller acts on it. The command line maps these to exit
// statuses: kUsage 2, kInvalidInput 3, all others 1.
enum class StatusCode {
  kFailed,  // it did not work: disk, network, child process
  kUsage,   // the caller asked for something that cannot be: a bad flag, a prompt that is too long
  kInvalidInput,   // a model, document, template or schema is broken or unsupported
  kNotFound,       // no such file, model, document
  kLimitExceeded,  // a limit that was set at start is reached
  kBusy,           // another process holds it: the same will work when that is done
  kCancelled,      // the user interrupted
};

// One line of text, without the leading "kinglet: ": what, where and what to do.
class [[nodiscard]] Status {
 public:
  Status(StatusCode code, std::string message) : code_(code), message_(std::move(message)) {}

  StatusCode code() const { return code_; }
  const std::string& message() const { return message_; }

  // The same trouble, seen from further out: "model.gguf: " + message.
  Status WithContext(std::string_view context) const {
    return {code_, fmt::format("{}: {}", context, message_)};
  }

 private:
  StatusCode code_;
  std::string message_;
};

template <typename T>
using Result = std::expected<T, Status>;

// return Error(StatusCode::kInvalidInput, "{} has {} rows", name, rows);
template <typename... Args>
[[nodiscard]] std::unexpected<Status> Error(StatusCode code, fmt::format_string<Args...> format,
                                            Args&&... args) {
  return std::unexpected(Status(code, fmt::format(format, std::forward<Args>(args)...)));
}

}  // namespace kinglet

// auto value = TRY(MayFail());   TRY(MayFailWithoutValue());
// Returns the Status from the enclosing function on failure. Never inside an expression that
// has run half of its side effects.
#define TRY(...) KINGLET_TRY_NAMED(KINGLET_TRY_JOIN(kinglet_try_, __COUNTER__), __VA_ARGS__)

// A name of its own for each: one TRY may stand in a lambda inside another.
#define KINGLET_TRY_JOIN(prefix, number) KINGLET_TRY_JOIN_EXPANDED(prefix, number)
#define KINGLET_TRY_JOIN_EXPANDED(prefix, number) prefix##number
#define KINGLET_TRY_NAMED(name, ...)                   \
  __extension__({                                      \
    auto name = (__VA_ARGS__);                         \
    if (!name) [[unlikely]]                            \
      return std::unexpected(std::move(name).error()); \
    *std::move(name);                                  \
  })
