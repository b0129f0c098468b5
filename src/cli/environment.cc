// SPDX-License-Identifier: Apache-2.0
// Reads the environment once, at start.
#include "cli/environment.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <string_view>

#include <toml++/toml.h>

#include "base/file.h"

namespace kinglet {
namespace {

constexpr std::size_t kMaxSettingsBytes = std::size_t{1} << 20;

std::optional<std::filesystem::path> PathVariable(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr || *value == '\0') return std::nullopt;
  return std::filesystem::path(value);
}

// $KINGLET_HOME, else where the XDG base directory specification puts a program's data.
Result<std::filesystem::path> FindHome() {
  if (const auto home = PathVariable("KINGLET_HOME")) return *home;
  if (const auto data = PathVariable("XDG_DATA_HOME")) return *data / "kinglet";
  if (const auto home = PathVariable("HOME")) return *home / ".local/share/kinglet";
  return Error(StatusCode::kUsage, "neither HOME nor XDG_DATA_HOME is set: set KINGLET_HOME");
}

// $KINGLET_CACHE, else where the XDG base directory specification puts what can be made again. Who
// has set a home for the program alone, and has none himself, finds it there.
std::filesystem::path FindCache(const std::filesystem::path& home) {
  if (const auto cache = PathVariable("KINGLET_CACHE")) return *cache;
  if (const auto cache = PathVariable("XDG_CACHE_HOME")) return *cache / "kinglet";
  if (const auto user = PathVariable("HOME")) return *user / ".cache/kinglet";
  return home / "cache";
}

// The whole number from 0 on that the variable holds, or nothing where it is not set.
Result<std::optional<std::int64_t>> BytesVariable(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr || *value == '\0') return std::nullopt;
  const std::string_view text = value;
  std::int64_t bytes = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), bytes);
  if (error != std::errc() || stop != text.data() + text.size() || bytes < 0) {
    return Error(StatusCode::kUsage, "{}: {} is not a number of bytes", name, text);
  }
  return bytes;
}

// Leaves `out` as it is where the table has no such key.
template <typename T>
Result<void> Read(const toml::table& table, std::string_view key, T& out) {
  const toml::node* node = table.get(key);
  if (node == nullptr) return {};
  const auto value = node->value<T>();
  if (!value) {
    return Error(StatusCode::kInvalidInput, "line {}: {} has the wrong type",
                 node->source().begin.line, key);
  }
  out = *value;
  return {};
}

template <typename T>
Result<void> Read(const toml::table& table, std::string_view key, std::optional<T>& out) {
  if (table.contains(key)) TRY(Read(table, key, out.emplace()));
  return {};
}

// Of money or watts, into a double that may be optional.
template <typename T>
Result<void> ReadAmount(const toml::table& table, std::string_view key, T& out) {
  TRY(Read(table, key, out));
  const std::optional<double> amount = out;
  if (!amount || (std::isfinite(*amount) && *amount >= 0)) return {};
  return Error(StatusCode::kInvalidInput, "line {}: {} must be a number from 0 on",
               table.get(key)->source().begin.line, key);
}

Result<void> RefuseUnknownKeys(const toml::table& table,
                               std::initializer_list<std::string_view> known) {
  for (const auto& [key, node] : table) {
    if (std::ranges::find(known, key.str()) == known.end()) {
      return Error(StatusCode::kInvalidInput, "line {}: there is no setting {}",
                   node.source().begin.line, key.str());
    }
  }
  return {};
}

