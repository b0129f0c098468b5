// SPDX-License-Identifier: Apache-2.0
// The door to SQLite's FTS5 for what extends it (sqlite.org/fts5.html, "Extending FTS5").
#pragma once

#include "base/sqlite.h"

struct fts5_api;

namespace kinglet {

// kFailed: this SQLite has none.
Result<fts5_api*> FindFts5(Database& database);

}  // namespace kinglet
