// SPDX-License-Identifier: Apache-2.0
// The libraries that a server answers from, by name, and connections to them: one for each request
// that is at work, kept for the next.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"
#include "knowledge/library.h"

namespace kinglet {

struct ShelvedLibrary {
  std::string name;
  std::filesystem::path folder;
};

class LibraryShelf;

// A connection of one's own, for reading.
class BorrowedLibrary {
 public:
  BorrowedLibrary(LibraryShelf& shelf, const ShelvedLibrary& which,
                  std::unique_ptr<Library> library)
      : shelf_(&shelf), which_(&which), library_(std::move(library)) {}
  BorrowedLibrary(BorrowedLibrary&&) = default;
  BorrowedLibrary& operator=(BorrowedLibrary&&) = default;
  ~BorrowedLibrary();

  Library& operator*() const { return *library_; }
  Library* operator->() const { return library_.get(); }
  const ShelvedLibrary& which() const { return *which_; }

 private:
  LibraryShelf* shelf_;
  const ShelvedLibrary* which_;
  std::unique_ptr<Library> library_;
};

// The connection that changes a library.
class LibraryWriter {
 public:
  LibraryWriter(std::unique_lock<std::mutex> turn, Library library)
      : turn_(std::move(turn)), library_(std::move(library)) {}

  Library* operator->() { return &library_; }

 private:
  std::unique_lock<std::mutex> turn_;  // the next may come when the library is closed
  Library library_;
};

class LibraryShelf {
 public:
  explicit LibraryShelf(std::vector<ShelvedLibrary> libraries) : libraries_(std::move(libraries)) {}

  const std::vector<ShelvedLibrary>& libraries() const { return libraries_; }
  // Empty: the first. kNotFound for a name that there is not, or where there are none.
  Result<const ShelvedLibrary*> Find(std::string_view name) const;
  Result<BorrowedLibrary> Borrow(std::string_view name);
  // For a change: one at a time. Those of this server wait for one another; kFailed while another
  // process writes.
  Result<LibraryWriter> OpenForWriting(std::string_view name);

 private:
  friend class BorrowedLibrary;
  void GiveBack(const ShelvedLibrary& which, std::unique_ptr<Library> library);

  std::vector<ShelvedLibrary> libraries_;
  std::mutex writing_;
  std::mutex mutex_;  // over idle_
  std::map<std::string, std::vector<std::unique_ptr<Library>>> idle_;
};

}  // namespace kinglet
