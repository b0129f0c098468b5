// SPDX-License-Identifier: Apache-2.0
// /openapi.json: what this server takes and gives, field by field (OpenAPI 3.1).
#pragma once

#include <string>
#include <string_view>

#include "base/json.h"

namespace kinglet {

extern const std::string_view kOpenApiDocument;

// The document with this program's version.
json::object OpenApi(const std::string& version);

}  // namespace kinglet
