// SPDX-License-Identifier: Apache-2.0
// Walks the body of a Word document and hands its blocks to the builder.
#include "knowledge/formats/docx.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "knowledge/cleaner.h"
#include "knowledge/formats/docx_styles.h"
#include "knowledge/formats/office_package.h"
#include "knowledge/formats/table_rows.h"

namespace kinglet {
namespace {

// What holds no text of the document as it reads now. A text box stands twice, in its new and its
// old form: "Fallback".
constexpr auto kLeftOut =
    std::to_array<std::string_view>({"Fallback", "del", "delText", "instrText", "moveFrom", "pPr",
                                     "rPr", "rt", "sdtPr", "sectPr", "tblPr", "tcPr", "trPr"});
static_assert(std::ranges::is_sorted(kLeftOut));

bool IsLeftOut(XmlNode node) { return std::ranges::binary_search(kLeftOut, node.tag()); }

bool IsBlank(std::string_view text) { return std::ranges::all_of(text, IsSpace); }

bool IsHidden(XmlNode run) { return IsOn(run.Child("rPr").Child("vanish")); }

class DocxReader {
 public:
  DocxReader(const DocxStyles& styles, DocxNumbering& numbering, DocumentBuilder& builder)
      : styles_(styles), numbering_(numbering), builder_(builder) {}

  // Footnotes or endnotes, which paragraphs refer to by "footnoteReference" and the like.
  void AddNotes(const std::string& reference, XmlNode notes) {
    for (const XmlNode note : notes.children()) {
      notes_.try_emplace({reference, std::string(note.Attribute("id"))}, note);
    }
  }

  void Read(XmlNode body) { WalkBlocks(body); }

 private:
  void WalkBlocks(XmlNode node) {
    for (const XmlNode child : node.children()) {
      if (child.tag() == "p") {
        AddBlock(child);
      } else if (child.tag() == "tbl") {
        AddTable(child);
      } else if (!IsLeftOut(child) && !IsContents(child)) {
        WalkBlocks(child);
      }
    }
  }

  // A table of contents that Word made: its lines are the headings once more.
  static bool IsContents(XmlNode node) {
    if (node.tag() != "sdt") return false;
    const XmlNode gallery = node.Child("sdtPr").Child("docPartObj").Child("docPartGallery");
    return gallery.Attribute("val") == "Table of Contents";
  }

  void AddBlock(XmlNode paragraph) {
    const XmlNode properties = paragraph.Child("pPr");
    const DocxStyle& style = styles_.Find(properties.Child("pStyle").Attribute("val"));
    if (style.contents) return;
    std::string text;
    AppendText(paragraph, text);
    if (!IsBlank(text)) AddText(properties, style, text);
    AddDeferred();
  }

  void AddText(XmlNode properties, const DocxStyle& style, const std::string& text) {
    if (style.title && !builder_.has_title()) builder_.SetTitle(text);
    if (const int level = HeadingLevel(properties, style); level > 0) {
      if (!builder_.has_title()) builder_.SetTitle(text);
      return builder_.AddHeading(level, text);
    }
    std::string_view list = style.numbering;
    std::size_t level = style.list_level;
    if (const XmlNode own = properties.Child("numPr")) {
      const std::string_view id = own.Child("numId").Attribute("val");
      if (!id.empty()) list = id;
      const std::string_view index = own.Child("ilvl").Attribute("val");
      std::from_chars(index.data(), index.data() + index.size(), level);
    }
    const std::string mark = list.empty() || list == "0" ? "" : numbering_.NextMark(list, level);
    if (!mark.empty()) return builder_.AddListItem(mark + text);
    // The space after a note's own number stands first.
    builder_.AddParagraph(text.substr(text.find_first_not_of(' ')));
  }

  static int HeadingLevel(XmlNode properties, const DocxStyle& style) {
    if (style.title) return 1;
    const std::string_view outline = properties.Child("outlineLvl").Attribute("val");
    if (outline.size() == 1 && outline[0] >= '0' && outline[0] <= '8') {
      return std::min(outline[0] - '0' + 1, 6);
    }
    return outline == "9" ? 0 : style.heading;
  }

  // What reads as one text. Notes and text boxes in it wait until its block is written.
  void AppendText(XmlNode node, std::string& out) {
    for (const XmlNode child : node.children()) {
      const std::string_view tag = child.tag();
      if (tag == "t") {
        out += TextBelow(child);
      } else if (tag == "tab" || tag == "ptab") {
        out += '\t';
      } else if (tag == "br" || tag == "cr") {
        out += '\n';
      } else if (tag == "noBreakHyphen") {
        out += '-';
      } else if (tag == "txbxContent") {
        deferred_.push_back(child);
      } else if (tag == "footnoteReference" || tag == "endnoteReference") {
        DeferNote(child);
      } else if (!IsLeftOut(child) && !(tag == "r" && IsHidden(child))) {
        if (tag == "p" || tag == "tc") out += ' ';
        AppendText(child, out);
      }
    }
  }

  // Each once: a note may refer to itself.
  void DeferNote(XmlNode reference) {
    const auto found =
        notes_.find({std::string(reference.tag()), std::string(reference.Attribute("id"))});
    if (found == notes_.end()) return;
    deferred_.push_back(found->second);
    notes_.erase(found);
  }

  // In a loop, not by recursion: notes may refer to notes without end.
  void AddDeferred() {
    if (adds_deferred_) return;
    adds_deferred_ = true;
    while (!deferred_.empty()) {
      const XmlNode next = deferred_.front();
      deferred_.pop_front();
      WalkBlocks(next);
    }
    adds_deferred_ = false;
  }

