// SPDX-License-Identifier: Apache-2.0
// The first error is kept; what is read after it has its default.
#include "router/toml_fields.h"

#include <cmath>

#include "base/display.h"

namespace kinglet {

Status TomlError(const std::string& file, int line, std::string_view message) {
  return {StatusCode::kInvalidInput, fmt::format("{}: line {}: {}", file, line, message)};
}

TomlFields::TomlFields(const toml::table& table, const std::string& file, std::string_view what)
    : table_(table), file_(file), what_(what) {}

const toml::node* TomlFields::Find(std::string_view name) {
  asked_.emplace(name);
  return table_.get(name);
}

int TomlFields::LineOf(std::string_view name) const {
  const toml::node* const node = table_.get(name);
  return static_cast<int>((node == nullptr ? table_ : *node).source().begin.line);
}

void TomlFields::Fail(int line, std::string_view message) {
  if (!error_) error_ = TomlError(file_, line, message);
}

std::optional<std::string> TomlFields::Text(std::string_view name) {
  const toml::node* const node = Find(name);
  if (node == nullptr) return std::nullopt;
  auto text = node->value_exact<std::string>();
  if (text && !text->empty()) return text;
  Fail(LineOf(name), fmt::format("{} must be a text that is not empty", name));
  return std::nullopt;
}

std::string TomlFields::RequiredText(std::string_view name) {
  const auto text = Text(name);
  if (!text) Fail(LineOf(name), fmt::format("{} needs a {}", what_, name));
  return text.value_or("");
}

std::optional<std::string> TomlFields::TextOrEmpty(std::string_view name) {
  const toml::node* const node = Find(name);
  if (node == nullptr) return std::nullopt;
  auto text = node->value_exact<std::string>();
  if (!text) Fail(LineOf(name), fmt::format("{} must be a text", name));
  return text;
}

std::optional<bool> TomlFields::Flag(std::string_view name) {
  const toml::node* const node = Find(name);
  if (node == nullptr) return std::nullopt;
  const auto flag = node->value_exact<bool>();
  if (!flag) Fail(LineOf(name), fmt::format("{} must be true or false", name));
  return flag;
}

std::optional<double> TomlFields::Number(std::string_view name, double least, double most) {
  const toml::node* const node = Find(name);
  if (node == nullptr) return std::nullopt;
  const auto number = node->is_number() ? node->value<double>() : std::nullopt;
  if (number && *number >= least && *number <= most) return number;  // no NaN passes
  Fail(LineOf(name), fmt::format("{} must be a number from {} to {}", name, least, most));
  return std::nullopt;
}

std::optional<std::int64_t> TomlFields::Whole(std::string_view name, std::int64_t least,
                                              std::int64_t most) {
  const toml::node* const node = Find(name);
  if (node == nullptr) return std::nullopt;
  const auto number = node->value_exact<std::int64_t>();
  if (number && *number >= least && *number <= most) return number;
  Fail(LineOf(name), fmt::format("{} must be a whole number from {} to {}", name, least, most));
  return std::nullopt;
}

std::vector<std::string> TomlFields::Texts(std::string_view name) {
  const toml::node* const node = Find(name);
  std::vector<std::string> texts;
  if (node == nullptr) return texts;
  if (!node->is_array()) Fail(LineOf(name), fmt::format("{} must be a list of texts", name));
  if (error_) return texts;
  for (const toml::node& item : *node->as_array()) {
    auto text = item.value_exact<std::string>();
    if (!text || text->empty()) {
      Fail(static_cast<int>(item.source().begin.line),
           fmt::format("{} must hold texts that are not empty", name));
      return {};
    }
    texts.push_back(*std::move(text));
  }
  return texts;
}

const toml::table* TomlFields::Table(std::string_view name) {
  const toml::node* const node = Find(name);
  if (node == nullptr) return nullptr;
  if (!node->is_table()) Fail(LineOf(name), fmt::format("{} must be a table", name));
  return node->as_table();
}

std::vector<const toml::table*> TomlFields::Tables(std::string_view name) {
  const toml::node* const node = Find(name);
  std::vector<const toml::table*> tables;
  if (node == nullptr) return tables;
  if (!node->is_array_of_tables()) {
    Fail(LineOf(name), fmt::format("{} must be tables, each of them headed [[{}]]", name, name));
    return tables;
  }
  for (const toml::node& item : *node->as_array()) tables.push_back(item.as_table());
  return tables;
}

Result<void> TomlFields::Finish() {
  for (const auto& [key, node] : table_) {
    if (asked_.contains(key.str())) continue;
    return std::unexpected(TomlError(file_, static_cast<int>(key.source().begin.line),
                                     fmt::format("{} has no key {}", what_, Quoted(key.str()))));
  }
  if (const auto error = error_; error) return std::unexpected(*error);
  return {};
}

}  // namespace kinglet
