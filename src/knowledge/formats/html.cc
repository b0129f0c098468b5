// SPDX-License-Identifier: Apache-2.0
// Walks the tree of a page and hands its blocks to the builder.
#include "knowledge/formats/html.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <string>

#include "knowledge/cleaner.h"
#include "knowledge/formats/html_article.h"
#include "knowledge/formats/html_boilerplate.h"
#include "knowledge/formats/html_tree.h"
#include "knowledge/formats/table_rows.h"

namespace kinglet {
namespace {

constexpr auto kBlocks = std::to_array<std::string_view>(
    {"address",  "article",    "aside",  "blockquote", "body",    "caption", "center",
     "dd",       "details",    "dialog", "dir",        "div",     "dl",      "dt",
     "fieldset", "figcaption", "figure", "footer",     "form",    "h1",      "h2",
     "h3",       "h4",         "h5",     "h6",         "header",  "hgroup",  "hr",
     "html",     "legend",     "li",     "listing",    "main",    "menu",    "nav",
     "ol",       "p",          "pre",    "section",    "summary", "table",   "tbody",
     "td",       "tfoot",      "th",     "thead",      "tr",      "ul",      "xmp"});
static_assert(std::ranges::is_sorted(kBlocks));

// What DocBook, Sphinx, AsciiDoc and Docusaurus call boxes that have a title of their own. Examples
// and tables are not among them: the text around goes with them.
constexpr auto kBoxes =
    std::to_array<std::string_view>({"admonition", "admonitionblock", "caution", "important",
                                     "note", "sidebar", "sidebarblock", "tip", "warning"});
static_assert(std::ranges::is_sorted(kBoxes));

// A definition that is longer gets its term as a heading: it may fill chunks that would not hold
// it.
constexpr std::size_t kLongDefinitionBytes = 400;

bool IsBlock(const HtmlNode& node) { return std::ranges::binary_search(kBlocks, node.tag); }

bool IsBox(const HtmlNode& node) {
  if (node.tag == "aside" || node.tag == "details") return true;
  if (node.tag != "div" && node.tag != "section") return false;
  return std::ranges::any_of(kBoxes, [&](std::string_view name) { return node.HasClass(name); });
}

bool IsBoxTitle(const HtmlNode& node) {
  if (node.tag == "summary") return true;
  return (node.tag == "p" || node.tag == "div") &&
         (node.HasClass("title") || node.HasClass("admonition-title"));
}

int HeadingLevel(const HtmlNode& node) {
  const std::string& tag = node.tag;
  return tag.size() == 2 && tag[0] == 'h' && tag[1] >= '1' && tag[1] <= '6' ? tag[1] - '0' : 0;
}

// Writes the text below a node as the eye reads it: white space collapsed, breaks where the markup
// has them. Nothing is put between inline elements, so no word is cut and none are glued.
class InlineText {
 public:
  void Append(std::string_view text) {
    for (const char c : text) {
      if (IsSpace(c)) {
        space_ = true;
        continue;
      }
      if (space_ && !text_.empty() && text_.back() != '\n') text_ += ' ';
      space_ = false;
      text_ += c;
    }
  }
  void Break() {
    if (!text_.empty()) text_ += '\n';
    space_ = false;
  }
  bool empty() const { return text_.empty(); }
  std::string Take() {
    space_ = false;
    return std::exchange(text_, {});
  }

 private:
  std::string text_;
  bool space_ = false;
};

class HtmlReader {
 public:
  HtmlReader(const HtmlTree& tree, DocumentBuilder& builder,
             std::optional<std::size_t> lines_before = std::nullopt)
      : tree_(tree), builder_(builder), lines_before_(lines_before) {}

  void Read(const HtmlNode& content) {
    WalkChildren(content);
    Flush();
  }

 private:
  const HtmlNode& Node(std::uint32_t index) const { return tree_.nodes[index]; }

  void WalkChildren(const HtmlNode& node) {
    for (const std::uint32_t child : node.children) Walk(Node(child));
  }

  void Walk(const HtmlNode& node) {
    if (node.tag.empty()) {
      paragraph_.Append(node.text);
    } else if (node.dropped) {
      return;
    } else if (node.tag == "br") {
      paragraph_.Break();
    } else if (!IsBlock(node)) {
      WalkChildren(node);
    } else {
      Flush();
      WalkBlock(node);
      Flush();
    }
  }

  void AtLineOf(const HtmlNode& node, bool is_raw) {
    if (!lines_before_) return;
    builder_.AtLine(*lines_before_ + node.line,
                    is_raw ? DocumentBuilder::Lines::kOwn : DocumentBuilder::Lines::kNone);
  }

