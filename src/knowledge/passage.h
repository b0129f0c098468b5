// SPDX-License-Identifier: Apache-2.0
// What retrieval finds: one chunk of a document, where it stands, and how it ranked.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "knowledge/line_marks.h"

namespace kinglet {

struct Passage {
  std::string document;  // uri: for a file its absolute path
  std::string title;
  std::string heading;      // path of headings: "6.1. Filling in the File > 6.1.1. Syntax"
  std::optional<int> page;  // on which it begins, from 1, where the format has pages
  std::vector<std::int64_t> page_breaks;  // bytes of the kept text within it that begin a page
  std::vector<LineMark> lines;            // of bytes of the kept text; empty: not known
  std::int64_t start_byte = 0;            // [start_byte, end_byte) of the kept text of the document
  std::int64_t end_byte = 0;
  std::string text;                  // exactly those bytes
  double score = 0;                  // higher is better; comparable within one search only
  std::optional<int> lexical_rank;   // from 1; unset when full-text search did not find it
  std::optional<int> vector_rank;    // from 1; unset when vector search did not find it
  std::optional<double> similarity;  // to the query, of vectors: -1..1
  std::int64_t chunk_id = 0;         // stable until the document is replaced
  std::vector<std::string> also_in;  // uris of other documents that say the same

  // Of a byte of the kept text that the passage holds.
  std::optional<int> PageAt(std::int64_t byte) const;
  // Of the original, from 1, where its lines are known.
  std::optional<int> LineAt(std::int64_t byte) const;
};

json::object ToJson(const Passage& passage);

}  // namespace kinglet
