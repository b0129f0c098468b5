// SPDX-License-Identifier: Apache-2.0
// SHA-256 against the vectors of FIPS 180-4.
#include "base/digest.h"

#include <gtest/gtest.h>

namespace kinglet {
namespace {

TEST(Sha256, MatchesPublishedVectors) {
  EXPECT_EQ(Sha256::HexOf(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(Sha256::HexOf("abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Sha256, PiecesGiveTheDigestOfTheWhole) {
  Sha256 digest;
  digest.Update("a");
  digest.Update("");
  digest.Update("bc");
  EXPECT_EQ(digest.Hex(), Sha256::HexOf("abc"));
}

}  // namespace
}  // namespace kinglet
