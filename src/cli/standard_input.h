// SPDX-License-Identifier: Apache-2.0
// Text that comes through a pipe.
#pragma once

#include <cstddef>
#include <cstdio>
#include <optional>
#include <string>

#include "base/status.h"

namespace kinglet {

// To its last byte: a line feed at the end is part of the text. kLimitExceeded beyond max_bytes.
Result<std::string> ReadStandardInput(std::size_t max_bytes);

// The next line of it or of a file, without its line feed; unset at the end.
Result<std::optional<std::string>> ReadLine(std::FILE* file, std::size_t max_bytes);

}  // namespace kinglet
