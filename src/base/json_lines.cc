// SPDX-License-Identifier: Apache-2.0
// One line after the other, so that no more than one value is held.
#include "base/json_lines.h"

#include <algorithm>
#include <cstddef>

namespace kinglet {

Result<void> ForEachJsonLine(std::string_view text, const JsonLimits& limits,
                             const std::function<Result<void>(const json::value&)>& take) {
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    const auto taken = [&]() -> Result<void> { return take(TRY(ParseJson(line, limits))); }();
    if (!taken) return std::unexpected(taken.error().WithContext(fmt::format("line {}", number)));
  }
  return {};
}

Result<std::string> TextOf(const json::value& object, std::string_view name) {
  const json::value* const value = Find(object, name);
  if (value != nullptr && value->is_string()) return std::string(value->get_string());
  return Error(StatusCode::kInvalidInput, "{:?} must be a string", name);
}

}  // namespace kinglet
