// SPDX-License-Identifier: Apache-2.0
// Pins as JSON, locks as flock() on files in models/.locks, which stay: removing one would let two
// processes each hold "the" lock.
#include "catalog/store.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <fstream>
#include <thread>
#include <utility>

#include <sys/file.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/display.h"
#include "base/file.h"
#include "base/json.h"
#include "catalog/hub.h"

namespace kinglet {
namespace {

constexpr std::size_t kMaxPinBytes = std::size_t{64} << 10;
constexpr std::string_view kPinSuffix = ".pin.json";

std::optional<std::uint64_t> FileBytes(const std::filesystem::path& path) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) return std::nullopt;
  const std::uintmax_t bytes = std::filesystem::file_size(path, error);
  if (error) return std::nullopt;
  return bytes;
}

std::string Text(const json::value& object, std::string_view key) {
  const json::value* value = Find(object, key);
  return value == nullptr || !value->is_string() ? "" : std::string(value->get_string());
}

std::unexpected<Status> NotPulled(std::string_view model) {
  return Error(StatusCode::kNotFound, "model {} is not here yet; run: kinglet pull {}",
               EscapeForDisplay(model), EscapeForDisplay(model));
}

Result<std::filesystem::path> PathOfEntry(const Store& store, const ModelEntry& entry) {
  if (!store.Has(entry)) return NotPulled(entry.name);
  return store.PathOf(entry.files.front());
}

// Nothing where there is none, or it cannot be read.
std::optional<Pin> ReadPinOf(const std::filesystem::path& file) {
  const Result<std::string> text = ReadFile(file.string() + std::string(kPinSuffix), kMaxPinBytes);
  if (!text) return std::nullopt;
  const Result<json::value> value = ParseJson(*text);
  if (!value) return std::nullopt;
  const json::value* bytes = Find(*value, "bytes");
  if (bytes == nullptr || !bytes->is_int64() || bytes->get_int64() < 0) return std::nullopt;
  return Pin{.url = Text(*value, "url"),
             .source = Text(*value, "source"),
             .bytes = static_cast<std::uint64_t>(bytes->get_int64()),
             .sha256 = Text(*value, "sha256")};
}

}  // namespace

std::optional<Pin> Store::ReadPin(const ModelFile& file) const { return ReadPinOf(PathOf(file)); }

Result<void> Store::WritePin(const ModelFile& file, const Pin& pin) const {
  return WriteFileAtomic(PinPath(file), ToJson({{"file", file.file},
                                                {"bytes", pin.bytes},
                                                {"sha256", pin.sha256},
                                                {"url", pin.url},
                                                {"source", pin.source},
                                                {"pulled", Iso8601(UnixSeconds())}}) +
                                            "\n");
}

bool Store::HasFile(const ModelEntry& entry, const ModelFile& file) const {
  const std::optional<Pin> pin = ReadPin(file);
  if (!pin || FileBytes(PathOf(file)) != pin->bytes) return false;
  return file.sha256 ? pin->sha256 == *file.sha256 : pin->url == entry.Url(file);
}

bool Store::Has(const ModelEntry& entry) const {
  return std::ranges::all_of(entry.files,
                             [&](const ModelFile& file) { return HasFile(entry, file); });
}

std::vector<StoredFile> Store::Files() const {
  std::vector<StoredFile> files;
  std::error_code error;
  std::filesystem::recursive_directory_iterator it(folder_, error);
  for (; !error && it != std::filesystem::recursive_directory_iterator(); it.increment(error)) {
    if (it.depth() > 1) it.disable_recursion_pending();
    std::string name = it->path().lexically_relative(folder_).string();
    if (!name.ends_with(kPinSuffix)) continue;
    name.resize(name.size() - kPinSuffix.size());
    const std::optional<Pin> pin = ReadPin({.file = name, .bytes = {}, .sha256 = {}});
    if (pin && IsPlainFileName(name) && FileBytes(folder_ / name) == pin->bytes) {
      files.push_back({.file = name, .pin = *pin});
    }
  }
  std::ranges::sort(files, {}, &StoredFile::file);
  return files;
}

Result<bool> Store::Remove(const ModelEntry& entry) const {
  bool any = false;
  for (const ModelFile& file : entry.files) {
    const std::filesystem::path path = PathOf(file);
    for (const std::string_view suffix : {".pin.json", "", ".partial", ".partial.json"}) {
      std::error_code error;
      any |= std::filesystem::remove(path.string() + std::string(suffix), error);
      if (error) {
        return Error(StatusCode::kFailed, "{}: cannot remove it: {}", path.string(),
                     error.message());
      }
    }
    std::error_code not_empty;
    if (path.parent_path() != folder_) std::filesystem::remove(path.parent_path(), not_empty);
  }
  return any;
}

