// SPDX-License-Identifier: Apache-2.0
// The filters that walk lists and dicts.
#pragma once

#include "base/status.h"
#include "text/jinja_builtins.h"
#include "text/jinja_value.h"

namespace kinglet::jinja {

Result<Value> Attribute(const Value& input, const Arguments& arguments, Budget& budget);
Result<Value> DictSort(const Value& input, const Arguments& arguments, Budget& budget);
Result<Value> First(const Value& input, const Arguments& arguments, Budget& budget);
Result<Value> ItemPairs(const Value& input, const Arguments& arguments, Budget& budget);
Result<Value> JoinTexts(const Value& input, const Arguments& arguments, Budget& budget);
Result<Value> Last(const Value& input, const Arguments& arguments, Budget& budget);
Result<Value> Map(const Value& input, const Arguments& arguments, Budget& budget);
Result<Value> Maximum(const Value& input, const Arguments& arguments, Budget& budget);
Result<Value> Minimum(const Value& input, const Arguments& arguments, Budget& budget);
Result<Value> Reject(const Value& input, const Arguments& arguments, Budget& budget);
Result<Value> RejectAttribute(const Value& input, const Arguments& arguments, Budget& budget);
Result<Value> Reverse(const Value& input, const Arguments& arguments, Budget& budget);
Result<Value> Select(const Value& input, const Arguments& arguments, Budget& budget);
Result<Value> SelectAttribute(const Value& input, const Arguments& arguments, Budget& budget);
Result<Value> Sort(const Value& input, const Arguments& arguments, Budget& budget);
Result<Value> Sum(const Value& input, const Arguments& arguments, Budget& budget);
Result<Value> ToList(const Value& input, const Arguments& arguments, Budget& budget);
Result<Value> Unique(const Value& input, const Arguments& arguments, Budget& budget);

}  // namespace kinglet::jinja
