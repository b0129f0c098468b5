// SPDX-License-Identifier: Apache-2.0
// StemWords as a tokenizer of SQLite's FTS5, so that index and query see the same words.
#pragma once

#include "base/sqlite.h"

namespace kinglet {

// Registers the tokenizer "kinglet_words" with a connection. Text is stemmed when it is indexed;
// a query holds finished stems, each in double quotes.
Result<void> RegisterTokenizer(Database& database);

}  // namespace kinglet
