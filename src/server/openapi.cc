// SPDX-License-Identifier: Apache-2.0
// The document is data; only the version is put in.
#include "server/openapi.h"

#include "base/check.h"

namespace kinglet {

json::object OpenApi(const std::string& version) {
  Result<json::value> document = ParseJson(kOpenApiDocument);
  KINGLET_CHECK(document.has_value() && document->is_object(), "openapi.json is no JSON object");
  json::object& api = document->get_object();
  api["info"].as_object()["version"] = version;
  return std::move(api);
}

}  // namespace kinglet