std::string ModelDigest(const std::filesystem::path& file) {
  constexpr std::uint64_t kSampleBytes = 256 << 10;
  const std::uint64_t bytes = FileBytes(file).value_or(0);
  const std::optional<Pin> pin = ReadPinOf(file);
  if (pin && pin->bytes == bytes && !pin->sha256.empty()) return "sha256:" + pin->sha256;
  std::ifstream in(file, std::ios::binary);
  std::string sample(std::min(bytes, kSampleBytes), '\0');
  const auto size = static_cast<std::streamsize>(sample.size());
  if (size == 0 || !in.read(sample.data(), size)) return {};
  Sha256 digest;
  digest.Update(std::to_string(bytes) + " ");
  digest.Update(sample);
  if (!in.seekg(-size, std::ios::end).read(sample.data(), size)) return {};
  digest.Update(sample);
  return "sample:" + digest.Hex().substr(0, 32);
}

Result<StoreLock> StoreLock::Take(const Store& store, const ModelEntry& entry,
                                  const std::function<void()>& on_wait,
                                  const std::function<bool()>& should_stop) {
  const std::filesystem::path folder = store.folder() / ".locks";
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  // One lock a first file: a catalog name and a URL may mean the same file.
  const std::filesystem::path path = folder / Sha256::HexOf(entry.files.front().file).substr(0, 16);
  StoreLock lock(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
  if (lock.fd_ < 0) {
    return Error(StatusCode::kFailed, "{}: cannot open it: {}", path.string(),
                 std::strerror(errno));
  }
  for (bool first = true; flock(lock.fd_, LOCK_EX | LOCK_NB) != 0; first = false) {
    if (errno != EWOULDBLOCK && errno != EINTR) {
      return Error(StatusCode::kFailed, "{}: cannot lock it: {}", path.string(),
                   std::strerror(errno));
    }
    if (first) on_wait();
    if (should_stop()) return Error(StatusCode::kCancelled, "interrupted");
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  return lock;
}

StoreLock::StoreLock(StoreLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

StoreLock::~StoreLock() {
  if (fd_ >= 0) close(fd_);
}

Result<std::optional<ModelEntry>> FindPulledHubModel(std::string_view model, const Store& store) {
  const HubModel hub = TRY(ParseHubModel(model));
  const std::string prefix = hub.UrlPrefix();
  std::vector<std::string> names;
  for (const StoredFile& stored : store.Files()) {
    if (stored.pin.url.starts_with(prefix)) names.push_back(stored.pin.url.substr(prefix.size()));
  }
  const std::string file = hub.file.empty() ? ChooseQuant(names, hub.quant) : hub.file;
  if (file.empty()) return std::nullopt;
  ModelEntry entry = TRY(EntryOfUrl(prefix + file));
  if (!store.Has(entry)) return std::nullopt;
  entry.name = model;
  return entry;
}

Result<std::filesystem::path> ResolveModel(std::string_view model,
                                           const std::filesystem::path& home) {
  const Store store(home);
  if (IsHubModel(model)) {
    const std::optional<ModelEntry> entry = TRY(FindPulledHubModel(model, store));
    return entry ? PathOfEntry(store, *entry) : NotPulled(model);
  }
  if (IsUrl(model)) return PathOfEntry(store, TRY(EntryOfUrl(std::string(model))));
  const Catalog catalog = TRY(Catalog::Load(home));
  const std::string name = model.empty() ? catalog.default_model() : std::string(model);
  if (name.empty()) return Error(StatusCode::kUsage, "no model is named, and there is no default");
  if (const ModelEntry* entry = catalog.Find(name)) return PathOfEntry(store, *entry);
  // A "/" or ".gguf" makes it a path; then the file's own error is the one that helps.
  if (FileBytes(name) || name.find('/') != std::string::npos) return std::filesystem::path(name);
  if (IsPlainFileName(name) && FileBytes(store.folder() / name)) return store.folder() / name;
  if (name.ends_with(".gguf")) return std::filesystem::path(name);
  return Error(
      StatusCode::kNotFound,
      "no model {}: neither a file nor in the catalog; `kinglet models` lists what there is",
      Quoted(name));
}

}  // namespace kinglet
