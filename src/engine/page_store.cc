// SPDX-License-Identifier: Apache-2.0
// Reads go before writes: somebody waits for them.
#include "engine/page_store.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <system_error>
#include <utility>

#include <sys/stat.h>

#include "base/checksum.h"
#include "base/clock.h"
#include "base/file.h"

namespace kinglet {
namespace {

constexpr std::string_view kSuffix = ".kv";
constexpr std::string_view kUnfinished = ".new";
constexpr std::chrono::minutes kAbandoned(10);  // whoever wrote it is no more
constexpr double kNews = 0.2;                   // what one measurement counts against those before

Result<PageFileHeader> ReadHeader(const FileDescriptor& fd, const std::filesystem::path& path,
                                  std::size_t& header_bytes) {
  std::byte bytes[kMaxPageFileHeaderBytes];
  TRY(ReadAt(fd, 0, std::span(bytes).first(kPageFilePrefixBytes), path));
  header_bytes = TRY(PageFileHeaderBytes(std::span(bytes).first(kPageFilePrefixBytes)));
  TRY(ReadAt(fd, 0, std::span(bytes).first(header_bytes), path));
  return ReadPageFileHeader(std::span(bytes).first(header_bytes));
}

Result<FileDescriptor> OpenPage(const std::filesystem::path& path) {
  FileDescriptor fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!fd.is_open()) return ErrnoError(path, "open it");
  return fd;
}

// What stands behind a header, as long as it says.
Result<void> ReadPayload(const FileDescriptor& fd, const PageFileHeader& header,
                         std::size_t header_bytes, std::span<std::byte> payload,
                         const std::filesystem::path& path) {
  TRY(ReadAt(fd, header_bytes, payload, path));
  if (Xxh64(payload) == header.payload_checksum) return {};
  return Error(StatusCode::kInvalidInput, "{}: spoilt", path.string());
}

void ForEachPage(const std::filesystem::path& folder,
                 const std::function<void(const std::filesystem::path& path)>& visit) {
  std::error_code error;
  std::vector<std::filesystem::path> pages;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder, error)) {
    if (entry.path().extension() == kSuffix) pages.push_back(entry.path());
  }
  for (const std::filesystem::path& page : pages) visit(page);
}

Result<void> VerifyPage(const std::filesystem::path& path) {
  const FileDescriptor fd = TRY(OpenPage(path));
  std::size_t header_bytes = 0;
  const PageFileHeader header = TRY(ReadHeader(fd, path, header_bytes));
  std::error_code error;
  const std::uint64_t bytes = std::filesystem::file_size(path, error);
  if (error || bytes < header_bytes || bytes - header_bytes != header.payload_bytes) {
    return Error(StatusCode::kInvalidInput, "{}: not as long as it says", path.string());
  }
  std::vector<std::byte> payload(header.payload_bytes);
  return ReadPayload(fd, header, header_bytes, payload, path);
}

}  // namespace

PageFolderUse MeasurePageFolder(const std::filesystem::path& folder) {
  PageFolderUse use;
  ForEachPage(folder, [&](const std::filesystem::path& path) {
    std::error_code error;
    const std::uint64_t bytes = std::filesystem::file_size(path, error);
    if (error) return;
    ++use.files;
    use.bytes += bytes;
  });
  return use;
}

std::size_t VerifyPageFolder(const std::filesystem::path& folder) {
  std::size_t broken = 0;
  ForEachPage(folder, [&](const std::filesystem::path& path) {
    if (VerifyPage(path)) return;
    ++broken;
    unlink(path.c_str());
  });
  return broken;
}

PageFolderUse ClearPageFolder(const std::filesystem::path& folder) {
  const PageFolderUse use = MeasurePageFolder(folder);
  ForEachPage(folder, [](const std::filesystem::path& path) { unlink(path.c_str()); });
  return use;
}

PageStore::PageStore(std::filesystem::path folder, std::string fingerprint, std::size_t page_bytes)
    : folder_(std::move(folder)), fingerprint_(std::move(fingerprint)), page_bytes_(page_bytes) {}

Result<std::unique_ptr<PageStore>> PageStore::Open(const std::filesystem::path& folder,
                                                   const std::string& fingerprint,
                                                   std::size_t page_bytes) {
  const std::filesystem::path own = folder / fingerprint.substr(0, 32);
  std::error_code error;
  std::filesystem::create_directories(own, error);
  if (error) {
    return Error(StatusCode::kFailed, "{}: cannot make the folder: {}", own.string(),
                 error.message());
  }
  for (const auto& path : {folder, own}) chmod(path.c_str(), 0700);
  std::unique_ptr<PageStore> store(new PageStore(own, fingerprint, page_bytes));
  store->FindPages();
  store->thread_ = std::thread([raw = store.get()] { raw->Run(); });
  return store;
}

PageStore::~PageStore() {
  {
    const std::scoped_lock lock(mutex_);
    closing_ = true;
    std::erase_if(queue_, [](const Work& work) { return !work.is_removal; });
  }
  wake_.notify_all();
  thread_.join();
}

