// SPDX-License-Identifier: Apache-2.0
// Excel workbooks (ECMA-376 part 1, SpreadsheetML).
#pragma once

#include <string_view>

#include "base/status.h"
#include "knowledge/document.h"

namespace kinglet {

// Each sheet is a section: see SheetRows. Cells hold what Excel last computed, dates as ISO 8601
// has them.
Result<void> ExtractXlsx(std::string_view bytes, DocumentBuilder& builder);

}  // namespace kinglet
