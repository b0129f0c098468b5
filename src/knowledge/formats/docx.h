// SPDX-License-Identifier: Apache-2.0
// Word documents (ECMA-376 part 1, WordprocessingML).
#pragma once

#include <string_view>

#include "base/status.h"
#include "knowledge/document.h"

namespace kinglet {

// The text as it reads with all changes accepted: headings, paragraphs, items, tables, notes after
// the paragraph that refers to them, text boxes after the one that they hang on. Comments, headers,
// footers, tables of contents and hidden text are left out.
Result<void> ExtractDocx(std::string_view bytes, DocumentBuilder& builder);

}  // namespace kinglet
