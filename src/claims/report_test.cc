// SPDX-License-Identifier: Apache-2.0
#include "claims/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace kinglet {
namespace {

using testing::HasSubstr;
using testing::Not;

std::vector<Finding> Findings() {
  Finding told{
      .letter = "x",
      .claim = "Small <b>beats</b> large",
      .hypothesis = "a | b_c > 0",
      .data = "a set",
      .systems = {"<small>"},
      .metric = "F1",
      .bound = Bound{Side::kAbove, 0},
      .tables = {{"T<1>", {"model", "n|m"}, {{"a<b", "1|2"}}}},
      .plots = {{.title = "P<1>",
                 .x_label = "points",
                 .series = {{"s", {{.label = "<bar>", .y = 2, .interval = std::pair(1.0, 3.0)}}}}},
                {.kind = FindingPlot::Kind::kGrid,
                 .title = "Experts",
                 .series = {{"row```", {{.value = 0}, {.x = 1, .value = 1}}}}}},
      .caveats = {"not <all>"},
      .commands = {"kinglet eval claims x --work 'a<b'"},
  };
  Conclude(told, {.value = 4, .interval = std::pair(1.0, 7.0), .unit = "points"}, "So <it> is.");
  return {told, Finding{.letter = "y", .claim = "No one knows", .why = "Testable with --data."}};
}

const ReportFacts kFacts = {{"machine", "two <cores>"}};

TEST(Report, IsAPageThatNeedsNothingElseAndShowsTextAsText) {
  const std::string html = FindingsHtml(Findings(), kFacts);
  for (const char* const shown :
       {"Small &lt;b&gt;beats", "&lt;small&gt;", "T&lt;1&gt;", "a&lt;b", "not &lt;all&gt;",
        "So &lt;it&gt; is.", "--work &#39;a&lt;b", "two &lt;cores&gt;", "&lt;bar&gt;"}) {
    EXPECT_THAT(html, HasSubstr(shown));
  }
  for (const char* const raw : {"<b>", "<small>", "<bar>", "<script", "<img", "http:", "https:"}) {
    EXPECT_THAT(html, Not(HasSubstr(raw)));
  }
  EXPECT_THAT(html,
              HasSubstr("<span class=\"verdict held\">held</span> 4.00 points (1.00 to 7.00)"));
  EXPECT_THAT(html, HasSubstr("not testable here"));
  EXPECT_THAT(html, HasSubstr("<svg viewBox"));
}

TEST(Report, IsMarkdownWhoseTablesHold) {
  const std::string text = FindingsMarkdown(Findings(), kFacts);
  EXPECT_THAT(text, HasSubstr("| a\\<b | 1\\|2 |"));
  EXPECT_THAT(text, HasSubstr("| x | Small \\<b\\>beats\\</b\\> large | held | 4.00 points"));
  EXPECT_THAT(text, HasSubstr("| s: \\<bar\\> | 2.00 | 1.00 to 3.00 |"));
  EXPECT_THAT(text, HasSubstr("```\n[ @] row'''\n```\n"));
  EXPECT_THAT(text, HasSubstr("    kinglet eval claims x --work 'a<b'\n"));
  EXPECT_THAT(text, HasSubstr("**not testable here**. Testable with --data."));
}

TEST(Report, IsJsonWithFiguresAndBounds) {
  const json::object out = FindingsJson(Findings(), kFacts);
  const json::object& told = out.at("claims").at("x").as_object();
  EXPECT_EQ(told.at("verdict"), "held");
  EXPECT_EQ(told.at("figure"),
            (json::object{{"value", 4.0}, {"ci95", {1.0, 7.0}}, {"unit", "points"}}));
  EXPECT_EQ(told.at("bound"), (json::object{{"side", "above"}, {"at", 0.0}}));
  EXPECT_EQ(told.at("tables").at(0).at("rows").at(0), (json::array{"a<b", "1|2"}));
  EXPECT_TRUE(out.at("claims").at("y").at("figure").is_null());
  EXPECT_EQ(out.at("facts").at("machine"), "two <cores>");
}

}  // namespace
}  // namespace kinglet
