// SPDX-License-Identifier: Apache-2.0
// References between schemas: URIs resolved against each other, and their fragments decoded.
#pragma once

#include <string>
#include <string_view>

namespace kinglet::validation {

// RFC 3986, 5.2. A base may itself be relative, or empty.
std::string ResolveUri(std::string_view base, std::string_view reference);

// %41 becomes A; a % without two digits stands for itself.
std::string DecodePercent(std::string_view text);

}  // namespace kinglet::validation
