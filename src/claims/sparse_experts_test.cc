// SPDX-License-Identifier: Apache-2.0
#include "claims/sparse_experts.h"

#include <gtest/gtest.h>

namespace kinglet {
namespace {

TEST(SparseExperts, TokensAreOfTheKindOfTheirText) {
  EXPECT_EQ(ClassOf(" harbour"), TokenClass::kWord);
  EXPECT_EQ(ClassOf("x1"), TokenClass::kWord);
  EXPECT_EQ(ClassOf("1874"), TokenClass::kNumber);
  EXPECT_EQ(ClassOf(" 4."), TokenClass::kNumber);
  EXPECT_EQ(ClassOf("++{"), TokenClass::kPunctuation);
  EXPECT_EQ(ClassOf("\n  \t"), TokenClass::kSpace);
  EXPECT_EQ(ClassOf("Vögel"), TokenClass::kWord);  // a letter comes first
  EXPECT_EQ(ClassOf("\xC3"), TokenClass::kOther);  // half a character
  EXPECT_EQ(ClassOf("港"), TokenClass::kOther);
}

}  // namespace
}  // namespace kinglet