Result<void> ReadLedgerTable(const toml::table& table, Settings& settings) {
  TRY(RefuseUnknownKeys(table, {"keep_text", "keep_days", "idle_watts", "active_watts"}));
  TRY(Read(table, "keep_text", settings.keep_text));
  TRY(Read(table, "keep_days", settings.keep_days));
  TRY(ReadAmount(table, "idle_watts", settings.power.idle_watts));
  TRY(ReadAmount(table, "active_watts", settings.power.active_watts));
  if (settings.keep_days.value_or(1) < 1) {
    return Error(StatusCode::kInvalidInput, "ledger.keep_days is below 1");
  }
  const PowerModel& power = settings.power;
  if (power.active_watts < power.idle_watts) {
    return Error(StatusCode::kInvalidInput,
                 "ledger.active_watts ({}) must be at least idle_watts ({})", power.active_watts,
                 power.idle_watts);
  }
  return {};
}

Result<Settings> ParseSettings(std::string_view text) {
  toml::table table;
  try {
    table = toml::parse(text);
  } catch (const toml::parse_error& error) {
    return Error(StatusCode::kInvalidInput, "line {}: {}", error.source().begin.line,
                 error.description());
  }
  TRY(RefuseUnknownKeys(table, {"model", "library", "currency", "electricity_per_kwh",
                                "machine_per_hour", "cache_max_bytes", "ledger"}));
  Settings settings;
  TRY(Read(table, "model", settings.model));
  TRY(Read(table, "library", settings.library));
  TRY(Read(table, "currency", settings.prices.currency));
  TRY(ReadAmount(table, "electricity_per_kwh", settings.prices.electricity_per_kwh));
  TRY(ReadAmount(table, "machine_per_hour", settings.prices.machine_per_hour));
  TRY(Read(table, "cache_max_bytes", settings.cache_max_bytes));
  if (settings.cache_max_bytes.value_or(0) < 0) {
    return Error(StatusCode::kInvalidInput, "cache_max_bytes is below 0");
  }
  if (const toml::node* const node = table.get("ledger")) {
    if (!node->is_table()) {
      return Error(StatusCode::kInvalidInput, "line {}: ledger is a table: [ledger]",
                   node->source().begin.line);
    }
    TRY(ReadLedgerTable(*node->as_table(), settings));
  }
  return settings;
}

}  // namespace

std::filesystem::path Environment::DefaultLibrary() const {
  return settings.library ? std::filesystem::path(*settings.library) : home / "library";
}

BooksOptions Environment::BooksKept() const {
  return {.ledger = {.file = home / "ledger.sqlite",
                     .keep_text = settings.keep_text,
                     .keep_days = settings.keep_days},
          .prices = settings.prices,
          .power = settings.power};
}

std::filesystem::path Environment::PageFolder() const { return cache / "pages"; }

std::filesystem::path Environment::ReplyCacheFile() const { return cache / "eval.sqlite"; }

PackedCacheOptions Environment::PackedCache() const {
  PackedCacheOptions options;
  options.folder = cache / "packed";
  if (settings.cache_max_bytes) {
    options.max_bytes = static_cast<std::uint64_t>(*settings.cache_max_bytes);
  }
  return options;
}

Result<Environment> ReadEnvironment() {
  Environment environment;
  environment.home = TRY(FindHome());
  environment.cache = FindCache(environment.home);
  const auto cache_max_bytes = TRY(BytesVariable("KINGLET_CACHE_MAX_BYTES"));
  environment.settings.cache_max_bytes = cache_max_bytes;
  environment.stdout_is_terminal = isatty(STDOUT_FILENO) == 1;
  environment.stderr_is_terminal = isatty(STDERR_FILENO) == 1;

  const std::filesystem::path file = environment.home / "kinglet.toml";
  const Result<std::string> text = ReadFile(file, kMaxSettingsBytes);
  if (!text) {
    if (text.error().code() == StatusCode::kNotFound) return environment;
    return std::unexpected(text.error());
  }
  Result<Settings> settings = ParseSettings(*text);
  if (!settings) return std::unexpected(settings.error().WithContext(file.string()));
  environment.settings = *std::move(settings);
  if (cache_max_bytes) environment.settings.cache_max_bytes = cache_max_bytes;
  return environment;
}

}  // namespace kinglet
