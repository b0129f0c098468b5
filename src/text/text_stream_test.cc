// SPDX-License-Identifier: Apache-2.0
#include "text/text_stream.h"

#include <gtest/gtest.h>

namespace kinglet {
namespace {

TEST(TextStream, HoldsBackUnfinishedCharacters) {
  TextStream stream;
  EXPECT_EQ(stream.Push("a\xF0\x9F"), "a");
  EXPECT_EQ(stream.Push("\x98"), "");
  EXPECT_EQ(stream.Push("\x80z"), "\xF0\x9F\x98\x80z");
  EXPECT_EQ(stream.Finish(), "");
}

TEST(TextStream, ReplacesBytesOnceTheyAreCertainlyWrong) {
  TextStream stream;
  EXPECT_EQ(stream.Push("\xE2\x82"), "");
  EXPECT_EQ(stream.Push("x"), "\uFFFDx");  // one for the maximal part E2 82
  EXPECT_EQ(stream.Push("\xFF\x80"), "\uFFFD\uFFFD");
  EXPECT_EQ(stream.Push("\xED\xA0\x80"), "\uFFFD\uFFFD\uFFFD");  // no surrogates in UTF-8
}

TEST(TextStream, FinishReplacesWhatIsLeftAndStartsAnew) {
  TextStream stream;
  EXPECT_EQ(stream.Push("\xF0\x9F\x98"), "");
  EXPECT_EQ(stream.Finish(), "\uFFFD");
  EXPECT_EQ(stream.Push("a"), "a");
}

}  // namespace
}  // namespace kinglet
