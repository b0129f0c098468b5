// SPDX-License-Identifier: Apache-2.0
#include "knowledge/document_bytes.h"

#include <gtest/gtest.h>

namespace kinglet {
namespace {

Document Sample() {
  DocumentBuilder builder;
  builder.SetTitle("Hens");
  builder.BeginPage();
  builder.AddHeading(1, "Feed");
  builder.AddParagraph("Grit.");
  builder.BeginPage();
  builder.AddTableRow("shell: white");
  builder.AddEmbedded(1, "a.pdf", "%PDF");
  return std::move(builder).Finish();
}

TEST(DocumentBytes, BringADocumentBack) {
  const Document document = Sample();
  const Document back = DocumentFromBytes(DocumentToBytes(document)).value();
  EXPECT_EQ(back.title, document.title);
  EXPECT_EQ(back.text, document.text);
  EXPECT_EQ(back.headings, document.headings);
  EXPECT_EQ(back.pages, document.pages);
  ASSERT_EQ(back.embedded.size(), 1U);
  EXPECT_EQ(back.embedded[0].name, "a.pdf");
  EXPECT_EQ(back.embedded[0].bytes, "%PDF");
  EXPECT_EQ(back.embedded[0].block, 3U);
  ASSERT_EQ(back.blocks.size(), document.blocks.size());
  for (std::size_t i = 0; i < back.blocks.size(); ++i) {
    EXPECT_EQ(back.blocks[i].kind, document.blocks[i].kind);
    EXPECT_EQ(back.blocks[i].range, document.blocks[i].range);
    EXPECT_EQ(back.blocks[i].heading, document.blocks[i].heading);
  }
}

TEST(DocumentBytes, AreRefusedWhereTheyEndTooEarlyOrTooLate) {
  const std::string bytes = DocumentToBytes(Sample());
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(DocumentFromBytes(bytes.substr(0, size))) << size;
  }
  EXPECT_FALSE(DocumentFromBytes(bytes + '\0'));
}

// What a reader that was taken over might send.
TEST(DocumentBytes, AreRefusedWhereTheyMakeNoSoundDocument) {
  const auto refused = [](const std::function<void(Document&)>& change) {
    Document document = Sample();
    change(document);
    const auto back = DocumentFromBytes(DocumentToBytes(document));
    return !back && back.error().code() == StatusCode::kInvalidInput;
  };
  EXPECT_FALSE(refused([](Document&) {}));
  EXPECT_TRUE(refused([](Document& d) { d.text[0] = '\x1B'; }));
  EXPECT_TRUE(refused([](Document& d) { d.text[0] = '\xFF'; }));
  EXPECT_TRUE(refused([](Document& d) { d.title = "a\rb"; }));
  EXPECT_TRUE(refused([](Document& d) { d.headings.clear(); }));
  EXPECT_TRUE(refused([](Document& d) { d.headings[0] = "a"; }));
  EXPECT_TRUE(refused([](Document& d) { d.headings[1] = "\x7F"; }));
  EXPECT_TRUE(refused([](Document& d) { d.blocks.pop_back(); }));
  EXPECT_TRUE(refused([](Document& d) { d.blocks[0].range.end = 0; }));
  EXPECT_TRUE(refused([](Document& d) { d.blocks[1].range.begin = 0; }));
  EXPECT_TRUE(refused([](Document& d) { d.blocks[3].range.end += 1; }));
  EXPECT_TRUE(refused([](Document& d) { d.blocks[2].range.end = SIZE_MAX; }));
  EXPECT_TRUE(refused([](Document& d) { d.blocks[0].heading = 9; }));
  EXPECT_TRUE(refused([](Document& d) { std::swap(d.pages[0], d.pages[1]); }));
  EXPECT_TRUE(refused([](Document& d) { d.pages[1] = d.text.size() + 1; }));
  EXPECT_TRUE(refused([](Document& d) { d.embedded[0].block = 4; }));
  EXPECT_TRUE(refused([](Document& d) { d.embedded.insert(d.embedded.end(), {{}, {}}); }));
}

TEST(DocumentBytes, AreRefusedWhereABlockIsOfNoKind) {
  const Document document = Sample();
  std::string bytes = DocumentToBytes(document);
  const std::size_t behind = 8 + document.pages.size() * 8 + 8 + 3 * 8 + 9;  // pages, a file
  char& kind = bytes[bytes.size() - behind - document.blocks.size() * 32];
  EXPECT_EQ(kind, 0);  // a heading
  kind = 5;
  EXPECT_FALSE(DocumentFromBytes(bytes));
}

}  // namespace
}  // namespace kinglet
