// SPDX-License-Identifier: Apache-2.0
// Programs and configuration: code, cut where its definitions begin.
#pragma once

#include <string_view>

#include "base/status.h"
#include "knowledge/document.h"

namespace kinglet {

// Any language whose layout follows its structure.
Result<void> ExtractSourceCode(std::string_view bytes, DocumentBuilder& builder);

}  // namespace kinglet
