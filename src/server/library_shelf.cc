// SPDX-License-Identifier: Apache-2.0
// Connections are opened as they are needed; a few stay open.
#include "server/library_shelf.h"

#include <utility>

#include "base/display.h"

namespace kinglet {
namespace {

constexpr std::size_t kMostIdle = 8;

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
  {
    const std::scoped_lock lock(mutex_);
    auto& idle = idle_[which->name];
    if (!idle.empty()) {
      std::unique_ptr<Library> library = std::move(idle.back());
      idle.pop_back();
      return BorrowedLibrary(*this, *which, std::move(library));
    }
  }
  auto library = std::make_unique<Library>(TRY(Library::Open(which->folder, LibraryMode::kRead)));
  return BorrowedLibrary(*this, *which, std::move(library));
}

Result<LibraryWriter> LibraryShelf::OpenForWriting(std::string_view name) {
  const ShelvedLibrary* const which = TRY(Find(name));
  std::unique_lock turn(writing_);
  return LibraryWriter(std::move(turn), TRY(Library::Open(which->folder, LibraryMode::kWrite)));
}

void LibraryShelf::GiveBack(const ShelvedLibrary& which, std::unique_ptr<Library> library) {
  const std::scoped_lock lock(mutex_);
  auto& idle = idle_[which.name];
  if (idle.size() < kMostIdle) idle.push_back(std::move(library));
}

}  // namespace kinglet
