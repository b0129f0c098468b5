// SPDX-License-Identifier: Apache-2.0
// The wrapper in which SQLite's result codes end.
#include "base/sqlite.h"

#include <sqlite3.h>

namespace kinglet {
namespace {

constexpr int kLockTimeoutMs = 10'000;

std::unexpected<Status> Trouble(sqlite3* handle) {
  const int code = sqlite3_errcode(handle);
  // A file that is no database, or a damaged one, is bad input; all else is the machine's trouble.
  const bool invalid = code == SQLITE_NOTADB || code == SQLITE_CORRUPT;
  return Error(invalid ? StatusCode::kInvalidInput : StatusCode::kFailed, "SQLite: {}",
               sqlite3_errmsg(handle));
}

}  // namespace

Statement& Statement::Bind(int parameter, std::int64_t value) {
  sqlite3_bind_int64(statement_.get(), parameter, value);
  return *this;
}

Statement& Statement::Bind(int parameter, double value) {
  sqlite3_bind_double(statement_.get(), parameter, value);
  return *this;
}

Statement& Statement::Bind(int parameter, std::string_view value) {
  // An empty view may hold a null pointer, which SQLite would take for NULL.
  sqlite3_bind_text64(statement_.get(), parameter, value.empty() ? "" : value.data(), value.size(),
                      SQLITE_TRANSIENT, SQLITE_UTF8);
  return *this;
}

Statement& Statement::Bind(int parameter, std::nullopt_t) {
  sqlite3_bind_null(statement_.get(), parameter);
  return *this;
}

Statement& Statement::BindBlob(int parameter, std::string_view value) {
  sqlite3_bind_blob64(statement_.get(), parameter, value.empty() ? "" : value.data(), value.size(),
                      SQLITE_TRANSIENT);
  return *this;
}

Statement& Statement::BindPointer(int parameter, void* pointer, const char* type) {
  sqlite3_bind_pointer(statement_.get(), parameter, pointer, type, nullptr);
  return *this;
}

Result<bool> Statement::Step() {
  switch (sqlite3_step(statement_.get())) {
    case SQLITE_ROW:
      return true;
    case SQLITE_DONE:
      return false;
    default:
      return Trouble(sqlite3_db_handle(statement_.get()));
  }
}

Result<void> Statement::Run() {
  const Result<bool> step = Step();
  Reset();
  if (!step) return std::unexpected(step.error());
  return {};
}

void Statement::Reset() { sqlite3_reset(statement_.get()); }

bool Statement::IsNull(int column) const {
  return sqlite3_column_type(statement_.get(), column) == SQLITE_NULL;
}

std::int64_t Statement::Int(int column) const {
  return sqlite3_column_int64(statement_.get(), column);
}

double Statement::Double(int column) const {
  return sqlite3_column_double(statement_.get(), column);
}

std::string_view Statement::Text(int column) const {
  const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement_.get(), column));
  if (text == nullptr) return {};
  return {text, static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column))};
}

std::string_view Statement::Blob(int column) const {
  const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement_.get(), column));
  if (bytes == nullptr) return {};
  return {bytes, static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column))};
}

void Statement::Finalize::operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }

Result<Database> Database::Open(const std::filesystem::path& file, bool create) {
  sqlite3* handle = nullptr;
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | (create ? SQLITE_OPEN_CREATE : 0);
  const int code = sqlite3_open_v2(file.c_str(), &handle, flags, nullptr);
  Database database(handle);  // also of a failed open, which holds the message
  if (code != SQLITE_OK) {
    return Error(StatusCode::kFailed, "{}: cannot open it: {}", file.string(),
                 sqlite3_errmsg(handle));
  }
  sqlite3_busy_timeout(handle, kLockTimeoutMs);
  sqlite3_db_config(handle, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  return database;
}

Result<Statement> Database::Prepare(std::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v2(handle_.get(), sql.data(), static_cast<int>(sql.size()), &statement,
                         nullptr) != SQLITE_OK) {
    return Trouble(handle_.get());
  }
  return Statement(statement);
}

Result<void> Database::Execute(const std::string& sql) {
  if (sqlite3_exec(handle_.get(), sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) {
    return Trouble(handle_.get());
  }
  return {};
}

void Database::Close::operator()(sqlite3* handle) const { sqlite3_close_v2(handle); }

}  // namespace kinglet
