// SPDX-License-Identifier: Apache-2.0
// Samples of each format against the blocks they must become, and bytes that are no documents.
#include "knowledge/extractor.h"

#include <gtest/gtest.h>

#include "base/display.h"
#include "base/file.h"

namespace kinglet {
namespace {

std::string_view Name(BlockKind kind) {
  switch (kind) {
    case BlockKind::kHeading:
      return "heading";
    case BlockKind::kParagraph:
      return "paragraph";
    case BlockKind::kListItem:
      return "list item";
    case BlockKind::kCode:
      return "code";
    case BlockKind::kTableRow:
      break;
  }
  return "table row";
}

std::string Describe(const Document& document) {
  std::string out = "title: " + document.title + "\n";
  for (const Block& block : document.blocks) {
    out += fmt::format("{} [{}] {}\n", Name(block.kind), document.headings[block.heading],
                       block.range.Of(document.text));
  }
  return out;
}

Document Extract(const std::filesystem::path& path, std::string_view bytes) {
  const Format* format = FindFormat(path, bytes, UnknownSuffix::kReadAsText);
  EXPECT_NE(format, nullptr) << path;
  Result<Document> document = ExtractDocument(path, bytes, *format);
  EXPECT_TRUE(document) << document.error().message();
  return *std::move(document);
}

std::string Text(const std::filesystem::path& path, std::string_view bytes) {
  return Extract(path, bytes).text;
}

std::string Sample(const std::string& name) {
  return ReadFile(std::filesystem::path(KINGLET_TEST_DATA) / "documents" / name, 1 << 20).value();
}

TEST(ExtractDocument, ReadsAPageOfAManual) {
  EXPECT_EQ(Describe(Extract("manual.html", Sample("manual.html"))), Sample("manual.expected.txt"));
}

TEST(ExtractDocument, ReadsMarkdown) {
  EXPECT_EQ(Describe(Extract("notes.md", Sample("notes.md"))), Sample("notes.expected.txt"));
}

TEST(ExtractDocument, ReadsPlainTextAsParagraphs) {
  EXPECT_EQ(Describe(Extract("notes.txt", "\n\nOne\ntwo.  \n \nThree.\r\n")),
            "title: notes.txt\nparagraph [] One\ntwo.\nparagraph [] Three.\n");
}

TEST(ExtractDocument, KeepsBlocksThatCoverTheText) {
  const Document document = Extract("manual.html", Sample("manual.html"));
  std::size_t end = 0;
  for (const Block& block : document.blocks) {
    EXPECT_EQ(document.text.substr(end, block.range.begin - end).find_first_not_of(" \n\t"),
              std::string::npos);
    end = block.range.end;
  }
  EXPECT_EQ(end, document.text.size());
}

TEST(ExtractDocument, PutsAFirstHeadingIntoATitleThatIsMissing) {
  EXPECT_EQ(Extract("a.html", "<h1>Hens &amp; ducks</h1><p>x").title, "Hens & ducks");
}

TEST(ExtractDocument, DropsAMenuButNotTheWrapperAroundIt) {
  const std::string page =
      "<div><div><ul><li><a href=1>Shop for everything</a><li><a href=2>Basket of goods</a>"
      "<li><a href=3>Where to find us</a><li><a href=4>Write to our office</a></ul></div>"
      "<p>Short text.</p></div>";
  EXPECT_EQ(Text("a.html", page), "Short text.");
}

TEST(ExtractDocument, KeepsAListOfLinksThatHasWordsOfItsOwn) {
  std::string page = "<ul>";
  for (int i = 0; i < 6; ++i) page += "<li><a href=x>hen</a> is kept for her eggs and company</li>";
  EXPECT_NE(Text("a.html", page).find("eggs and company"), std::string::npos);
}

TEST(ExtractDocument, DropsWhatIsHidden) {
  EXPECT_EQ(Text("a.html",
                 "<p hidden>a</p><p aria-hidden=true>b</p><p style='display:none'>c</p>"
                 "<style>d</style><noscript>e</noscript><p>shown</p>"),
            "shown");
}

TEST(ExtractDocument, ReadsTheOnlyArticleWhereItHoldsTheText) {
  EXPECT_EQ(Text("a.html",
                 "<p>site</p><article><h1>T</h1><p>The long text of the article.</p></article>"),
            "T\n\nThe long text of the article.");
}

TEST(ExtractDocument, DecodesTheDeclaredEncoding) {
  EXPECT_EQ(Text("a.html", "<meta charset='koi8-r'><p>\xEB\xCF\xD4"), "Кот");
  EXPECT_EQ(Text("a.html",
                 "<meta charset=iso-8859-1><p>\x93"
                 "caf\xE9\x94"),
            "“café”");
  EXPECT_EQ(Text("a.html", "<meta charset=no-such-thing><p>caf\xC3\xA9"), "café");
  EXPECT_EQ(Text("a.html", "<meta charset=utf-16><p>caf\xC3\xA9"), "café");
}

TEST(ExtractDocument, DecodesByMarkThenUtf8ThenWindows1252) {
  EXPECT_EQ(Text("a.txt", std::string_view("\xFF\xFE"
                                           "c\0a\0f\0\xE9\0",
                                           10)),
            "café");
  EXPECT_EQ(Text("a.txt",
                 "\xEF\xBB\xBF"
                 "caf\xC3\xA9"),
            "café");
  EXPECT_EQ(Text("a.txt", "caf\xE9 \x80 5"), "café € 5");
}

TEST(ExtractDocument, RemovesControlCharacters) {
  EXPECT_EQ(Text("a.html", "<p>a\x1B[2Jb&#27;c&#8238;d&#0;e&shy;f</p>"), "a[2Jbcdef");
}

TEST(ExtractDocument, RefusesToNestWithoutEnd) {
  std::string page;
  for (int i = 0; i < 100'000; ++i) page += "<div>";
  const Result<Document> document =
      ExtractDocument("a.html", page, *FindFormat("a.html", page, UnknownSuffix::kSkip));
  ASSERT_FALSE(document);
  EXPECT_EQ(document.error().code(), StatusCode::kLimitExceeded);
}

TEST(ExtractDocument, RefusesMoreThanItsLimits) {
  const std::string text(2000, 'a');
  const Format& html = *FindFormat("a.html", text, UnknownSuffix::kSkip);
  EXPECT_FALSE(ExtractDocument("a.html", text, html, {.markup_bytes = 1000}));
  EXPECT_FALSE(ExtractDocument("a.html", text, html, {.text_bytes = 1000}));
  EXPECT_TRUE(ExtractDocument("a.html", text, html, {.markup_bytes = 2000}));
}

TEST(ExtractDocument, BoundsPathsOfHeadings) {
  std::string page;
  for (int i = 0; i < 100; ++i) {
    page += "<aside><div class=title>" + std::string(250, 'x') + "</div><p>t</p>";
  }
  const Document document = Extract("a.html", page);
  for (const std::string& heading : document.headings) EXPECT_LE(heading.size(), 1000U);
}

TEST(FindFormat, GoesBySuffixAndBytes) {
  EXPECT_EQ(FindFormat("a.HTM", "x", UnknownSuffix::kSkip)->media_type, "text/html");
  EXPECT_EQ(FindFormat("a.md", "x", UnknownSuffix::kSkip)->media_type, "text/markdown");
  EXPECT_EQ(FindFormat("README", "x", UnknownSuffix::kSkip)->media_type, "text/plain");
  EXPECT_EQ(FindFormat("a.log", "x", UnknownSuffix::kSkip), nullptr);
  EXPECT_EQ(FindFormat("a.log", "x", UnknownSuffix::kReadAsText)->media_type, "text/plain");
  EXPECT_EQ(FindFormat("a.dat", "\xFF\xFA", UnknownSuffix::kReadAsText), nullptr);
  EXPECT_EQ(FindFormat("a.html", std::string_view("a\0b", 3), UnknownSuffix::kSkip), nullptr);
}

}  // namespace
}  // namespace kinglet
