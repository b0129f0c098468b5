// SPDX-License-Identifier: Apache-2.0
// Connections are opened as they are needed; a few stay open.
#include "server/library_shelf.h"

#include <utility>

#include "base/clock.h"
#include "base/display.h"

namespace kinglet {
namespace {

constexpr std::size_t kMostIdle = 8;
constexpr double kMostEmbeddingMs = 10'000;

}  // namespace

BorrowedLibrary::~BorrowedLibrary() {
  if (library_ != nullptr) shelf_->GiveBack(*which_, std::move(library_));
}

Result<const ShelvedLibrary*> LibraryShelf::Find(std::string_view name) const {
  if (libraries_.empty()) {
    return Error(StatusCode::kNotFound, "this server has no library; --library DIR gives it one");
  }
  if (name.empty()) return &libraries_.front();
  std::string names;
  for (const ShelvedLibrary& library : libraries_) {
    if (library.name == name) return &library;
    names += (names.empty() ? "" : ", ") + library.name;
  }
  return Error(StatusCode::kNotFound, "there is no library {}; there are: {}", Quoted(name), names);
}

Result<BorrowedLibrary> LibraryShelf::Borrow(std::string_view name) {
  const ShelvedLibrary* const which = TRY(Find(name));
  std::unique_ptr<Library> library;
  {
    const std::scoped_lock lock(mutex_);
    auto& idle = idle_[which->name];
    if (!idle.empty()) {
      library = std::move(idle.back());
      idle.pop_back();
    }
  }
  if (library == nullptr) {
    library = std::make_unique<Library>(TRY(Library::Open(which->folder, LibraryMode::kRead)));
  }
  auto vectors = TRY(VectorsOf(*which, *library));
  return BorrowedLibrary(*this, *which, std::move(library), std::move(vectors));
}

Result<LibraryWriter> LibraryShelf::OpenForWriting(std::string_view name) {
  const ShelvedLibrary* const which = TRY(Find(name));
  std::unique_lock turn(writing_);
  return LibraryWriter(*this, *which, std::move(turn),
                       TRY(Library::Open(which->folder, LibraryMode::kWrite)));
}

Result<std::shared_ptr<VectorSearch>> LibraryShelf::VectorsOf(const ShelvedLibrary& which,
                                                              Library& library) {
  const auto embedder = TRY(library.FindEmbedder());
  if (!embedder || !open_vectors_) return nullptr;
  const std::scoped_lock lock(opening_);
  Vectors& vectors = vectors_[which.name];
  if (vectors.probe != embedder->probe) {
    vectors = {embedder->probe, open_vectors_(library)};
  }
  return vectors.search;
}

void LibraryShelf::WarmUp() {
  for (const ShelvedLibrary& which : libraries_) {
    const Result<BorrowedLibrary> library = Borrow(which.name);
    if (library) (void)library->retriever().Search("kinglet", 1);
  }
}

Result<void> LibraryWriter::Embed() {
  const std::shared_ptr<VectorSearch> vectors = TRY(shelf_->VectorsOf(*which_, library_));
  if (vectors == nullptr) return {};
  const double end_ms = MonotonicMs() + kMostEmbeddingMs;
  return vectors->EmbedMissing(library_, [end_ms] { return MonotonicMs() < end_ms; });
}

void LibraryShelf::GiveBack(const ShelvedLibrary& which, std::unique_ptr<Library> library) {
  const std::scoped_lock lock(mutex_);
  auto& idle = idle_[which.name];
  if (idle.size() < kMostIdle) idle.push_back(std::move(library));
}

}  // namespace kinglet
