// SPDX-License-Identifier: Apache-2.0
// The encoding of bytes that do not say it.
#pragma once

#include <string>
#include <string_view>

namespace kinglet {

// UTF-16 or UTF-32 without a byte order mark, told by where the zero bytes of common characters
// stand; empty where it is neither.
std::string_view WideEncodingByZeroBytes(std::string_view bytes);

// The encoding of bytes that are neither that nor UTF-8, by how often which bytes follow which in
// the languages of the world. A name that ICU may not know; empty where the bytes are too few to
// tell.
std::string GuessEncoding(std::string_view bytes);

}  // namespace kinglet
