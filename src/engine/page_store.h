// SPDX-License-Identifier: Apache-2.0
// Pages of keys and values on the disk, a file each (page_file.h), for the starts to come. A thread
// of its own reads and writes, so that nobody who computes waits for the disk.
//
// A file is written under another name and renamed: a page is whole or not there, and one that a
// crash of the machine has torn does not pass its checksum. Modes 0600 and 0700: pages hold what
// was asked. Several processes may use one folder.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "base/status.h"
#include "engine/page_file.h"
#include "engine/prefix_cache.h"

namespace kinglet {

// All pages that a folder has, of any model.
struct PageFolderUse {
  std::size_t files = 0;
  std::uint64_t bytes = 0;
};
PageFolderUse MeasurePageFolder(const std::filesystem::path& folder);
// Reads all of them and removes those that are broken; returns how many.
std::size_t VerifyPageFolder(const std::filesystem::path& folder);
// Removes them all. A server that runs computes anew what it finds gone.
PageFolderUse ClearPageFolder(const std::filesystem::path& folder);

class PageStore {
 public:
  // Makes the folder, and reads the headers of what is in it. fingerprint: 64 hexadecimal digits;
  // pages of others in folder/fingerprint are removed.
  static Result<std::unique_ptr<PageStore>> Open(const std::filesystem::path& folder,
                                                 const std::string& fingerprint,
                                                 std::size_t page_bytes);
  PageStore(const PageStore&) = delete;
  PageStore& operator=(const PageStore&) = delete;
  // Finishes what is being written and removes what is to be removed; what else waits is dropped.
  ~PageStore();

  // What was there at the start, parents before those behind them, those used last at the end.
  const std::vector<PageFileHeader>& found() const { return found_; }

  // These return at once; the store's thread calls `done`.
  void Save(const PrefixCache::Unsaved& page, std::function<void(bool saved)> done);
  void Load(const PageKey& key, std::span<std::uint8_t> page, std::function<void(bool sound)> done);
  void Remove(const PageKey& key);

  // Of a page written and read: measured, and a guess before that.
  double SaveMs() const { return save_ms_; }
  double LoadMs() const { return load_ms_; }

 private:
  PageStore(std::filesystem::path folder, std::string fingerprint, std::size_t page_bytes);
  void FindPages();
  void Run();
  struct Work {
    std::function<void()> run;
    bool is_removal = false;
  };
  void Enqueue(Work work, bool first = false);
  std::filesystem::path PathOf(const PageKey& key) const { return folder_ / (key + ".kv"); }
  Result<void> Write(const PageFileHeader& header, std::span<const std::byte> payload) const;
  Result<void> Read(const PageKey& key, std::span<std::byte> payload) const;

  std::filesystem::path folder_;
  std::string fingerprint_;
  std::size_t page_bytes_;
  std::vector<PageFileHeader> found_;
  std::atomic<double> save_ms_{5};
  std::atomic<double> load_ms_{5};

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Work> queue_;
  bool closing_ = false;
  std::thread thread_;  // last: it uses all above
};

}  // namespace kinglet
