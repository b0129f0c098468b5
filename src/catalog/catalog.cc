// SPDX-License-Identifier: Apache-2.0
// Reads a catalog as if a stranger had written it: what it names becomes files and arguments.
#include "catalog/catalog.h"

#include <algorithm>
#include <array>

#include "base/display.h"
#include "base/file.h"
#include "base/json.h"
#include "net/http_client.h"

namespace kinglet {
namespace {

constexpr std::size_t kMaxCatalogBytes = std::size_t{1} << 20;
constexpr std::size_t kMaxModels = 1000;
constexpr std::size_t kMaxFiles = 100;
constexpr std::size_t kMaxSources = 10;
constexpr std::size_t kMaxWheels = 200;
constexpr std::size_t kMaxStringBytes = 500;
constexpr std::uint64_t kMaxFileBytes = std::uint64_t{1} << 44;  // 16 TiB: sums cannot overflow

bool IsOneOf(char c, std::string_view more) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         more.find(c) != std::string_view::npos;
}

bool IsMadeOf(std::string_view text, std::string_view more) {
  return !text.empty() && text.front() != '-' && text.front() != '.' &&
         std::ranges::all_of(text, [more](char c) { return IsOneOf(c, more); });
}

// "name" or "name==1.2"; pip takes far more, such as URLs and paths, which nobody needs here.
bool IsWheelSpec(std::string_view spec) {
  const std::size_t version = spec.find("==");
  if (version == std::string_view::npos) return IsMadeOf(spec, "._-");
  return IsMadeOf(spec.substr(0, version), "._-") && IsMadeOf(spec.substr(version + 2), "._+");
}

bool IsSha256(std::string_view text) {
  return text.size() == 64 && std::ranges::all_of(text, [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

std::unexpected<Status> Bad(std::string_view key, std::string_view why) {
  return Error(StatusCode::kInvalidInput, "\"{}\" {}", key, why);
}

Result<std::string> PrintableText(const json::value& value, std::string_view key) {
  const json::string* text = value.if_string();
  if (text == nullptr) return Bad(key, "must be a string");
  if (text->empty() || text->size() > kMaxStringBytes) return Bad(key, "is empty or too long");
  if (!std::ranges::all_of(*text, [](char c) { return c >= ' ' && c <= '~'; })) {
    return Bad(key, "must be printable ASCII");
  }
  return std::string(*text);
}

Result<std::string> ReadText(const json::value& object, std::string_view key) {
  const json::value* value = Find(object, key);
  if (value == nullptr) return Bad(key, "is missing");
  return PrintableText(*value, key);
}

Result<const json::array*> ReadArray(const json::value& object, std::string_view key,
                                     std::size_t max_size) {
  const json::value* value = Find(object, key);
  if (value == nullptr) return Bad(key, "is missing");
  const json::array* array = value->if_array();
  if (array == nullptr) return Bad(key, "must be a list");
  if (array->empty() || array->size() > max_size) return Bad(key, "is empty or too long");
  return array;
}

Result<ModelFile> ReadModelFile(const json::value& object) {
  ModelFile file;
  file.file = TRY(ReadText(object, "file"));
  if (!IsPlainFileName(file.file)) return Bad("file", "must be a plain name below the store");
  if (const json::value* bytes = Find(object, "bytes"); bytes != nullptr && !bytes->is_null()) {
    const std::int64_t* number = bytes->if_int64();
    if (number == nullptr || *number < 0 || static_cast<std::uint64_t>(*number) > kMaxFileBytes) {
      return Bad("bytes", "must be a count of bytes, or null");
    }
    file.bytes = static_cast<std::uint64_t>(*number);
  }
  if (const json::value* digest = Find(object, "sha256"); digest != nullptr && !digest->is_null()) {
    file.sha256 = TRY(PrintableText(*digest, "sha256"));
    if (!IsSha256(*file.sha256)) return Bad("sha256", "must be 64 hexadecimal digits, or null");
  }
  return file;
}

Result<std::vector<ModelFile>> ReadModelFiles(const json::value& object) {
  std::vector<ModelFile> files;
  if (Find(object, "files") == nullptr) {
    files.push_back(TRY(ReadModelFile(object)));
    return files;
  }
  for (const json::value& item : *TRY(ReadArray(object, "files", kMaxFiles))) {
    files.push_back(TRY(ReadModelFile(item)));
  }
  return files;
}

Result<ModelSource> ReadSource(const json::value& object, bool several_files) {
  ModelSource source;
  if (Find(object, "url") != nullptr) {
    source.url = TRY(ReadText(object, "url"));
    TRY(CheckUrl(source.url));
    if (source.url.ends_with('/') != several_files) {
      return Bad("url", "must end in \"/\" where there are several files, and only there");
    }
    return source;
  }
  for (const json::value& item : *TRY(ReadArray(object, "wheels", kMaxWheels))) {
    source.wheels.push_back(TRY(PrintableText(item, "wheels")));
    if (!IsWheelSpec(source.wheels.back())) return Bad("wheels", "must be NAME or NAME==VERSION");
  }
  source.member = TRY(ReadText(object, "member"));
  if (!std::ranges::all_of(source.member, [](char c) { return IsOneOf(c, "._+*/-"); }) ||
      source.member.starts_with('-')) {
    return Bad("member", "must be a plain name, with \"*\" where it varies");
  }
  if (source.member.ends_with('/') != several_files) {
    return Bad("member", "must end in \"/\" where there are several files, and only there");
  }
  return source;
}

Result<ModelEntry> ReadEntry(const json::value& object) {
  ModelEntry entry;
  entry.name = TRY(ReadText(object, "name"));
  if (!IsMadeOf(entry.name, "._-")) return Bad("name", "must be letters, digits and \"._-\"");
  entry.family = TRY(ReadText(object, "family"));
  entry.parameters = TRY(ReadText(object, "parameters"));
  entry.type = TRY(ReadText(object, "type"));
  entry.licence = TRY(ReadText(object, "licence"));
  entry.repository = TRY(ReadText(object, "repository"));
  entry.note = TRY(ReadText(object, "note"));
  entry.files = TRY(ReadModelFiles(object));
  for (const json::value& item : *TRY(ReadArray(object, "sources", kMaxSources))) {
    entry.sources.push_back(TRY(ReadSource(item, entry.files.size() > 1)));
  }
  for (const ModelFile& file : entry.files) {
    // Else a pulled file could be held to nothing.
    if (!file.sha256 && entry.Url(file).empty()) return Bad("sha256", "or a url must be known");
  }
  return entry;
}

// The entry's name, or its place, for a message.
std::string Where(const json::value& object, std::size_t index) {
  const json::value* name = Find(object, "name");
  if (name != nullptr && name->is_string()) return "model " + Quoted(name->get_string());
  return fmt::format("model {}", index);
}

}  // namespace

bool IsPlainFileName(std::string_view name) {
  if (name.size() > 200) return false;
  const std::size_t slash = name.find('/');
  if (slash == std::string_view::npos) return IsMadeOf(name, "._+-");
  return IsMadeOf(name.substr(0, slash), "._+-") && IsMadeOf(name.substr(slash + 1), "._+-");
}

std::string SizeText(std::uint64_t bytes) {
  constexpr std::array<std::string_view, 6> kUnits = {"B", "kB", "MB", "GB", "TB", "PB"};
  double value = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (value >= 999.5 && unit + 1 < kUnits.size()) {
    value /= 1000;
    ++unit;
  }
  const int decimals = unit == 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
  return fmt::format("{:.{}f} {}", value, decimals, kUnits[unit]);
}

std::string ModelSource::UrlOf(const ModelFile& file) const {
  return url.ends_with('/') ? url + file.BaseName() : url;
}

std::string ModelSource::MemberOf(const ModelFile& file) const {
  return member.ends_with('/') ? member + file.BaseName() : member;
}

std::optional<std::uint64_t> ModelEntry::bytes() const {
  std::uint64_t sum = 0;
  for (const ModelFile& file : files) {
    if (!file.bytes) return std::nullopt;
    sum += *file.bytes;
  }
  return sum;
}

std::string ModelEntry::Url(const ModelFile& file) const {
  for (const ModelSource& source : sources) {
    if (!source.url.empty()) return source.UrlOf(file);
  }
  return "";
}

Result<Catalog> Catalog::Parse(std::string_view text) {
  const json::value root = TRY(ParseJson(text, {.max_bytes = kMaxCatalogBytes, .max_depth = 8}));
  Catalog catalog;
  if (kinglet::Find(root, "default") != nullptr)
    catalog.default_model_ = TRY(ReadText(root, "default"));
  const json::array& models = *TRY(ReadArray(root, "models", kMaxModels));
  for (std::size_t i = 0; i < models.size(); ++i) {
    Result<ModelEntry> entry = ReadEntry(models[i]);
    if (!entry) return std::unexpected(entry.error().WithContext(Where(models[i], i)));
    if (catalog.Find(entry->name) != nullptr) {
      return Error(StatusCode::kInvalidInput, "model {} is there twice", Quoted(entry->name));
    }
    catalog.models_.push_back(*std::move(entry));
  }
  return catalog;
}

Result<Catalog> Catalog::Load(const std::filesystem::path& home) {
  Catalog catalog = TRY(Parse(kBuiltinCatalogJson));
  const std::filesystem::path file = home / "models.json";
  const Result<std::string> text = ReadFile(file, kMaxCatalogBytes);
  if (!text) {
    if (text.error().code() == StatusCode::kNotFound) return catalog;
    return std::unexpected(text.error());
  }
  Result<Catalog> own = Parse(*text);
  if (!own) return std::unexpected(own.error().WithContext(file.string()));
  for (ModelEntry& entry : own->models_) catalog.Add(std::move(entry));
  if (!own->default_model_.empty()) catalog.default_model_ = own->default_model_;
  return catalog;
}

void Catalog::Add(ModelEntry entry) {
  const auto same = std::ranges::find(models_, entry.name, &ModelEntry::name);
  if (same == models_.end()) {
    models_.push_back(std::move(entry));
  } else {
    *same = std::move(entry);
  }
}

const ModelEntry* Catalog::Find(std::string_view name) const {
  const auto found = std::ranges::find(models_, name, &ModelEntry::name);
  return found == models_.end() ? nullptr : &*found;
}

}  // namespace kinglet
