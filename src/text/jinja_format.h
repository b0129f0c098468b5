// SPDX-License-Identifier: Apache-2.0
// Python's two ways to fill in a text: "%s" % value, and "{}".format(value).
#pragma once

#include "base/status.h"
#include "text/jinja_builtins.h"
#include "text/jinja_text.h"
#include "text/jinja_value.h"

namespace kinglet::jinja {

// format % value: a tuple fills field after field, a dict the fields with names. Fields are
// %[(name)][flags][width][.precision] and one of s r d i f x X %.
Result<Value> FormatPercent(const Text& format, const Value& value, Budget& budget);

// format.format(arguments): the fields {}, {0} and {name}, with no format of their own.
Result<Value> FormatBraces(const Text& format, const Arguments& arguments, Budget& budget);

}  // namespace kinglet::jinja
