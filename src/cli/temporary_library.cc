// SPDX-License-Identifier: Apache-2.0
// A folder, the library in it, and who searches it by meaning.
#include "cli/temporary_library.h"

#include <cstdlib>

#include "base/thread_pool.h"
#include "cli/open_vectors.h"

namespace kinglet {

Result<TemporaryFolder> TemporaryFolder::Make() {
  std::string path = (std::filesystem::temp_directory_path() / "kinglet-XXXXXX").string();
  if (mkdtemp(path.data()) == nullptr) {
    return Error(StatusCode::kFailed, "{}: cannot make a folder", path);
  }
  return TemporaryFolder(path);
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code error;
  if (!path_.empty()) std::filesystem::remove_all(path_, error);
}

Result<TemporaryLibrary> TemporaryLibrary::Make() {
  TemporaryFolder folder = TRY(TemporaryFolder::Make());
  Library library = TRY(Library::Open(folder.path(), LibraryMode::kWrite));
  return TemporaryLibrary(std::move(folder), std::move(library));
}

Result<void> TemporaryLibrary::Embed(const std::string& embedder, const Environment& environment) {
  if (embedder.empty()) return {};
  auto model = TRY(OpenEmbedder(embedder, environment, AvailableCpus()));
  TRY(EmbedLibrary(library_, *model, embedder, [](std::int64_t, std::int64_t) { return true; }));
  vectors_ = std::make_unique<VectorSearch>(std::move(model), AvailableCpus());
  return {};
}

}  // namespace kinglet
