// SPDX-License-Identifier: Apache-2.0
// The plots are bars of SVG: the median, and a line from the slowest repetition to the fastest.
#include "cli/bench_report.h"

#include <algorithm>
#include <iterator>
#include <numeric>
#include <utility>

#include "base/display.h"
#include "claims/plot.h"

namespace kinglet {
namespace {

double Megabytes(std::uint64_t bytes) { return static_cast<double>(bytes) / 1e6; }

// A heading and the plot; nothing of no points.
std::string Plot(std::string title, PlotSeries bars) {
  const std::string svg = SvgPlot({.title = title, .series = {std::move(bars)}});
  return svg.empty() ? svg : fmt::format("<h2>{}</h2>\n{}", title, svg);
}

std::string SpeedPlots(const BenchResult& result) {
  std::string html;
  for (const std::string_view kind : {"pp", "tg"}) {
    PlotSeries bars;
    for (const BenchTest& test : result.tests) {
      if (!test.name.starts_with(kind)) continue;
      bars.points.push_back(
          {.label = test.name,
           .y = test.median(),
           .interval = std::pair(test.tokens_per_s.front(), test.tokens_per_s.back())});
    }
    html += Plot(kind == "pp" ? "Reading a prompt, tokens a second"
                              : "Writing, tokens a second of all streams together",
                 std::move(bars));
  }
  return html;
}

std::string SharePlot(const BenchResult& result) {
  PlotSeries bars;
  for (const BenchTest& test : result.tests) {
    if (!test.share_of_read) continue;
    bars.points.push_back({.label = test.name, .y = *test.share_of_read * 100});
  }
  return Plot("Weights read, in hundredths of what the threads can read", std::move(bars));
}

}  // namespace

json::object BenchJson(const BenchResult& result) {
  json::array tests;
  for (const BenchTest& test : result.tests) {
    tests.push_back({{"name", test.name},
                     {"tokens_per_s",
                      {{"min", test.tokens_per_s.front()},
                       {"median", test.median()},
                       {"max", test.tokens_per_s.back()}}},
                     {"share_of_read", OrNull(test.share_of_read)}});
  }
  json::object out = {{"model", result.model},
                      {"file_bytes", result.file_bytes},
                      {"isa", result.isa},
                      {"threads", result.threads},
                      {"read_bytes_per_s", OrNull(result.read_bytes_per_s)},
                      {"tests", std::move(tests)},
                      {"start_ms", result.start_ms},
                      {"first_token_ms", result.first_token_ms},
                      {"resident_bytes", result.resident_bytes},
                      {"packed_bytes", result.packed_bytes}};
  if (!result.expert_tokens.empty()) {
    json::array layers;
    for (const auto& layer : result.expert_tokens) {
      layers.push_back(json::array(layer.begin(), layer.end()));
    }
    out["expert_tokens"] = std::move(layers);
  }
  return out;
}

std::string BenchTable(const BenchResult& result) {
  std::string text = fmt::format("{}, {:.1f} MB, {}, {} threads\n", EscapeForDisplay(result.model),
                                 Megabytes(result.file_bytes), result.isa, result.threads);
  auto out = std::back_inserter(text);
  fmt::format_to(out, "{:<14} {:>10} {:>10} {:>10}   tokens/s\n", "test", "min", "median", "max");
  for (const BenchTest& test : result.tests) {
    fmt::format_to(out, "{:<14} {:>10.1f} {:>10.1f} {:>10.1f}", test.name,
                   test.tokens_per_s.front(), test.median(), test.tokens_per_s.back());
    if (test.share_of_read)
      fmt::format_to(out, "   {:.1f} % of reading", *test.share_of_read * 100);
    text += '\n';
  }
  if (result.read_bytes_per_s) {
    fmt::format_to(out, "these threads read {:.1f} GB/s of the weights\n",
                   *result.read_bytes_per_s / 1e9);
  }
  fmt::format_to(out, "ready {:.0f} ms after the start, first token {:.0f} ms\n", result.start_ms,
                 result.first_token_ms);
  fmt::format_to(out, "resident {:.1f} MB at most, packed weights {:.1f} MB\n",
                 Megabytes(result.resident_bytes), Megabytes(result.packed_bytes));
  for (std::size_t layer = 0; layer < result.expert_tokens.size(); ++layer) {
    const auto& loads = result.expert_tokens[layer];
    const auto most = static_cast<double>(std::ranges::max(loads));
    const auto all = static_cast<double>(std::accumulate(loads.begin(), loads.end(), 0ULL));
    if (all == 0) break;  // nothing was run
    fmt::format_to(
        out, "layer {:>3}: the busiest expert had {:.1f} times its share, {} of {} had none\n",
        layer, most * static_cast<double>(loads.size()) / all, std::ranges::count(loads, 0U),
        loads.size());
  }
  return text;
}

std::string BenchHtml(const BenchResult& result) {
  return fmt::format(
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
      "'unsafe-inline'\">\n<title>kinglet bench</title>\n"
      "<style>{}body{{font:15px sans-serif;max-width:48em;margin:2em auto}}"
      "pre{{overflow-x:auto}}</style></head><body>\n"
      "<h1>{}</h1>\n{}{}<pre>{}</pre>\n</body></html>\n",
      PlotStyle(), EscapeForHtml(result.model), SpeedPlots(result), SharePlot(result),
      // Line by line, as escaping would show a line feed.
      [&] {
        std::string escaped;
        const std::string table = BenchTable(result);
        for (std::size_t at = 0; at < table.size();) {
          const std::size_t end = table.find('\n', at);
          escaped += EscapeForHtml(std::string_view(table).substr(at, end - at)) + '\n';
          at = end + 1;
        }
        return escaped;
      }());
}

}  // namespace kinglet
