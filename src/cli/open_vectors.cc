// SPDX-License-Identifier: Apache-2.0
// What a library lacks to be searched by meaning is a warning, never an error.
#include "cli/open_vectors.h"

#include "base/thread_pool.h"
#include "catalog/store.h"
#include "engine/model_embedder.h"

namespace kinglet {
namespace {

// Unset: the library has no vectors.
Result<std::unique_ptr<VectorSearch>> Open(Library& library, const Environment& environment) {
  const auto record = TRY(library.FindEmbedder());
  if (!record) return nullptr;
  auto embedder = TRY(OpenEmbedder(record->name, environment, AvailableCpus()));
  auto vectors = std::make_unique<VectorSearch>(std::move(embedder), AvailableCpus());
  if (TRY(vectors->Fits(library))) return vectors;
  return Error(StatusCode::kInvalidInput,
               "{} is not the model that it was; kinglet ingest "
               "--embedder {} makes the vectors anew",
               record->name, record->name);
}

}  // namespace

Result<std::unique_ptr<Embedder>> OpenEmbedder(const std::string& model,
                                               const Environment& environment, int thread_count) {
  const std::filesystem::path file = TRY(ResolveModel(model, environment.home));
  return TRY(ModelEmbedder::Open(file, {.thread_count = thread_count}));
}

std::unique_ptr<VectorSearch> OpenVectors(
    Library& library, const Environment& environment,
    const std::function<void(const std::string& warning)>& warn) {
  Result<std::unique_ptr<VectorSearch>> vectors = Open(library, environment);
  if (vectors) return *std::move(vectors);
  warn("the library is searched by words alone, its embedder cannot be used: " +
       vectors.error().message());
  return nullptr;
}

}  // namespace kinglet
