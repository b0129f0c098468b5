// SPDX-License-Identifier: Apache-2.0
// What kinglet library report prints.
#pragma once

#include <string>

#include "base/status.h"
#include "knowledge/library.h"

namespace kinglet {

Result<void> PrintLibraryReport(Library& library, const std::string& folder, bool as_json);

}  // namespace kinglet
