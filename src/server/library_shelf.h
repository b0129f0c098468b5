// SPDX-License-Identifier: Apache-2.0
// The libraries that a server answers from, by name, and connections to them: one for each request
// that is at work, kept for the next.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"
#include "knowledge/retriever.h"

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
                  std::unique_ptr<Library> library, std::shared_ptr<VectorSearch> vectors)
      : shelf_(&shelf),
        which_(&which),
        library_(std::move(library)),
        vectors_(std::move(vectors)) {}
  BorrowedLibrary(BorrowedLibrary&&) = default;
  BorrowedLibrary& operator=(BorrowedLibrary&&) = default;
  ~BorrowedLibrary();

  Library& operator*() const { return *library_; }
  Library* operator->() const { return library_.get(); }
  const ShelvedLibrary& which() const { return *which_; }
  Retriever retriever() const { return {*library_, vectors_.get()}; }

 private:
  LibraryShelf* shelf_;
  const ShelvedLibrary* which_;
  std::unique_ptr<Library> library_;
  std::shared_ptr<VectorSearch> vectors_;  // null: none
};

// The connection that changes a library.
class LibraryWriter {
 public:
  LibraryWriter(LibraryShelf& shelf, const ShelvedLibrary& which, std::unique_lock<std::mutex> turn,
                Library library)
      : shelf_(&shelf), which_(&which), turn_(std::move(turn)), library_(std::move(library)) {}

  Library* operator->() { return &library_; }
  // Makes the vectors that are missing, for a few seconds; what is left then is found by words,
  // until the next ingest.
  Result<void> Embed();

 private:
  LibraryShelf* shelf_;
  const ShelvedLibrary* which_;
  std::unique_lock<std::mutex> turn_;  // the next may come when the library is closed
  Library library_;
};

// Opens what finds passages of a library by meaning; null where it has no vectors, or none that can
// be used.
using VectorsOpener = std::function<std::unique_ptr<VectorSearch>(Library& library)>;

class LibraryShelf {
 public:
  // open_vectors may be empty.
  LibraryShelf(std::vector<ShelvedLibrary> libraries, VectorsOpener open_vectors)
      : libraries_(std::move(libraries)), open_vectors_(std::move(open_vectors)) {}

  const std::vector<ShelvedLibrary>& libraries() const { return libraries_; }
  // Empty: the first. kNotFound for a name that there is not, or where there are none.
  Result<const ShelvedLibrary*> Find(std::string_view name) const;
  Result<BorrowedLibrary> Borrow(std::string_view name);
  // Reads what the first search would wait for. What fails here fails again when it is asked for.
  void WarmUp();
  // For a change: one at a time. Those of this server wait for one another; kFailed while another
  // process writes.
  Result<LibraryWriter> OpenForWriting(std::string_view name);

 private:
  friend class BorrowedLibrary;
  friend class LibraryWriter;
  struct Vectors {
    std::string probe;  // of the embedder that the library remembered
    std::shared_ptr<VectorSearch> search;
  };

  void GiveBack(const ShelvedLibrary& which, std::unique_ptr<Library> library);
  // Opened once for an embedder: another one may come while the server runs.
  Result<std::shared_ptr<VectorSearch>> VectorsOf(const ShelvedLibrary& which, Library& library);

  std::vector<ShelvedLibrary> libraries_;
  VectorsOpener open_vectors_;
  std::mutex writing_;
  std::mutex mutex_;  // over idle_
  std::map<std::string, std::vector<std::unique_ptr<Library>>> idle_;
  std::mutex opening_;  // over vectors_
  std::map<std::string, Vectors> vectors_;
};

}  // namespace kinglet
