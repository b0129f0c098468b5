// SPDX-License-Identifier: Apache-2.0
#include "claims/enforced_schema.h"

#include <gtest/gtest.h>

namespace kinglet {
namespace {

TEST(EnforcedSchema, SetsWhatIsValidAgainstWhatIsNot) {
  std::vector<FormReply> enforced;
  std::vector<FormReply> asked;
  for (const char* const group : {"a", "b", "c", "d"}) {
    for (const bool is_hard : {false, true}) {
      enforced.push_back({.group = group,
                          .score = {.is_valid = true, .is_valid_inside = true, .f1 = 0.5},
                          .cost = {.machine_ms = 2000}});
      asked.push_back({.group = group,
                       .score = {.is_valid = false, .is_valid_inside = !is_hard, .f1 = 0.5},
                       .cost = {.machine_ms = 1000}});
    }
  }
  Finding finding = StateEnforcedSchema();
  JudgeEnforcedSchema(enforced, asked, finding);
  EXPECT_EQ(finding.verdict, Verdict::kHeld);
  EXPECT_NEAR(finding.figure->value, 100, 1e-9);
  const auto& rows = finding.tables.at(0).rows;
  EXPECT_EQ(rows[0][2], "0 (0 to 0)");
  EXPECT_EQ(rows[1][2], "0.50 (0.50 to 0.50)");
  EXPECT_EQ(rows[2][3], "0 (0 to 0)");           // F1
  EXPECT_EQ(rows[3][3], "1.00 (1.00 to 1.00)");  // seconds more
  Finding same = StateEnforcedSchema();
  JudgeEnforcedSchema(asked, asked, same);
  EXPECT_EQ(same.verdict, Verdict::kUndecided);
}

}  // namespace
}  // namespace kinglet
