// SPDX-License-Identifier: Apache-2.0
// A library of a data set, which goes with its owner.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <utility>

#include "base/status.h"
#include "cli/environment.h"
#include "knowledge/retriever.h"

namespace kinglet {

// A folder that goes with its owner.
class TemporaryFolder {
 public:
  static Result<TemporaryFolder> Make();
  TemporaryFolder(TemporaryFolder&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  TemporaryFolder& operator=(TemporaryFolder&&) = delete;
  ~TemporaryFolder();

  const std::filesystem::path& path() const { return path_; }

 private:
  explicit TemporaryFolder(std::filesystem::path path) : path_(std::move(path)) {}

  std::filesystem::path path_;
};

class TemporaryLibrary {
 public:
  static Result<TemporaryLibrary> Make();

  Library& library() { return library_; }
  // Once it is filled: vectors of all that is in it, by this model. Without a name there are none.
  Result<void> Embed(const std::string& embedder, const Environment& environment);
  Retriever retriever() { return {library_, vectors_.get()}; }

 private:
  TemporaryLibrary(TemporaryFolder folder, Library library)
      : folder_(std::move(folder)), library_(std::move(library)) {}

  TemporaryFolder folder_;
  Library library_;
  std::unique_ptr<VectorSearch> vectors_;
};

}  // namespace kinglet
