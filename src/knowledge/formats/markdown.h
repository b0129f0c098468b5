// SPDX-License-Identifier: Apache-2.0
// Markdown (CommonMark with GitHub's tables), by md4c.
#pragma once

#include <string_view>

#include "base/status.h"
#include "knowledge/document.h"

namespace kinglet {

Result<void> ExtractMarkdown(std::string_view bytes, DocumentBuilder& builder);

// Clean text that is a part of something else.
Result<void> AppendMarkdown(std::string_view text, DocumentBuilder& builder);

}  // namespace kinglet
