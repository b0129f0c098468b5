// SPDX-License-Identifier: Apache-2.0
// Bytes in the gzip format (RFC 1952), by zlib.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace kinglet {

// Nothing where zlib finds no memory. Quick rather than small: an answer is sent once.
std::optional<std::string> Gzip(std::string_view bytes);

// Nothing where the bytes are not one gzip stream, whole and sound, or hold more than max_bytes.
std::optional<std::string> Gunzip(std::string_view bytes, std::size_t max_bytes);

}  // namespace kinglet
