// SPDX-License-Identifier: Apache-2.0
// Tables as text: comma-separated values and their kin.
#pragma once

#include <string_view>

#include "base/status.h"
#include "knowledge/document.h"

namespace kinglet {

// The delimiter is told from the first rows.
Result<void> ExtractCsv(std::string_view bytes, DocumentBuilder& builder);

// Its delimiter is the tab.
Result<void> ExtractTsv(std::string_view bytes, DocumentBuilder& builder);

}  // namespace kinglet
