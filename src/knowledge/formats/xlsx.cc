// SPDX-License-Identifier: Apache-2.0
// The list of sheets, the texts and formats that all of them share, then each sheet's cells.
#include "knowledge/formats/xlsx.h"

#include <charconv>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "knowledge/formats/cell_format.h"
#include "knowledge/formats/office_package.h"
#include "knowledge/formats/sheet_rows.h"

namespace kinglet {
namespace {

// Text in runs; how it is pronounced (rPh) is not part of it.
std::string RichText(XmlNode node) {
  std::string text;
  for (const XmlNode child : node.children()) {
    if (child.tag() == "t") text += TextBelow(child);
    if (child.tag() == "r") text += TextBelow(child.Child("t"));
  }
  return text;
}

std::vector<std::string> ReadSharedTexts(XmlNode table) {
  std::vector<std::string> texts;
  for (const XmlNode child : table.children()) {
    if (child.tag() == "si") texts.push_back(RichText(child));
  }
  return texts;
}

// By the index that a cell gives as its style.
std::vector<CellFormat> ReadFormats(XmlNode styles) {
  std::map<std::string_view, CellFormat> defined;
  for (const XmlNode format : styles.Child("numFmts").children()) {
    defined[format.Attribute("numFmtId")] = ParseCellFormat(format.Attribute("formatCode"));
  }
  std::vector<CellFormat> formats;
  for (const XmlNode style : styles.Child("cellXfs").children()) {
    if (style.tag() != "xf") continue;
    const std::string_view id = style.Attribute("numFmtId");
    int number = 0;
    std::from_chars(id.data(), id.data() + id.size(), number);
    const auto found = defined.find(id);
    formats.push_back(found != defined.end() ? found->second : BuiltInCellFormat(number));
  }
  return formats;
}

// "BC12" is column 54; `next` where the cell does not say.
std::size_t ColumnOf(std::string_view reference, std::size_t next) {
  constexpr std::size_t kMaxLetters = 4;
  std::size_t column = 0;
  std::size_t letters = 0;
  for (; letters < reference.size() && letters < kMaxLetters; ++letters) {
    const char c = reference[letters];
    if (c < 'A' || c > 'Z') break;
    column = column * 26 + static_cast<std::size_t>(c - 'A' + 1);
  }
  return letters == 0 ? next : column - 1;
}

class SheetReader {
 public:
  SheetReader(std::vector<std::string> texts, std::vector<CellFormat> formats, bool since_1904,
              DocumentBuilder& builder)
      : texts_(std::move(texts)),
        formats_(std::move(formats)),
        since_1904_(since_1904),
        rows_(builder) {}

  Result<void> Read(std::string_view name, XmlNode sheet) {
    if (sheet.tag() != "worksheet") return {};  // a chart
    rows_.BeginSheet(name);
    for (const XmlNode row : sheet.Child("sheetData").children()) {
      std::size_t column = 0;
      for (const XmlNode cell : row.children()) {
        if (cell.tag() != "c") continue;
        column = ColumnOf(cell.Attribute("r"), column);
        TRY(AddCell(column, cell));
        ++column;
      }
      rows_.EndRow();
    }
    return {};
  }

 private:
  Result<void> AddCell(std::size_t column, XmlNode cell) {
    const std::string_view type = cell.Attribute("t");
    if (type == "inlineStr") return rows_.AddCell(column, RichText(cell.Child("is")), false);
    const std::string value = TextBelow(cell.Child("v"));
    if (value.empty()) return {};
    if (type == "s") {
      const auto index = Index(value);
      return index < texts_.size() ? rows_.AddCell(column, texts_[index], false) : Result<void>();
    }
    if (type == "b") return rows_.AddCell(column, value == "0" ? "FALSE" : "TRUE", true);
    if (!type.empty() && type != "n") {  // a formula's text, an error, a date in ISO 8601
      return rows_.AddCell(column, value, type == "d");
    }
    const std::size_t style = Index(cell.Attribute("s"));
    const CellFormat format = style < formats_.size() ? formats_[style] : CellFormat::kNumber;
    return rows_.AddCell(column, FormatCell(value, format, since_1904_), true);
  }

  static std::size_t Index(std::string_view text) {
    std::size_t index = std::string_view::npos;
    std::from_chars(text.data(), text.data() + text.size(), index);
    return index;
  }

  std::vector<std::string> texts_;
  std::vector<CellFormat> formats_;
  bool since_1904_;
  SheetRows rows_;
};

}  // namespace

Result<void> ExtractXlsx(std::string_view bytes, DocumentBuilder& builder) {
  OfficePackage package = TRY(OfficePackage::Open(bytes, builder));
  const std::string& main_part = package.main_part();
  const std::vector<Relationship> relationships = TRY(package.RelationshipsOf(main_part));
  const XmlTree workbook = TRY(package.Read(main_part));
  if (workbook.root().tag() != "workbook") {
    return Error(StatusCode::kInvalidInput, "its main part is no Excel workbook");
  }
  auto parts = PartsById(relationships);
  std::vector<std::pair<std::string, std::string>> sheets;  // names and parts
  const std::string texts_part = PartOfType(relationships, "sharedStrings");
  const std::string styles_part = PartOfType(relationships, "styles");
  std::vector<std::string> loads = {texts_part, styles_part};
  for (const XmlNode sheet : workbook.root().Child("sheets").children()) {
    const auto found = parts.find(sheet.Attribute("r:id"));
    if (found == parts.end()) continue;
    sheets.emplace_back(sheet.Attribute("name"), found->second);
    loads.push_back(found->second);
    parts.erase(found);  // each once, whatever the list says
  }
  TRY(package.Load(loads));
  std::vector<std::string> texts;
  if (!texts_part.empty()) {
    const XmlTree tree = TRY(package.Read(texts_part));
    texts = ReadSharedTexts(tree.root());
  }
  std::vector<CellFormat> formats;
  if (!styles_part.empty()) {
    const XmlTree tree = TRY(package.Read(styles_part));
    formats = ReadFormats(tree.root());
  }
  const std::string_view date1904 = workbook.root().Child("workbookPr").Attribute("date1904");
  SheetReader reader(std::move(texts), std::move(formats), date1904 == "1" || date1904 == "true",
                     builder);
  for (const auto& [name, part] : sheets) {
    const XmlTree sheet = TRY(package.Read(part));
    TRY(reader.Read(name, sheet.root()));
  }
  return {};
}

}  // namespace kinglet
