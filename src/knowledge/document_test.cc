// SPDX-License-Identifier: Apache-2.0
// What the builder keeps of what it is told.
#include "knowledge/document.h"

#include <gmock/gmock.h>

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

}  // namespace
}  // namespace kinglet
