// SPDX-License-Identifier: Apache-2.0
// Functions of texts that are methods of strings and filters alike.
#pragma once

#include <vector>

#include "base/status.h"
#include "text/jinja_builtins.h"
#include "text/jinja_text.h"
#include "text/jinja_value.h"

namespace kinglet::jinja {

// All take str(input), so a filter can be given any value.
Result<Value> Upper(const Value& input, const Arguments& arguments, Budget& budget);
Result<Value> Lower(const Value& input, const Arguments& arguments, Budget& budget);
Result<Value> Capitalize(const Value& input, const Arguments& arguments, Budget& budget);
Result<Value> Title(const Value& input, const Arguments& arguments, Budget& budget);
Result<Value> Strip(const Value& input, const Arguments& arguments, Budget& budget);
Result<Value> StripEnds(const Value& input, const Arguments& arguments, Ends ends, Budget& budget);
Result<Value> Replace(const Value& input, const Arguments& arguments, Budget& budget);

// The lines of a text without their ends, as Python's str.splitlines cuts them.
std::vector<Text> SplitLines(const Text& text);

// A text argument, or an error that names the parameter.
Result<const Text*> TextArgument(const Value& argument, std::string_view parameter);
// An integer argument, or the fallback where it is left out.
Result<std::int64_t> IntegerArgument(const Value& argument, std::string_view parameter,
                                     std::int64_t fallback);

// Whether all letters of a text, of which it has one at least, are in this case.
bool IsAllLower(const Text& text);
bool IsAllUpper(const Text& text);

}  // namespace kinglet::jinja
