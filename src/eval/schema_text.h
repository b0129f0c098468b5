// SPDX-License-Identifier: Apache-2.0
// A JSON value in the spelling that a grammar allows it, if there is one.
#pragma once

#include <optional>
#include <string>

#include "base/json.h"
#include "grammar/matcher.h"

namespace kinglet {

// A schema's grammar lets a value be written in one order of its members and, for numbers, without
// an exponent. This looks for that text: members as the value has them, else as a "properties"
// of `schema` has them, else in any order. Nothing where the grammar allows no spelling, or the
// search takes too long.
std::optional<std::string> FindText(Matcher& matcher, const json::value& value,
                                    const json::value& schema);

// The value without blanks, members as they are.
std::string CompactText(const json::value& value);

}  // namespace kinglet
