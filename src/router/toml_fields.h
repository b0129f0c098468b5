// SPDX-License-Identifier: Apache-2.0
// Reads the keys of a TOML table, each at most once, and refuses what is left over: a key that is
// misspelt is an error with its line, not a setting that is silently unset.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <toml++/toml.h>

#include "base/status.h"

namespace kinglet {

class TomlFields {
 public:
  // table must outlive this. file and what are for errors: "intents.toml", "an intent".
  TomlFields(const toml::table& table, const std::string& file, std::string_view what);

  std::optional<std::string> Text(std::string_view name);  // not empty
  std::string RequiredText(std::string_view name);
  std::optional<std::string> TextOrEmpty(std::string_view name);
  std::optional<bool> Flag(std::string_view name);
  std::optional<double> Number(std::string_view name, double least, double most);
  std::optional<std::int64_t> Whole(std::string_view name, std::int64_t least, std::int64_t most);
  std::vector<std::string> Texts(std::string_view name);
  const toml::table* Table(std::string_view name);
  // [[name]]: tables, one or more.
  std::vector<const toml::table*> Tables(std::string_view name);

  int LineOf(std::string_view name) const;  // of the table where there is no such key
  void Fail(int line, std::string_view message);
  // A key that nobody asked for, or else the first error: what is misspelt is often also missed.
  Result<void> Finish();

 private:
  const toml::node* Find(std::string_view name);

  const toml::table& table_;
  const std::string& file_;
  std::string_view what_;
  std::set<std::string, std::less<>> asked_;
  std::optional<Status> error_;
};

// "intents.toml: line 3: MESSAGE"
Status TomlError(const std::string& file, int line, std::string_view message);

}  // namespace kinglet
