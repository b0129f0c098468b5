// SPDX-License-Identifier: Apache-2.0
// Samples of each format against the blocks they must become, and bytes that are no documents.
#include "knowledge/extractor.h"

#include <gtest/gtest.h>

#include "knowledge/describe_for_test.h"

namespace kinglet {
namespace {

std::string Text(const std::filesystem::path& path, std::string_view bytes) {
  return Extract(path, bytes).text;
}

TEST(ExtractDocument, ReadsAPageOfAManual) {
  EXPECT_EQ(Describe(Extract("manual.html", Sample("manual.html"))), Sample("manual.expected.txt"));
}

TEST(ExtractDocument, ReadsMarkdown) {
  EXPECT_EQ(Describe(Extract("notes.md", Sample("notes.md"))), Sample("notes.expected.txt"));
}

constexpr const char* kOfficeSuffixes[] = {"docx", "pptx", "xlsx", "odt", "odp", "ods", "epub"};

TEST(ExtractDocument, ReadsWhatLibrariesForOfficeFormatsWrite) {
  for (const std::string suffix : kOfficeSuffixes) {
    const std::string name = "hens." + suffix;
    EXPECT_EQ(Describe(Extract(name, Sample(name))), Sample(name + ".expected.txt")) << name;
  }
}

TEST(ExtractDocument, RefusesOfficeFilesThatAreCutAndSurvivesChangedOnes) {
  for (const std::string suffix : kOfficeSuffixes) {
    const std::string name = "hens." + suffix;
    const std::string whole = Sample(name);
    for (std::size_t i = 0; i < whole.size(); i += 97) {
      EXPECT_NE(ErrorOf(name, whole.substr(0, i)).message(), "it is read") << name << " " << i;
      std::string changed = whole;
      changed[i] = static_cast<char>(~changed[i]);
      EXPECT_FALSE(ErrorOf(name, changed).message().empty());
    }
  }
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

TEST(ExtractDocument, ShortensNamesOfColumnsThatComeAgainWithEachRow) {
  const std::string page =
      "<table><tr><th>" + std::string(5000, 'n') + "<th>Eggs</tr>" + "<tr><td>a<td>5</tr></table>";
  EXPECT_EQ(Text("a.html", page), std::string(200, 'n') + ": a; Eggs: 5");
}

// News pages and blogs say that they are articles, and put much around them.
constexpr std::string_view kNews = R"(<div class="masthead"><p>The Hen Times, read in all coops
of the county and in two of the next.</p></div>
<div class="wrap-sidebar-content"><div class="post-byline"><p>By Ada Fowler, who keeps forty hens
and a goose.</p></div>
<div class="story"><p>The hens of Lower Coop have laid a thousand eggs in a week, says their keeper,
who counts them each evening with a lamp and a pencil.</p>
<aside><p>Subscribe to our letter about hens, which comes on each day of the week.</p></aside>
<p>Read more: <a href=a>Geese march on the town hall and are given bread</a></p>
<p>Neighbours come to see them. <a href=b>The mayor</a> has sent a letter, and the school a song
with four verses of which three rhyme.</p>
<div class="related-links"><p>Ducks win a race that they did not know they had entered at all.</p>
</div></div>
<div class="comments"><p>I have hens as well, and they lay as many as these do, if not more.</p>
<p>So do mine, and theirs are larger than any others that I have seen in my life, I think.</p>
<p>Mine are the largest of all, and I can prove it with a photograph and two witnesses.</p></div>
</div>)";

TEST(ExtractDocument, KeepsTheArticleOfAPageThatCallsItselfOne) {
  const auto read = [](std::string_view head) {
    return Text("a.html", fmt::format("<head>{}</head><body>{}</body>", head, kNews));
  };
  const std::string article = read("<meta property='og:type' content='article'>");
  EXPECT_TRUE(article.starts_with("The hens of Lower Coop")) << article;
  EXPECT_TRUE(article.ends_with("of which three rhyme.")) << article;
  EXPECT_NE(article.find("The mayor has sent"), std::string::npos);
  for (const char* const other :
       {"Hen Times", "Fowler", "Subscribe", "Geese", "Ducks", "as well"}) {
    EXPECT_EQ(article.find(other), std::string::npos) << other;
  }
  // Nothing is guessed of a page that says nothing of itself, or no more than a manual does.
  EXPECT_NE(read("").find("Fowler"), std::string::npos);
  EXPECT_NE(read("<article></article>").find("Fowler"), std::string::npos);
  EXPECT_NE(read("").find("as well"), std::string::npos);
}

TEST(ExtractDocument, KeepsAllOfAnArticleThatHasNoTextToSpeakOf) {
  EXPECT_EQ(Text("a.html", "<div itemprop=articleBody><h1>Hens</h1><p>They lay.</p></div>"),
            "Hens\n\nThey lay.");
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
