// SPDX-License-Identifier: Apache-2.0
// JSON and JSON Lines: records as lines of "name: value".
#pragma once

#include <string_view>

#include "base/status.h"
#include "knowledge/document.h"

namespace kinglet {

// One value; or one a line, as files of that name hold too.
Result<void> ExtractJson(std::string_view bytes, DocumentBuilder& builder);

// One value a line. kInvalidInput names the line that holds none.
Result<void> ExtractJsonLines(std::string_view bytes, DocumentBuilder& builder);

}  // namespace kinglet
