// SPDX-License-Identifier: Apache-2.0
// Values as text: Python's str and repr, and json.dumps.
#pragma once

#include <optional>
#include <string>

#include "base/status.h"
#include "text/jinja_text.h"
#include "text/jinja_value.h"

namespace kinglet::jinja {

// What {{ value }} shows: undefined as nothing, text as it is, the rest as Repr.
Result<void> AppendStr(const Value& value, Text& out, Budget& budget);
// The same as a text of its own.
Result<Text> Str(const Value& value, Budget& budget);

// Python's repr: quoted strings, True, None, [1, 'a'], {'k': 1.0}.
Result<void> AppendRepr(const Value& value, Text& out, Budget& budget);

// The arguments of json.dumps that templates use.
struct JsonStyle {
  std::optional<Text> indent;  // of one level; unset: all on one line
  Text item_separator{", "};
  Text key_separator{": "};
  bool ensure_ascii = false;
  bool sort_keys = false;
};
Result<void> AppendJson(const Value& value, const JsonStyle& style, Text& out, Budget& budget);

// The shortest digits that read back as the same number, laid out as Python does: 1.0, 1e+16, inf.
std::string FloatRepr(double number);

}  // namespace kinglet::jinja
