// SPDX-License-Identifier: Apache-2.0
// Texts as Word, LibreOffice and TextEdit write them, and what hostile ones may do.
#include "knowledge/formats/rtf.h"

#include <gtest/gtest.h>

#include "knowledge/describe_for_test.h"

namespace kinglet {
namespace {

std::string Rtf(const std::string& body) { return "{\\rtf1\\ansi\\deff0 " + body + "}"; }

std::string DescribeRtf(const std::string& body) { return Describe(Extract("a.rtf", Rtf(body))); }

// The text alone, of one paragraph.
std::string TextOf(const std::string& body) { return Extract("a.rtf", Rtf(body)).text; }

TEST(Rtf, ReadsHeadingsByOutlineAndByStyle) {
  EXPECT_EQ(
      DescribeRtf("{\\stylesheet{\\ql Normal;}{\\s1\\b\\sbasedon0 heading 1;}"
                  "{\\s7\\outlinelevel1 Kapitel;}{\\*\\cs9 heading 3;}{\\s8 toc 1;}}"
                  "{\\info{\\author A. Hen}{\\title The \\'22hen\\'22 book}}"
                  "\\pard\\s8 Care ... 1\\par\\pard\\s1\\b Care\\b0\\par\r\n"
                  "\\pard\\plain Feed the\r\n hens.\\par\\pard\\s7 Food\\par"
                  "\\pard Corn.\\par\\pard\\outlinelevel0 Health\\par\\pard\\s1\\outlinelevel9 "
                  "Mites.\\par"),
      "title: The \"hen\" book\n"
      "heading [Care] Care\n"
      "paragraph [Care] Feed the hens.\n"
      "heading [Care > Food] Food\n"
      "paragraph [Care > Food] Corn.\n"
      "heading [Health] Health\n"
      "paragraph [Health] Mites.\n");
}

TEST(Rtf, ReadsCharactersOfAllKinds) {
  EXPECT_EQ(TextOf("\\{a\\\\b\\} \\ldblquote c\\rdblquote\\emdash d\\~e\\_f\\-g\\tab h"),
            "{a\\b} “c”—d e-fg\th");
  EXPECT_EQ(TextOf("Gr\\'f6\\'dfe \x80"), "Größe €");
  EXPECT_EQ(TextOf("\\ansicpg1251 \\'ea\\'f3\\'f0\\'fb"), "куры");
  EXPECT_EQ(TextOf("\\mac \\'8a"), "ä");
  EXPECT_EQ(TextOf("{\\fonttbl{\\f0 A;}{\\f1\\fcharset128 B;}{\\f2\\fcharset204 C;}}"
                   "\\f1\\'8c{\\f2\\'ea}\\'7b\\'8c\\'7b\\plain\\'e4"),
            "к{鶏ä");
}

TEST(Rtf, ReadsUnicodeAndLeavesOutWhatStandsForIt) {
  EXPECT_EQ(TextOf("\\u8364?\\u-10179?\\u-8694?."), "€\U0001F60A.");
  EXPECT_EQ(TextOf("\\uc2\\u8364\\'80\\'80a{\\uc0\\u8364 b}\\u8364 xyc"), "€a€b€c");
  EXPECT_EQ(TextOf("\\u8364 \\'3f{}\\u8364{}?"), "€€?");
  EXPECT_EQ(TextOf("a\\u-10179?b\\u-8694?c\\u99999999999?d"), "abcd");
}

TEST(Rtf, LeavesOutWhatIsNotText) {
  EXPECT_EQ(TextOf("a{\\pict\\pngblip 89504e47}b{\\*\\unknown c{\\title d}}e{\\header f\\par}"
                   "{\\colortbl;\\red0;}{\\v g}{\\deleted h}{\\*\\bkmkstart i}"
                   "{\\field{\\*\\fldinst HYPERLINK \"j\"}{\\fldrslt k}}{\\object l{\\result m}}"
                   "{\\pict\\bin5 }}}}}}n"),
            "abekn");
}

TEST(Rtf, ReadsLists) {
  EXPECT_EQ(DescribeRtf("{\\listtext\\'b7\\tab}Corn\\par{\\listtext o\\tab}Grit\\par"
                        "{\\pntext 2.\\tab}Water\\par None\\par"),
            "title: a.rtf\n"
            "list item [] - Corn\n"
            "list item [] - Grit\n"
            "list item [] 2. Water\n"
            "paragraph [] None\n");
}

TEST(Rtf, ReadsTables) {
  const std::string row = "\\trowd\\cellx1\\cellx2\\pard\\intbl ";
  EXPECT_EQ(DescribeRtf(row + "{\\b Hen\\cell Eggs\\cell}\\row" + row +
                        "Berta\\par the first\\cell 5\\cell\\row\\pard Then:\\par" + row +
                        "Ida\\cell 3\\cell\\row\\trowd\\pard\\intbl A box\\cell\\row\\pard " + row +
                        "\\b only\\cell head\\cell\\row\\pard\\plain End\\par"),
            "title: a.rtf\n"
            "table row [] Hen: Berta the first; Eggs: 5\n"
            "paragraph [] Then:\n"
            "table row [] Ida | 3\n"
            "paragraph [] A box\n"
            "table row [] only | head\n"
            "paragraph [] End\n");
  EXPECT_EQ(DescribeRtf("\\trowd\\trhdr\\intbl Hen\\cell Eggs\\cell\\row\\trowd Ida\\cell 3\\cell"),
            "title: a.rtf\n"
            "table row [] Hen: Ida; Eggs: 3\n");
}

TEST(Rtf, PutsNotesAndShapesBehindTheirParagraph) {
  EXPECT_EQ(DescribeRtf("Hens{\\footnote \\pard\\plain Gallus.\\par Domestic.} lay"
                        "{\\shp{\\*\\shpinst{\\sp{\\sn x}{\\sv 1}}{\\shptxt Box\\par}}} eggs.\\par "
                        "Daily.\\par"),
            "title: a.rtf\n"
            "paragraph [] Hens lay eggs.\n"
            "paragraph [] Gallus.\nDomestic.\n"
            "paragraph [] Box\n"
            "paragraph [] Daily.\n");
}

TEST(Rtf, IsTextUnderTheSuffixOfWord) {
  EXPECT_EQ(Extract("a.doc", Rtf("A hen.")).text, "A hen.");
  EXPECT_EQ(FindFormat("a.doc", "\xD0\xCF\x11\xE0 old", UnknownSuffix::kReadAsText), nullptr);
}

TEST(Rtf, RefusesGroupsWithoutEnd) {
  EXPECT_EQ(ErrorOf("a.rtf", "{\\rtf1" + std::string(1 << 20, '{')).message(),
            "groups in more than 256 groups");
}

TEST(Rtf, ReadsWhatIsCutShort) {
  const std::string whole =
      Rtf("{\\fonttbl{\\f0\\fcharset128 A;}}\\trowd a\\cell\\'8c\\'7b\\u-10179?"
          "\\u-8694?{\\*\\x{\\footnote b}}\\row{\\listtext 1.}c\\bin3 xyz\\par");
  for (std::size_t size = 5; size < whole.size(); ++size) {
    EXPECT_TRUE(CheckDocument(Extract("a.rtf", whole.substr(0, size)))) << size;
  }
  EXPECT_TRUE(CheckDocument(Extract("a.rtf", "{\\rtf}}}}}}a\\'")));
  EXPECT_TRUE(CheckDocument(Extract("a.rtf", "{\\rtf\\bin2147483647 a\\bin-1 b")));
}

}  // namespace
}  // namespace kinglet
