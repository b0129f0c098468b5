// SPDX-License-Identifier: Apache-2.0
// Cuts a document into the chunks that retrieval finds: whole sentences of one section each.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "knowledge/document.h"

namespace kinglet {

struct Chunk {
  ByteRange range;            // of Document::text; never begins or ends inside a character
  std::uint32_t heading = 0;  // index into Document::headings
};

// Bytes rather than words: they mean about as much in scripts without spaces, and prompts are
// counted in what bytes cost.
struct ChunkSizes {
  std::size_t target_bytes = 600;     // about 100 English words; docs/library.md has what chose it
  std::size_t max_bytes = 1000;       // a chunk of several sentences or lines is never longer
  std::size_t max_unit_bytes = 3000;  // a sentence or line that is longer is cut
};

// In order of text, without overlap. Every block but the headings is covered; a heading with
// nothing under it is a chunk of its own. A chunk never crosses a heading. Pure.
std::vector<Chunk> ChunkDocument(const Document& document, const ChunkSizes& sizes = {});

}  // namespace kinglet
