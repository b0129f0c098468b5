// SPDX-License-Identifier: Apache-2.0
// The vectors of a library, with the embedder that it remembers.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "cli/environment.h"
#include "knowledge/vector_search.h"

namespace kinglet {

// Of the model that the user named, kNotFound or kInvalidInput where it cannot be opened.
Result<std::unique_ptr<Embedder>> OpenEmbedder(const std::string& model,
                                               const Environment& environment, int thread_count);

// Null where the library has no vectors; and, after a warning, where its embedder is not here or is
// another one by now: then it is searched by words alone.
std::unique_ptr<VectorSearch> OpenVectors(
    Library& library, const Environment& environment,
    const std::function<void(const std::string& warning)>& warn);

}  // namespace kinglet
