// SPDX-License-Identifier: Apache-2.0
// Files of JSON, a value a line.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/status.h"

namespace kinglet {

// What `take` makes of each line that is not empty, up to the first error, which names its line.
Result<void> ForEachJsonLine(std::string_view text, const JsonLimits& limits,
                             const std::function<Result<void>(const json::value&)>& take);

// The string of that name. kInvalidInput names it where it is none.
Result<std::string> TextOf(const json::value& object, std::string_view name);

}  // namespace kinglet
