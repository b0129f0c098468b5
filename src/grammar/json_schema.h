// SPDX-License-Identifier: Apache-2.0
// JSON Schema, drafts 4 to 2020-12, as a grammar of JSON texts: exactly the values that the schema
// allows, each written in one way, or an error with the place of what cannot be enforced.
//
// A text is compact (no blanks), members whose names the schema gives stand in its order and before
// all others, strings escape only what they must, numbers that have bounds have no exponent.
#pragma once

#include <boost/json/value.hpp>

#include "base/status.h"
#include "grammar/grammar.h"

namespace kinglet {

// The texts of the schema's values as a part of a grammar that is not finished yet. Errors as
// below.
Result<Grammar::NodeId> AddJsonSchema(Grammar& grammar, const boost::json::value& schema);
// Those that are objects, and no others.
Result<Grammar::NodeId> AddJsonSchemaObjects(Grammar& grammar, const boost::json::value& schema);

// Finished. kInvalidInput names the JSON pointer of what is wrong or cannot be enforced.
Result<Grammar> CompileJsonSchema(const boost::json::value& schema);

}  // namespace kinglet
