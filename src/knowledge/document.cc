// SPDX-License-Identifier: Apache-2.0
// Blocks go in one by one; text, ranges and heading paths come out consistent.
#include "knowledge/document.h"

#include <algorithm>
#include <utility>

#include "base/display.h"
#include "knowledge/cleaner.h"

namespace kinglet {
namespace {

constexpr std::string_view kPathSeparator = " > ";
constexpr std::size_t kMaxHeadingBytes = 300;  // longer ones are paragraphs in a costume
constexpr std::size_t kMaxPathBytes = 1000;
constexpr std::size_t kMaxOpenHeadings = 16;  // boxes in boxes
constexpr std::size_t kMaxPaths = 1 << 16;    // a document with more goes on under the last one
constexpr int kBoxLevel = 7;                  // below every heading of the document itself

std::string HeadingText(std::string_view text) {
  std::string line = OneLine(CleanText(text));
  TruncateUtf8(line, kMaxHeadingBytes);
  return line;
}

// Rows and items stand on lines of their own, next to those of their kind; all else is set apart.
std::string_view Separator(const std::vector<Block>& blocks, BlockKind next) {
  if (blocks.empty()) return "";
  const bool line =
      blocks.back().kind == next && (next == BlockKind::kListItem || next == BlockKind::kTableRow);
  return line ? "\n" : "\n\n";
}

}  // namespace

bool IsCleanText(std::string_view text) {
  const bool has_control = std::ranges::any_of(text, [](char c) {
    return (static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t') || c == '\x7F';
  });
  return !has_control && IsUtf8(text);
}

Result<void> CheckDocument(const Document& document) {
  const auto broken = [](std::string_view what) {
    return Error(StatusCode::kInvalidInput, "no sound document: {}", what);
  };
  if (!IsCleanText(document.text) || !IsCleanText(document.title))
    return broken("its text is not clean");
  if (document.headings.empty() || !document.headings[0].empty()) return broken("no first heading");
  if (!std::ranges::all_of(document.headings, IsCleanText)) return broken("a heading is not clean");
  std::size_t end = 0;
  for (const Block& block : document.blocks) {
    const auto [begin, block_end] = block.range;
    if (begin < end || block_end <= begin || block_end > document.text.size()) {
      return broken("blocks out of order");
    }
    if (document.text.find_first_not_of(" \n\t", end) < begin) return broken("text in no block");
    if (block.heading >= document.headings.size()) return broken("a heading that is not there");
    end = block_end;
  }
  if (document.text.find_first_not_of(" \n\t", end) != std::string::npos) {
    return broken("text in no block");
  }
  if (!std::ranges::is_sorted(document.pages) ||
      (!document.pages.empty() && document.pages.back() > document.text.size())) {
    return broken("pages out of order");
  }
  if (!AreLineMarks(document.lines, document.text.size())) return broken("lines out of order");
  if (!std::ranges::is_sorted(document.embedded, {}, &EmbeddedFile::block) ||
      (!document.embedded.empty() && document.embedded.back().block >= document.blocks.size())) {
    return broken("a file in no block");
  }
  return {};
}

namespace {

// Appends the part's text, in blocks whose headings begin with that of the block before.
void AppendPart(const Document& part, std::size_t max_text_bytes, Document& out) {
  const std::string_view separator = Separator(out.blocks, BlockKind::kParagraph);
  const std::size_t bytes = separator.size() + part.text.size();
  if (part.blocks.empty() || out.text.size() > max_text_bytes ||
      bytes > max_text_bytes - out.text.size()) {
    return;
  }
  const std::uint32_t heading = out.blocks.back().heading;
  const std::size_t first = out.headings.size();
  for (std::string path : std::span(part.headings).subspan(1)) {
    path = out.headings[heading] + std::string(kPathSeparator) + path;
    TruncateUtf8(path, kMaxPathBytes);
    out.headings.push_back(std::move(path));
  }
  const std::size_t shift = out.text.size() + separator.size();
  out.text += separator;
  out.text += part.text;
  for (Block block : part.blocks) {
    block.range = {block.range.begin + shift, block.range.end + shift};
    block.heading =
        block.heading == 0 ? heading : static_cast<std::uint32_t>(first + block.heading - 1);
    out.blocks.push_back(block);
  }
}

}  // namespace

Document WithEmbedded(const Document& document, std::span<const Document> parts,
                      std::size_t max_text_bytes) {
  Document out;
  out.title = document.title;
  out.headings = document.headings;
  std::size_t part = 0;
  std::size_t page = 0;
  std::size_t copied = 0;  // of the text
  const auto copy_to = [&](std::size_t end) {
    for (; page < document.pages.size() && document.pages[page] <= end; ++page) {
      out.pages.push_back(document.pages[page] - copied + out.text.size());
    }
    out.text += ByteRange{copied, end}.Of(document.text);
    copied = end;
  };
  for (std::size_t i = 0; i < document.blocks.size(); ++i) {
    Block block = document.blocks[i];
    copy_to(block.range.end);
    block.range = {out.text.size() - block.range.size(), out.text.size()};
    out.blocks.push_back(block);
    for (; part < parts.size() && document.embedded[part].block == i; ++part) {
      AppendPart(parts[part], max_text_bytes, out);
    }
  }
  copy_to(document.text.size());
  return out;
}

void DocumentBuilder::SetTitle(std::string_view title) {
  if (parts_.empty()) document_.title = HeadingText(title);
}

void DocumentBuilder::SetParentHeading(std::string_view text) {
  if (parts_.empty()) parent_ = HeadingText(text);
}

void DocumentBuilder::AddHeading(int level, std::string_view text) {
  std::string line = HeadingText(text);
  if (line.empty()) return;
  const std::size_t kept = boxes_.empty() ? 0 : boxes_.back();
  while (open_.size() > kept && open_.back().level >= level) open_.pop_back();
  if (open_.size() < kMaxOpenHeadings) open_.push_back({level, line});
  Append(BlockKind::kHeading, line);
}

void DocumentBuilder::BeginBox() { boxes_.push_back(open_.size()); }

void DocumentBuilder::AddBoxHeading(std::string_view text) { AddHeading(kBoxLevel, text); }

void DocumentBuilder::EndBox() {
  open_.resize(std::min(boxes_.back(), open_.size()), OpenHeading{0, ""});
  boxes_.pop_back();
}

void DocumentBuilder::BeginPart() {
  parts_.push_back(boxes_.size());
  BeginBox();
}

// A part that could not be read to its end may have left boxes open.
void DocumentBuilder::EndPart() {
  boxes_.resize(parts_.back() + 1);
  parts_.pop_back();
  EndBox();
}

void DocumentBuilder::AddParagraph(std::string_view text) {
  Append(BlockKind::kParagraph, TrimLines(CleanText(text)));
}

void DocumentBuilder::AddListItem(std::string_view text) {
  Append(BlockKind::kListItem, OneLine(CleanText(text)));
}

void DocumentBuilder::AddCode(std::string_view text) {
  Append(BlockKind::kCode, TrimLines(CleanText(text)));
}

void DocumentBuilder::AddTableRow(std::string_view text) {
  Append(BlockKind::kTableRow, OneLine(CleanText(text)));
}

void DocumentBuilder::AddEmbedded(int level, std::string_view name, std::string_view bytes) {
  const std::size_t blocks = document_.blocks.size();
  AddHeading(level, name);
  if (document_.blocks.size() == blocks) return;
  document_.embedded.push_back({std::string(name), std::string(bytes), blocks});
}

void DocumentBuilder::BeginPage() {
  if (parts_.empty()) document_.pages.push_back(document_.text.size());
}

Document DocumentBuilder::Finish() && { return std::move(document_); }

void DocumentBuilder::Append(BlockKind kind, std::string_view text) {
  if (text.empty()) return;
  const std::string_view separator = Separator(document_.blocks, kind);
  full_ = full_ || text.size() + separator.size() > max_text_bytes_ - document_.text.size();
  if (full_) return;
  if (at_ && parts_.empty()) MarkLine(*at_, separator, text);
  document_.text += separator;
  const std::size_t begin = document_.text.size();
  document_.text += text;
  document_.blocks.push_back({kind, {begin, document_.text.size()}, CurrentHeading()});
}

// Of a block that is about to be added. Where the marks that there are tell its line, none is.
void DocumentBuilder::MarkLine(const LineMark& at, std::string_view separator,
                               std::string_view text) {
  std::vector<LineMark>& marks = document_.lines;
  const auto breaks_in = [](std::string_view of) {
    return static_cast<std::size_t>(std::ranges::count(of, '\n'));
  };
  const std::size_t told = line_at_end_ + (at.counts ? breaks_in(separator) : 0);
  if (marks.empty() || marks.back().counts != at.counts || told != at.line) {
    marks.push_back({document_.text.size() + separator.size(), at.line, at.counts});
  }
  line_at_end_ = at.line + (at.counts ? breaks_in(text) : 0);
}

// The path is stored once for a run of blocks that share it.
std::uint32_t DocumentBuilder::CurrentHeading() {
  std::string path = parent_;
  for (const OpenHeading& heading : open_) {
    if (!path.empty()) path += kPathSeparator;
    path += heading.text;
  }
  TruncateUtf8(path, kMaxPathBytes);
  if (path.empty()) return 0;
  if (document_.headings.back() != path && document_.headings.size() < kMaxPaths)
    document_.headings.push_back(std::move(path));
  return static_cast<std::uint32_t>(document_.headings.size() - 1);
}

}  // namespace kinglet
