// SPDX-License-Identifier: Apache-2.0
// Where things are and what the user has settled: folders, kinglet.toml, whether a person is
// watching.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "base/status.h"

namespace kinglet {

// $KINGLET_HOME/kinglet.toml. Unset members have no default of their own.
struct Settings {
  std::optional<std::string> model;    // path, catalog name or hf:user/repo:quant
  std::optional<std::string> library;  // folder
  std::string currency = "EUR";
  std::optional<double> electricity_per_kwh;  // money; with joules it makes a cost
  std::optional<double> machine_per_hour;     // money for the machine's time
};

struct Environment {
  std::filesystem::path
      home;  // $KINGLET_HOME, default $XDG_DATA_HOME/kinglet: models, libraries, ledger
  Settings settings;
  bool stdout_is_terminal = false;
  bool stderr_is_terminal = false;

  std::filesystem::path DefaultLibrary() const;
  std::filesystem::path LedgerFile() const;
};

// kInvalidInput names the line of kinglet.toml that is wrong; kUsage says that no home folder can
// be told.
Result<Environment> ReadEnvironment();

}  // namespace kinglet
