// SPDX-License-Identifier: Apache-2.0
// Broken invariants of our own abort with file, line and values. Bad input is a Status, never a
// check.
#pragma once

#include <string_view>

#include <fmt/format.h>

namespace kinglet {

[[noreturn]] void CheckFailed(const char* file, int line, std::string_view condition,
                              std::string_view values);

}  // namespace kinglet

// KINGLET_CHECK(row < rows, "row {} of {}", row, rows);
#define KINGLET_CHECK(condition, ...)                                                     \
  do {                                                                                    \
    if (!(condition)) [[unlikely]]                                                        \
      ::kinglet::CheckFailed(__FILE__, __LINE__, #condition, ::fmt::format(__VA_ARGS__)); \
  } while (false)
