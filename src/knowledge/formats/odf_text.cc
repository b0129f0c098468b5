// SPDX-License-Identifier: Apache-2.0
// White space collapses as in HTML; spaces that are meant are elements.
#include "knowledge/formats/odf_text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <iterator>
#include <utility>

#include <fmt/format.h>

#include "knowledge/cleaner.h"

namespace kinglet {
namespace {

constexpr int kMaxHeading = 6;
constexpr int kMaxNumber = 1'000'000;
constexpr int kMaxAncestors = 32;
constexpr std::size_t kMaxSpaces = 16;
constexpr std::size_t kMaxColumns = 1 << 14;

// What is no text of the document as it reads now. Ruby text is how the text before it is
// pronounced; desc is of pictures.
constexpr auto kLeftOut = std::to_array<std::string_view>(
    {"alphabetical-index", "annotation", "bibliography", "desc", "forms", "illustration-index",
     "note-citation", "object-index", "ruby-text", "script", "scripts", "table-index",
     "table-of-content", "tracked-changes", "user-index"});
static_assert(std::ranges::is_sorted(kLeftOut));

constexpr auto kBlocks = std::to_array<std::string_view>({"h", "list", "p", "table"});
static_assert(std::ranges::is_sorted(kBlocks));

bool IsLeftOut(XmlNode node) { return std::ranges::binary_search(kLeftOut, node.tag()); }
bool IsBlock(XmlNode node) { return std::ranges::binary_search(kBlocks, node.tag()); }

// The title of a picture; elsewhere the element is a field that shows the document's.
bool IsPictureTitle(XmlNode parent, XmlNode node) {
  return node.tag() == "title" && parent.tag() != "p" && parent.tag() != "h" &&
         parent.tag() != "span" && parent.tag() != "a";
}

void AppendCollapsed(std::string_view text, std::string& out) {
  for (const char c : text) {
    if (!IsSpace(c)) {
      out += c;
    } else if (!out.empty() && !IsSpace(out.back())) {
      out += ' ';
    }
  }
}

int Number(std::string_view text, int otherwise) {
  int number = otherwise;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return std::clamp(number, 0, kMaxNumber);
}

}  // namespace

void OdfStyles::Add(XmlNode document) {
  for (const XmlNode group : document.children()) {
    if (group.tag() != "automatic-styles" && group.tag() != "styles") continue;
    for (const XmlNode style : group.children()) {
      const std::string name(style.Attribute("name"));
      if (style.tag() == "style" && style.Attribute("family") == "paragraph") {
        parents_.try_emplace(name, style.Attribute("parent-style-name"));
      } else if (style.tag() == "list-style") {
        std::map<int, std::optional<int>>& levels = list_levels_[name];
        for (const XmlNode level : style.children()) {
          const bool numbered =
              level.tag() == "list-level-style-number" && !level.Attribute("num-format").empty();
          std::optional<int>& first = levels[Number(level.Attribute("level"), 0)];
          if (numbered) first = Number(level.Attribute("start-value"), 1);
        }
      }
    }
  }
}

std::optional<int> OdfStyles::FirstNumber(std::string_view list_style, int level) const {
  const auto found = list_levels_.find(list_style);
  if (found == list_levels_.end()) return std::nullopt;
  // Some writers give a list inside a list a style that has one level only.
  const auto above = found->second.upper_bound(level);
  return above == found->second.begin() ? std::nullopt : std::prev(above)->second;
}

bool OdfStyles::Descends(std::string_view style, std::string_view ancestor) const {
  for (int i = 0; i < kMaxAncestors; ++i) {  // a file may have it that they are in a circle
    if (style == ancestor) return true;
    const auto found = parents_.find(style);
    if (found == parents_.end()) return false;
    style = found->second;
  }
  return false;
}

void OdfTextReader::WalkBlocks(XmlNode node) {
  for (const XmlNode child : node.children()) AddNode(child);
}

void OdfTextReader::AddNode(XmlNode node) {
  if (node.tag() == "p" || node.tag() == "h") {
    AddBlock(node);
  } else if (node.tag() == "list") {
    AddList(node, "", 1);
  } else if (node.tag() == "table") {
    AddTable(node);
  } else if (!IsLeftOut(node)) {
    WalkBlocks(node);
  }
}

void OdfTextReader::AddBlock(XmlNode paragraph) {
  std::string text;
  AppendText(paragraph, text);
  const bool title = styles_.IsTitle(paragraph.Attribute("style-name"));
  if (OneLine(text).empty()) {
    // Nothing but what hangs on it.
  } else if (title || paragraph.tag() == "h") {
    const int level = title ? 1 : Number(paragraph.Attribute("outline-level"), 1);
    if (!builder_.has_title()) builder_.SetTitle(text);
    builder_.AddHeading(std::clamp(level, 1, kMaxHeading), text);
  } else if (!mark_.empty()) {
    builder_.AddListItem(std::exchange(mark_, {}) + text);
  } else {
    builder_.AddParagraph(text);
  }
  AddDeferred();
}

// A list inside a list has the style of the outer one unless it names its own. The first paragraph
// of an item carries its mark; the item's other blocks are like any.
void OdfTextReader::AddList(XmlNode list, std::string_view style, int level) {
  if (!list.Attribute("style-name").empty()) style = list.Attribute("style-name");
  const std::optional<int> first = styles_.FirstNumber(style, level);
  // Only a list that says so goes on where the last one of its style ended.
  const bool goes_on =
      list.Attribute("continue-numbering") == "true" || !list.Attribute("continue-list").empty();
  int& last_number = last_numbers_[std::string(style)];
  int number = goes_on && level == 1 ? last_number : first.value_or(1) - 1;
  for (const XmlNode item : list.children()) {
    if (item.tag() == "list-item") {
      number = std::clamp(Number(item.Attribute("start-value"), number + 1), 0, kMaxNumber);
      if (level == 1) last_number = number;
      mark_ = first ? fmt::format("{}. ", number) : "- ";
    }
    for (const XmlNode child : item.children()) {
      if (child.tag() == "list") {
        mark_.clear();
        AddList(child, style, level + 1);
      } else if (child.tag() == "p" || child.tag() == "h") {
        AddBlock(child);
      }
    }
    mark_.clear();
  }
}

// Blocks inside a paragraph are text boxes that hang on it; they wait until it is written.
void OdfTextReader::AppendText(XmlNode node, std::string& out) {
  for (const XmlNode child : node.children()) {
    const std::string_view tag = child.tag();
    if (tag.empty()) {
      AppendCollapsed(child.text(), out);
    } else if (tag == "s") {
      out.append(OdfRepeats(child, "c", kMaxSpaces), ' ');
    } else if (tag == "tab") {
      out += '\t';
    } else if (tag == "line-break") {
      out += '\n';
    } else if (tag == "note-body" || tag == "text-box" || IsBlock(child)) {
      deferred_.push_back(child);
    } else if (!IsLeftOut(child) && !IsPictureTitle(node, child)) {
      AppendText(child, out);
    }
  }
}

void OdfTextReader::AddDeferred() {
  if (adds_deferred_) return;
  adds_deferred_ = true;
  while (!deferred_.empty()) {
    const XmlNode next = deferred_.front();
    deferred_.pop_front();
    AddNode(next);
  }
  adds_deferred_ = false;
}

void OdfTextReader::AddTable(XmlNode table) {
  std::vector<XmlNode> rows;
  CollectOdfRows(table.Child("table-header-rows"), rows);
  // In text the first rows say that they are; in slides the table's look does.
  const bool marked = !rows.empty() || table.Attribute("use-first-row-styles") == "true";
  rows.clear();
  CollectOdfRows(table, rows);
  if (IsLayout(rows)) return WalkBlocks(table);
  TableRows lines(builder_);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    std::vector<TableCell> cells = CellsOf(rows[i]);
    if (i == 0 && rows.size() > 1 && (marked || IsHeader(rows[i]))) {
      lines.SetHeader(std::move(cells));
    } else {
      lines.AddRow(cells);
    }
  }
  AddDeferred();
}

