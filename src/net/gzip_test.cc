// SPDX-License-Identifier: Apache-2.0
// There and back, and what is no sound stream.
#include "net/gzip.h"

#include <gtest/gtest.h>

namespace kinglet {
namespace {

TEST(GzipTest, ComesBack) {
  for (const std::size_t size : {0, 1, 100, 300'000}) {
    std::string text;
    for (std::size_t i = 0; i < size; ++i) text += static_cast<char>(i * i % 251);
    const auto packed = Gzip(text);
    ASSERT_TRUE(packed);
    EXPECT_EQ(Gunzip(*packed, size), text);
  }
}

TEST(GzipTest, RefusesWhatIsBrokenOrTooLarge) {
  const std::string text(300'000, 'a');
  const std::string packed = Gzip(text).value_or("");
  ASSERT_FALSE(packed.empty());
  EXPECT_FALSE(Gunzip(packed, text.size() - 1));
  EXPECT_FALSE(Gunzip(packed.substr(0, packed.size() - 1), text.size()));
  EXPECT_FALSE(Gunzip(packed + "x", text.size()));
  EXPECT_FALSE(Gunzip("not gzip", 100));
  std::string changed = packed;
  changed[changed.size() - 5] ^= 1;  // of the checksum
  EXPECT_FALSE(Gunzip(changed, text.size()));
}

}  // namespace
}  // namespace kinglet
