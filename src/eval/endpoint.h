// SPDX-License-Identifier: Apache-2.0
// The address of a route of OpenAI's API, from what a user gives for a server's.
#pragma once

#include <string>
#include <string_view>

#include "base/status.h"

namespace kinglet {

// "http://127.0.0.1:8080", with /v1 or without, and "/chat/completions" become an URL; kUsage.
Result<std::string> EndpointUrl(std::string server, std::string_view route);

}  // namespace kinglet
