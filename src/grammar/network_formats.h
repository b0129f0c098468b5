// SPDX-License-Identifier: Apache-2.0
// Formats that name what is on a network. All take UTF-8.
#pragma once

#include <string_view>

namespace kinglet::validation {

bool IsIpv4(std::string_view text);  // RFC 2673, 3.2: four numbers without leading zeros
bool IsIpv6(std::string_view text);  // RFC 4291, 2.2, without a zone

// RFC 1123, without a dot at the end; labels in Punycode must decode to what RFC 5891 allows.
bool IsHostname(std::string_view text);
// RFC 5890, and what UTS 46 maps to such a name (capitals, wide forms, other dots).
bool IsInternationalHostname(std::string_view text);

bool IsEmail(std::string_view text);               // RFC 5321, 4.1.2
bool IsInternationalEmail(std::string_view text);  // RFC 6531, 3.3

bool IsUri(std::string_view text);           // RFC 3986
bool IsUriReference(std::string_view text);  // the same, or relative
bool IsIri(std::string_view text);           // RFC 3987
bool IsIriReference(std::string_view text);

}  // namespace kinglet::validation
