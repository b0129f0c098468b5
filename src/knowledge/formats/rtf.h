// SPDX-License-Identifier: Apache-2.0
// Rich Text Format, which word processors of all makers write, also under the suffix .doc.
#pragma once

#include <string_view>

#include "base/status.h"
#include "knowledge/document.h"

namespace kinglet {

// kInvalidInput: not RTF, or groups in groups without end.
Result<void> ExtractRtf(std::string_view bytes, DocumentBuilder& builder);

}  // namespace kinglet
