// SPDX-License-Identifier: Apache-2.0
// What the builder keeps of what it is told, and documents inside of others.
#include "knowledge/document.h"

#include <gmock/gmock.h>

#include "knowledge/describe_for_test.h"

namespace kinglet {
namespace {

TEST(DocumentBuilder, TellsWherePagesBeginButThoseOfAPart) {
  DocumentBuilder builder;
  builder.BeginPage();
  builder.AddParagraph("one");
  builder.BeginPart();
  builder.BeginPage();
  builder.AddParagraph("attached");
  builder.EndPart();
  builder.BeginPage();
  const Document document = std::move(builder).Finish();
  EXPECT_THAT(document.pages, testing::ElementsAre(0, document.text.size()));
}

Document Part(std::string_view text) {
  DocumentBuilder builder;
  builder.BeginPage();
  builder.AddParagraph("Before.");
  builder.AddHeading(1, "Inner");
  builder.AddParagraph(text);
  return std::move(builder).Finish();
}

TEST(WithEmbedded, PutsTextsBelowTheHeadingsOfTheirFiles) {
  DocumentBuilder builder;
  builder.SetTitle("Mail");
  builder.BeginPage();
  builder.AddParagraph("See both.");
  builder.BeginPart();
  builder.AddEmbedded(2, "a.pdf", "A");
  builder.EndPart();
  builder.AddEmbedded(2, "b.pdf", "B");
  builder.AddEmbedded(2, "c.pdf", "C");
  builder.BeginPage();
  builder.AddParagraph("End.");
  const Document document = std::move(builder).Finish();
  const Document parts[] = {Part("One."), Document(), Part("Three, which is too long.")};
  const Document whole = WithEmbedded(document, parts, document.text.size() + 30);
  EXPECT_TRUE(CheckDocument(whole));
  EXPECT_EQ(Describe(whole),
            "title: Mail\n"
            "page 1\n"
            "paragraph [] See both.\n"
            "heading [a.pdf] a.pdf\n"
            "paragraph [a.pdf] Before.\n"
            "heading [a.pdf > Inner] Inner\n"
            "paragraph [a.pdf > Inner] One.\n"
            "heading [b.pdf] b.pdf\n"
            "heading [c.pdf] c.pdf\n"
            "page 2\n"
            "paragraph [c.pdf] End.\n");
}

}  // namespace
}  // namespace kinglet
