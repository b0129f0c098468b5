// SPDX-License-Identifier: Apache-2.0
// Markdown shows plots as the numbers that they are drawn from, a grid as shades of characters.
#include "claims/report.h"

#include <algorithm>
#include <cmath>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "base/display.h"
#include "eval/show_interval.h"

namespace kinglet {
namespace {

// A text that Markdown shows as it stands, in a cell of a table too.
std::string Escape(std::string_view text) {
  std::string escaped;
  for (const char c : EscapeForDisplay(text)) {
    if (std::string_view("\\`*_[]<>|&#~").contains(c)) escaped += '\\';
    escaped += c;
  }
  return escaped;
}

std::string Row(const std::vector<std::string>& cells) {
  std::string row = "|";
  for (const std::string& cell : cells) row += fmt::format(" {} |", Escape(cell));
  return row + '\n';
}

std::string Table(const FindingTable& table) {
  std::string text = fmt::format("\n### {}\n\n", Escape(table.title)) + Row(table.columns) + '|';
  for (std::size_t i = 0; i < table.columns.size(); ++i) text += "---|";
  text += '\n';
  for (const auto& row : table.rows) text += Row(row);
  return text;
}

std::string Shades(const FindingPlot& plot) {
  static constexpr std::string_view kShades = " .:-=+*#%@";
  std::string text = fmt::format("\n### {}\n\n```\n", Escape(plot.title));
  for (const PlotSeries& row : plot.series) {
    text += '[';
    for (const PlotPoint& point : row.points) {
      const double dark = std::clamp(point.value, 0.0, 1.0);
      text += kShades[static_cast<std::size_t>(std::lround(dark * (kShades.size() - 1)))];
    }
    // A fence of backticks that a name brings would end the block.
    std::string name = EscapeForDisplay(row.name);
    std::ranges::replace(name, '`', '\'');
    text += fmt::format("] {}\n", name);
  }
  return text + "```\n";
}

std::string Numbers(const FindingPlot& plot) {
  const bool bars = plot.kind == FindingPlot::Kind::kBars;
  FindingTable table{
      .title = plot.title,
      .columns = bars ? std::vector<std::string>{"", plot.x_label, "95 %"}
                      : std::vector<std::string>{"", plot.x_label, plot.y_label, "95 %"}};
  for (const PlotSeries& series : plot.series) {
    for (const PlotPoint& point : series.points) {
      const bool says_both =
          !series.name.empty() && !point.label.empty() && series.name != point.label;
      const std::string& one = series.name.empty() ? point.label : series.name;
      std::vector<std::string> row = {says_both ? series.name + ": " + point.label : one};
      if (!bars) row.push_back(ShowNumber(point.x));
      row.push_back(ShowNumber(point.y));
      row.push_back(point.interval
                        ? ShowInterval(point.interval->first, point.interval->second, ShowNumber)
                        : std::string());
      table.rows.push_back(std::move(row));
    }
  }
  return table.rows.empty() ? std::string() : Table(table);
}

std::string Plot(const FindingPlot& plot) {
  return plot.kind == FindingPlot::Kind::kGrid ? Shades(plot) : Numbers(plot);
}

std::string Term(std::string_view name, std::string_view text) {
  return text.empty() ? std::string() : fmt::format("- **{}**: {}\n", name, Escape(text));
}

std::string Listed(std::string_view title, const std::vector<std::string>& items) {
  if (items.empty()) return {};
  std::string text = fmt::format("\n### {}\n\n", title);
  for (const std::string& item : items) text += fmt::format("- {}\n", Escape(item));
  return text;
}

std::string Section(const Finding& finding) {
  std::string text = fmt::format("\n## ({}) {}\n\n**{}**{}. {}\n\n", Escape(finding.letter),
                                 Escape(finding.claim), NameOf(finding.verdict),
                                 finding.figure ? ", " + Escape(ShowFigure(*finding.figure)) : "",
                                 Escape(finding.why));
  text += Term("Hypothesis", finding.hypothesis) + Term("Metric", finding.metric) +
          Term("Data", finding.data);
  text += Listed("Systems", finding.systems);
  for (const FindingPlot& plot : finding.plots) text += Plot(plot);
  for (const FindingTable& table : finding.tables) text += Table(table);
  text += Listed("What it does not say", finding.caveats);
  if (!finding.commands.empty()) {
    text += "\n### To repeat it\n\n";
    for (const std::string& command : finding.commands) {
      text += "    " + EscapeForDisplay(command) + '\n';
    }
  }
  return text;
}

json::value IntervalOrNull(const std::optional<std::pair<double, double>>& interval) {
  if (!interval) return nullptr;
  return json::array{interval->first, interval->second};
}

json::array Texts(const std::vector<std::string>& texts) {
  return json::array(texts.begin(), texts.end());
}

json::object TableJson(const FindingTable& table) {
  json::array rows;
  for (const auto& row : table.rows) rows.push_back(Texts(row));
  return {{"title", table.title}, {"columns", Texts(table.columns)}, {"rows", std::move(rows)}};
}

json::object ToJson(const Finding& finding) {
  json::array tables;
  for (const FindingTable& table : finding.tables) tables.push_back(TableJson(table));
  json::object out = {{"claim", finding.claim},
                      {"hypothesis", finding.hypothesis},
                      {"verdict", NameOf(finding.verdict)},
                      {"why", finding.why},
                      {"data", finding.data},
                      {"systems", Texts(finding.systems)},
                      {"metric", finding.metric},
                      {"bound", nullptr},
                      {"figure", nullptr},
                      {"tables", std::move(tables)},
                      {"caveats", Texts(finding.caveats)},
                      {"commands", Texts(finding.commands)}};
  if (const auto& bound = finding.bound) {
    out["bound"] = {{"side", bound->side == Side::kAbove ? "above" : "below"}, {"at", bound->at}};
  }
  if (const auto& figure = finding.figure) {
    out["figure"] = {{"value", figure->value},
                     {"ci95", IntervalOrNull(figure->interval)},
                     {"unit", OrNull(figure->unit)}};
  }
  return out;
}

}  // namespace

std::string FindingsMarkdown(std::span<const Finding> findings, const ReportFacts& facts) {
  FindingTable summary{.title = "Verdicts", .columns = {"", "Claim", "Verdict", "Figure"}};
  for (const Finding& finding : findings) {
    summary.rows.push_back({finding.letter, finding.claim, NameOf(finding.verdict),
                            finding.figure ? ShowFigure(*finding.figure) : std::string()});
  }
  std::string text = "# Claims put to the test\n" + Table(summary) + '\n';
  for (const auto& [name, value] : facts) text += Term(name, value);
  for (const Finding& finding : findings) text += Section(finding);
  return text;
}

json::object FindingsJson(std::span<const Finding> findings, const ReportFacts& facts) {
  json::object claims, known;
  for (const Finding& finding : findings) claims[finding.letter] = ToJson(finding);
  for (const auto& [name, value] : facts) known[name] = value;
  return {{"claims", std::move(claims)}, {"facts", std::move(known)}};
}

}  // namespace kinglet
