// SPDX-License-Identifier: Apache-2.0
// Bars lie, under their labels: long names fit a narrow page. All lengths are of a drawing 360
// wide, which is about a telephone's pixels.
#include "claims/plot.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <limits>

#include <fmt/format.h>

#include "base/display.h"

namespace kinglet {
namespace {

constexpr double kWidth = 360;
constexpr double kLine = 17;  // of text
constexpr double kBarHeight = 13;
constexpr double kValueRoom = 58;  // beside the longest bar
constexpr double kPlotHeight = 210;
constexpr double kLeft = 46;  // of the axes
constexpr double kBottom = 34;
constexpr int kColours = 5;

using Out = std::back_insert_iterator<std::string>;

std::string Text(double x, double y, std::string_view anchor, std::string_view text) {
  return fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\">{}</text>\n", x, y, anchor,
                     EscapeForHtml(text));
}

std::string Svg(const FindingPlot& plot, double height, std::string_view content) {
  return fmt::format(
      "<svg viewBox=\"0 0 {:.0f} {:.0f}\" role=\"img\" aria-label=\"{}\">\n{}</svg>\n", kWidth,
      height, EscapeForHtml(plot.title), content);
}

double Low(const PlotPoint& point) { return point.interval ? point.interval->first : point.y; }
double High(const PlotPoint& point) { return point.interval ? point.interval->second : point.y; }

struct Range {
  double low = std::numeric_limits<double>::infinity();
  double high = -low;

  void Add(double value) {
    low = std::min(low, value);
    high = std::max(high, value);
  }
};

std::string Bars(const FindingPlot& plot) {
  Range range{0, 0};
  for (const PlotSeries& series : plot.series) {
    for (const PlotPoint& point : series.points) {
      range.Add(std::min(point.y, Low(point)));
      range.Add(std::max(point.y, High(point)));
    }
  }
  const double span = range.high > range.low ? range.high - range.low : 1;
  const auto at = [&](double value) { return (value - range.low) / span * (kWidth - kValueRoom); };
  std::string svg;
  double y = 0;
  for (std::size_t i = 0; i < plot.series.size(); ++i) {
    if (!plot.series[i].name.empty()) {
      svg += fmt::format("<g class=\"head\">{}</g>", Text(0, y + 14, "start", plot.series[i].name));
      y += kLine + 2;
    }
    for (const PlotPoint& point : plot.series[i].points) {
      svg += Text(0, y + 13, "start", point.label);
      y += kLine;
      const double begin = at(std::min(point.y, 0.0));
      fmt::format_to(std::back_inserter(svg),
                     "<rect class=\"s{}\" x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" "
                     "height=\"{}\"/>\n",
                     i % kColours, begin, y, at(std::max(point.y, 0.0)) - begin, kBarHeight);
      if (point.interval) {
        fmt::format_to(std::back_inserter(svg),
                       "<line class=\"reach\" x1=\"{:.1f}\" x2=\"{:.1f}\" y1=\"{:.1f}\" "
                       "y2=\"{:.1f}\"/>\n",
                       at(Low(point)), at(High(point)), y + kBarHeight / 2, y + kBarHeight / 2);
      }
      svg += Text(at(std::max({point.y, High(point), 0.0})) + 6, y + 11.5, "start",
                  ShowNumber(point.y));
      y += kBarHeight + 6;
    }
  }
  if (!plot.x_label.empty()) {
    svg += Text(0, y + 13, "start", plot.x_label);
    y += kLine;
  }
  return Svg(plot, y + 2, svg);
}

// One side of a plot with axes: numbers to drawing, and where its numbers stand.
class Axis {
 public:
  Axis(Range range, bool log, double begin, double end) : log_(log), begin_(begin), end_(end) {
    low_ = Scaled(range.low);
    high_ = Scaled(range.high);
    if (!log_) low_ = std::min(low_, 0.0);
    if (high_ <= low_) high_ = low_ + 1;
  }

  double At(double value) const {
    return begin_ + (Scaled(value) - low_) / (high_ - low_) * (end_ - begin_);
  }

