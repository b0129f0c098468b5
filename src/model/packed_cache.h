// SPDX-License-Identifier: Apache-2.0
// Packed weights kept in a file: packed once, mapped by every start after that, which reads the
// header alone. The file is found by what the model's file is (device, inode, size, time of change)
// and by how panels are laid out, and its header is held against the plan in full.
//
// It is written beside its final name, in pieces, synced and renamed: nobody sees half of one. Of
// processes that start at once one packs and the others wait. Where there can be no file, weights
// are packed in memory.
#pragma once

#include <string>

#include "base/status.h"
#include "base/thread_pool.h"
#include "model/packed_cache_folder.h"
#include "model/packed_weights.h"
#include "tensor/gguf.h"

namespace kinglet {

struct LoadedWeights {
  PackedWeights weights;
  std::string warning;  // a line that says why there is no file, or empty
};

// kLimitExceeded where memory is not to be had. No trouble with the cache is an error.
Result<LoadedWeights> LoadPackedWeights(const GgufFile& file, PackedLayout layout,
                                        const PackedCacheOptions& cache, ThreadPool& pool);

}  // namespace kinglet
