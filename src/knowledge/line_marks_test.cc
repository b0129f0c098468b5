// SPDX-License-Identifier: Apache-2.0
// Lines of bytes by few marks.
#include "knowledge/line_marks.h"

#include <gmock/gmock.h>

namespace kinglet {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(LineMarks, CountLineBreaksOrNone) {
  constexpr std::string_view kText = "a\nb\n\nc\nd";
  const LineMark marks[] = {{2, 7, true}, {5, 20, false}};
  EXPECT_EQ(LineAt(marks, kText, 0, 0), std::nullopt);
  EXPECT_EQ(LineAt(marks, kText, 0, 2), 7U);
  EXPECT_EQ(LineAt(marks, kText, 0, 4), 8U);
  EXPECT_EQ(LineAt(marks, kText, 0, 5), 20U);
  EXPECT_EQ(LineAt(marks, kText, 0, 8), 20U);
  EXPECT_EQ(LineAt(marks, kText.substr(2), 2, 4), 8U);  // of a part of the text
}

TEST(LineMarks, StandWhereTheyAreWanted) {
  constexpr std::string_view kText = "a\nb\n\nc\nd";
  const LineMark marks[] = {{0, 1, true}, {5, 20, false}};
  const std::size_t bytes[] = {2, 4, 5, 7};
  EXPECT_THAT(WithMarksAt(marks, kText, bytes),
              ElementsAre(LineMark{0, 1, true}, LineMark{2, 2, true}, LineMark{4, 3, true},
                          LineMark{5, 20, false}, LineMark{7, 20, false}));
  EXPECT_THAT(WithMarksAt({}, kText, bytes), IsEmpty());
}

TEST(LineMarks, AreInOrder) {
  const auto are = [](std::vector<LineMark> marks) { return AreLineMarks(marks, 9); };
  EXPECT_TRUE(are({}));
  EXPECT_TRUE(are({{0, 1, true}, {9, 1, true}}));
  EXPECT_FALSE(are({{0, 0, true}}));
  EXPECT_FALSE(are({{10, 1, true}}));
  EXPECT_FALSE(are({{1, 1, true}, {1, 2, true}}));
}

}  // namespace
}  // namespace kinglet
