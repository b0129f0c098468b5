// SPDX-License-Identifier: Apache-2.0
// Python's operators on values.
#pragma once

#include "base/status.h"
#include "text/jinja_syntax.h"
#include "text/jinja_value.h"

namespace kinglet::jinja {

// One of + - * / // % **.
Result<Value> Calculate(Operator operation, const Value& left, const Value& right, Budget& budget);
// One of == != < <= > >= in, not in.
Result<bool> Compare(Operator operation, const Value& left, const Value& right, Budget& budget);
// -operand or +operand
Result<Value> ApplySign(bool is_minus, const Value& operand);
// object[start:stop:step] of a string or list; undefined and none are "left out".
Result<Value> Slice(const Value& object, const Value& start, const Value& stop, const Value& step,
                    Budget& budget);

}  // namespace kinglet::jinja
