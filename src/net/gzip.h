// SPDX-License-Identifier: Apache-2.0
// Bytes in the gzip format (RFC 1952), by zlib.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace kinglet {

// Nothing where zlib finds no memory. Quick rather than small: an answer is sent once.
std::optional<std::string> Gzip(std::string_view bytes);

}  // namespace kinglet
