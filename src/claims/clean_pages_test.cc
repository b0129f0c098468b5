// SPDX-License-Identifier: Apache-2.0
// Pages and outcomes made by hand.
#include "claims/clean_pages.h"

#include <gtest/gtest.h>

#include "claims/outcomes_for_test.h"

namespace kinglet {
namespace {

TEST(CleanPages, PutsAParagraphInTheMiddleOfAPage) {
  EXPECT_EQ(PutParagraph("<p>a</p><p>b</p><p>c</p>", "1 < 2"),
            "<p>a</p><p>b</p>\n<p>1 &lt; 2</p>\n<p>c</p>");
  EXPECT_EQ(PutParagraph("", "\"It's\" & so on"), "\n<p>\"It's\" &amp; so on</p>\n")
      << "a quote would be noise that no page has";
  EXPECT_EQ(PutParagraph("<div>a</div>", "b"), "<div>a</div>\n<p>b</p>\n");
}

TEST(CleanPages, SetsCleanedAgainstRawPages) {
  MadeOutcomes made;
  std::vector<GroundingOutcome> clean;
  std::vector<GroundingOutcome> raw;
  for (const char* const group : {"a", "b", "c", "d"}) {
    for (const bool is_hard : {false, true}) {
      const PassageQuestion& cleaned = made.Ask(group, true);
      const PassageQuestion& noisy =
          made.Ask(group, true, is_hard ? "<b>Lyon</b>" : "<b> It is Paris </b>");
      clean.push_back(MadeOutcomes::Read(cleaned, "Paris"));
      raw.push_back(MadeOutcomes::Read(noisy, is_hard ? "Lyon" : "Paris"));
      clean.back().cost = {.machine_ms = 1000, .computed_tokens = 100};
      raw.back().cost = {.machine_ms = 3000, .computed_tokens = 300};
    }
  }
  Finding finding = StateCleanPages();
  JudgeCleanPages(clean, raw, finding);
  EXPECT_EQ(finding.verdict, Verdict::kHeld);
  EXPECT_NEAR(finding.figure->value, 50, 1e-9);
  const auto& rows = finding.tables.at(0).rows;
  EXPECT_EQ(rows[1][2], "0.50 (0.50 to 0.50)");  // an answer is found
  EXPECT_EQ(rows[3][3], "-200 (-200 to -200)");  // tokens
  EXPECT_EQ(rows[4][2], "3.00 (3.00 to 3.00)");  // seconds
  Finding other = StateCleanPages();
  JudgeCleanPages(raw, clean, other);
  EXPECT_EQ(other.verdict, Verdict::kRefuted);
}

}  // namespace
}  // namespace kinglet
