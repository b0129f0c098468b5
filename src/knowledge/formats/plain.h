// SPDX-License-Identifier: Apache-2.0
// Plain text: paragraphs between empty lines.
#pragma once

#include <string_view>

#include "base/status.h"
#include "knowledge/document.h"

namespace kinglet {

Result<void> ExtractPlainText(std::string_view bytes, DocumentBuilder& builder);

}  // namespace kinglet
