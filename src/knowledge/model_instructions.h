// SPDX-License-Identifier: Apache-2.0
// Text that speaks to a model rather than to a reader: "ignore all previous instructions", the
// marks of chat formats. A document that does so is worth a look; its text is data like any other,
// and is not changed.
#pragma once

#include <string_view>
#include <vector>

#include "base/byte_range.h"

namespace kinglet {

// Where it does, in order, without overlap. Knows the usual phrases in ten languages (English,
// German, French, Spanish, Italian, Portuguese, Dutch, Russian, Chinese, Japanese); who words it
// otherwise is not found.
std::vector<ByteRange> FindModelInstructions(std::string_view utf8);

}  // namespace kinglet
