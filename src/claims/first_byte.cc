// SPDX-License-Identifier: Apache-2.0
// A prompt's time is nearly all products with weights, so that it grows with their number. What
// attention takes beside is left out: it is little for prompts as short as these.
#include "claims/first_byte.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "claims/figures.h"

namespace kinglet {
namespace {

constexpr std::size_t kPrompts[] = {16, 128, 1024};
constexpr std::size_t kJudged = 128;  // a question, and a passage whose like was read before
constexpr double kBudgetMs = 100;
constexpr double kSameShape = 0.05;  // of the active weights, how far off one of 8B may be

constexpr DenseShape kLlama8B{32, 4096, 14336, 1024, 128256};
constexpr DenseShape kLlama70B{80, 8192, 28672, 1024, 128256};
constexpr const char* k8B = "Llama 3.1 8B";
constexpr const char* k70B = "Llama 3.1 70B";

// Milliseconds of a weight and a token; of one new token by the speed of writing.
Estimate MeasuredMs(const MeasuredModel& model, std::size_t tokens, std::uint64_t seed) {
  return EstimateMedian(tokens == 1 ? model.speed.token_ms : model.speed.first_ms.at(tokens), seed);
}

bool IsMeasured(std::span<const MeasuredModel> measured, std::size_t tokens) {
  return tokens == 1 || std::ranges::all_of(measured, [&](const MeasuredModel& m) {
           return m.speed.first_ms.contains(tokens);
         });
}

Result<std::vector<MeasuredModel>> Measure(const ClaimSetup& setup, Finding& finding) {
  std::vector<MeasuredModel> measured;
  for (const Part part : {Part::kSmall, Part::kLarge, Part::kEightBillions}) {
    if (!setup.has(part)) continue;
    MeasuredModel model{setup.name(part), TRY(ReadShape(setup.file(part))),
                        TRY(MeasureSpeed(setup, part, kPrompts))};
    finding.systems.push_back(fmt::format("{}: {} weights, {} bytes", model.name,
                                          ShowCount(model.shape.total),
                                          ShowCount(model.shape.bytes)));
    finding.commands.push_back(
        fmt::format("kinglet bench {} -p 128 -n 16 -r 5", setup.file(part).string()));
    measured.push_back(std::move(model));
  }
  std::ranges::sort(measured, {}, [](const MeasuredModel& m) { return m.shape.active(); });
  return measured;
}

std::string ShowBytes(double bytes) { return ShowNumber(bytes / 1e9) + " GB"; }

// What is measured, and beside it what the smallest alone would have foreseen.
FindingTable MeasuredTable(std::span<const MeasuredModel> measured, std::uint64_t seed) {
  FindingTable table{.title = "Measured: milliseconds to the first token",
                     .columns = {"Model", "New tokens", "ms", "Foreseen by the smallest, ms"}};
  for (const MeasuredModel& model : measured) {
    for (const std::size_t tokens : {std::size_t{1}, kPrompts[0], kPrompts[1], kPrompts[2]}) {
      if (!IsMeasured(std::span(&model, 1), tokens)) continue;
      const bool foreseen = &model != measured.data() && IsMeasured(measured.first(1), tokens);
      table.rows.push_back(
          {model.name, std::to_string(tokens), ShowEstimate(MeasuredMs(model, tokens, seed)),
           foreseen ? ShowNumber(Foresee(measured.first(1), model.shape, tokens).value) : ""});
    }
  }
  return table;
}

struct Foreseen {
  std::string name;
  ModelShape shape;
};

FindingTable ForeseenTable(std::span<const MeasuredModel> measured,
                           std::span<const Foreseen> models) {
  FindingTable table{.title = "Computed: milliseconds to the first token on this machine",
                     .columns = {"Model", "New tokens", "ms, and by each model measured"}};
  for (const Foreseen& model : models) {
    for (const std::size_t tokens : {std::size_t{1}, kPrompts[0], kPrompts[1], kPrompts[2]}) {
      if (!IsMeasured(measured, tokens)) continue;
      table.rows.push_back(
          {model.name, std::to_string(tokens), ShowFigure(Foresee(measured, model.shape, tokens))});
    }
  }
  return table;
}

// However fast arithmetic is, each weight is read once before the first byte.
FindingTable BytesTable(std::span<const Foreseen> models, double bits, double read_bytes_per_s) {
  FindingTable table{.title = "What reading the weights once asks of any machine",
                     .columns = {"Model", fmt::format("Weights, {} bits each", ShowNumber(bits)),
                                 "For 100 ms", "Here at least"}};
  for (const Foreseen& model : models) {
    table.rows.push_back({model.name, ShowBytes(model.shape.bytes),
                          ShowBytes(model.shape.bytes * 1000 / kBudgetMs) + "/s",
                          read_bytes_per_s > 0
                              ? ShowNumber(model.shape.bytes / read_bytes_per_s * 1000) + " ms"
                              : "not known"});
  }
  return table;
}

FindingPlot PlotOf(std::span<const MeasuredModel> measured, std::span<const Foreseen> models,
                   std::uint64_t seed) {
  FindingPlot plot{.kind = FindingPlot::Kind::kLines,
                   .title = "Time to the first token",
                   .x_label = "new tokens",
                   .y_label = "ms",
                   .log_x = true,
                   .log_y = true};
  for (const MeasuredModel& model : measured) {
    PlotSeries series{.name = model.name + ", measured"};
    for (const auto& [tokens, ms] : model.speed.first_ms) {
      const Estimate estimate = EstimateMedian(ms, seed);
      series.points.push_back({.x = static_cast<double>(tokens),
                               .y = estimate.mean,
                               .interval = std::pair(estimate.low, estimate.high)});
    }
    plot.series.push_back(std::move(series));
  }
  for (const Foreseen& model : models) {
    PlotSeries series{.name = model.name + ", computed"};
    for (const std::size_t tokens : kPrompts) {
      if (!IsMeasured(measured, tokens)) continue;
      const Figure figure = Foresee(measured, model.shape, tokens);
      series.points.push_back(
          {.x = static_cast<double>(tokens), .y = figure.value, .interval = figure.interval});
    }
    plot.series.push_back(std::move(series));
  }
  PlotSeries budget{.name = "100 ms"};
  for (const auto& point : plot.series.front().points) {
    budget.points.push_back({.x = point.x, .y = kBudgetMs});
  }
  plot.series.push_back(std::move(budget));
  return plot;
}

}  // namespace

Finding StateFirstByte() {
  return {.claim = "A 4-bit 8B answers its first byte under 100 ms, a 70B cannot",
          .hypothesis =
              "behind 128 new tokens, with the model in memory, Llama 3.1 8B's first "
              "token comes in less than 100 ms on this machine, and 70B's does not",
          .data = "prompts of 16, 128 and 1024 tokens that nobody computed before",
          .metric = "milliseconds from a prompt's tokens to the first token of the answer",
          .bound = Bound{Side::kBelow, kBudgetMs}};
}

Figure Foresee(std::span<const MeasuredModel> measured, const ModelShape& shape,
               std::size_t tokens) {
  Figure figure{.unit = "ms"};
  double low = 0, high = 0, greatest = 0;
  for (const MeasuredModel& model : measured) {
    const double times = shape.WorkOf(tokens) / model.shape.WorkOf(tokens);
    const Estimate ms = MeasuredMs(model, tokens, 1);
    low = greatest == 0 ? ms.low * times : std::min(low, ms.low * times);
    high = std::max(high, ms.high * times);
    if (model.shape.active() < greatest) continue;
    greatest = model.shape.active();
    figure.value = ms.mean * times;
  }
  figure.interval = {low, high};
  return figure;
}

// Before anything is measured.
Result<void> CheckEightBillions(const ClaimSetup& setup) {
  if (!setup.has(Part::kEightBillions)) return {};
  const double wanted = ShapeOf(kLlama8B, /*bytes_per_weight=*/1).active();
  const double active = TRY(ReadShape(setup.file(Part::kEightBillions))).active();
  if (std::abs(active / wanted - 1) <= kSameShape) return {};
  return Error(StatusCode::kUsage,
               "--eight-billions: a file that uses {} weights for a token, not {}",
               ShowCount(active), ShowCount(wanted));
}

Result<void> TestFirstByte(const ClaimSetup& setup, Finding& finding) {
  TRY(CheckEightBillions(setup));
  const std::vector<MeasuredModel> measured = TRY(Measure(setup, finding));
  if (!IsMeasured(measured, kJudged)) {
    return Error(StatusCode::kUsage, "a model whose context holds no {} tokens", kJudged);
  }
  const ModelShape& largest = measured.back().shape;
  const double bytes_per_weight = largest.bytes / largest.total;
  const std::vector<Foreseen> models = {{k8B, ShapeOf(kLlama8B, bytes_per_weight)},
                                        {k70B, ShapeOf(kLlama70B, bytes_per_weight)}};
  double read_bytes_per_s = 0;
  for (const MeasuredModel& model : measured) {
    read_bytes_per_s = std::max(read_bytes_per_s, model.speed.read_bytes_per_s);
  }
  finding.tables = {MeasuredTable(measured, setup.seed), ForeseenTable(measured, models),
                    BytesTable(models, 8 * bytes_per_weight, read_bytes_per_s)};
  finding.plots = {PlotOf(measured, models, setup.seed)};

  Figure small = Foresee(measured, models[0].shape, kJudged);
  if (setup.has(Part::kEightBillions)) {
    const Speed speed = TRY(MeasureSpeed(setup, Part::kEightBillions, kPrompts));
    const Estimate ms = EstimateMedian(speed.first_ms.at(kJudged), setup.seed);
    small = {.value = ms.mean, .interval = std::pair(ms.low, ms.high), .unit = "ms"};
  }
  const Figure large = Foresee(measured, models[1].shape, kJudged);
  Conclude(
      finding, small,
      fmt::format("Behind 128 new tokens the 8B would take {} here, the 70B {}. Both are dense: "
                  "each token is multiplied with all of their weights.",
                  ShowFigure(small), ShowFigure(large)));
  finding.verdict = Both(finding.verdict, Judge(large, {Side::kAbove, kBudgetMs}));
  finding.caveats = {
      "Of this machine alone. What reading the weights asks of any is in the last table: a machine "
      "whose memory is fast enough for the 70B refutes the claim from the other side.",
      "Computed times take each weight to be as fast as those of the models measured; the range "
      "is over these models, and what the smallest foresees of the larger shows how far that goes.",
      "Of a prompt whose beginning is in the prefix cache the new tokens alone count: one new "
      "token "
      "takes as long as one that is written."};
  return {};
}

}  // namespace kinglet
