// SPDX-License-Identifier: Apache-2.0
// What finds passages by meaning: an embedder, and the vectors that it has made of a library.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "knowledge/library.h"
#include "knowledge/vector_index.h"
#include "text/embedder.h"

namespace kinglet {

// Makes vectors of all chunks that have none, a few at a time, each few in one transaction. The
// library remembers the embedder, and loses what another has made. on_progress is told after each
// transaction of how many are done, and how many there were to do; false stops (kCancelled), and
// what is done stays. kBusy: as for any change of a library.
Result<void> EmbedLibrary(Library& library, Embedder& embedder, std::string_view name,
                          const std::function<bool(std::int64_t, std::int64_t)>& on_progress);

// For one library, from any thread: they take turns.
class VectorSearch {
 public:
  // thread_count: that a scan uses.
  VectorSearch(std::unique_ptr<Embedder> embedder, int thread_count);

  // As EmbedLibrary, with the embedder that the library has, until all is done or go_on says no.
  Result<void> EmbedMissing(Library& library, const std::function<bool()>& go_on);

  // Whether the embedder makes of a text what the library's did.
  Result<bool> Fits(Library& library);

  Result<std::vector<float>> Embed(std::string_view query);

  // The chunks nearest to the query, the best first. Vectors that changed since the last search are
  // read first. kInvalidInput: Fits is false.
  Result<std::vector<VectorHit>> Search(Library& library, std::span<const float> query,
                                        std::size_t limit);

  // The mean of the products with the chunk and with the nearest of its sentences: a question's
  // answer is one sentence, its subject stands all over the passage. Unset for a chunk whose
  // vector is not made yet.
  Result<std::vector<std::optional<double>>> Score(Library& library, std::span<const float> query,
                                                   std::span<const std::int64_t> chunk_ids);

 private:
  Result<bool> FitsLocked(Library& library);
  Result<void> Refresh(Library& library);

  std::mutex mutex_;
  std::unique_ptr<Embedder> embedder_;
  VectorIndex index_;
  std::vector<float> probe_;    // empty until it is needed
  std::int64_t revision_ = -1;  // of the library, that the index has
};

}  // namespace kinglet
