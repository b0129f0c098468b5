// SPDX-License-Identifier: Apache-2.0
// The package, and what is special to text, presentation and spreadsheet.
#include "knowledge/formats/open_document.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "knowledge/cleaner.h"
#include "knowledge/formats/odf_text.h"
#include "knowledge/formats/sheet_rows.h"
#include "knowledge/formats/xml_tree.h"
#include "knowledge/formats/zip_archive.h"

namespace kinglet {
namespace {

constexpr std::size_t kMaxRepeats = 100;  // of rows and cells that hold the same; more say no more

struct OpenedDocument {
  XmlTree content;
  XmlTree styles;
};

// An encrypted member is an ordinary one to the archive; only the list of members knows.
Result<void> RefuseEncrypted(const XmlTree& manifest) {
  for (const XmlNode entry : manifest.root().children()) {
    const std::string_view path = entry.Attribute("full-path");
    if (entry.Child("encryption-data") && (path == "content.xml" || path == "encrypted-package")) {
      return Error(StatusCode::kInvalidInput, "it is encrypted: save it without a password");
    }
  }
  return {};
}

Result<OpenedDocument> Open(std::string_view bytes, DocumentBuilder& builder) {
  ZipArchive archive = TRY(ZipArchive::Open(bytes));
  const std::vector<std::string> members = {"META-INF/manifest.xml", "content.xml", "meta.xml",
                                            "styles.xml"};
  TRY(archive.Load(members));
  const auto read = [&](const std::string& name) -> Result<XmlTree> {
    const std::string* content = archive.Find(name);
    if (content == nullptr) return XmlTree();
    return ParseXml(*content, name);
  };
  const XmlTree manifest = TRY(read(members[0]));
  TRY(RefuseEncrypted(manifest));
  OpenedDocument document;
  document.content = TRY(ParseXml(TRY(archive.Require("content.xml")), "content.xml"));
  document.styles = TRY(read("styles.xml"));
  const XmlTree meta = TRY(read("meta.xml"));
  builder.SetTitle(TextBelow(meta.root().Child("meta").Child("title")));
  return document;
}

// Calls read(body, styles) with <office:text>, <office:presentation> or <office:spreadsheet>: where
// the suffix lies, the document is read as nothing else.
template <typename Read>
Result<void> ReadBody(std::string_view bytes, std::string_view tag, DocumentBuilder& builder,
                      const Read& read) {
  const OpenedDocument document = TRY(Open(bytes, builder));
  const XmlNode body = document.content.root().Child("body").Child(tag);
  if (!body) return Error(StatusCode::kInvalidInput, "content.xml: it holds no {}", tag);
  OdfStyles styles;
  styles.Add(document.content.root());
  styles.Add(document.styles.root());
  return read(body, styles);
}

bool IsTitle(XmlNode frame) { return frame.Attribute("class") == "title"; }

// The same on every slide.
bool IsFurniture(XmlNode frame) {
  const std::string_view use = frame.Attribute("class");
  return use == "header" || use == "footer" || use == "date-time" || use == "page-number" ||
         use == "page";
}

class SlideReader {
 public:
  SlideReader(const OdfStyles& styles, DocumentBuilder& builder)
      : text_(styles, builder), builder_(builder) {}

  void Read(std::size_t number, XmlNode page) {
    builder_.BeginPage();
    std::string title;
    for (const XmlNode shape : page.children()) {
      if (IsTitle(shape) && title.empty()) title = text_.FlatText(shape);
    }
    if (!title.empty() && !builder_.has_title()) builder_.SetTitle(title);
    builder_.AddHeading(1, title.empty() ? fmt::format("Slide {}", number)
                                         : fmt::format("Slide {}: {}", number, title));
    for (const XmlNode shape : page.children()) {
      if (IsTitle(shape) || IsFurniture(shape) || shape.tag() == "notes") continue;
      if (shape.tag() == "annotation" || shape.tag() == "forms") continue;
      text_.WalkBlocks(shape);
    }
    ReadNotes(page.Child("notes"));
  }

