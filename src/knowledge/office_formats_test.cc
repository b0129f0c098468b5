// SPDX-License-Identifier: Apache-2.0
// Files as Word, PowerPoint and Excel write them, and what hostile ones may do.
#include <gtest/gtest.h>

#include "knowledge/describe_for_test.h"
#include "knowledge/zip_writer_for_test.h"

namespace kinglet {
namespace {

constexpr std::string_view kRelationshipsNamespace =
    "http://schemas.openxmlformats.org/officeDocument/2006/relationships";

// The relationships of a part, each as {id, type, target}.
using Links = std::vector<std::array<std::string, 3>>;
std::string Relationships(const Links& links) {
  std::string xml =
      "<Relationships xmlns='http://schemas.openxmlformats.org/package/2006/relationships'>";
  for (const auto& [id, type, target] : links) {
    xml += fmt::format("<Relationship Id='{}' Type='{}/{}' Target='{}'/>", id,
                       kRelationshipsNamespace, type, target);
  }
  return xml + "</Relationships>";
}

std::string CoreTitle(const std::string& title) {
  return "<cp:coreProperties xmlns:cp='c' xmlns:dc='d'><dc:title>" + title +
         "</dc:title></cp:coreProperties>";
}

std::string Word(const std::string& body, const ZipMembers& more = {}) {
  ZipMembers members = {
      {"_rels/.rels", Relationships({{"rId1", "officeDocument", "word/document.xml"},
                                     {"rId2", "core-properties", "docProps/core.xml"}})},
      {"word/_rels/document.xml.rels", Relationships({{"rId1", "styles", "styles.xml"},
                                                      {"rId2", "numbering", "numbering.xml"},
                                                      {"rId3", "footnotes", "footnotes.xml"},
                                                      {"rId4", "endnotes", "endnotes.xml"}})},
      {"word/document.xml",
       "<?xml version='1.0' encoding='UTF-8' standalone='yes'?><w:document xmlns:w='w' "
       "xmlns:mc='mc' xmlns:v='v' xmlns:wps='wps'><w:body>" +
           body + "<w:sectPr/></w:body></w:document>"}};
  members.insert(members.end(), more.begin(), more.end());
  return WriteZip(members);
}

std::string P(const std::string& text, const std::string& properties = "") {
  return "<w:p><w:pPr>" + properties + "</w:pPr><w:r><w:t>" + text + "</w:t></w:r></w:p>";
}
std::string Styled(const std::string& style, const std::string& text) {
  return P(text, "<w:pStyle w:val='" + style + "'/>");
}

std::string Row(const std::vector<std::string>& cells, const std::string& properties = "") {
  std::string row = "<w:tr>" + properties;
  for (const std::string& cell : cells) row += "<w:tc><w:tcPr/>" + P(cell) + "</w:tc>";
  return row + "</w:tr>";
}

std::string DescribeWord(const std::string& body, const ZipMembers& more = {}) {
  return Describe(Extract("a.docx", Word(body, more)));
}

TEST(Docx, ReadsHeadingsByIdNameAndOutline) {
  const std::string styles =
      "<w:styles xmlns:w='w'>"
      "<w:style w:type='paragraph' w:styleId='berschrift2'><w:name w:val='heading 2'/></w:style>"
      "<w:style w:type='paragraph' w:styleId='Own'><w:name w:val='Own'/><w:pPr>"
      "<w:outlineLvl w:val='2'/></w:pPr></w:style>"
      "<w:style w:type='paragraph' w:styleId='Child'><w:basedOn w:val='Own'/></w:style>"
      "<w:style w:type='paragraph' w:styleId='A'><w:basedOn w:val='B'/></w:style>"
      "<w:style w:type='paragraph' w:styleId='B'><w:basedOn w:val='A'/></w:style>"
      "<w:style w:type='paragraph' w:styleId='TOC1'><w:name w:val='toc 1'/></w:style>"
      "</w:styles>";
  EXPECT_EQ(DescribeWord(Styled("Title", "Hens") + Styled("TOC1", "Feeding 3") +
                             Styled("Heading1", "Feeding") + Styled("berschrift2", "Corn") +
                             Styled("Child", "Yellow") + Styled("A", "Body") +
                             P("Outlined", "<w:outlineLvl w:val='0'/>") + P(" "),
                         {{"word/styles.xml", styles}}),
            "title: Hens\n"
            "heading [Hens] Hens\n"
            "heading [Feeding] Feeding\n"
            "heading [Feeding > Corn] Corn\n"
            "heading [Feeding > Corn > Yellow] Yellow\n"
            "paragraph [Feeding > Corn > Yellow] Body\n"
            "heading [Outlined] Outlined\n");
}

TEST(Docx, TakesTheTitleFromItsPropertiesAndElseFromItsName) {
  const std::string body = P("text");
  EXPECT_EQ(DescribeWord(body, {{"docProps/core.xml", CoreTitle("All &amp; hens")}}),
            "title: All & hens\nparagraph [] text\n");
  EXPECT_EQ(DescribeWord(body, {{"docProps/core.xml", CoreTitle("Word Document")}}),
            "title: a.docx\nparagraph [] text\n");
}

TEST(Docx, MarksItemsOfLists) {
  const std::string numbering =
      "<w:numbering xmlns:w='w'><w:abstractNum w:abstractNumId='7'>"
      "<w:lvl w:ilvl='0'><w:start w:val='3'/><w:numFmt w:val='decimal'/></w:lvl>"
      "<w:lvl w:ilvl='1'><w:numFmt w:val='lowerLetter'/></w:lvl>"
      "<w:lvl w:ilvl='2'><w:numFmt w:val='bullet'/><w:lvlText w:val=' '/></w:lvl></w:abstractNum>"
      "<w:abstractNum w:abstractNumId='8'><w:lvl w:ilvl='0'><w:numFmt w:val='bullet'/></w:lvl>"
      "</w:abstractNum>"
      "<w:num w:numId='1'><w:abstractNumId w:val='7'/></w:num>"
      "<w:num w:numId='2'><w:abstractNumId w:val='8'/></w:num></w:numbering>";
  const std::string styles =
      "<w:styles xmlns:w='w'><w:style w:styleId='ListBullet'><w:pPr><w:numPr><w:numId w:val='2'/>"
      "</w:numPr></w:pPr></w:style></w:styles>";
  const auto item = [](const std::string& text, int id, int level) {
    return P(text, fmt::format("<w:numPr><w:ilvl w:val='{}'/><w:numId w:val='{}'/></w:numPr>",
                               level, id));
  };
  EXPECT_EQ(DescribeWord(item("three", 1, 0) + item("goes on", 1, 2) + item("under", 1, 1) +
                             item("more", 1, 1) + item("four", 1, 0) + item("under", 1, 1) +
                             Styled("ListBullet", "dot") + item("unknown", 99, 0) +
                             P("none",
                               "<w:pStyle w:val='ListBullet'/><w:numPr><w:numId "
                               "w:val='0'/></w:numPr>"),
                         {{"word/numbering.xml", numbering}, {"word/styles.xml", styles}}),
            "title: a.docx\n"
            "list item [] 3. three\n"
            "paragraph [] goes on\n"
            "list item [] 1. under\n"
            "list item [] 2. more\n"
            "list item [] 4. four\n"
            "list item [] 1. under\n"
            "list item [] - dot\n"
            "list item [] - unknown\n"
            "paragraph [] none\n");
}

TEST(Docx, ReadsTheTextAsWithAllChangesAccepted) {
  EXPECT_EQ(
      DescribeWord(
          "<w:p><w:r><w:t xml:space='preserve'>Hens </w:t></w:r><w:del><w:r><w:delText>never"
          "</w:delText></w:r></w:del><w:ins><w:r><w:t>always</w:t></w:r></w:ins>"
          "<w:moveFrom><w:r><w:t>gone</w:t></w:r></w:moveFrom><w:r><w:tab/><w:t>eat</w:t><w:br/>"
          "<w:t>co</w:t><w:noBreakHyphen/><w:t>rn</w:t></w:r><w:hyperlink><w:r><w:t>, as </w:t>"
          "</w:r></w:hyperlink><w:r><w:instrText>PAGE</w:instrText></w:r><w:fldSimple><w:r><w:t>"
          "seen</w:t></w:r></w:fldSimple><w:r><w:rPr><w:vanish/></w:rPr><w:t>secret</w:t></w:r>"
          "</w:p>"),
      "title: a.docx\nparagraph [] Hens always\teat\nco-rn, as seen\n");
}

TEST(Docx, PutsNotesAndTextBoxesAfterTheirParagraphAndOnce) {
  const std::string footnotes =
      "<w:footnotes xmlns:w='w'><w:footnote w:id='2'><w:p><w:r><w:t> Or wheat.</w:t></w:r><w:r>"
      "<w:footnoteReference w:id='2'/></w:r></w:p></w:footnote></w:footnotes>";
  const std::string endnotes =
      "<w:endnotes xmlns:w='w'><w:endnote w:id='2'>" + P("The end.") + "</w:endnote></w:endnotes>";
  EXPECT_EQ(
      DescribeWord(
          "<w:p><w:r><w:t>Corn</w:t><w:footnoteReference w:id='2'/><w:endnoteReference w:id='2'/>"
          "<w:footnoteReference w:id='9'/></w:r><w:r><mc:AlternateContent><mc:Choice><w:drawing>"
          "<wps:txbx><w:txbxContent>" +
              P("A box.") +
              "</w:txbxContent></wps:txbx></w:drawing></mc:Choice><mc:Fallback><w:pict><v:textbox>"
              "<w:txbxContent>" +
              P("A box.") +
              "</w:txbxContent></v:textbox></w:pict></mc:Fallback></mc:AlternateContent><w:t> is "
              "good.</w:t></w:r></w:p>",
          {{"word/footnotes.xml", footnotes}, {"word/endnotes.xml", endnotes}}),
      "title: a.docx\n"
      "paragraph [] Corn is good.\n"
      "paragraph [] Or wheat.\n"
      "paragraph [] The end.\n"
      "paragraph [] A box.\n");
}

TEST(Docx, LeavesOutATableOfContentsButNotOtherControls) {
  EXPECT_EQ(DescribeWord("<w:sdt><w:sdtPr><w:docPartObj><w:docPartGallery w:val='Table of "
                         "Contents'/></w:docPartObj></w:sdtPr><w:sdtContent>" +
                         P("Feeding 3") + "</w:sdtContent></w:sdt><w:sdt><w:sdtContent>" +
                         P("kept") + "</w:sdtContent></w:sdt>"),
            "title: a.docx\nparagraph [] kept\n");
}

TEST(Docx, ReadsATableUnderTheHeaderThatItMarks) {
  const std::string rows =
      Row({"Berta", "5"}) + Row({"Ida", ""}) + Row({"Gone", "0"}, "<w:trPr><w:del/></w:trPr>");
  const std::string expected =
      "title: a.docx\n"
      "table row [] Hen: Berta; Eggs: 5\n"
      "table row [] Hen: Ida\n";
  EXPECT_EQ(
      DescribeWord("<w:tbl><w:tblPr/>" + Row({"Hen", "Eggs"}, "<w:trPr><w:tblHeader/></w:trPr>") +
                   rows + "</w:tbl>"),
      expected);
  const std::string styles =
      "<w:styles xmlns:w='w'><w:style w:type='table' w:styleId='Grid'><w:tblStylePr "
      "w:type='firstRow'/></w:style></w:styles>";
  for (const std::string look : {"w:val='04A0'", "w:firstRow='1'"}) {
    EXPECT_EQ(DescribeWord("<w:tbl><w:tblPr><w:tblStyle w:val='Grid'/><w:tblLook " + look +
                               "/></w:tblPr>" + Row({"Hen", "Eggs"}) + rows + "</w:tbl>",
                           {{"word/styles.xml", styles}}),
              expected);
  }
  const std::string bold = "<w:tc><w:p><w:r><w:rPr><w:b/></w:rPr><w:t>";
  EXPECT_EQ(DescribeWord("<w:tbl><w:tr>" + bold + "Hen</w:t></w:r></w:p></w:tc>" + bold +
                         "Eggs</w:t></w:r></w:p></w:tc></w:tr>" + rows + "</w:tbl>"),
            expected);
}

TEST(Docx, ReadsATableWithoutHeaderAndItsMergedCells) {
  EXPECT_EQ(DescribeWord("<w:tbl><w:tblPr><w:tblLook w:firstRow='0'/></w:tblPr>" +
                         Row({"Owner", "Ann"}) + "<w:tr><w:tc>" + P("Hill") + P("Farm") +
                         "</w:tc><w:tc>" + P("") + "</w:tc></w:tr></w:tbl>"),
            "title: a.docx\ntable row [] Owner | Ann\ntable row [] Hill Farm\n");
  EXPECT_EQ(DescribeWord("<w:tbl>" + Row({"A", "B", "C"}, "<w:trPr><w:tblHeader/></w:trPr>") +
                         "<w:tr><w:tc><w:tcPr><w:gridSpan w:val='2'/></w:tcPr>" + P("both") +
                         "</w:tc><w:tc>" + P("last") + "</w:tc></w:tr></w:tbl>"),
            "title: a.docx\ntable row [] A: both; C: last\n");
}

TEST(Docx, WalksThroughATableThatIsOnlyLayout) {
  EXPECT_EQ(DescribeWord("<w:tbl>" + Row({"A box around a text."}) + "</w:tbl><w:tbl><w:tr><w:tc>" +
                         Styled("Heading1", "Left") + P("text") + "</w:tc><w:tc><w:tbl>" +
                         Row({"1", "2"}) + "</w:tbl></w:tc></w:tr></w:tbl>"),
            "title: Left\nparagraph [] A box around a text.\nheading [Left] Left\n"
            "paragraph [Left] text\ntable row [Left] 1 | 2\n");
}

std::string Slide(const std::string& shapes) {
  return "<p:sld xmlns:p='p' xmlns:a='a'><p:cSld><p:spTree><p:nvGrpSpPr/>" + shapes +
         "</p:spTree></p:cSld></p:sld>";
}
std::string Shape(const std::string& placeholder, const std::string& paragraphs) {
  return "<p:sp><p:nvSpPr><p:cNvPr id='1' name='x'/><p:nvPr>" + placeholder +
         "</p:nvPr></p:nvSpPr><p:txBody><a:bodyPr/>" + paragraphs + "</p:txBody></p:sp>";
}
std::string A(const std::string& text, const std::string& properties = "") {
  return "<a:p><a:pPr>" + properties + "</a:pPr><a:r><a:t>" + text + "</a:t></a:r></a:p>";
}

std::string PowerPoint(const std::string& list, const Links& links, const ZipMembers& more) {
  ZipMembers members = {
      {"_rels/.rels", Relationships({{"rId1", "officeDocument", "ppt/presentation.xml"},
                                     {"rId2", "core-properties", "docProps/core.xml"}})},
      {"docProps/core.xml", CoreTitle("PowerPoint Presentation")},
      {"ppt/_rels/presentation.xml.rels", Relationships(links)},
      {"ppt/presentation.xml",
       fmt::format("<p:presentation xmlns:p='p' xmlns:r='{}'><p:sldIdLst>{}</p:sldIdLst>"
                   "</p:presentation>",
                   kRelationshipsNamespace, list)}};
  members.insert(members.end(), more.begin(), more.end());
  return WriteZip(members);
}

TEST(Pptx, ReadsSlidesInTheOrderOfTheirList) {
  const std::string body = "<p:ph type='body' idx='1'/>";
  const std::string table =
      "<p:graphicFrame><a:graphic><a:graphicData><a:tbl><a:tblPr firstRow='1'/>"
      "<a:tr><a:tc><a:txBody>" +
      A("Hen") + "</a:txBody></a:tc><a:tc><a:txBody>" + A("Eggs") +
      "</a:txBody></a:tc></a:tr><a:tr><a:tc><a:txBody>" + A("Berta") +
      "</a:txBody></a:tc><a:tc><a:txBody>" + A("5") +
      "</a:txBody></a:tc></a:tr></a:tbl></a:graphicData></a:graphic></p:graphicFrame>";
  const std::string bytes = PowerPoint(
      "<p:sldId id='256' r:id='rId9'/><p:sldId id='257' r:id='rId1'/><p:sldId id='258' "
      "r:id='rId1'/><p:sldId id='259' r:id='rId404'/>",
      {{"rId1", "slide", "slides/slide1.xml"}, {"rId9", "slide", "/ppt/slides/slide2.xml"}},
      {{"ppt/slides/slide1.xml",
        Slide(Shape("", A("Free text") + A("item", "<a:buChar char='*'/>") +
                            A("first", "<a:buAutoNum type='x' startAt='4'/>") +
                            A("second", "<a:buAutoNum type='x'/>")) +
              "<p:grpSp>" + Shape("<p:ph type='title'/>", A("Eggs") + A("daily")) + "</p:grpSp>" +
              table + Shape("<p:ph type='sldNum'/>", A("2")))},
       {"ppt/slides/slide2.xml",
        Slide(Shape(body, A("Corn") + A("Not an item", "<a:buNone/>") +
                              "<a:p><a:r><a:t>one</a:t></a:r><a:br/><a:fld><a:t>two</a:t></a:fld>"
                              "</a:p>"))},
       {"ppt/slides/_rels/slide2.xml.rels",
        Relationships({{"rId1", "notesSlide", "../notesSlides/notesSlide1.xml"}})},
       {"ppt/notesSlides/notesSlide1.xml",
        Slide(Shape("<p:ph type='sldImg'/>", "") + Shape(body, A("Say it slowly.")) +
              Shape("<p:ph type='sldNum'/>", A("1")))}});
  EXPECT_EQ(Describe(Extract("a.pptx", bytes)),
            "title: Eggs daily\n"
            "page 1\n"
            "heading [Slide 1] Slide 1\n"
            "list item [Slide 1] - Corn\n"
            "paragraph [Slide 1] Not an item\n"
            "list item [Slide 1] - one two\n"
            "heading [Slide 1 > Speaker notes] Speaker notes\n"
            "paragraph [Slide 1 > Speaker notes] Say it slowly.\n"
            "page 2\n"
            "heading [Slide 2: Eggs daily] Slide 2: Eggs daily\n"
            "paragraph [Slide 2: Eggs daily] Free text\n"
            "list item [Slide 2: Eggs daily] - item\n"
            "list item [Slide 2: Eggs daily] 4. first\n"
            "list item [Slide 2: Eggs daily] 5. second\n"
            "table row [Slide 2: Eggs daily] Hen: Berta; Eggs: 5\n");
}

std::string Excel(const std::string& properties, const std::string& rows,
                  const std::string& styles = "") {
  return WriteZip(
      {{"_rels/.rels", Relationships({{"rId1", "officeDocument", "xl/workbook.xml"}})},
       {"xl/_rels/workbook.xml.rels", Relationships({{"rId1", "worksheet", "worksheets/s1.xml"},
                                                     {"rId2", "worksheet", "worksheets/s1.xml"},
                                                     {"rId3", "chartsheet", "chart.xml"},
                                                     {"rId4", "sharedStrings", "strings.xml"},
                                                     {"rId5", "styles", "styles.xml"}})},
       {"xl/workbook.xml",
        fmt::format(
            "<workbook xmlns:r='{}'><workbookPr {}/><sheets><sheet name='Eggs &amp; more' "
            "r:id='rId1'/><sheet name='Again' r:id='rId1'/><sheet name='Chart' r:id='rId3'/>"
            "</sheets></workbook>",
            kRelationshipsNamespace, properties)},
       {"xl/chart.xml", "<chartsheet/>"},
       {"xl/strings.xml",
        "<sst><si><t>Hen</t></si><si><r><t>Ber</t></r><r><t>ta</t></r><rPh><t>no</t></rPh></si>"
        "<si><t>Date</t></si></sst>"},
       {"xl/styles.xml", "<styleSheet>" + styles + "</styleSheet>"},
       {"xl/worksheets/s1.xml", "<worksheet><sheetData>" + rows + "</sheetData></worksheet>"}});
}

TEST(Xlsx, ReadsRowsUnderTheirHeader) {
  EXPECT_EQ(
      Describe(Extract(
          "a.xlsx",
          Excel("",
                "<row r='1'><c r='A1' t='inlineStr'><is><t>Egg diary</t></is></c></row><row/>"
                "<row r='3'><c r='A3' t='s'><v>0</v></c><c r='C3' t='inlineStr'><is><t>Eggs</t>"
                "</is></c><c t='str'><v>Well</v></c></row>"
                "<row r='4'><c r='C4'><f>2+3</f><v>5</v></c><c r='A4' t='s'><v>1</v></c><c r='D4' "
                "t='b'><v>1</v></c></row>"
                "<row r='5'><c r='A5' t='s'><v>99</v></c><c r='C5'><v>0.30000000000000004</v></c>"
                "<c r='D5' t='e'><v>#DIV/0!</v></c><c r='E5'><v>7</v></c><c r='E5'><v>7</v></c>"
                "</row>"))),
      "title: a.xlsx\n"
      "heading [Eggs & more] Eggs & more\n"
      "table row [Eggs & more] Egg diary\n"
      "table row [Eggs & more] Hen: Berta; Eggs: 5; Well: TRUE\n"
      "table row [Eggs & more] Eggs: 0.3; Well: #DIV/0!; 7\n");
}

TEST(Xlsx, WritesDatesByTheFormatOfTheirCell) {
  const std::string styles =
      "<numFmts><numFmt numFmtId='164' formatCode='dd/mm/yyyy\\ hh:mm:ss'/><numFmt numFmtId='165' "
      "formatCode='0.00 &quot;days&quot;'/><numFmt numFmtId='166' formatCode='[h]:mm'/>"
      "<numFmt numFmtId='167' formatCode='[Red]h:mm AM/PM'/></numFmts><cellStyleXfs><xf "
      "numFmtId='14'/></cellStyleXfs><cellXfs><xf numFmtId='0'/><xf numFmtId='14'/>"
      "<xf numFmtId='164'/><xf numFmtId='165'/><xf numFmtId='166'/><xf numFmtId='167'/>"
      "<xf numFmtId='10'/></cellXfs>";
  const std::string rows =
      "<row><c s='1'><v>45356</v></c><c s='2'><v>45356.604247685187</v></c><c s='3'><v>2.5</v></c>"
      "<c s='4'><v>1.09375</v></c><c s='5'><v>45356.25</v></c><c s='6'><v>0.125</v></c>"
      "<c s='1'><v>-1</v></c><c s='1'><v>1</v></c><c s='1'><v>60</v></c><c t='d'><v>2024-03-05</v>"
      "</c><c s='77'><v>1e300</v></c></row>";
  EXPECT_EQ(Extract("a.xlsx", Excel("", rows, styles)).text,
            "Eggs & more\n\n2024-03-05 | 2024-03-05 14:30:07 | 2.5 | 26:15 | 06:00 | 12.5% | -1 | "
            "1900-01-01 | 1900-02-29 | 2024-03-05 | 1e+300");
  EXPECT_EQ(Extract("a.xlsx", Excel("date1904='1'",
                                    "<row><c s='1'><v>43894</v></c><c s='1'><v>0"
                                    "</v></c></row>",
                                    styles))
                .text,
            "Eggs & more\n\n2024-03-05 | 1904-01-01");
}

TEST(Xlsx, StopsWhereAFewBytesMeanMuchText) {
  std::string cells;
  for (int i = 0; i < 2000; ++i) cells += "<c t='s'><v>0</v></c>";
  const std::string bytes = WriteZip(
      {{"_rels/.rels", Relationships({{"rId1", "officeDocument", "w.xml"}})},
       {"_rels/w.xml.rels",
        Relationships({{"rId1", "worksheet", "s.xml"}, {"rId2", "sharedStrings", "t.xml"}})},
       {"w.xml", fmt::format("<workbook xmlns:r='{}'><sheets><sheet name='a' r:id='rId1'/></sheets>"
                             "</workbook>",
                             kRelationshipsNamespace)},
       {"t.xml", "<sst><si><t>" + std::string(1 << 20, 'a') + "</t></si></sst>"},
       {"s.xml", "<worksheet><sheetData><row>" + cells + "</row></sheetData></worksheet>"}});
  EXPECT_EQ(ErrorOf("a.xlsx", bytes).code(), StatusCode::kLimitExceeded);
}

TEST(OfficeFormats, SayWhyTheyCannotBeRead) {
  const std::string other = WriteZip({{"a.txt", "x"}});
  EXPECT_EQ(ErrorOf("a.docx", other).message(), "its zip archive names no office document");
  const std::string word = Word("");
  EXPECT_EQ(ErrorOf("a.pptx", word).message(), "its main part is no PowerPoint presentation");
  EXPECT_EQ(ErrorOf("a.xlsx", word).message(), "its main part is no Excel workbook");
  EXPECT_EQ(ErrorOf("a.docx", Excel("", "")).message(), "its main part is no Word document");
  EXPECT_EQ(ErrorOf("a.docx", Word("<w:p>")).message(),
            "word/document.xml: its XML is broken in line 1");
  EXPECT_EQ(ErrorOf("a.docx", word.substr(0, word.size() / 2)).message(),
            "it is no zip archive, or only a part of one");
  EXPECT_EQ(ErrorOf("a.docx", WriteZip({{"_rels/.rels", "<x/>"}}, "password")).message(),
            "it is encrypted: save it without a password");
}

TEST(OfficeFormats, SayThatACompoundFileIsEncryptedOrOld) {
  const std::string head = "\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1";
  std::string name;
  for (const char c : std::string_view("EncryptedPackage")) (name += c) += '\0';
  for (const std::string file : {"a.docx", "a.pptx", "a.xlsx"}) {
    EXPECT_EQ(ErrorOf(file, head + std::string(100, '\0') + name).message(),
              "it is encrypted: save it without a password");
    EXPECT_TRUE(ErrorOf(file, head + std::string(100, '\0')).message().contains("Office 97"));
  }
}

TEST(OfficeFormats, NeverLeaveTheArchive) {
  for (const std::string target :
       {"../../../etc/passwd", "/etc/passwd", "file:///etc/passwd", "word/document.xml/../../.."}) {
    const std::string bytes =
        WriteZip({{"_rels/.rels", Relationships({{"rId1", "officeDocument", target}})}});
    EXPECT_EQ(ErrorOf("a.docx", bytes).message(), "its zip archive names no office document");
  }
  const std::string self =
      WriteZip({{"_rels/.rels", Relationships({{"rId1", "officeDocument", "_rels/.rels"}})}});
  EXPECT_EQ(ErrorOf("a.docx", self).message(), "its main part is no Word document");
}

TEST(OfficeFormats, RefuseToNestWithoutEndAndToUnpackABomb) {
  std::string deep;
  for (int i = 0; i < 100'000; ++i) deep += "<w:tbl>";
  EXPECT_EQ(ErrorOf("a.docx", Word(deep)).code(), StatusCode::kLimitExceeded);
  const std::string bomb = Word("", {{"word/styles.xml", std::string(65 << 20, ' ')}});
  EXPECT_LT(bomb.size(), 200'000U);
  EXPECT_EQ(ErrorOf("a.docx", bomb).code(), StatusCode::kLimitExceeded);
}

}  // namespace
}  // namespace kinglet
