// SPDX-License-Identifier: Apache-2.0
// Files as LibreOffice writes them.
#include "knowledge/formats/open_document.h"

#include <gtest/gtest.h>

#include "knowledge/describe_for_test.h"
#include "knowledge/zip_writer_for_test.h"

namespace kinglet {
namespace {

constexpr std::string_view kNamespaces =
    "xmlns:office='o' xmlns:text='t' xmlns:table='tb' xmlns:style='s' xmlns:draw='d' "
    "xmlns:presentation='p' xmlns:svg='svg' xmlns:dc='dc' xmlns:meta='m'";

std::string OpenDocument(std::string_view kind, const std::string& body,
                         const std::string& styles = "", const ZipMembers& more = {}) {
  ZipMembers members = {
      {"mimetype", "application/vnd.oasis.opendocument"},
      {"content.xml",
       fmt::format("<office:document-content {0}><office:automatic-styles>{1}"
                   "</office:automatic-styles><office:body><office:{2}>{3}</office:{2}>"
                   "</office:body></office:document-content>",
                   kNamespaces, styles, kind, body)}};
  members.insert(members.end(), more.begin(), more.end());
  return WriteZip(members);
}

std::string DescribeText(const std::string& body, const std::string& styles = "",
                         const ZipMembers& more = {}) {
  return Describe(Extract("a.odt", OpenDocument("text", body, styles, more)));
}

std::string P(const std::string& text) { return "<text:p>" + text + "</text:p>"; }

std::string Cells(const std::vector<std::string>& texts) {
  std::string cells;
  for (const std::string& text : texts) {
    cells += "<table:table-cell>" + P(text) + "</table:table-cell>";
  }
  return cells;
}
std::string Row(const std::vector<std::string>& texts) {
  return "<table:table-row>" + Cells(texts) + "</table:table-row>";
}

TEST(Odt, ReadsHeadingsParagraphsAndSpaces) {
  EXPECT_EQ(
      DescribeText(
          "<text:sequence-decls/><text:tracked-changes><text:changed-region><text:deletion>" +
              P("deleted") +
              "</text:deletion></text:changed-region></text:tracked-changes>"
              "<text:p text:style-name='P1'>The book</text:p>"
              "<text:h text:outline-level='1'>Feeding</text:h>"
              "<text:section><text:h text:outline-level='2'>Corn</text:h>"
              "<text:p>Hens \n  <text:span>eat</text:span><text:s text:c='2'/>corn<text:change/>"
              "<office:annotation><text:p>a remark</text:p></office:annotation><text:line-break/>"
              "and<text:tab/>grit, <text:a>see</text:a> <text:title>Hens</text:title>.</text:p>"
              "</text:section><text:table-of-content><text:index-body>" +
              P("Feeding 3") + "</text:index-body></text:table-of-content>",
          "<style:style style:name='P1' style:family='paragraph' "
          "style:parent-style-name='Title'/>"),
      "title: The book\n"
      "heading [The book] The book\n"
      "heading [Feeding] Feeding\n"
      "heading [Feeding > Corn] Corn\n"
      "paragraph [Feeding > Corn] Hens eat  corn\nand\tgrit, see Hens.\n");
}

TEST(Odt, TakesTheTitleFromItsMetadata) {
  EXPECT_EQ(DescribeText(P("text"), "",
                         {{"meta.xml",
                           "<office:document-meta xmlns:office='o' xmlns:dc='d'>"
                           "<office:meta><dc:title>Hens</dc:title></office:meta>"
                           "</office:document-meta>"}}),
            "title: Hens\nparagraph [] text\n");
}

TEST(Odt, MarksItemsOfLists) {
  const std::string item = "<text:list-item>";
  const std::string named =
      "<office:document-styles xmlns:office='o' xmlns:text='t' xmlns:style='s'><office:styles>"
      "<text:list-style style:name='Numbering'><text:list-level-style-number text:level='1' "
      "style:num-format='1'/><text:list-level-style-number text:level='2' style:num-format=''/>"
      "</text:list-style><text:list-style style:name='One'><text:list-level-style-number "
      "text:level='1' style:num-format='1' text:start-value='7'/>"
      "</text:list-style></office:styles></office:document-styles>";
  EXPECT_EQ(
      DescribeText("<text:list text:style-name='Numbering'>" + item + P("one") + P("more") +
                       "</text:list-item><text:list-item text:start-value='5'>" + P("five") +
                       "<text:list>" + item + P("under") +
                       "</text:list-item></text:list></text:list-item></text:list>"
                       "<text:list>" +
                       item + P("dot") +
                       "</text:list-item></text:list><text:list "
                       "text:style-name='Numbering' text:continue-numbering='true'>" +
                       item + P("six") + "<text:list text:style-name='One'>" + item + P("seven") +
                       "</text:list-item></text:list></text:list-item></text:list>",
                   "", {{"styles.xml", named}}),
      "title: a.odt\n"
      "list item [] 1. one\n"
      "paragraph [] more\n"
      "list item [] 5. five\n"
      "list item [] - under\n"
      "list item [] - dot\n"
      "list item [] 6. six\n"
      "list item [] 7. seven\n");
}

TEST(Odt, PutsNotesAndTextBoxesAfterTheirParagraph) {
  EXPECT_EQ(
      DescribeText("<text:p>Corn<text:note><text:note-citation>1</text:note-citation>"
                   "<text:note-body>" +
                   P("Or wheat.") + "</text:note-body></text:note> is <draw:frame><draw:text-box>" +
                   P("A box.") +
                   "</draw:text-box><svg:title>a picture</svg:title><svg:desc>of a box</svg:desc>"
                   "</draw:frame>good.<draw:custom-shape>" +
                   P("A shape.") + "</draw:custom-shape></text:p>"),
      "title: a.odt\n"
      "paragraph [] Corn is good.\n"
      "paragraph [] Or wheat.\n"
      "paragraph [] A box.\n"
      "paragraph [] A shape.\n");
}

TEST(Odt, ReadsTables) {
  const std::string rows = Row({"Berta", "5"}) + Row({"Ida", "3"});
  EXPECT_EQ(
      DescribeText("<table:table><table:table-column/><table:table-header-rows>" +
                   Row({"Hen", "Eggs"}) + "</table:table-header-rows>" + rows + "</table:table>"),
      "title: a.odt\ntable row [] Hen: Berta; Eggs: 5\ntable row [] Hen: Ida; Eggs: 3\n");
  EXPECT_EQ(DescribeText("<table:table>" + rows + "</table:table>"),
            "title: a.odt\ntable row [] Berta | 5\ntable row [] Ida | 3\n");
  const std::string heading =
      "<table:table-cell><text:p text:style-name='Table_20_Heading'>Hen</text:p>"
      "</table:table-cell>";
  EXPECT_EQ(DescribeText("<table:table><table:table-row>" + heading + heading +
                         "</table:table-row>" + Row({"Berta", "Ida"}) + "</table:table>"),
            "title: a.odt\ntable row [] Hen: Berta; Hen: Ida\n");
  EXPECT_EQ(DescribeText("<table:table>" + Row({"A box around a text."}) + "</table:table>"),
            "title: a.odt\nparagraph [] A box around a text.\n");
}

TEST(Odp, ReadsSlidesAndNotes) {
  const auto frame = [](const std::string& use, const std::string& content) {
    return "<draw:frame presentation:class='" + use + "'><draw:text-box>" + content +
           "</draw:text-box></draw:frame>";
  };
  EXPECT_EQ(
      Describe(Extract(
          "a.odp",
          OpenDocument("presentation",
                       "<draw:page draw:name='page1'>" + frame("title", P("Eggs") + P("daily")) +
                           frame("outline", "<text:list><text:list-item>" + P("Corn") +
                                                "</text:list-item></text:list>") +
                           frame("page-number", P("1")) +
                           "<draw:frame><table:table table:use-first-row-styles='true'>" +
                           Row({"Hen", "Eggs"}) + Row({"Berta", "5"}) +
                           "</table:table></draw:frame><presentation:notes>" + frame("page", "") +
                           frame("notes", P("Say it slowly.")) +
                           "</presentation:notes></draw:page><draw:page><draw:custom-shape>" +
                           P("Free text") + "</draw:custom-shape><presentation:notes>" +
                           frame("notes", "") + "</presentation:notes></draw:page>"))),
      "title: Eggs daily\n"
      "page 1\n"
      "heading [Slide 1: Eggs daily] Slide 1: Eggs daily\n"
      "list item [Slide 1: Eggs daily] - Corn\n"
      "table row [Slide 1: Eggs daily] Hen: Berta; Eggs: 5\n"
      "heading [Slide 1: Eggs daily > Speaker notes] Speaker notes\n"
      "paragraph [Slide 1: Eggs daily > Speaker notes] Say it slowly.\n"
      "page 2\n"
      "heading [Slide 2] Slide 2\n"
      "paragraph [Slide 2] Free text\n");
}

TEST(Ods, ReadsRowsUnderTheirHeader) {
  EXPECT_EQ(
      Describe(Extract(
          "a.ods",
          OpenDocument(
              "spreadsheet",
              "<table:table table:name='Eggs'><table:table-header-rows>" + Row({"Hen", "When"}) +
                  "</table:table-header-rows><table:table-row><table:table-cell "
                  "office:value-type='string'><office:annotation>" +
                  P("a remark") + "</office:annotation>" + P("Berta") +
                  "</table:table-cell><table:table-cell office:value-type='date' "
                  "office:date-value='2024-03-05T00:00:00'>" +
                  P("5. March") +
                  "</table:table-cell><table:covered-table-cell/><table:table-cell "
                  "office:value-type='float' office:value='5'/></table:table-row>"
                  "<table:table-row table:number-rows-repeated='2'><table:table-cell "
                  "table:number-columns-repeated='2' office:value-type='date' "
                  "office:date-value='2024-03-06T14:05:00'/></table:table-row>"
                  "<table:table-row table:number-rows-repeated='1048000'><table:table-cell "
                  "table:number-columns-repeated='16384'/></table:table-row></table:table>"))),
      "title: a.ods\n"
      "heading [Eggs] Eggs\n"
      "table row [Eggs] Hen: Berta; When: 2024-03-05; 5\n"
      "table row [Eggs] Hen: 2024-03-06 14:05; When: 2024-03-06 14:05\n"
      "table row [Eggs] Hen: 2024-03-06 14:05; When: 2024-03-06 14:05\n");
}

TEST(Ods, BoundsWhatIsRepeated) {
  const Document document = Extract(
      "a.ods", OpenDocument("spreadsheet",
                            "<table:table table:name='x'><table:table-row "
                            "table:number-rows-repeated='99999999999999999999'><table:table-cell "
                            "table:number-columns-repeated='999999999'>" +
                                P("a") + "</table:table-cell></table:table-row></table:table>"));
  EXPECT_LT(document.text.size(), 100'000U);
  EXPECT_GT(document.blocks.size(), 10U);
}

TEST(OpenDocument, SaysWhyItCannotBeRead) {
  EXPECT_EQ(ErrorOf("a.odt", WriteZip({{"a", "x"}})).message(),
            "its zip archive has no member \"content.xml\"");
  EXPECT_EQ(ErrorOf("a.odt", WriteZip({{"content.xml", "<a>"}})).message(),
            "content.xml: its XML is broken in line 1");
  EXPECT_EQ(ErrorOf("a.odp", OpenDocument("text", "")).message(),
            "content.xml: it holds no presentation");
  EXPECT_EQ(ErrorOf("a.ods", OpenDocument("text", "")).message(),
            "content.xml: it holds no spreadsheet");
  EXPECT_EQ(ErrorOf("a.odt", OpenDocument("presentation", "")).message(),
            "content.xml: it holds no text");
  const std::string manifest =
      "<manifest:manifest xmlns:manifest='m'><manifest:file-entry "
      "manifest:full-path='content.xml'><manifest:encryption-data/></manifest:file-entry>"
      "</manifest:manifest>";
  EXPECT_EQ(
      ErrorOf("a.odt", WriteZip({{"META-INF/manifest.xml", manifest}, {"content.xml", "\x01\x02"}}))
          .message(),
      "it is encrypted: save it without a password");
}

}  // namespace
}  // namespace kinglet