 private:
  void ReadNotes(XmlNode notes) {
    bool first = true;
    for (const XmlNode shape : notes.children()) {
      if (shape.Attribute("class") != "notes" || text_.FlatText(shape).empty()) continue;
      if (std::exchange(first, false)) builder_.AddHeading(2, "Speaker notes");
      text_.WalkBlocks(shape);
    }
  }

  OdfTextReader text_;
  DocumentBuilder& builder_;
};

class SheetReader {
 public:
  SheetReader(const OdfStyles& styles, DocumentBuilder& builder)
      : text_(styles, builder), rows_(builder) {}

  Result<void> Read(XmlNode sheet) {
    rows_.BeginSheet(sheet.Attribute("name"));
    std::vector<XmlNode> rows;
    CollectOdfRows(sheet, rows);
    for (const XmlNode row : rows) {
      const std::size_t repeats = OdfRepeats(row, "number-rows-repeated", kMaxRepeats);
      for (std::size_t i = 0; i < repeats; ++i) {
        if (!TRY(AddRow(row))) break;  // empty ones go on to the end of the sheet
      }
    }
    return {};
  }

 private:
  // Whether there is anything in it.
  Result<bool> AddRow(XmlNode row) {
    bool any = false;
    std::size_t column = 0;
    for (const XmlNode cell : row.children()) {
      if (cell.tag() != "table-cell" && cell.tag() != "covered-table-cell") continue;
      const std::size_t columns = OdfRepeats(cell, "number-columns-repeated", std::size_t{1} << 20);
      const std::string text = cell.tag() == "table-cell" ? CellText(cell) : "";
      const std::string_view type = cell.Attribute("value-type");
      const bool is_number = !type.empty() && type != "string";
      for (std::size_t i = 0; i < std::min(columns, kMaxRepeats) && !text.empty(); ++i) {
        TRY(rows_.AddCell(column + i, text, is_number));
        any = true;
      }
      column += columns;
    }
    rows_.EndRow();
    return any;
  }

  // What the cell shows; dates as ISO 8601 has them, whatever the cell makes of them.
  std::string CellText(XmlNode cell) {
    if (cell.Attribute("value-type") == "date") {
      std::string date(cell.Attribute("date-value"));
      if (date.ends_with("T00:00:00")) date.resize(date.find('T'));
      if (date.contains('T') && date.ends_with(":00")) date.resize(date.size() - 3);
      std::ranges::replace(date, 'T', ' ');
      return date;
    }
    std::string text = text_.FlatText(cell);
    return text.empty() ? std::string(cell.Attribute("value")) : text;
  }

  OdfTextReader text_;
  SheetRows rows_;
};

}  // namespace

Result<void> ExtractOdt(std::string_view bytes, DocumentBuilder& builder) {
  return ReadBody(bytes, "text", builder, [&](XmlNode body, const OdfStyles& styles) {
    OdfTextReader(styles, builder).WalkBlocks(body);
    return Result<void>();
  });
}

Result<void> ExtractOdp(std::string_view bytes, DocumentBuilder& builder) {
  return ReadBody(bytes, "presentation", builder, [&](XmlNode body, const OdfStyles& styles) {
    SlideReader reader(styles, builder);
    std::size_t number = 0;
    for (const XmlNode page : body.children()) {
      if (page.tag() == "page") reader.Read(++number, page);
    }
    return Result<void>();
  });
}

Result<void> ExtractOds(std::string_view bytes, DocumentBuilder& builder) {
  return ReadBody(bytes, "spreadsheet", builder,
                  [&](XmlNode body, const OdfStyles& styles) -> Result<void> {
                    SheetReader reader(styles, builder);
                    for (const XmlNode sheet : body.children()) {
                      if (sheet.tag() == "table") TRY(reader.Read(sheet));
                    }
                    return {};
                  });
}

}  // namespace kinglet
