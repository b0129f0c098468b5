// SPDX-License-Identifier: Apache-2.0
// Text that comes through a pipe.
#pragma once

#include <cstddef>
#include <string>

#include "base/status.h"

namespace kinglet {

// To its last byte: a line feed at the end is part of the text. kLimitExceeded beyond max_bytes.
Result<std::string> ReadStandardInput(std::size_t max_bytes);

}  // namespace kinglet
