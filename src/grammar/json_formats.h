// SPDX-License-Identifier: Apache-2.0
// JSON Schema's formats of strings, checked by hand as their RFCs define them.
#pragma once

#include <string_view>

namespace kinglet::validation {

// date, time, date-time, duration, email, idn-email, hostname, idn-hostname, ipv4, ipv6, uuid, uri,
// url, uri-reference, iri, iri-reference, json-pointer, relative-json-pointer. True for a format of
// any other name. A text that is not UTF-8 has none of these.
bool HasFormat(std::string_view text, std::string_view format);

}  // namespace kinglet::validation