  void WalkBlock(const HtmlNode& node) {
    AtLineOf(node, node.tag == "pre");
    if (const int level = HeadingLevel(node)) return AddHeading(level, FlatText(node));
    if (node.tag == "pre" || node.tag == "listing" || node.tag == "xmp") {
      return builder_.AddCode(RawText(node));
    }
    if (node.tag == "ul" || node.tag == "ol" || node.tag == "menu") return WalkList(node);
    if (node.tag == "dl") return WalkDefinitions(node);
    if (node.tag == "table" && IsDataTable(node, 0)) return AddTable(node);
    if (box_depth_ > 0 && IsBoxTitle(node)) return builder_.AddBoxHeading(FlatText(node));
    if (!IsBox(node)) return WalkChildren(node);
    ++box_depth_;
    builder_.BeginBox();
    WalkChildren(node);
    Flush();
    builder_.EndBox();
    --box_depth_;
  }

  void AddHeading(int level, const std::string& text) {
    if (!builder_.has_title()) builder_.SetTitle(text);
    builder_.AddHeading(level, text);
  }

  // The first paragraph of an item carries its mark; the item's other blocks are like any.
  void WalkList(const HtmlNode& list) {
    int number = 1;
    const std::string_view start = list.Attribute("start");
    std::from_chars(start.data(), start.data() + start.size(), number);
    for (const std::uint32_t child : list.children) {
      const HtmlNode& item = Node(child);
      if (item.tag == "li") {
        mark_ = list.tag == "ol" ? fmt::format("{}. ", number) : "- ";
        if (number < 1'000'000) ++number;
      }
      Walk(item);
      mark_.clear();
    }
  }

  void WalkDefinitions(const HtmlNode& list) {
    std::string term;
    for (const std::uint32_t child : list.children) {
      const HtmlNode& node = Node(child);
      if (node.dropped) continue;
      if (node.tag == "dt") {
        if (!term.empty()) term += ", ";
        term += FlatText(node);
      } else if (node.tag == "dd" && node.text_bytes > kLongDefinitionBytes) {
        builder_.BeginBox();
        builder_.AddBoxHeading(term);
        Walk(node);
        builder_.EndBox();
        term.clear();
      } else if (node.tag == "dd" && !term.empty()) {
        mark_ = "- " + term + ": ";
        Walk(node);
        mark_.clear();
        term.clear();
      } else {
        Walk(node);
      }
    }
    if (!term.empty()) builder_.AddListItem("- " + term);
  }

  // Rows and cells that hold no blocks but single paragraphs; others are tables for layout.
  bool IsDataTable(const HtmlNode& node, int depth) const {
    if (depth > 8) return false;
    return std::ranges::all_of(node.children, [&](std::uint32_t index) {
      const HtmlNode& child = Node(index);
      if (!IsBlock(child)) return true;
      const bool part = child.tag == "thead" || child.tag == "tbody" || child.tag == "tfoot" ||
                        child.tag == "tr" || child.tag == "td" || child.tag == "th" ||
                        child.tag == "caption";
      if (part) return IsDataTable(child, depth + 1);
      return child.tag == "p" && node.text_bytes == child.text_bytes;
    });
  }

  void AddTable(const HtmlNode& table) {
    TableRows rows(builder_);
    AddRows(table, rows);
  }

  void AddRows(const HtmlNode& node, TableRows& rows) {
    for (const std::uint32_t index : node.children) {
      const HtmlNode& child = Node(index);
      if (child.dropped) continue;
      if (child.tag == "caption") {
        builder_.AddParagraph(FlatText(child));
      } else if (child.tag == "tr") {
        AddRow(child, rows);
      } else {
        AddRows(child, rows);
      }
    }
  }

  void AddRow(const HtmlNode& row, TableRows& rows) {
    AtLineOf(row, false);
    std::vector<TableCell> cells;
    bool all_header = true;
    for (const std::uint32_t index : row.children) {
      const HtmlNode& cell = Node(index);
      if (cell.tag != "td" && cell.tag != "th") continue;
      all_header = all_header && cell.tag == "th";
      cells.push_back({cells.size(), FlatText(cell)});
    }
    if (all_header && !rows.has_header()) {
      rows.SetHeader(std::move(cells));
    } else {
      rows.AddRow(cells);
    }
  }

  // All text below as one line.
  std::string FlatText(const HtmlNode& node) const {
    InlineText text;
    AppendFlat(node, text);
    return text.Take();
  }
  void AppendFlat(const HtmlNode& node, InlineText& text) const {
    if (node.tag.empty()) return text.Append(node.text);
    if (node.dropped) return;
    const bool apart = node.tag == "br" || IsBlock(node);
    if (apart) text.Append(" ");
    for (const std::uint32_t child : node.children) AppendFlat(Node(child), text);
    if (apart) text.Append(" ");
  }

