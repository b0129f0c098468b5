// SPDX-License-Identifier: Apache-2.0
// The list of slides, then each slide's tree of shapes.
#include "knowledge/formats/pptx.h"

#include <algorithm>
#include <charconv>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "knowledge/cleaner.h"
#include "knowledge/formats/office_package.h"
#include "knowledge/formats/table_rows.h"

namespace kinglet {
namespace {

// What the placeholder is that a shape fills: "title", "body", "sldNum", ...; empty: none.
std::string_view PlaceholderOf(XmlNode shape) {
  for (const XmlNode child : shape.children()) {  // nvSpPr, nvGraphicFramePr, ...
    const XmlNode placeholder = child.Child("nvPr").Child("ph");
    if (!placeholder) continue;
    const std::string_view type = placeholder.Attribute("type");
    return type.empty() ? "obj" : type;
  }
  return {};
}

bool IsTitle(std::string_view placeholder) {
  return placeholder == "title" || placeholder == "ctrTitle";
}

// The same on every slide.
bool IsFurniture(std::string_view placeholder) {
  return placeholder == "sldNum" || placeholder == "dt" || placeholder == "ftr" ||
         placeholder == "hdr" || placeholder == "sldImg";
}

void AppendText(XmlNode node, std::string& out) {
  for (const XmlNode child : node.children()) {
    if (child.tag() == "t") {
      out += TextBelow(child);
    } else if (child.tag() == "br") {
      out += '\n';
    } else if (child.tag() != "Fallback") {
      if (child.tag() == "p" && !out.empty()) out += ' ';
      AppendText(child, out);
    }
  }
}

std::string TextOf(XmlNode node) {
  std::string text;
  AppendText(node, text);
  return text;
}

class SlideReader {
 public:
  explicit SlideReader(DocumentBuilder& builder) : builder_(builder) {}

  void ReadSlide(std::size_t number, XmlNode slide) {
    builder_.BeginPage();
    const XmlNode shapes = slide.Child("cSld").Child("spTree");
    std::string title;
    FindTitle(shapes, title);
    title = OneLine(title);
    if (!title.empty() && !builder_.has_title()) builder_.SetTitle(title);
    builder_.AddHeading(1, title.empty() ? fmt::format("Slide {}", number)
                                         : fmt::format("Slide {}: {}", number, title));
    WalkShapes(shapes);
  }

  void ReadNotes(XmlNode notes) {
    notes_ = true;
    has_notes_ = false;
    WalkShapes(notes.Child("cSld").Child("spTree"));
    notes_ = false;
  }

 private:
  static void FindTitle(XmlNode node, std::string& title) {
    for (const XmlNode child : node.children()) {
      if (child.tag() == "sp" && IsTitle(PlaceholderOf(child)) && title.empty()) {
        title = TextOf(child.Child("txBody"));
      } else if (child.tag() == "grpSp") {
        FindTitle(child, title);
      }
    }
  }

  void WalkShapes(XmlNode node) {
    for (const XmlNode child : node.children()) {
      if (child.tag() == "Fallback") continue;
      const std::string_view placeholder = PlaceholderOf(child);
      if (child.tag() == "sp" || child.tag() == "cxnSp") {
        if (!IsTitle(placeholder) && !IsFurniture(placeholder)) {
          AddText(child.Child("txBody"), placeholder);
        }
      } else if (child.tag() == "tbl") {
        AddTable(child);
      } else if (child.tag() != "nvGrpSpPr" && child.tag() != "grpSpPr") {
        WalkShapes(child);  // groups, frames around tables, alternatives
      }
    }
  }

  // The text of a body is a list unless a paragraph says no; other text is one where it says so.
  void AddText(XmlNode body, std::string_view placeholder) {
    const bool is_list = !notes_ && (placeholder == "body" || placeholder == "obj");
    int number = 0;
    for (const XmlNode paragraph : body.children()) {
      if (paragraph.tag() != "p") continue;
      const std::string text = TextOf(paragraph);
      if (OneLine(text).empty()) continue;
      if (notes_ && !std::exchange(has_notes_, true)) builder_.AddHeading(2, "Speaker notes");
      const XmlNode properties = paragraph.Child("pPr");
      const XmlNode automatic = properties.Child("buAutoNum");
      number = automatic ? NextNumber(automatic, number) : 0;
      if (automatic) {
        builder_.AddListItem(fmt::format("{}. {}", number, text));
      } else if (properties.Child("buChar") || (is_list && !properties.Child("buNone"))) {
        builder_.AddListItem("- " + text);
      } else {
        builder_.AddParagraph(text);
      }
    }
  }

  static int NextNumber(XmlNode automatic, int before) {
    constexpr int kMaxNumber = 32767;  // ECMA-376: of startAt
    if (before > 0) return std::min(before + 1, kMaxNumber);
    int start = 1;
    const std::string_view value = automatic.Attribute("startAt");
    std::from_chars(value.data(), value.data() + value.size(), start);
    return std::clamp(start, 1, kMaxNumber);
  }

  void AddTable(XmlNode table) {
    const std::string_view first_row = table.Child("tblPr").Attribute("firstRow");
    bool header = first_row == "1" || first_row == "true";
    TableRows rows(builder_);
    for (const XmlNode row : table.children()) {
      if (row.tag() != "tr") continue;
      std::vector<TableCell> cells;
      std::size_t column = 0;
      for (const XmlNode cell : row.children()) {
        if (cell.tag() != "tc") continue;
        cells.push_back({column++, OneLine(TextOf(cell))});  // merged ones are there, empty
      }
      if (std::exchange(header, false)) {
        rows.SetHeader(std::move(cells));
      } else {
        rows.AddRow(cells);
      }
    }
  }

  DocumentBuilder& builder_;
  bool notes_ = false;      // reads notes
  bool has_notes_ = false;  // and has found some
};

}  // namespace

Result<void> ExtractPptx(std::string_view bytes, DocumentBuilder& builder) {
  OfficePackage package = TRY(OfficePackage::Open(bytes, builder));
  const std::string& main_part = package.main_part();
  auto parts = PartsById(TRY(package.RelationshipsOf(main_part)));
  const XmlTree presentation = TRY(package.Read(main_part));
  if (presentation.root().tag() != "presentation") {
    return Error(StatusCode::kInvalidInput, "its main part is no PowerPoint presentation");
  }
  std::vector<std::string> slides;
  std::vector<std::string> loads;
  for (const XmlNode slide : presentation.root().Child("sldIdLst").children()) {
    const auto found = parts.find(slide.Attribute("r:id"));
    if (found == parts.end()) continue;
    slides.push_back(found->second);
    loads.push_back(found->second);
    loads.push_back(OfficePackage::RelationshipsPart(found->second));
    parts.erase(found);  // each once, whatever the list says
  }
  TRY(package.Load(loads));
  std::vector<std::string> notes;  // one a slide; empty where it has none
  for (const std::string& slide : slides) {
    notes.push_back(PartOfType(TRY(package.RelationshipsOf(slide)), "notesSlide"));
  }
  TRY(package.Load(notes));
  SlideReader reader(builder);
  for (std::size_t i = 0; i < slides.size(); ++i) {
    const XmlTree slide = TRY(package.Read(slides[i]));
    reader.ReadSlide(i + 1, slide.root());
    if (notes[i].empty()) continue;
    const XmlTree tree = TRY(package.Read(notes[i]));
    reader.ReadNotes(tree.root());
  }
  return {};
}

}  // namespace kinglet
