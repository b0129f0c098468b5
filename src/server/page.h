// SPDX-License-Identifier: Apache-2.0
// The page at "/": the files of page/ put together, and the headers that keep it harmless.
#pragma once

#include <string_view>

#include "net/http_server.h"

namespace kinglet {

extern const std::string_view kPage;

// A Content-Security-Policy under which only the page's own script runs, and it asks nobody but
// this server.
HttpHeaders PageHeaders();

}  // namespace kinglet
