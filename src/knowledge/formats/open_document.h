// SPDX-License-Identifier: Apache-2.0
// OpenDocument (ISO/IEC 26300): what LibreOffice writes.
#pragma once

#include <string_view>

#include "base/status.h"
#include "knowledge/document.h"

namespace kinglet {

Result<void> ExtractOdt(std::string_view bytes, DocumentBuilder& builder);

// As ExtractPptx: each slide is a section, and its speaker notes one in it.
Result<void> ExtractOdp(std::string_view bytes, DocumentBuilder& builder);

// As ExtractXlsx: each sheet is a section.
Result<void> ExtractOds(std::string_view bytes, DocumentBuilder& builder);

}  // namespace kinglet