  std::vector<double> Ticks() const {
    std::vector<double> ticks;
    if (log_) {
      // Where there are few powers of ten, the numbers between stand, too.
      const std::vector<double> steps =
          high_ - low_ < 2 ? std::vector<double>{1, 2, 5} : std::vector<double>{1};
      for (int power = static_cast<int>(std::floor(low_)); power <= high_; ++power) {
        for (const double step : steps) AddTick(step * std::pow(10, power), ticks);
      }
      return ticks;
    }
    const double rough = (high_ - low_) / 5;
    const double power = std::pow(10, std::floor(std::log10(rough)));
    double step = 10 * power;
    for (const double times : {5.0, 2.0, 1.0}) {
      if (times * power >= rough) step = times * power;
    }
    const auto first = static_cast<int>(std::ceil(low_ / step));
    for (int tick = first; tick * step <= high_; ++tick) AddTick(tick * step, ticks);
    return ticks;
  }

 private:
  double Scaled(double value) const { return log_ ? std::log10(value) : value; }
  void AddTick(double value, std::vector<double>& ticks) const {
    const double scaled = Scaled(value);
    if (scaled >= low_ - 1e-9 && scaled <= high_ + 1e-9) ticks.push_back(value);
  }

  bool log_;
  double begin_, end_;
  double low_ = 0, high_ = 1;
};

struct Axes {
  Axis x, y;
};

Axes AxesOf(const FindingPlot& plot) {
  Range x, y;
  for (const PlotSeries& series : plot.series) {
    for (const PlotPoint& point : series.points) {
      x.Add(point.x);
      y.Add(Low(point));
      y.Add(High(point));
      y.Add(point.y);
    }
  }
  return {Axis(x, plot.log_x && x.low > 0, kLeft + 6, kWidth - 14),
          Axis(y, plot.log_y && y.low > 0, kPlotHeight - kBottom, 26)};
}

// 0.5, 20, 10k: short, as they are round.
std::string ShowTick(double value) {
  if (std::abs(value) >= 1e6) return fmt::format("{:g}M", value / 1e6);
  return std::abs(value) >= 1e4 ? fmt::format("{:g}k", value / 1e3) : fmt::format("{:g}", value);
}

std::string DrawAxes(const FindingPlot& plot, const Axes& axes) {
  std::string svg = Text(0, 12, "start", plot.y_label);
  const double floor = kPlotHeight - kBottom;
  for (const double tick : axes.y.Ticks()) {
    const double y = axes.y.At(tick);
    svg += fmt::format(
        "<line class=\"grid\" x1=\"{:.1f}\" x2=\"{:.1f}\" y1=\"{:.1f}\" y2=\"{:.1f}\"/>", kLeft,
        kWidth, y, y);
    svg += Text(kLeft - 4, y + 4, "end", ShowTick(tick));
  }
  for (const double tick : axes.x.Ticks()) {
    svg += Text(axes.x.At(tick), floor + 14, "middle", ShowTick(tick));
  }
  return svg + Text((kLeft + kWidth) / 2, floor + 29, "middle", plot.x_label);
}

// The mark of a series, so that they differ in print without colours.
std::string Mark(std::size_t series, double x, double y) {
  if (series % 2 == 0) {
    return fmt::format("<circle class=\"s{}\" cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"3.5\"/>",
                       series % kColours, x, y);
  }
  return fmt::format("<rect class=\"s{}\" x=\"{:.1f}\" y=\"{:.1f}\" width=\"7\" height=\"7\"/>",
                     series % kColours, x - 3.5, y - 3.5);
}

// Labels of points go to the side that has room.
std::string PointLabel(double x, double y, std::string_view label) {
  if (label.empty()) return {};
  return x > kWidth * 0.55 ? Text(x - 7, y - 5, "end", label) : Text(x + 7, y - 5, "start", label);
}

std::string PointsOrLines(const FindingPlot& plot) {
  const Axes axes = AxesOf(plot);
  std::string svg = DrawAxes(plot, axes);
  double height = kPlotHeight;
  for (std::size_t i = 0; i < plot.series.size(); ++i) {
    std::string path, marks;
    for (const PlotPoint& point : plot.series[i].points) {
      const double x = axes.x.At(point.x), y = axes.y.At(point.y);
      path += fmt::format("{:.1f},{:.1f} ", x, y);
      if (point.interval) {
        marks += fmt::format(
            "<line class=\"reach\" x1=\"{:.1f}\" x2=\"{:.1f}\" y1=\"{:.1f}\" y2=\"{:.1f}\"/>", x, x,
            axes.y.At(Low(point)), axes.y.At(High(point)));
      }
      marks += Mark(i, x, y) + PointLabel(x, y, point.label);
    }
    if (plot.kind == FindingPlot::Kind::kLines) {
      svg += fmt::format("<polyline class=\"s{} d{} curve\" points=\"{}\"/>\n", i % kColours, i % 3,
                         path);
    }
    svg += marks + '\n';
    if (plot.series[i].name.empty()) continue;
    svg += Mark(i, kLeft + 4, height + 9) +
           Text(kLeft + 14, height + 13, "start", plot.series[i].name);
    height += kLine;
  }
  return Svg(plot, height + 4, svg);
}

std::string Grid(const FindingPlot& plot) {
  std::size_t columns = 1;
  for (const PlotSeries& row : plot.series) columns = std::max(columns, row.points.size());
  const double cell = kWidth / static_cast<double>(columns);
  const double height = std::clamp(cell, 10.0, 22.0);
  std::string svg;
  double y = 0;
  for (const PlotSeries& row : plot.series) {
    svg += Text(0, y + 13, "start", row.name);
    y += kLine;
    for (const PlotPoint& point : row.points) {
      fmt::format_to(std::back_inserter(svg),
                     "<rect class=\"cell\" x=\"{:.2f}\" y=\"{:.1f}\" width=\"{:.2f}\" "
                     "height=\"{:.1f}\" fill-opacity=\"{:.2f}\"><title>{}</title></rect>",
                     point.x * cell, y, cell - 0.4, height, std::clamp(point.value, 0.0, 1.0),
                     EscapeForHtml(point.label));
    }
    svg += '\n';
    y += height + 5;
  }
  svg += Text(0, y + 12, "start", plot.x_label);
  return Svg(plot, y + kLine, svg);
}

}  // namespace

