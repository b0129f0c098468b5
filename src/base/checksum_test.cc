// SPDX-License-Identifier: Apache-2.0
// XXH64 against values of the reference implementation.
#include "base/checksum.h"

#include <string_view>
#include <vector>

#include <gtest/gtest.h>

namespace kinglet {
namespace {

std::uint64_t HashOf(std::string_view text) { return Xxh64(std::as_bytes(std::span(text))); }

TEST(Xxh64, MatchesTheReference) {
  EXPECT_EQ(HashOf(""), 0xEF46DB3751D8E999U);
  EXPECT_EQ(HashOf("a"), 0xD24EC4F1A98C6E5BU);
  EXPECT_EQ(HashOf("abc"), 0x44BC2CF5AD770999U);
  EXPECT_EQ(HashOf("Nobody inspects the spammish repetition"), 0xFBCEA83C8A378BF1U);
  std::vector<std::byte> counted(101);
  for (std::size_t i = 0; i < counted.size(); ++i) counted[i] = static_cast<std::byte>(i);
  EXPECT_EQ(Xxh64(counted), 0xE99038495F85381EU);
}

TEST(Xxh64, SeesEveryBit) {
  std::vector<std::byte> bytes(77);
  const std::uint64_t whole = Xxh64(bytes);
  for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
    bytes[bit / 8] ^= static_cast<std::byte>(1 << (bit % 8));
    EXPECT_NE(Xxh64(bytes), whole) << bit;
    bytes[bit / 8] ^= static_cast<std::byte>(1 << (bit % 8));
  }
}

}  // namespace
}  // namespace kinglet
