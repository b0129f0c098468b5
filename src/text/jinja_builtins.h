// SPDX-License-Identifier: Apache-2.0
// The filters, tests and methods that templates can call: tables of functions on values.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"
#include "text/jinja_value.h"

namespace kinglet::jinja {

struct Arguments {
  std::vector<Value> positional;
  std::vector<std::pair<std::string_view, Value>> named;
};

// The arguments in the order of `parameters`, undefined where left out. An error where there are
// too many, where one is unknown, or where one of the first `required` is missing.
Result<std::vector<Value>> Bind(const Arguments& arguments,
                                std::initializer_list<std::string_view> parameters,
                                std::size_t required = 0);

// A filter or test of its input; a method of its object.
using Function = Result<Value> (*)(const Value& input, const Arguments& arguments, Budget& budget);

struct NamedFunction {
  std::string_view name;
  Function function;
};

// Null where there is none of this name.
const NamedFunction* FindFilter(std::string_view name);
const NamedFunction* FindTest(std::string_view name);
// The methods of strings, dicts and lists. Those that change their object are not among them:
// values are immutable, as in the sandbox that chat templates are written for.
const NamedFunction* FindMethod(const Value& object, std::string_view name);

// object.name and object[key]; undefined where there is nothing. What a loop has is not known here.
Result<Value> GetAttribute(const Value& object, std::string_view name, Budget& budget);
Result<Value> GetItem(const Value& object, const Value& key, Budget& budget);

}  // namespace kinglet::jinja
