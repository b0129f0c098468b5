// SPDX-License-Identifier: Apache-2.0
// Books in EPUB 2 and 3.
#pragma once

#include <string_view>

#include "base/status.h"
#include "knowledge/document.h"

namespace kinglet {

// The chapters in the order of reading, each read as a page of HTML; not the table of contents.
// kInvalidInput: also books that are locked to a reader's account.
Result<void> ExtractEpub(std::string_view bytes, DocumentBuilder& builder);

}  // namespace kinglet
