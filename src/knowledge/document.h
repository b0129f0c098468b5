// SPDX-License-Identifier: Apache-2.0
// A document after extraction: the clean text that the library keeps, and the blocks it is made of.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/byte_range.h"

namespace kinglet {

enum class BlockKind : std::uint8_t { kHeading, kParagraph, kListItem, kCode, kTableRow };

struct Block {
  BlockKind kind = BlockKind::kParagraph;
  ByteRange range;            // of Document::text, without the line breaks around it
  std::uint32_t heading = 0;  // index into Document::headings: the section it belongs to
};

// text is valid UTF-8, without control characters other than line breaks and tabs. Blocks are in
// order, do not overlap, and hold every byte of text that is not white space.
struct Document {
  std::string title;
  std::string text;
  std::vector<std::string> headings = {
      ""};  // paths: "Chapter > Section"; the first is "no heading"
  std::vector<Block> blocks;
};

}  // namespace kinglet
