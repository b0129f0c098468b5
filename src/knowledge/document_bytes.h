// SPDX-License-Identifier: Apache-2.0
// A document as bytes, on its way from the process that read it to the one that keeps it.
#pragma once

#include <string>
#include <string_view>

#include "base/status.h"
#include "knowledge/document.h"

namespace kinglet {

std::string DocumentToBytes(const Document& document);

// Any bytes are a sound document (CheckDocument) or kInvalidInput: whoever wrote them may have been
// taken over by what it read.
Result<Document> DocumentFromBytes(std::string_view bytes);

}  // namespace kinglet