  void AddTable(XmlNode table) {
    std::vector<XmlNode> rows;
    Collect(table, "tr", rows);
    std::erase_if(rows, [](XmlNode row) { return bool{row.Child("trPr").Child("del")}; });
    if (IsLayout(rows)) return WalkBlocks(table);
    TableRows lines(builder_);
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const bool header = i == 0 && rows.size() > 1 && IsHeader(table, rows[i]);
      std::vector<TableCell> cells = CellsOf(rows[i]);
      if (header) {
        lines.SetHeader(std::move(cells));
      } else {
        lines.AddRow(cells);
      }
    }
    AddDeferred();
  }

  // Through what may stand around rows and cells: content controls, insertions.
  static void Collect(XmlNode node, std::string_view tag, std::vector<XmlNode>& found) {
    for (const XmlNode child : node.children()) {
      if (child.tag() == tag) {
        found.push_back(child);
      } else if (child.tag() != "tbl" && child.tag() != "p" && !IsLeftOut(child)) {
        Collect(child, tag, found);
      }
    }
  }

  // Tables that only put things beside each other: their cells hold headings or tables, or there is
  // but one.
  bool IsLayout(const std::vector<XmlNode>& rows) const {
    std::size_t cell_count = 0;
    for (const XmlNode row : rows) {
      std::vector<XmlNode> cells;
      Collect(row, "tc", cells);
      cell_count += cells.size();
      for (const XmlNode cell : cells) {
        for (const XmlNode child : cell.children()) {
          if (child.tag() == "tbl") return true;
          const XmlNode properties = child.Child("pPr");
          const DocxStyle& style = styles_.Find(properties.Child("pStyle").Attribute("val"));
          if (child.tag() == "p" && HeadingLevel(properties, style) > 0) return true;
        }
      }
    }
    return cell_count <= 1;
  }

  std::vector<TableCell> CellsOf(XmlNode row) {
    std::vector<XmlNode> nodes;
    Collect(row, "tc", nodes);
    std::vector<TableCell> cells;
    std::size_t column = 0;
    for (const XmlNode node : nodes) {
      std::string text;
      AppendText(node, text);
      cells.push_back({column, OneLine(text)});
      std::size_t span = 1;
      const std::string_view value = node.Child("tcPr").Child("gridSpan").Attribute("val");
      std::from_chars(value.data(), value.data() + value.size(), span);
      column += std::clamp<std::size_t>(span, 1, 64);
    }
    return cells;
  }

  // Its row says so, its table's style shows the first row differently, or its text does.
  bool IsHeader(XmlNode table, XmlNode row) const {
    if (IsOn(row.Child("trPr").Child("tblHeader"))) return true;
    const XmlNode properties = table.Child("tblPr");
    const DocxStyle& style = styles_.Find(properties.Child("tblStyle").Attribute("val"));
    if (style.marks_first_row && LooksAtFirstRow(properties.Child("tblLook"))) return true;
    bool any = false;
    return IsEmphasised(row, any) && any;
  }

  static bool LooksAtFirstRow(XmlNode look) {
    if (!look.Attribute("firstRow").empty()) return look.Attribute("firstRow") != "0";
    unsigned bits = 0;  // the older form
    const std::string_view value = look.Attribute("val");
    std::from_chars(value.data(), value.data() + value.size(), bits, 16);
    return (bits & 0x20) != 0;
  }

  // All text below is bold or in the style for headings of tables.
  bool IsEmphasised(XmlNode node, bool& any) const {
    for (const XmlNode child : node.children()) {
      if (IsLeftOut(child)) continue;
      if (child.tag() == "p" &&
          styles_.Find(child.Child("pPr").Child("pStyle").Attribute("val")).table_heading) {
        any = true;
      } else if (child.tag() == "r" && !IsBlank(TextBelow(child))) {
        if (!IsOn(child.Child("rPr").Child("b"))) return false;
        any = true;
      } else if (!IsEmphasised(child, any)) {
        return false;
      }
    }
    return true;
  }

  const DocxStyles& styles_;
  DocxNumbering& numbering_;
  DocumentBuilder& builder_;
  std::map<std::pair<std::string, std::string>, XmlNode> notes_;
  std::deque<XmlNode> deferred_;
  bool adds_deferred_ = false;
};

}  // namespace

Result<void> ExtractDocx(std::string_view bytes, DocumentBuilder& builder) {
  OfficePackage package = TRY(OfficePackage::Open(bytes, builder));
  const std::string& main_part = package.main_part();
  const std::vector<Relationship> relationships = TRY(package.RelationshipsOf(main_part));
  const XmlTree document = TRY(package.Read(main_part));
  if (document.root().tag() != "document") {
    return Error(StatusCode::kInvalidInput, "its main part is no Word document");
  }
  const auto read = [&](std::string_view type) -> Result<XmlTree> {
    const std::string part = PartOfType(relationships, type);
    if (part.empty()) return XmlTree();
    return package.Read(part);
  };
  const XmlTree style_tree = TRY(read("styles"));
  const XmlTree numbering_tree = TRY(read("numbering"));
  const XmlTree footnotes = TRY(read("footnotes"));
  const XmlTree endnotes = TRY(read("endnotes"));
  const DocxStyles styles(style_tree.root());
  DocxNumbering numbering(numbering_tree.root());
  DocxReader reader(styles, numbering, builder);
  reader.AddNotes("footnoteReference", footnotes.root());
  reader.AddNotes("endnoteReference", endnotes.root());
  reader.Read(document.root().Child("body"));
  return {};
}

}  // namespace kinglet
