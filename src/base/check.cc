// SPDX-License-Identifier: Apache-2.0
// The end of a program that has caught itself in the wrong.
#include "base/check.h"

#include <cstdio>
#include <cstdlib>

namespace kinglet {

void CheckFailed(const char* file, int line, std::string_view condition, std::string_view values) {
  fmt::print(stderr, "kinglet: {}:{}: broken invariant: {} ({})\n", file, line, condition, values);
  std::abort();
}

}  // namespace kinglet
