// SPDX-License-Identifier: Apache-2.0
// However text is cut into pieces, the same comes out, and nothing of a stop string.
#include "engine/stop_matcher.h"

#include <gtest/gtest.h>

namespace kinglet {
namespace {

// What comes out when `text` comes in pieces of `size` bytes.
std::string Cut(const std::vector<std::string>& stops, std::string_view text, std::size_t size,
                bool& stopped) {
  StopMatcher matcher(stops);
  std::string out;
  for (std::size_t at = 0; at < text.size() && !matcher.stopped(); at += size) {
    out += matcher.Push(text.substr(at, size));
  }
  stopped = matcher.stopped();
  return stopped ? out : out + matcher.Finish();
}

TEST(StopMatcherTest, PiecesDoNotMatter) {
  struct Case {
    std::vector<std::string> stops;
    std::string text, expected;
    bool stopped;
  };
  const Case cases[] = {
      {{"END"}, "before END after", "before ", true},
      {{"END"}, "EN EEND", "EN E", true},
      {{"aab"}, "aaaab", "aa", true},
      {{"\n\n", "User:"}, "one\nUser: two\n\n", "one\n", true},
      {{"abcd", "bc"}, "xabcd", "xa", true},  // the one that is complete first
      {{"END"}, "the EN", "the EN", false},
      {{""}, "text", "text", false},
      {{}, "text", "text", false},
  };
  for (const Case& c : cases) {
    for (std::size_t size = 1; size <= c.text.size(); ++size) {
      bool stopped = false;
      const std::string out = Cut(c.stops, c.text, size, stopped);
      EXPECT_EQ(out, c.expected) << size;
      EXPECT_EQ(stopped, c.stopped) << size;
    }
  }
}

TEST(StopMatcherTest, HoldsBackOnlyWhatCouldBeginAStop) {
  const std::vector<std::string> stops = {"</answer>"};
  StopMatcher matcher(stops);
  EXPECT_EQ(matcher.Push("yes <"), "yes ");
  EXPECT_EQ(matcher.Push("b>"), "<b>");
  EXPECT_EQ(matcher.Push("</ans"), "");
  EXPECT_EQ(matcher.Finish(), "</ans");
}

}  // namespace
}  // namespace kinglet
