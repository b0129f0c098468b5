// SPDX-License-Identifier: Apache-2.0
// Plain text: paragraphs between empty lines.
#pragma once

#include <string_view>

#include "base/status.h"
#include "knowledge/document.h"

namespace kinglet {

Result<void> ExtractPlainText(std::string_view bytes, DocumentBuilder& builder);

// What is UTF-8 already: the body of a mail, a long text in a record.
void AppendPlainText(std::string_view utf8, DocumentBuilder& builder);

}  // namespace kinglet
