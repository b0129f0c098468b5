// SPDX-License-Identifier: Apache-2.0
// A document after extraction: the clean text that the library keeps, and the blocks it is made of.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/byte_range.h"
#include "base/status.h"
#include "knowledge/line_marks.h"

namespace kinglet {

enum class BlockKind : std::uint8_t { kHeading, kParagraph, kListItem, kCode, kTableRow };

struct Block {
  BlockKind kind = BlockKind::kParagraph;
  ByteRange range;            // of Document::text, without the line breaks around it
  std::uint32_t heading = 0;  // index into Document::headings: the section it belongs to
};

// A file inside the document that its reader could not read itself, as a PDF that is attached to a
// mail: another process has to (document_reader.h).
struct EmbeddedFile {
  std::string name;
  std::string bytes;
  std::size_t block = 0;  // its heading, of Document::blocks: its text belongs behind it
};

// text is valid UTF-8, without control characters other than line breaks and tabs. Blocks are in
// order, do not overlap, and hold every byte of text that is not white space.
struct Document {
  std::string title;
  std::string text;
  std::vector<std::string> headings = {""};  // paths: "Chapter > Section"; the first is none
  std::vector<Block> blocks;
  // Where in text its pages begin, the first one's first, ascending; empty: there are no pages.
  std::vector<std::size_t> pages;
  // Of the original's lines; empty: it has none that are known, or its reader works in a process of
  // its own.
  std::vector<LineMark> lines;
  // Of text that was not content (menus, banners), without white space; unset: its reader does not
  // count it, or read it in a process of its own.
  std::optional<std::size_t> dropped_bytes;
  std::vector<EmbeddedFile> embedded;  // in order of blocks
};

// Valid UTF-8, without control characters other than line breaks and tabs.
bool IsCleanText(std::string_view text);

// What is said above, of a document that somebody else has made. kInvalidInput names what is wrong.
Result<void> CheckDocument(const Document& document);

// The blocks of parts[i], a document for each embedded file, behind the heading of that file and
// below it. Those that would make the text longer than the limit are left out; pages of parts are.
Document WithEmbedded(const Document& document, std::span<const Document> parts,
                      std::size_t max_text_bytes);

// Writes a Document block by block and keeps its promises: cleans what it is given, puts the line
// breaks between blocks, and tracks the path of headings.
class DocumentBuilder {
 public:
  explicit DocumentBuilder(std::size_t max_text_bytes = std::numeric_limits<std::size_t>::max())
      : max_text_bytes_(max_text_bytes) {}

  // A block that would make the text longer than the limit is left out, as is all after it. Who
  // writes far more than it reads asks, and stops.
  bool is_full() const { return full_; }

  void SetTitle(std::string_view title);
  bool has_title() const { return !parts_.empty() || !document_.title.empty(); }

  // The path starts under this: the chapter of a section that is a page of its own.
  void SetParentHeading(std::string_view text);
  // A heading of level 1 to 6 closes the open ones of its level and deeper. Levels that the
  // document skips do not matter.
  void AddHeading(int level, std::string_view text);
  // Headings inside a box (sidebar, note, definition) end with it.
  void BeginBox();
  void AddBoxHeading(std::string_view text);
  void EndBox();
  // A document inside this one, as what is attached to a mail: its headings end with it, and its
  // title, chapter and pages are not those of the whole.
  void BeginPart();
  void EndPart();
  std::size_t part_depth() const { return parts_.size(); }

  // A heading of that level with the name, and the file for whoever can read it.
  void AddEmbedded(int level, std::string_view name, std::string_view bytes);

  // What is added from now on stands on the next page; the first begins with the first call.
  void BeginPage();

  // What is added from now on comes from there in the original. Lines::kOwn: code and paragraphs
  // have the line breaks of the original, each one.
  enum class Lines : std::uint8_t { kOwn, kNone };
  void AtLine(std::size_t line, Lines lines) {
    at_ = {.line = line, .counts = lines == Lines::kOwn};
  }

  void SetDroppedBytes(std::size_t bytes) { document_.dropped_bytes = bytes; }

  // Empty text adds nothing. Code and paragraphs may hold line breaks; the others become one line.
  void AddParagraph(std::string_view text);
  void AddListItem(std::string_view text);
  void AddCode(std::string_view text);
  void AddTableRow(std::string_view text);

  Document Finish() &&;

 private:
  struct OpenHeading {
    int level;
    std::string text;
  };

  void Append(BlockKind kind, std::string_view text);
  void MarkLine(const LineMark& at, std::string_view separator, std::string_view text);
  std::uint32_t CurrentHeading();

  Document document_;
  std::string parent_;
  std::vector<OpenHeading> open_;
  std::vector<std::size_t> boxes_;  // how many headings were open when each box began
  std::vector<std::size_t> parts_;  // how many boxes were open when each part began
  std::optional<LineMark> at_;      // where the next block comes from; unset: nobody says
  std::size_t line_at_end_ = 0;     // of the text, by the marks that there are
  std::size_t max_text_bytes_;
  bool full_ = false;
};

}  // namespace kinglet
