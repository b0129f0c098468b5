// SPDX-License-Identifier: Apache-2.0
// Plots as plain data, and as SVG that reads on a telephone and on paper: no scripts, nothing from
// elsewhere, colours by the page's style.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kinglet {

struct PlotPoint {
  std::string label;  // of a bar, a point or a column; may be empty on a line
  double x = 0;       // of kPoints and kLines; kGrid: the column, from 0
  double y = 0;       // kBars: the bar's length
  double value = 0;   // kGrid: 0..1, how dark
  std::optional<std::pair<double, double>> interval;  // of y
};

struct PlotSeries {
  std::string name;  // kGrid: of a row
  std::vector<PlotPoint> points;
};

struct FindingPlot {
  enum class Kind { kBars, kPoints, kLines, kGrid };
  Kind kind = Kind::kBars;
  std::string title;
  std::string x_label;
  std::string y_label;
  std::vector<PlotSeries> series;
  // Of kPoints and kLines, where all are above 0: steps of ten times are alike.
  bool log_x = false, log_y = false;
};

// An <svg>, whose classes PlotStyle() colours. Empty where there is nothing to show.
std::string SvgPlot(const FindingPlot& plot);

// Rules for a <style>: light, dark and printed. It sets the page's colours, too.
std::string_view PlotStyle();

// 0.012, 1.23, 12.3, 1234: three digits or whole.
std::string ShowNumber(double value);

}  // namespace kinglet
