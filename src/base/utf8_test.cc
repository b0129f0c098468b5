// SPDX-License-Identifier: Apache-2.0
#include "base/utf8.h"

#include <gtest/gtest.h>

namespace kinglet {
namespace {

TEST(Utf8, DecodesWhatItEncodes) {
  for (const char32_t c : {U'\0', U'a', U'\x7F', U'\x80', U'\x7FF', U'\x800', U'\xD7FF', U'\xE000',
                           U'\xFFFF', U'\x10000', U'\x10FFFF'}) {
    std::string text;
    AppendUtf8(c, text);
    const Utf8Character character = DecodeUtf8(text);
    EXPECT_EQ(character.state, Utf8State::kValid);
    EXPECT_EQ(character.code_point, c);
    EXPECT_EQ(character.size_bytes, text.size());
  }
}

TEST(Utf8, RefusesOverlongFormsSurrogatesAndWhatIsPastTheEnd) {
  for (const std::string_view bytes :
       {"\x80", "\xC0\x80", "\xC1\xBF", "\xE0\x9F\xBF", "\xED\xA0\x80", "\xF0\x8F\xBF\xBF",
        "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFF"}) {
    const Utf8Character character = DecodeUtf8(bytes);
    EXPECT_EQ(character.state, Utf8State::kInvalid);
    EXPECT_EQ(character.size_bytes, 1);
  }
}

TEST(Utf8, TellsUnfinishedFromBroken) {
  EXPECT_EQ(DecodeUtf8("\xF0\x9F\x98").state, Utf8State::kUnfinished);
  EXPECT_EQ(DecodeUtf8("\xF0\x9F\x98").size_bytes, 3);
  EXPECT_EQ(DecodeUtf8("\xF0\x9Fx").state, Utf8State::kInvalid);
  EXPECT_EQ(DecodeUtf8("\xF0\x9Fx").size_bytes, 2);
}

TEST(Utf8, FindsTheValidPrefix) {
  EXPECT_EQ(ValidUtf8Prefix(""), 0U);
  EXPECT_EQ(ValidUtf8Prefix("plain ASCII text, longer than a word"), 36U);
  EXPECT_EQ(ValidUtf8Prefix("eight by\xC3\xA9 then \xFF"), 16U);
  EXPECT_EQ(ValidUtf8Prefix("cut \xE2\x82"), 4U);
}

TEST(Utf8Test, CutsBetweenCharacters) {
  const std::string text = "a\u20AC\u00E9";
  EXPECT_EQ(Utf8Beginning(text, 0), "");
  EXPECT_EQ(Utf8Beginning(text, 1), "a");
  EXPECT_EQ(Utf8Beginning(text, 3), "a");
  EXPECT_EQ(Utf8Beginning(text, 4), "a\u20AC");
  EXPECT_EQ(Utf8Beginning(text, 5), "a\u20AC");
  EXPECT_EQ(Utf8Beginning(text, 6), text);
  EXPECT_EQ(Utf8Beginning(text, 100), text);
}

TEST(Utf8Test, CountsCharacters) {
  EXPECT_EQ(CountUtf8(""), 0U);
  EXPECT_EQ(CountUtf8("a\u20AC\u00E9"), 3U);
}

}  // namespace
}  // namespace kinglet
