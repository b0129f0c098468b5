// SPDX-License-Identifier: Apache-2.0
#include "claims/plot.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace kinglet {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(Plot, ShowsNothingOfNothing) {
  EXPECT_EQ(SvgPlot({}), "");
  EXPECT_EQ(SvgPlot({.series = {{.name = "empty"}}}), "");
}

TEST(Plot, DrawsBarsToScaleWithTheirReach) {
  const std::string svg =
      SvgPlot({.title = "Speed",
               .series = {{.points = {{.label = "one", .y = 50, .interval = std::pair(25.0, 100.0)},
                                      {.label = "two", .y = 100}}}}});
  // 302 is the longest that leaves room for a number.
  EXPECT_THAT(svg, HasSubstr("width=\"151.0\""));
  EXPECT_THAT(svg, HasSubstr("x1=\"75.5\" x2=\"302.0\""));
  EXPECT_THAT(svg, HasSubstr("width=\"302.0\""));
  EXPECT_THAT(svg, HasSubstr(">100</text>"));
}

TEST(Plot, DrawsBarsBelowNothingToTheLeft) {
  const std::string svg =
      SvgPlot({.series = {{.points = {{.label = "loss", .y = -1}, {.label = "gain", .y = 1}}}}});
  EXPECT_THAT(svg, HasSubstr("x=\"0.0\" y=\"17.0\" width=\"151.0\""));
  EXPECT_THAT(svg, HasSubstr("x=\"151.0\" y=\"53.0\" width=\"151.0\""));
}

TEST(Plot, EscapesNames) {
  for (const auto kind : {FindingPlot::Kind::kBars, FindingPlot::Kind::kPoints,
                          FindingPlot::Kind::kLines, FindingPlot::Kind::kGrid}) {
    const std::string svg = SvgPlot({.kind = kind,
                                     .title = "<script>\"",
                                     .x_label = "<x>",
                                     .y_label = "<y>",
                                     .series = {{"<name>", {{.label = "<label>", .y = 1}}}}});
    EXPECT_THAT(svg, HasSubstr("&lt;label&gt;"));
    EXPECT_THAT(svg, HasSubstr("&lt;name&gt;"));
    for (const char* const raw : {"<script", "<label", "<name", "<x>", "<y>"}) {
      EXPECT_THAT(svg, Not(HasSubstr(raw)));
    }
  }
}

TEST(Plot, StepsOfTenTimesAreAlikeOnALogarithm) {
  const std::string svg =
      SvgPlot({.kind = FindingPlot::Kind::kLines,
               .series = {{"t", {{.x = 1, .y = 1}, {.x = 2, .y = 10}, {.x = 3, .y = 1000}}}},
               .log_y = true});
  // A third of the way up from 176 to 26.
  EXPECT_THAT(svg, HasSubstr(",126.0 "));
  EXPECT_THAT(svg, HasSubstr(">1000</text>"));
  EXPECT_THAT(svg, HasSubstr(">2</text>"));
}

TEST(Plot, DarkensCells) {
  const std::string svg = SvgPlot({.kind = FindingPlot::Kind::kGrid,
                                   .series = {{"words",
                                               {{.label = "expert 0", .x = 0, .value = 0.25},
                                                {.label = "expert 1", .x = 1, .value = 7}}}}});
  EXPECT_THAT(svg, HasSubstr("fill-opacity=\"0.25\""));
  EXPECT_THAT(svg, HasSubstr("fill-opacity=\"1.00\""));
}

TEST(Plot, ShowsNumbersOfAnySize) {
  EXPECT_EQ(ShowNumber(0), "0");
  EXPECT_EQ(ShowNumber(0.01234), "0.012");
  EXPECT_EQ(ShowNumber(0.9996), "1.00");
  EXPECT_EQ(ShowNumber(-3.14159), "-3.14");
  EXPECT_EQ(ShowNumber(12.345), "12.3");
  EXPECT_EQ(ShowNumber(99.97), "100");
  EXPECT_EQ(ShowNumber(1234.5), "1234");
}

}  // namespace
}  // namespace kinglet
