// SPDX-License-Identifier: Apache-2.0
// Jupyter notebooks: their texts and their code.
#pragma once

#include <string_view>

#include "base/status.h"
#include "knowledge/document.h"

namespace kinglet {

// Outputs are left out: they are what a machine once said, mostly pictures and logs.
Result<void> ExtractNotebook(std::string_view bytes, DocumentBuilder& builder);

}  // namespace kinglet
