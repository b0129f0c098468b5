// SPDX-License-Identifier: Apache-2.0
#include "cli/text_table.h"

#include <gtest/gtest.h>

namespace kinglet {
namespace {

TEST(TextTable, IsAsNarrowAsItsCells) {
  EXPECT_EQ(TextTable({{"name", "n", "note"}, {"a", "12", ""}, {"b\u00e9", "3", "x"}}, "<><"),
            "name   n  note\n"
            "a     12\n"
            "b\u00e9     3  x\n");
  EXPECT_EQ(TextTable({}, "<"), "");
}

}  // namespace
}  // namespace kinglet
