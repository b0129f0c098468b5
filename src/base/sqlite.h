// SPDX-License-Identifier: Apache-2.0
// SQLite with errors as values: a connection and its statements. Whoever needs more takes the
// handle.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/status.h"

struct sqlite3;
struct sqlite3_stmt;

namespace kinglet {

// A prepared statement. Bind, Step until false, read columns in between. Indices of parameters
// count from 1, those of columns from 0, as in SQLite. Must not outlive its Database.
class Statement {
 public:
  explicit Statement(sqlite3_stmt* statement) : statement_(statement) {}

  Statement& Bind(int parameter, std::int64_t value);
  Statement& Bind(int parameter, double value);
  Statement& Bind(int parameter, std::string_view value);  // copied
  Statement& Bind(int parameter, std::nullopt_t);
  Statement& BindBlob(int parameter, std::string_view value);  // copied
  // For a function of one's own that asks for a pointer of this type, a literal. Must outlive the
  // steps.
  Statement& BindPointer(int parameter, void* pointer, const char* type);
  template <typename T>
  Statement& Bind(int parameter, const std::optional<T>& value) {
    return value ? Bind(parameter, *value) : Bind(parameter, std::nullopt);
  }

  // True: a row is there to be read. False: done.
  Result<bool> Step();
  // Steps a statement that gives no rows, and makes it ready to be bound again.
  Result<void> Run();
  void Reset();

  bool IsNull(int column) const;
  std::int64_t Int(int column) const;
  double Double(int column) const;
  std::string_view Text(int column) const;  // valid until the next Step, Run or Reset
  std::string_view Blob(int column) const;  // likewise

 private:
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const;
  };
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

class Database {
 public:
  // Opens file, and makes it where `create` says so. Waits up to 10 s for another process's lock.
  static Result<Database> Open(const std::filesystem::path& file, bool create);

  Result<Statement> Prepare(std::string_view sql);
  // Statements without parameters and rows, separated by ";".
  Result<void> Execute(const std::string& sql);

  sqlite3* handle() { return handle_.get(); }

 private:
  struct Close {
    void operator()(sqlite3* handle) const;
  };
  explicit Database(sqlite3* handle) : handle_(handle) {}

  std::unique_ptr<sqlite3, Close> handle_;
};

}  // namespace kinglet
