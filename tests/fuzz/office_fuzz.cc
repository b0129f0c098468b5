// SPDX-License-Identifier: Apache-2.0
// Bytes as office documents and books. The first byte says as which, and whether the others are the
// whole file or a member of one that is otherwise in order: mutations seldom make a zip archive.
// Covers: src/knowledge/formats/cell_format.cc src/knowledge/formats/docx.cc
// Covers: src/knowledge/formats/docx_styles.cc src/knowledge/formats/epub.cc
// Covers: src/knowledge/formats/odf_text.cc src/knowledge/formats/office_package.cc
// Covers: src/knowledge/formats/open_document.cc src/knowledge/formats/pptx.cc
// Covers: src/knowledge/formats/sheet_rows.cc src/knowledge/formats/table_rows.cc
// Covers: src/knowledge/formats/xlsx.cc src/knowledge/formats/xml_tree.cc
// Covers: src/knowledge/formats/zip_archive.cc
// Longest input: 65536
#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>

#include "document_promises.h"
#include "knowledge/zip_writer_for_test.h"

namespace kinglet {
namespace {

struct Target {
  const char* name;    // of the file
  const char* member;  // that the bytes are; null: they are the whole file
};

constexpr Target kTargets[] = {
    {"a.docx", nullptr},
    {"a.pptx", nullptr},
    {"a.xlsx", nullptr},
    {"a.odt", nullptr},
    {"a.odp", nullptr},
    {"a.ods", nullptr},
    {"a.epub", nullptr},
    {"a.docx", "document.xml"},
    {"a.docx", "styles.xml"},
    {"a.docx", "numbering.xml"},
    {"a.docx", "_rels/document.xml.rels"},
    {"a.pptx", "slide.xml"},
    {"a.xlsx", "sheet.xml"},
    {"a.xlsx", "styles.xml"},
    {"a.odt", "content.xml"},
    {"a.odp", "content.xml"},
    {"a.ods", "content.xml"},
    {"a.odt", "styles.xml"},
    {"a.epub", "content.opf"},
    {"a.epub", "chapter.html"},
};

std::string Relationships(const char* links) {
  return "<Relationships>" + std::string(links) + "</Relationships>";
}

// Members by which each format finds its way to those that are fuzzed.
ZipMembers Package(std::string_view name) {
  if (name == "a.docx") {
    return {{"_rels/.rels", Relationships("<Relationship Type='/officeDocument' "
                                          "Target='document.xml'/>")},
            {"_rels/document.xml.rels",
             Relationships("<Relationship Type='/styles' Target='styles.xml'/>"
                           "<Relationship Type='/numbering' Target='numbering.xml'/>"
                           "<Relationship Type='/footnotes' Target='document.xml'/>")},
            {"document.xml",
             "<document><body><p><pPr><pStyle val='a'/><numPr><ilvl val='1'/><numId val='1'/>"
             "</numPr></pPr><r><t>text</t></r></p></body></document>"}};
  }
  if (name == "a.pptx") {
    return {{"_rels/.rels", Relationships("<Relationship Type='/officeDocument' "
                                          "Target='presentation.xml'/>")},
            {"_rels/presentation.xml.rels",
             Relationships("<Relationship Id='1' Type='/slide' Target='slide.xml'/>")},
            {"_rels/slide.xml.rels",
             Relationships("<Relationship Type='/notesSlide' Target='slide.xml'/>")},
            {"presentation.xml",
             "<presentation xmlns:r='/relationships'><sldIdLst><sldId r:id='1'/></sldIdLst>"
             "</presentation>"}};
  }
  if (name == "a.xlsx") {
    return {{"_rels/.rels",
             Relationships("<Relationship Type='/officeDocument' Target='workbook.xml'/>")},
            {"_rels/workbook.xml.rels",
             Relationships("<Relationship Id='1' Type='/worksheet' Target='sheet.xml'/>"
                           "<Relationship Type='/sharedStrings' Target='strings.xml'/>"
                           "<Relationship Type='/styles' Target='styles.xml'/>")},
            {"workbook.xml",
             "<workbook xmlns:r='/relationships'><sheets><sheet name='a' r:id='1'/></sheets>"
             "</workbook>"},
            {"strings.xml", "<sst><si><t>zero</t></si><si><t>one</t></si></sst>"},
            {"sheet.xml",
             "<worksheet><sheetData><row><c s='0'><v>1</v></c><c s='1'><v>2.5</v></c></row>"
             "</sheetData></worksheet>"}};
  }
  if (name == "a.epub") {
    return {{"META-INF/container.xml",
             "<container><rootfiles><rootfile full-path='content.opf'/></rootfiles></container>"},
            {"content.opf",
             "<package><manifest><item id='1' href='chapter.html' media-type='text/html'/>"
             "</manifest><spine><itemref idref='1'/></spine></package>"},
            {"chapter.html", "<p>text"}};
  }
  return {{"content.xml",
           "<document-content><body><text><list style-name='a'><list-item><p "
           "style-name='a'>text</p></list-item></list></text></body></document-content>"}};
}

void Check(const Target& target, std::string_view bytes) {
  if (target.member == nullptr) return CheckPromises(target.name, bytes);
  ZipMembers members;
  for (auto& member : Package(target.name)) {
    if (member.first != target.member) members.push_back(std::move(member));
  }
  members.emplace_back(target.member, bytes);
  CheckPromises(target.name, WriteZip(members));
}

}  // namespace
}  // namespace kinglet

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const kinglet::Target& target = kinglet::kTargets[data[0] % std::size(kinglet::kTargets)];
  kinglet::Check(target, {reinterpret_cast<const char*>(data) + 1, size - 1});
  return 0;
}
