// SPDX-License-Identifier: Apache-2.0
// Reads the environment once, at start.
#include "cli/environment.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
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

template <typename T>
Result<void> Read(const toml::table& table, std::string_view key, std::optional<T>& out) {
  const toml::node* node = table.get(key);
  if (node == nullptr) return {};
  out = node->value<T>();
  if (!out) {
    return Error(StatusCode::kInvalidInput, "line {}: {} has the wrong type",
                 node->source().begin.line, key);
  }
  return {};
}

Result<void> RefuseUnknownKeys(const toml::table& table) {
  constexpr std::array<std::string_view, 6> kKeys = {
      "model", "library", "currency", "electricity_per_kwh", "machine_per_hour", "cache_max_bytes"};
  for (const auto& [key, node] : table) {
    if (std::find(kKeys.begin(), kKeys.end(), key.str()) == kKeys.end()) {
      return Error(StatusCode::kInvalidInput, "line {}: there is no setting {}",
                   node.source().begin.line, key.str());
    }
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
  TRY(RefuseUnknownKeys(table));
  Settings settings;
  std::optional<std::string> currency;
  TRY(Read(table, "model", settings.model));
  TRY(Read(table, "library", settings.library));
  TRY(Read(table, "currency", currency));
  TRY(Read(table, "electricity_per_kwh", settings.electricity_per_kwh));
  TRY(Read(table, "machine_per_hour", settings.machine_per_hour));
  TRY(Read(table, "cache_max_bytes", settings.cache_max_bytes));
  if (settings.cache_max_bytes.value_or(0) < 0) {
    return Error(StatusCode::kInvalidInput, "cache_max_bytes is below 0");
  }
  if (currency) settings.currency = *currency;
  return settings;
}

}  // namespace

std::filesystem::path Environment::DefaultLibrary() const {
  return settings.library ? std::filesystem::path(*settings.library) : home / "library";
}

std::filesystem::path Environment::LedgerFile() const { return home / "ledger.sqlite"; }

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
