// SPDX-License-Identifier: Apache-2.0
#include "knowledge/fold_duplicates.h"

#include <gmock/gmock.h>

namespace kinglet {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

Passage Of(std::string document, std::string text) {
  Passage passage;
  passage.document = std::move(document);
  passage.text = std::move(text);
  return passage;
}

std::string Terms(std::string_view days, std::string_view may, std::string_view party) {
  return fmt::format(
      "Either side {} end this agreement within {} days after the other one has received a letter "
      "that says so, unless the {} has been paid for the whole of the year in which the letter was "
      "written, or a court has said that the agreement must go on until its matter is settled.",
      may, days, party);
}

TEST(FoldDuplicates, KeepsTheBestOfEach) {
  const auto kept = FoldDuplicates({Of("/a", "Hens lay eggs."), Of("/b", "Ducks swim."),
                                    Of("/c", "Hens lay eggs."), Of("/d", "Hens lay eggs."),
                                    Of("/c", "Ducks swim.")});
  ASSERT_THAT(kept, SizeIs(2));
  EXPECT_EQ(kept[0].document, "/a");
  EXPECT_THAT(kept[0].also_in, ElementsAre("/c", "/d"));
  EXPECT_EQ(kept[1].document, "/b");
  EXPECT_THAT(kept[1].also_in, ElementsAre("/c"));
  EXPECT_THAT(FoldDuplicates({}), IsEmpty());
}

TEST(FoldDuplicates, FoldsWhatIsWordedNearlyTheSame) {
  const auto kept = FoldDuplicates(
      {Of("/a", Terms("30", "may", "seller")), Of("/b", Terms("30", "may", "vendor"))});
  ASSERT_THAT(kept, SizeIs(1));
  EXPECT_THAT(kept[0].also_in, ElementsAre("/b"));
}

TEST(FoldDuplicates, KeepsOtherNumbersAndNegationsApart) {
  const std::string first = Terms("30", "may", "seller");
  for (const std::string& other : {Terms("60", "may", "seller"), Terms("30", "may not", "seller"),
                                   Terms("30", "can't", "seller")}) {
    EXPECT_THAT(FoldDuplicates({Of("/a", first), Of("/b", other)}), SizeIs(2)) << other;
  }
}

TEST(FoldDuplicates, LeavesRepetitionsWithinADocument) {
  const auto kept = FoldDuplicates({Of("/a", "Hens."), Of("/a", "Hens."), Of("/b", "Hens.")});
  ASSERT_THAT(kept, SizeIs(2));
  EXPECT_THAT(kept[0].also_in, ElementsAre("/b"));
  EXPECT_THAT(kept[1].also_in, IsEmpty());
}

TEST(FoldDuplicates, TellsOtherSourcesWhereThereAreSome) {
  Passage passage = Of("/a", "Hens.");
  EXPECT_FALSE(ToJson(passage).contains("also_in"));
  passage.also_in = {"/b"};
  EXPECT_EQ(ToJson(passage).at("also_in"), json::value(json::array{"/b"}));
}

}  // namespace
}  // namespace kinglet
