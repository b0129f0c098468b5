// SPDX-License-Identifier: Apache-2.0
// Showing text of strangers: what stays, what is escaped.
#include "base/display.h"

#include <gtest/gtest.h>

namespace kinglet {
namespace {

TEST(Display, KeepsPrintableText) {
  for (const char* text : {"", "plain", "back\\slash", "caf\u00e9", "\u65e5\u672c\u8a9e",
                           "\U0001F468\u200d\U0001F469", "\u05d0\u05d1 \u0627"}) {
    EXPECT_EQ(EscapeForDisplay(text), text);
  }
}

TEST(Display, EscapesControls) {
  EXPECT_EQ(EscapeForDisplay("\x1b[2J"), "\\x1B[2J");
  EXPECT_EQ(EscapeForDisplay(std::string_view("a\0b\x7f", 4)), "a\\x00b\\x7F");
  EXPECT_EQ(EscapeForDisplay("\r\n\t"), "\\x0D\\x0A\\x09");
  EXPECT_EQ(EscapeForDisplay("\u009b31m"), "\\u{009B}31m");  // CSI as one C1 character
}

TEST(Display, EscapesWhatTurnsTheReadingOrder) {
  EXPECT_EQ(EscapeForDisplay("\u202egnp.exe"), "\\u{202E}gnp.exe");
  EXPECT_EQ(EscapeForDisplay("\u2066\u2069\u200f\u061c"), "\\u{2066}\\u{2069}\\u{200F}\\u{061C}");
  EXPECT_EQ(EscapeForDisplay("\u2028\ufeff\U000E0041"), "\\u{2028}\\u{FEFF}\\u{E0041}");
}

TEST(Display, EscapesBytesThatAreNotUtf8OneByOne) {
  EXPECT_EQ(EscapeForDisplay("\xff\xc3"), "\\xFF\\xC3");
  EXPECT_EQ(EscapeForDisplay("\xc0\x80"), "\\xC0\\x80");                    // overlong
  EXPECT_EQ(EscapeForDisplay("\xed\xa0\x80"), "\\xED\\xA0\\x80");           // surrogate
  EXPECT_EQ(EscapeForDisplay("\xf4\x90\x80\x80"), "\\xF4\\x90\\x80\\x80");  // beyond U+10FFFF
  EXPECT_EQ(EscapeForDisplay("\x9b"
                             "31m"),
            "\\x9B31m");  // CSI as a byte
  EXPECT_EQ(EscapeForDisplay("\xe2\x82"
                             "A"),
            "\\xE2\\x82A");
}

TEST(Display, KeepsLinesWhereAsked) {
  EXPECT_EQ(EscapeForDisplay("a\n\tb\r\x1b", Lines::kKeep), "a\n\tb\\x0D\\x1B");
}

TEST(Display, TellsUtf8FromOtherBytes) {
  EXPECT_TRUE(IsUtf8("\U0010FFFF\ud7ff\u0080"));
  EXPECT_FALSE(IsUtf8("\xe0\x9f\xbf"));
  EXPECT_FALSE(IsUtf8("ab\xf0\x9f\x98"));
  EXPECT_FALSE(IsUtf8("\xf5\x80\x80\x80"));
}

TEST(Display, EscapesForAPage) {
  EXPECT_EQ(EscapeForHtml("<a b='\"'>&\n"), "&lt;a b=&#39;&quot;&#39;&gt;&amp;\\x0A");
}

TEST(Display, QuotesAndCutsBetweenCharacters) {
  EXPECT_EQ(Quoted("a\nb"), "\"a\\x0Ab\"");
  EXPECT_EQ(Quoted("abcdef", 3), "\"abc...\"");
  EXPECT_EQ(Quoted("ab\u00e9f", 3), "\"ab...\"");
}

}  // namespace
}  // namespace kinglet
