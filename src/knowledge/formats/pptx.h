// SPDX-License-Identifier: Apache-2.0
// PowerPoint presentations (ECMA-376 part 1, PresentationML).
#pragma once

#include <string_view>

#include "base/status.h"
#include "knowledge/document.h"

namespace kinglet {

// Each slide is a section, "Slide 3: Title", in the order in which they are shown; what its
// speaker notes say is a section of it.
Result<void> ExtractPptx(std::string_view bytes, DocumentBuilder& builder);

}  // namespace kinglet
