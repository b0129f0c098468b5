// SPDX-License-Identifier: Apache-2.0
// JSON values as values of a template.
#pragma once

#include <boost/json/value.hpp>

#include "base/status.h"
#include "text/jinja_value.h"

namespace kinglet::jinja {

// All strings of it, keys too, are data or none is. An integer that needs 64 unsigned bits becomes
// a float. kLimitExceeded where it is nested deeper than values may be.
Result<Value> FromJson(const boost::json::value& value, bool is_data);

}  // namespace kinglet::jinja