std::string ShowNumber(double value) {
  const double size = std::abs(value);
  if (size >= 99.95 || value == 0) return fmt::format("{:.0f}", value);
  if (size >= 9.995) return fmt::format("{:.1f}", value);
  return size >= 0.0995 ? fmt::format("{:.2f}", value) : fmt::format("{:.2g}", value);
}

std::string SvgPlot(const FindingPlot& plot) {
  const bool has_points =
      std::ranges::any_of(plot.series, [](const PlotSeries& s) { return !s.points.empty(); });
  if (!has_points) return {};
  switch (plot.kind) {
    case FindingPlot::Kind::kBars:
      return Bars(plot);
    case FindingPlot::Kind::kGrid:
      return Grid(plot);
    case FindingPlot::Kind::kPoints:
    case FindingPlot::Kind::kLines:
      break;
  }
  return PointsOrLines(plot);
}

std::string_view PlotStyle() {
  return R"(:root{color-scheme:light dark;--paper:#fff;--ink:#1c1c1c;--faint:#d5d5d5;--soft:#f3f3f1;
--c0:#2f6db3;--c1:#c4622d;--c2:#3b8a55;--c3:#8a4fa3;--c4:#877321}
@media screen and (prefers-color-scheme:dark){:root{--paper:#17181a;--ink:#e6e6e3;--faint:#44474b;
--soft:#222427;--c0:#74a9e6;--c1:#e8945f;--c2:#77c493;--c3:#c493dc;--c4:#cdb860}}
body{background:var(--paper);color:var(--ink)}
svg{display:block;width:100%;max-width:32rem;margin:.3rem 0}
svg text{font:12px system-ui,sans-serif;fill:var(--ink)}svg .head text{font-weight:600}
.s0{fill:var(--c0);stroke:var(--c0)}.s1{fill:var(--c1);stroke:var(--c1)}
.s2{fill:var(--c2);stroke:var(--c2)}.s3{fill:var(--c3);stroke:var(--c3)}
.s4{fill:var(--c4);stroke:var(--c4)}rect{stroke:none}.cell{fill:var(--c0)}
.curve{fill:none;stroke-width:2}.d1{stroke-dasharray:7 3}.d2{stroke-dasharray:2 3}
.reach{stroke:var(--ink);stroke-width:1.5}.grid{stroke:var(--faint)}
@media print{svg{max-width:21rem;break-inside:avoid;
print-color-adjust:exact;-webkit-print-color-adjust:exact}}
)";
}

}  // namespace kinglet
