// SPDX-License-Identifier: Apache-2.0
// From a question to the passages that answer it: by words, by meaning, or by both.
#pragma once

#include <string_view>
#include <vector>

#include "base/status.h"
#include "knowledge/library.h"
#include "knowledge/passage.h"
#include "knowledge/vector_search.h"

namespace kinglet {

// What a library is searched with. vectors: null, or one that fits the library; then what either
// way finds is judged by both (docs/library.md has the figures that chose how).
struct Retriever {
  Library& library;
  VectorSearch* vectors = nullptr;

  // The best first. The query is plain text: nothing in it is syntax.
  Result<std::vector<Passage>> Search(std::string_view query, int limit) const;
  // The same for whoever has the library's TermStatistics of the query already.
  Result<std::vector<Passage>> Search(std::string_view query, const QueryStatistics& words,
                                      int limit) const;
};

}  // namespace kinglet
