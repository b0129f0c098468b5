// SPDX-License-Identifier: Apache-2.0
// Words of other scripts in the headers of a mail (RFC 2047): "=?utf-8?B?8J+Qkw==?=".
#pragma once

#include <string>
#include <string_view>

namespace kinglet {

// The value of a header in UTF-8, as it is to be read. What is no such word stays as it is.
std::string DecodeMimeWords(std::string_view raw);

}  // namespace kinglet
