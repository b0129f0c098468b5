// SPDX-License-Identifier: Apache-2.0
// Where things are and what the user has settled: folders, kinglet.toml, whether a person is
// watching.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "base/status.h"
#include "ledger/books.h"
#include "model/packed_cache_folder.h"

namespace kinglet {

// $KINGLET_HOME/kinglet.toml. Unset members have no default of their own.
struct Settings {
  std::optional<std::string> model;    // path, catalog name or hf:user/repo:quant
  std::optional<std::string> library;  // folder
  Prices prices;
  PowerModel power;
  bool keep_text = false;                       // in the ledger
  std::optional<int> keep_days;                 // of the ledger's rows
  std::optional<std::int64_t> cache_max_bytes;  // of packed weights; 0: none are kept
};

struct Environment {
  std::filesystem::path
      home;  // $KINGLET_HOME, default $XDG_DATA_HOME/kinglet: models, libraries, ledger
  // $KINGLET_CACHE, default $XDG_CACHE_HOME/kinglet: what can be made again
  std::filesystem::path cache;
  Settings settings;
  bool stdout_is_terminal = false;
  bool stderr_is_terminal = false;

  std::filesystem::path DefaultLibrary() const;
  BooksOptions BooksKept() const;
  PackedCacheOptions PackedCache() const;
  std::filesystem::path PageFolder() const;      // of keys and values
  std::filesystem::path ReplyCacheFile() const;  // of eval task
};

// kInvalidInput names the line of kinglet.toml that is wrong; kUsage says that no home folder can
// be told.
Result<Environment> ReadEnvironment();

}  // namespace kinglet
