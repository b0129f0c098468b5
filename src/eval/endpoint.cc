// SPDX-License-Identifier: Apache-2.0
// Users copy addresses with and without /v1.
#include "eval/endpoint.h"

#include "base/display.h"
#include "net/http_client.h"

namespace kinglet {

Result<std::string> EndpointUrl(std::string server, std::string_view route) {
  if (HostOf(server).empty() || !server.starts_with("http")) {
    return Error(StatusCode::kUsage, "{} is no URL: give one like http://127.0.0.1:8080",
                 Quoted(server, 200));
  }
  while (server.ends_with('/')) server.pop_back();
  if (!server.ends_with("/v1")) server += "/v1";
  return server.append(route);
}

}  // namespace kinglet
