// SPDX-License-Identifier: Apache-2.0
// Words as pdftotext writes them, against the blocks and pages they must become.
#include "knowledge/formats/pdf.h"

#include <gtest/gtest.h>

namespace kinglet {
namespace {

// Lines of words as `pdftotext -tsv` writes them, of pages 500 points wide and 1000 high.
class Words {
 public:
  Words& Page() {
    tsv_ += fmt::format("1\t{}\t0\t0\t0\t0\t0\t0\t500\t1000\t-1\t###PAGE###\n", ++page_);
    flow_ = 0;
    top_ = 100;
    return *this;
  }
  // A block of lines of letters so high.
  Words& Block(std::initializer_list<std::string_view> lines, double height = 10) {
    ++flow_;
    int number = 0;
    for (const std::string_view line : lines) Line(number++, line, height);
    top_ += 10;
    return *this;
  }
  Words& At(double top) {
    top_ = top;
    return *this;
  }
  Result<Document> Read() const {
    DocumentBuilder builder;
    TRY(ExtractPdfWords("level\tpage_num\tpar_num\n" + tsv_, builder));
    return std::move(builder).Finish();
  }

 private:
  void Line(int line, std::string_view text, double height) {
    int number = 0;
    while (!text.empty()) {
      const std::string_view word = text.substr(0, text.find(' '));
      tsv_ += fmt::format("5\t{}\t{}\t0\t{}\t{}\t50.00\t{:.2f}\t30.00\t{:.2f}\t100\t{}\n", page_,
                          flow_, line, number++, top_, height, word);
      text.remove_prefix(std::min(word.size() + 1, text.size()));
    }
    top_ += height + 2;
  }

  std::string tsv_;
  int page_ = 0, flow_ = 0;
  double top_ = 0;
};

std::string Describe(const Result<Document>& document) {
  if (!document) return document.error().message();
  EXPECT_TRUE(CheckDocument(*document));
  std::string out;
  std::size_t page = 0;
  for (const Block& block : document->blocks) {
    while (page < document->pages.size() && document->pages[page] <= block.range.begin) ++page;
    constexpr std::string_view kNames[] = {"heading", "paragraph", "item", "code", "row"};
    out += fmt::format("{} {} [{}] {}\n", page, kNames[static_cast<std::size_t>(block.kind)],
                       document->headings[block.heading], block.range.Of(document->text));
  }
  return out;
}

TEST(ExtractPdfWords, PutsLinesTogetherAndTakesLargeOnesForHeadings) {
  const auto document = Words()
                            .Page()
                            .Block({"Care of Hens"}, 20)
                            .Block({"Hens need wa-", "ter, and well-", "Known shade."})
                            .Block({"Feeding"}, 14)
                            .Block({"Feed them.", "Daily."})
                            .Page()
                            .Block({"Grit too."})
                            .Block({"Moulting of", "old hens"}, 14)
                            .Block({"In autumn."})
                            .Read();
  EXPECT_EQ(Describe(document),
            "1 heading [Care of Hens] Care of Hens\n"
            "1 paragraph [Care of Hens] Hens need water, and well- Known shade.\n"
            "1 heading [Care of Hens > Feeding] Feeding\n"
            "1 paragraph [Care of Hens > Feeding] Feed them. Daily.\n"
            "2 paragraph [Care of Hens > Feeding] Grit too.\n"
            "2 heading [Care of Hens > Moulting of old hens] Moulting of old hens\n"
            "2 paragraph [Care of Hens > Moulting of old hens] In autumn.\n");
  EXPECT_EQ(document->title, "Care of Hens");
}

TEST(ExtractPdfWords, MakesItemsOfBullets) {
  EXPECT_EQ(Describe(Words().Page().Block({"Give:", "• grit", "and shell", "• greens"}).Read()),
            "1 paragraph [] Give:\n1 item [] grit and shell\n1 item [] greens\n");
  EXPECT_EQ(Describe(Words().Page().Block({"-5 degrees", "are cold"}).Read()),
            "1 paragraph [] -5 degrees are cold\n");
}

TEST(ExtractPdfWords, LeavesLinesOutThatComeAgainAtTheEdge) {
  Words words;
  for (const std::string_view text : {"One.", "Two.", "Three."}) {
    words.Page().At(20).Block({"Care of Hens"}).At(300).Block({text}).At(500).Block({"Again."});
    words.At(970).Block({fmt::format("Page {} of 3", text.size())});
  }
  EXPECT_EQ(Describe(words.Read()),
            "1 paragraph [] One.\n1 paragraph [] Again.\n2 paragraph [] Two.\n"
            "2 paragraph [] Again.\n3 paragraph [] Three.\n3 paragraph [] Again.\n");
  EXPECT_EQ(Describe(Words().Page().At(20).Block({"Top."}).Page().At(20).Block({"Top."}).Read()),
            "1 paragraph [] Top.\n2 paragraph [] Top.\n");
}

TEST(ExtractPdfWords, LeavesTablesOfContentsOut) {
  Words words;
  words.Page().Block({"Contents"}, 20);
  for (const char* name : {"Feed", "Grit", "Shell", "Mites", "Eggs"}) {
    words.Block({fmt::format("{} . . . . . . 3", name)});
  }
  words.Block({"3 4", "5 6 7"}).Block({"Hens lay. . . and lay."}).Page().Block({"12 eggs", "1914"});
  EXPECT_EQ(Describe(words.Read()),
            "1 heading [Contents] Contents\n1 paragraph [Contents] Hens lay. . . and lay.\n"
            "2 paragraph [Contents] 12 eggs 1914\n");
}

TEST(ExtractPdfWords, TellsATitlePageFromChapters) {
  const auto document = Words()
                            .Page()
                            .Block({"Care of Hens"}, 24)
                            .Block({"Ada Fowler"}, 18)
                            .Page()
                            .Block({"Feeding"}, 16)
                            .Block({"Hens eat what they find, and what they are given."})
                            .Read();
  EXPECT_EQ(Describe(document),
            "1 heading [Care of Hens] Care of Hens\n1 paragraph [Care of Hens] Ada Fowler\n"
            "2 heading [Care of Hens > Feeding] Feeding\n2 paragraph [Care of Hens > Feeding] Hens "
            "eat what they find, and what they are given.\n");
}

TEST(ExtractPdfWords, SaysThatThereIsNoText) {
  EXPECT_EQ(Describe(Words().Page().Page().Read()),
            "no text in its 2 pages: they may be scanned, and pictures of text are not read");
  EXPECT_EQ(Words().Read().error().code(), StatusCode::kInvalidInput);
}

TEST(ExtractPdfWords, TakesAnyBytes) {
  for (const std::string_view bytes :
       {"", "\n\n", "\t\t\t", "5\t1\t1\t1\t1\t1\t1\t1\t1\t1\t1\tword", "5\t9e999",
        "1\t1\t0\t0\t0\t0\t0\t0\tnan\tinf\t-1\t###PAGE###\n5\t1\t0\t0\t0\t0\t0\t0\t1\tnan\t1\tx",
        "1\t1\t0\t0\t0\t0\t0\t0\t5\t5\t-1\t###PAGE###\n5\t2\t0\t0\t0\t0\t0\t0\t1\t1\t1\t\xFF"}) {
    DocumentBuilder builder;
    if (!ExtractPdfWords(bytes, builder)) continue;
    EXPECT_TRUE(CheckDocument(std::move(builder).Finish())) << bytes;
  }
}

}  // namespace
}  // namespace kinglet
