// SPDX-License-Identifier: Apache-2.0
// JSON Schema's "format", as the RFCs that it names describe it, and OpenAPI's formats.
#pragma once

#include <optional>
#include <string_view>

#include "base/status.h"
#include "grammar/regex.h"

namespace kinglet {

// The JSON strings, quotes included, that have the format. Nothing where the format is not known.
std::optional<Result<RegexId>> CompileStringFormat(RegexPool& pool, std::string_view format);

// Strings that all which have the format are among, where those above are some of them: of the
// international ones those of ASCII, of host names those without Punycode, of mail addresses those
// without quotes and brackets. Nothing where they are all.
std::optional<RegexId> CompileWiderFormat(RegexPool& pool, std::string_view format);

// The numbers that have the format: OpenAPI's int32, int64, uint32, uint64, float, double and, from
// older drafts, utc-millisec. Nothing where the format is none of numbers.
std::optional<RegexId> CompileNumberFormat(RegexPool& pool, std::string_view format);

}  // namespace kinglet
