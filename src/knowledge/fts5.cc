// SPDX-License-Identifier: Apache-2.0
// FTS5 hands out its functions by a pointer that a statement fills.
#include "knowledge/fts5.h"

#include <sqlite3.h>

namespace kinglet {

Result<fts5_api*> FindFts5(Database& database) {
  fts5_api* api = nullptr;
  Result<Statement> statement = database.Prepare("SELECT fts5(?1)");
  if (statement) (void)statement->BindPointer(1, static_cast<void*>(&api), "fts5_api_ptr").Step();
  if (api != nullptr) return api;
  return Error(StatusCode::kFailed, "this SQLite ({}) has no FTS5", sqlite3_libversion());
}

}  // namespace kinglet