  // All text below as it stands.
  std::string RawText(const HtmlNode& node) const {
    std::string text;
    AppendRaw(node, text);
    return text;
  }
  void AppendRaw(const HtmlNode& node, std::string& text) const {
    if (node.tag.empty()) text += node.text;
    if (node.tag == "br") text += '\n';
    if (node.dropped) return;
    for (const std::uint32_t child : node.children) AppendRaw(Node(child), text);
  }

  void Flush() {
    if (paragraph_.empty()) return;
    if (mark_.empty()) {
      builder_.AddParagraph(paragraph_.Take());
    } else {
      builder_.AddListItem(std::exchange(mark_, {}) + paragraph_.Take());
    }
  }

  const HtmlTree& tree_;
  DocumentBuilder& builder_;
  std::optional<std::size_t> lines_before_;  // unset: lines of this HTML are nobody's
  InlineText paragraph_;
  std::string mark_;  // of the list item whose first paragraph is still to come
  int box_depth_ = 0;
};

// The value of charset in the first bytes, from <meta charset=x>, <meta ... content="...charset=x">
// or <?xml encoding="x"?>. HTML has it that it stands within 1024 bytes; generators are later.
std::string DeclaredEncoding(std::string_view bytes) {
  const std::string head = LowerAscii(bytes.substr(0, 4096));
  for (const std::string_view key : {"charset=", "encoding="}) {
    const std::size_t at = head.find(key);
    if (at == std::string::npos) continue;
    std::size_t begin = at + key.size();
    while (begin < head.size() && (head[begin] == '"' || head[begin] == '\'')) ++begin;
    const std::size_t end = head.find_first_of("\"'; \t\r\n/>?", begin);
    if (end != std::string::npos) return head.substr(begin, end - begin);
  }
  return {};
}

std::string TextBelow(const HtmlTree& tree, const HtmlNode& node) {
  std::string text = node.text;
  for (const std::uint32_t child : node.children) text += TextBelow(tree, tree.nodes[child]);
  return text;
}

// Of text below it that is not dropped; what HtmlNode has was counted before an article was looked
// for.
std::size_t KeptBytes(const HtmlTree& tree, const HtmlNode& node) {
  if (node.children.empty()) return node.text_bytes;
  std::size_t bytes = 0;
  for (const std::uint32_t index : node.children) {
    const HtmlNode& child = tree.nodes[index];
    if (!child.dropped) bytes += KeptBytes(tree, child);
  }
  return bytes;
}

// Title, and the chapter that a section's page links to as "up", unless that is the whole book.
void ReadHead(const HtmlTree& tree, DocumentBuilder& builder) {
  const HtmlNode* up = nullptr;
  const HtmlNode* home = nullptr;
  for (const HtmlNode& node : tree.nodes) {
    if (node.tag == "title" && !builder.has_title()) builder.SetTitle(TextBelow(tree, node));
    if (node.tag == "link" && node.Attribute("rel") == "up") up = &node;
    if (node.tag == "link" && node.Attribute("rel") == "home") home = &node;
  }
  if (up != nullptr && (home == nullptr || home->Attribute("href") != up->Attribute("href"))) {
    builder.SetParentHeading(up->Attribute("title"));
  }
}

Result<void> AppendFragment(std::string_view utf8, std::optional<std::size_t> lines_before,
                            DocumentBuilder& builder) {
  HtmlTree tree = TRY(ParseHtml(utf8));
  DropNeverText(tree);
  HtmlReader(tree, builder, lines_before).Read(tree.nodes.front());
  return {};
}

}  // namespace

std::string DecodeHtml(std::string_view bytes) {
  return DecodeToUtf8(bytes, DeclaredEncoding(bytes));
}

Result<void> ExtractHtml(std::string_view bytes, DocumentBuilder& builder) {
  const std::string text = CleanText(DecodeHtml(bytes));
  HtmlTree tree = TRY(ParseHtml(text));
  ReadHead(tree, builder);
  const std::size_t boilerplate_bytes = DropBoilerplate(tree);
  const HtmlNode* const article = SelectArticle(tree);
  const HtmlNode& content = article != nullptr ? *article : FindContent(tree);
  const std::size_t all_bytes = boilerplate_bytes + tree.nodes.front().text_bytes;
  builder.SetDroppedBytes(all_bytes - std::min(all_bytes, KeptBytes(tree, content)));
  HtmlReader(tree, builder).Read(content);
  return {};
}

Result<void> AppendHtmlFragment(std::string_view utf8, DocumentBuilder& builder) {
  return AppendFragment(utf8, std::nullopt, builder);
}

Result<void> AppendHtmlFragment(std::string_view utf8, std::size_t lines_before,
                                DocumentBuilder& builder) {
  return AppendFragment(utf8, lines_before, builder);
}

}  // namespace kinglet