void PageStore::FindPages() {
  struct Found {
    PageFileHeader header;
    std::filesystem::file_time_type used;
  };
  std::vector<Found> files;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder_, error)) {
    const std::string name = entry.path().filename().string();
    if (name.ends_with(kUnfinished) &&
        entry.last_write_time(error) + kAbandoned < std::filesystem::file_time_type::clock::now()) {
      std::filesystem::remove(entry.path(), error);
    }
    if (!name.ends_with(kSuffix)) continue;
    std::size_t header_bytes = 0;
    const Result<FileDescriptor> fd = OpenPage(entry.path());
    const Result<PageFileHeader> header =
        fd ? ReadHeader(*fd, entry.path(), header_bytes) : std::unexpected(fd.error());
    const bool whole = header && header->fingerprint == fingerprint_ &&
                       name == header->key + std::string(kSuffix) &&
                       header->payload_bytes == page_bytes_ &&
                       entry.file_size(error) == header_bytes + page_bytes_;
    if (!whole) {
      std::filesystem::remove(entry.path(), error);
      continue;
    }
    files.push_back({*header, entry.last_write_time(error)});
  }
  std::ranges::sort(files, {}, &Found::used);
  // Parents first: a page whose parent is not there is of no use.
  std::map<PageKey, std::vector<std::size_t>> behind;
  for (std::size_t i = 0; i < files.size(); ++i) behind[files[i].header.parent].push_back(i);
  std::vector<PageKey> roots;
  for (const Found& file : files) {
    if (file.header.parent == file.header.scope) roots.push_back(file.header.scope);
  }
  for (std::size_t next = 0; next < roots.size(); ++next) {
    const auto found = behind.find(roots[next]);
    if (found == behind.end()) continue;
    for (const std::size_t i : found->second) {
      roots.push_back(files[i].header.key);
      found_.push_back(std::move(files[i].header));
    }
    behind.erase(found);
  }
  for (const auto& [parent, orphans] : behind) {
    for (const std::size_t i : orphans) {
      std::filesystem::remove(PathOf(files[i].header.key), error);
    }
  }
}

void PageStore::Enqueue(Work work, bool first) {
  {
    const std::scoped_lock lock(mutex_);
    if (closing_) return;
    first ? queue_.push_front(std::move(work)) : queue_.push_back(std::move(work));
  }
  wake_.notify_one();
}

void PageStore::Run() {
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [this] { return closing_ || !queue_.empty(); });
    if (queue_.empty()) return;
    const Work work = std::move(queue_.front());
    queue_.pop_front();
    lock.unlock();
    work.run();
    lock.lock();
  }
}

void PageStore::Save(const PrefixCache::Unsaved& page, std::function<void(bool)> done) {
  Enqueue({[this, page, done = std::move(done)] {
    const double start_ms = MonotonicMs();
    const std::span payload(reinterpret_cast<const std::byte*>(page.page), page_bytes_);
    const PageFileHeader header{.fingerprint = fingerprint_,
                                .scope = page.scope,
                                .parent = page.parent,
                                .key = page.key,
                                .tokens = page.tokens,
                                .payload_bytes = page_bytes_,
                                .payload_checksum = Xxh64(payload)};
    const bool saved = Write(header, payload).has_value();
    save_ms_ = save_ms_ + kNews * (MonotonicMs() - start_ms - save_ms_);
    done(saved);
  }});
}

void PageStore::Load(const PageKey& key, std::span<std::uint8_t> page,
                     std::function<void(bool)> done) {
  const auto load = [this, key, page, done = std::move(done)] {
    const double start_ms = MonotonicMs();
    const bool sound = Read(key, std::as_writable_bytes(page)).has_value();
    load_ms_ = load_ms_ + kNews * (MonotonicMs() - start_ms - load_ms_);
    if (!sound) unlink(PathOf(key).c_str());
    done(sound);
  };
  Enqueue({load}, /*first=*/true);
}

void PageStore::Remove(const PageKey& key) {
  Enqueue({[this, key] { unlink(PathOf(key).c_str()); }, /*is_removal=*/true});
}

Result<void> PageStore::Write(const PageFileHeader& header,
                              std::span<const std::byte> payload) const {
  const std::filesystem::path path = PathOf(header.key);
  // Several processes may write the same page.
  const std::filesystem::path unfinished =
      fmt::format("{}.{}{}", path.string(), getpid(), kUnfinished);
  const Result<void> written = [&]() -> Result<void> {
    const FileDescriptor fd(
        open(unfinished.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!fd.is_open()) return ErrnoError(unfinished, "create it");
    const std::string head = WritePageFileHeader(header);
    TRY(WriteAt(fd, 0, std::as_bytes(std::span(head)), unfinished));
    return WriteAt(fd, head.size(), payload, unfinished);
  }();
  if (!written || rename(unfinished.c_str(), path.c_str()) != 0) {
    const auto failed =
        written ? ErrnoError(path, "rename to it") : std::unexpected(written.error());
    unlink(unfinished.c_str());
    return failed;
  }
  return {};
}

Result<void> PageStore::Read(const PageKey& key, std::span<std::byte> payload) const {
  const std::filesystem::path path = PathOf(key);
  const FileDescriptor fd = TRY(OpenPage(path));
  std::size_t header_bytes = 0;
  const PageFileHeader header = TRY(ReadHeader(fd, path, header_bytes));
  if (header.key != key || header.fingerprint != fingerprint_ ||
      header.payload_bytes != payload.size()) {
    return Error(StatusCode::kInvalidInput, "{}: another page than its name says", path.string());
  }
  TRY(ReadPayload(fd, header, header_bytes, payload, path));
  futimens(fd.get(), nullptr);  // used: what is removed first is what was used least recently
  return {};
}

}  // namespace kinglet
