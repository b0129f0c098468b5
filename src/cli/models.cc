// SPDX-License-Identifier: Apache-2.0
// kinglet models: what is here and what can be had. kinglet models rm NAME: removes a pulled one.
#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>

#include "base/display.h"
#include "base/json.h"
#include "catalog/found_models.h"
#include "catalog/hub.h"
#include "catalog/pull.h"
#include "cli/commands.h"
#include "cli/text_table.h"

namespace kinglet {
namespace {

// A line of the list. Empty or nothing: not known.
struct Row {
  std::string name;
  std::string family;
  std::string parameters;
  std::string type;
  std::string licence;
  std::string note;
  std::optional<std::uint64_t> bytes;
  std::optional<std::uint64_t> context_tokens;
  std::optional<std::string> sha256;
  std::string path;   // empty: not here
  std::string where;  // "catalog", "store", "huggingface", "ollama"
};

// What the file itself says, where nothing else did.
void AddFacts(Row& row) {
  const std::optional<GgufFacts> facts = ReadGgufFacts(row.path);
  if (!facts) return;
  const auto fill = [](std::string& member, const std::string& fact) {
    if (member.empty()) member = fact;
  };
  fill(row.family, facts->family);
  fill(row.parameters, facts->parameters);
  fill(row.type, facts->type);
  fill(row.licence, facts->licence);
  row.context_tokens = facts->context_tokens;
}

Row RowOf(const ModelEntry& entry, const Store& store) {
  Row row{.name = entry.name,
          .family = entry.family,
          .parameters = entry.parameters,
          .type = entry.type,
          .licence = entry.licence,
          .note = entry.note,
          .bytes = entry.bytes(),
          .sha256 = entry.files.front().sha256,
          .where = "catalog"};
  if (!store.Has(entry)) return row;
  std::uint64_t bytes = 0;
  for (const ModelFile& file : entry.files) {
    const std::optional<Pin> pin = store.ReadPin(file);
    if (!pin) return row;  // removed a moment ago
    bytes += pin->bytes;
  }
  row.bytes = bytes;
  row.sha256 = store.ReadPin(entry.files.front()).value_or(Pin{}).sha256;
  row.path = store.PathOf(entry.files.front()).string();
  AddFacts(row);
  return row;
}

Row RowOf(const StoredFile& stored, const Store& store) {
  Row row{.name = stored.file,
          .note = stored.pin.url,
          .bytes = stored.pin.bytes,
          .sha256 = stored.pin.sha256,
          .path = (store.folder() / stored.file).string(),
          .where = "store"};
  AddFacts(row);
  return row;
}

Row RowOf(const CachedModel& model) {
  Row row{
      .name = model.name, .bytes = model.bytes, .path = model.path.string(), .where = model.cache};
  AddFacts(row);
  return row;
}

Result<std::vector<Row>> AllRows(const Environment& environment) {
  const Catalog catalog = TRY(Catalog::Load(environment.home));
  const Store store(environment.home);
  std::vector<Row> rows;
  std::vector<std::string> listed;  // files of entries that are here
  for (const ModelEntry& entry : catalog.models()) {
    rows.push_back(RowOf(entry, store));
    if (rows.back().path.empty()) continue;
    for (const ModelFile& file : entry.files) listed.push_back(file.file);
  }
  for (const StoredFile& stored : store.Files()) {
    if (std::ranges::find(listed, stored.file) == listed.end()) {
      rows.push_back(RowOf(stored, store));
    }
  }
  for (const CachedModel& model : FindCachedModels(DefaultCacheFolders())) {
    rows.push_back(RowOf(model));
  }
  // What is here comes first.
  std::vector<Row> sorted;
  for (const bool here : {true, false}) {
    for (const Row& row : rows) {
      if (row.path.empty() != here) sorted.push_back(row);
    }
  }
  return sorted;
}

json::value TextOrNull(const std::string& text) {
  return text.empty() ? json::value(nullptr) : json::value(EscapeForDisplay(text));
}

void PrintJson(const std::vector<Row>& rows) {
  json::array models;
  for (const Row& row : rows) {
    models.push_back({{"name", EscapeForDisplay(row.name)},
                      {"family", TextOrNull(row.family)},
                      {"parameters", TextOrNull(row.parameters)},
                      {"type", TextOrNull(row.type)},
                      {"bytes", OrNull(row.bytes)},
                      {"context_tokens", OrNull(row.context_tokens)},
                      {"licence", TextOrNull(row.licence)},
                      {"sha256", OrNull(row.sha256)},
                      {"path", TextOrNull(row.path)},
                      {"where", row.where},
                      {"note", TextOrNull(row.note)}});
  }
  fmt::print("{}\n", ToJson(json::object{{"models", std::move(models)}}));
}

void PrintTable(const std::vector<Row>& rows) {
  std::vector<std::vector<std::string>> table;
  bool here = true;
  const auto cell = [](const std::string& text) {
    return text.empty() ? std::string("-") : EscapeForDisplay(text);
  };
  table.push_back({"HERE", "", "", "", "", "", ""});
  for (const Row& row : rows) {
    if (here && row.path.empty()) {
      here = false;
      table.push_back({"", "", "", "", "", "", ""});
      table.push_back({"TO PULL", "", "", "", "", "", ""});
    }
    table.push_back({cell(row.name), cell(row.family), cell(row.parameters), cell(row.type),
                     row.bytes ? SizeText(*row.bytes) : "-",
                     row.context_tokens ? fmt::format("{}", *row.context_tokens) : "-",
                     cell(row.licence)});
  }
  fmt::print("{}", TextTable(table, "<<<<<<<"));
}

// What NAME of `models rm` stands for; nothing is asked of the network.
Result<ModelEntry> FindStored(const std::string& name, const Environment& environment) {
  const Store store(environment.home);
  for (const StoredFile& stored : store.Files()) {
    if (stored.file != name) continue;
    // All parts of a split file go together.
    if (!stored.pin.url.empty() && IsUrl(stored.pin.url)) return EntryOfUrl(stored.pin.url);
    return ModelEntry{.name = name, .files = {{.file = name}}};
  }
  return FindModel(name, environment.home, [] { return true; });
}

Result<void> RemoveModel(const std::string& name, const Environment& environment) {
  const Store store(environment.home);
  const ModelEntry entry = TRY(FindStored(name, environment));
  const StoreLock lock = TRY(StoreLock::Take(store, entry, [] {}, [] { return true; }));
  if (TRY(store.Remove(entry))) return {};
  return Error(StatusCode::kNotFound, "{} is not in the store", Quoted(name));
}

struct ModelsFlags {
  bool json = false;
  std::string remove;
};

}  // namespace

CommandRun SetUpModels(CLI::App& app, const Environment& environment) {
  auto flags = std::make_shared<ModelsFlags>();
  app.add_flag("--json", flags->json, "one JSON object");
  CLI::App* rm = app.add_subcommand("rm", "removes a model that was pulled");
  rm->add_option("NAME", flags->remove, "as the list names it")->required();
  return [flags, environment, rm]() -> Result<void> {
    if (rm->parsed()) return RemoveModel(flags->remove, environment);
    const std::vector<Row> rows = TRY(AllRows(environment));
    flags->json ? PrintJson(rows) : PrintTable(rows);
    return {};
  };
}

}  // namespace kinglet
