// SPDX-License-Identifier: Apache-2.0
// Each section is a list of units (sentences, list items, lines of code); the cuts between them are
// the cheapest ones: chunks near the target size, at ends of blocks rather than inside them.
#include "knowledge/chunker.h"

#include <algorithm>
#include <limits>
#include <span>

#include "base/utf8.h"
#include "knowledge/cleaner.h"
#include "knowledge/sentences.h"

namespace kinglet {
namespace {

// What can only be kept or cut as a whole.
struct Unit {
  ByteRange range;
  BlockKind kind;
  bool ends_block;
};

// Added to the squared relative distance from the target size, so 0.25 is worth half a chunk.
constexpr double kCutInsideBlock = 0.25;
constexpr double kCutInsideCode = 0.5;
constexpr double kCutBeforeCode = 0.1;  // the paragraph before an example introduces it

// Pieces of a unit that is too long, at white space where there is some, never inside a character.
void AppendPieces(std::string_view text, ByteRange range, BlockKind kind, std::size_t max_bytes,
                  std::vector<Unit>& units) {
  while (range.size() > max_bytes) {
    std::size_t cut = range.begin + max_bytes;
    const std::size_t space = text.substr(range.begin, max_bytes).find_last_of(" \n\t");
    if (space != std::string_view::npos && space > max_bytes / 2) {
      cut = range.begin + space;
    } else {
      while (cut > range.begin + 1 && IsUtf8Continuation(text[cut])) --cut;
    }
    std::size_t end = cut;
    while (IsSpace(text[end - 1])) --end;
    units.push_back({{range.begin, end}, kind, false});
    while (cut < range.end && IsSpace(text[cut])) ++cut;
    range.begin = cut;
  }
  if (!range.empty()) units.push_back({range, kind, false});
}

std::vector<ByteRange> Lines(std::string_view text) {
  std::vector<ByteRange> lines;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    const std::size_t first = text.find_first_not_of(" \t", begin);
    if (first < end) lines.push_back({begin, end});
    begin = end + 1;
  }
  return lines;
}

void AppendUnits(std::string_view text, const Block& block, const ChunkSizes& sizes,
                 std::vector<Unit>& units) {
  const std::string_view block_text = block.range.Of(text);
  const bool whole = block.kind != BlockKind::kParagraph && block.range.size() <= sizes.max_bytes;
  std::vector<ByteRange> parts;
  if (whole) {
    parts.push_back({0, block_text.size()});
  } else {
    parts = block.kind == BlockKind::kCode ? Lines(block_text) : SplitSentences(block_text);
    // Marks of lists belong to no sentence, but a chunk keeps them.
    std::size_t previous_end = 0;
    for (ByteRange& part : parts) {
      part.begin = block_text.find_first_not_of(" \n\t", previous_end);
      previous_end = part.end;
    }
    if (parts.empty()) parts.emplace_back();
    parts.back().end = block_text.size();
  }
  for (const ByteRange& part : parts) {
    AppendPieces(text, {block.range.begin + part.begin, block.range.begin + part.end}, block.kind,
                 sizes.max_unit_bytes, units);
  }
  if (!units.empty()) units.back().ends_block = true;
}

double CutCost(const Unit& before, const Unit& after) {
  if (before.ends_block) return after.kind == BlockKind::kCode ? kCutBeforeCode : 0;
  return before.kind == BlockKind::kCode ? kCutInsideCode : kCutInsideBlock;
}

// Dynamic programming over the places to cut: cost[i] is the least for the first i units.
void AppendChunks(std::span<const Unit> units, std::uint32_t heading, const ChunkSizes& sizes,
                  std::vector<Chunk>& chunks) {
  std::vector<double> cost(units.size() + 1, std::numeric_limits<double>::infinity());
  std::vector<std::size_t> start(units.size() + 1, 0);
  cost[0] = 0;
  for (std::size_t end = 1; end <= units.size(); ++end) {
    for (std::size_t begin = end; begin-- > 0;) {
      const std::size_t bytes = units[end - 1].range.end - units[begin].range.begin;
      if (bytes > sizes.max_bytes && begin + 1 < end) break;
      const double off = (static_cast<double>(bytes) - static_cast<double>(sizes.target_bytes)) /
                         static_cast<double>(sizes.target_bytes);
      const double cut = end < units.size() ? CutCost(units[end - 1], units[end]) : 0;
      const double total = cost[begin] + off * off + cut;
      if (total < cost[end]) {
        cost[end] = total;
        start[end] = begin;
      }
    }
  }
  const std::size_t first = chunks.size();
  for (std::size_t end = units.size(); end > 0; end = start[end]) {
    chunks.push_back({{units[start[end]].range.begin, units[end - 1].range.end}, heading});
  }
  std::reverse(chunks.begin() + static_cast<std::ptrdiff_t>(first), chunks.end());
}

// A heading that the next block's path continues has something under it.
bool IsEmptySection(const Document& document, std::size_t heading_block) {
  if (heading_block + 1 == document.blocks.size()) return true;
  const std::string& path = document.headings[document.blocks[heading_block].heading];
  const std::string& next = document.headings[document.blocks[heading_block + 1].heading];
  return next != path && !next.starts_with(path + " > ");
}

}  // namespace

std::vector<Chunk> ChunkDocument(const Document& document, const ChunkSizes& sizes) {
  std::vector<Chunk> chunks;
  std::vector<Unit> units;
  const std::vector<Block>& blocks = document.blocks;
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    const Block& block = blocks[i];
    if (block.kind == BlockKind::kHeading) {
      if (IsEmptySection(document, i)) chunks.push_back({block.range, block.heading});
      continue;
    }
    AppendUnits(document.text, block, sizes, units);
    const bool section_ends = i + 1 == blocks.size() || blocks[i + 1].heading != block.heading ||
                              blocks[i + 1].kind == BlockKind::kHeading;
    if (!section_ends) continue;
    AppendChunks(units, block.heading, sizes, chunks);
    units.clear();
  }
  return chunks;
}

}  // namespace kinglet