bool OdfTextReader::IsLayout(const std::vector<XmlNode>& rows) const {
  std::size_t cell_count = 0;
  for (const XmlNode row : rows) {
    for (const XmlNode cell : row.children()) {
      if (cell.tag() != "table-cell") continue;
      ++cell_count;
      for (const XmlNode child : cell.children()) {
        if (child.tag() == "table" || child.tag() == "h") return true;
      }
    }
  }
  return cell_count <= 1;
}

bool OdfTextReader::IsHeader(XmlNode row) const {
  bool any = false;
  for (const XmlNode cell : row.children()) {
    for (const XmlNode child : cell.children()) {
      if (child.tag() != "p") continue;
      if (!styles_.IsTableHeading(child.Attribute("style-name"))) return false;
      any = true;
    }
  }
  return any;
}

std::vector<TableCell> OdfTextReader::CellsOf(XmlNode row) {
  std::vector<TableCell> cells;
  std::size_t column = 0;
  for (const XmlNode cell : row.children()) {
    if (cell.tag() == "table-cell") cells.push_back({column, FlatText(cell)});
    if (cell.tag() == "table-cell" || cell.tag() == "covered-table-cell") {
      column += OdfRepeats(cell, "number-columns-repeated", kMaxColumns);
    }
  }
  return cells;
}

std::string OdfTextReader::FlatText(XmlNode node) {
  std::string out;
  AppendFlat(node, out);
  return OneLine(out);
}

void OdfTextReader::AppendFlat(XmlNode node, std::string& out) {
  for (const XmlNode child : node.children()) {
    if (IsLeftOut(child)) continue;
    out += ' ';
    if (child.tag() == "p" || child.tag() == "h") {
      AppendText(child, out);
    } else {
      AppendFlat(child, out);
    }
  }
}

void CollectOdfRows(XmlNode table, std::vector<XmlNode>& rows) {
  for (const XmlNode child : table.children()) {
    if (child.tag() == "table-row") {
      rows.push_back(child);
    } else if (child.tag() == "table-rows" || child.tag() == "table-header-rows" ||
               child.tag() == "table-row-group") {
      CollectOdfRows(child, rows);
    }
  }
}

std::size_t OdfRepeats(XmlNode node, std::string_view attribute, std::size_t max) {
  std::size_t count = 1;
  const std::string_view text = node.Attribute(attribute);
  const auto result = std::from_chars(text.data(), text.data() + text.size(), count);
  if (result.ec == std::errc::result_out_of_range) return max;
  return std::clamp<std::size_t>(count, 1, max);
}

}  // namespace kinglet
