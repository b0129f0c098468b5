// SPDX-License-Identifier: Apache-2.0
// The page: a table of verdicts, then a section for each claim. Wide tables and commands scroll in
// their own boxes; print has them whole.
#include <string_view>

#include <fmt/format.h>

#include "base/display.h"
#include "claims/report.h"

namespace kinglet {
namespace {

constexpr std::string_view kStyle = R"(*{box-sizing:border-box}
body{font:16px/1.45 system-ui,sans-serif;max-width:46rem;margin:0 auto;padding:1rem .8rem 3rem;
overflow-wrap:break-word}
h1{font-size:1.5rem}h2{font-size:1.2rem;margin:2.2rem 0 .4rem;border-top:1px solid var(--faint);
padding-top:1rem}h3{font-size:1rem;margin:1.2rem 0 .2rem}p{margin:.4rem 0}
a{color:inherit}dl{margin:.4rem 0}dt{font-weight:600;margin-top:.4rem}dd{margin:0}
.scroll{overflow-x:auto;margin:.3rem 0}table{border-collapse:collapse;font-size:.88rem}
th,td{text-align:left;vertical-align:top;padding:.25rem .6rem .25rem 0;
border-bottom:1px solid var(--faint);min-width:4.6rem}
td:first-child{min-width:7rem}td+td{font-variant-numeric:tabular-nums}
pre{background:var(--soft);padding:.6rem;overflow-x:auto;font-size:.8rem;margin:.3rem 0}
.verdict{font-weight:600;white-space:nowrap;border:1.5px solid;border-radius:.3rem;
padding:.05rem .4rem}
.held{color:var(--c2)}.refuted{color:var(--c1)}.undecided{color:var(--c4)}.untested{opacity:.75}
@media print{body{font-size:10pt;max-width:none;padding:0}h2,h3{break-after:avoid}
pre{white-space:pre-wrap}.scroll{overflow:visible}tr,figure{break-inside:avoid}}
)";

std::string Verdicts(Verdict verdict) {
  const char* kind = "untested";
  if (verdict == Verdict::kHeld) kind = "held";
  if (verdict == Verdict::kRefuted) kind = "refuted";
  if (verdict == Verdict::kUndecided) kind = "undecided";
  return fmt::format("<span class=\"verdict {}\">{}</span>", kind, NameOf(verdict));
}

std::string Shown(const Finding& finding) {
  return finding.figure ? EscapeForHtml(ShowFigure(*finding.figure)) : std::string();
}

std::string Summary(std::span<const Finding> findings) {
  std::string html = "<div class=\"scroll\"><table>\n<tr><th>Claim<th>Verdict</tr>\n";
  for (const Finding& finding : findings) {
    html += fmt::format("<tr><td><a href=\"#{0}\">{0}</a> {1}<td>{2}<br>{3}</tr>\n",
                        EscapeForHtml(finding.letter), EscapeForHtml(finding.claim),
                        Verdicts(finding.verdict), Shown(finding));
  }
  return html + "</table></div>\n";
}

std::string Table(const FindingTable& table) {
  std::string html =
      fmt::format("<h3>{}</h3>\n<div class=\"scroll\"><table>\n<tr>", EscapeForHtml(table.title));
  for (const std::string& column : table.columns) html += "<th>" + EscapeForHtml(column);
  html += "</tr>\n";
  for (const auto& row : table.rows) {
    html += "<tr>";
    for (const std::string& cell : row) html += "<td>" + EscapeForHtml(cell);
    html += "</tr>\n";
  }
  return html + "</table></div>\n";
}

std::string Term(std::string_view name, std::string_view text) {
  if (text.empty()) return {};
  return fmt::format("<dt>{}</dt><dd>{}</dd>\n", EscapeForHtml(name), EscapeForHtml(text));
}

std::string Listed(std::string_view title, const std::vector<std::string>& items) {
  if (items.empty()) return {};
  std::string html = fmt::format("<h3>{}</h3>\n<ul>\n", title);
  for (const std::string& item : items) html += fmt::format("<li>{}</li>\n", EscapeForHtml(item));
  return html + "</ul>\n";
}

std::string Section(const Finding& finding) {
  std::string html =
      fmt::format("<section id=\"{0}\"><h2>({0}) {1}</h2>\n<p>{2} {3}</p>\n<p>{4}</p>\n",
                  EscapeForHtml(finding.letter), EscapeForHtml(finding.claim),
                  Verdicts(finding.verdict), Shown(finding), EscapeForHtml(finding.why));
  html += "<dl>\n" + Term("Hypothesis", finding.hypothesis) + Term("Metric", finding.metric) +
          Term("Data", finding.data) + "</dl>\n";
  html += Listed("Systems", finding.systems);
  for (const FindingPlot& plot : finding.plots) {
    const std::string svg = SvgPlot(plot);
    if (svg.empty()) continue;
    html += fmt::format("<figure style=\"margin:0\"><h3>{}</h3>\n{}</figure>\n",
                        EscapeForHtml(plot.title), svg);
  }
  for (const FindingTable& table : finding.tables) html += Table(table);
  html += Listed("What it does not say", finding.caveats);
  if (!finding.commands.empty()) {
    html += "<h3>To repeat it</h3>\n<pre>";
    for (const std::string& command : finding.commands) html += EscapeForHtml(command) + '\n';
    html += "</pre>\n";
  }
  return html + "</section>\n";
}

}  // namespace

std::string FindingsHtml(std::span<const Finding> findings, const ReportFacts& facts) {
  std::string html = fmt::format(
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
      "'unsafe-inline'\">\n<title>Claims put to the "
      "test</title>\n<style>{}{}</style></head><body>\n"
      "<h1>Claims put to the test</h1>\n",
      PlotStyle(), kStyle);
  html += Summary(findings) + "<dl>\n";
  for (const auto& [name, value] : facts) html += Term(name, value);
  html += "</dl>\n";
  for (const Finding& finding : findings) html += Section(finding);
  return html + "</body></html>\n";
}

}  // namespace kinglet
