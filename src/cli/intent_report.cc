// SPDX-License-Identifier: Apache-2.0
// Figures with their intervals, and the bins behind the calibration error.
#include "cli/intent_report.h"

#include <algorithm>
#include <utility>

#include "base/clock.h"
#include "eval/show_interval.h"

namespace kinglet {
namespace {

// Null: there is nothing that it could be measured on.
void Add(json::object& out, json::object& intervals, std::string_view name,
         const std::optional<Estimate>& estimate) {
  out[name] = nullptr;
  intervals[name] = nullptr;
  if (!estimate) return;
  out[name] = estimate->mean;
  intervals[name] = json::array{estimate->low, estimate->high};
}

void Print(std::string_view name, const Estimate& estimate) {
  fmt::print("{:<28} {}\n", name, ShowMean(estimate.mean, estimate.low, estimate.high, Fixed<4>));
}

std::optional<Estimate> If(bool there, const Estimate& estimate) {
  return there ? std::optional(estimate) : std::nullopt;
}

json::array BinsOf(const IntentFigures& figures) {
  json::array bins;
  for (std::size_t i = 0; i < figures.bins.size(); ++i) {
    const CalibrationBin& bin = figures.bins[i];
    const auto count = static_cast<double>(bin.count);
    json::object row = {{"low", static_cast<double>(i) / 10},
                        {"high", static_cast<double>(i + 1) / 10},
                        {"count", bin.count},
                        {"confidence", nullptr},
                        {"accuracy", nullptr}};
    if (bin.count > 0) {
      row["confidence"] = bin.probability / count;
      row["accuracy"] = bin.truth / count;
    }
    bins.push_back(std::move(row));
  }
  return bins;
}

}  // namespace

Result<IntentReport> MeasureIntents(const std::vector<IntentLine>& lines,
                                    const Classifier& classifier, Embedder* embedder) {
  if (lines.empty()) return Error(StatusCode::kInvalidInput, "there is nothing to test with");
  std::vector<JudgedIntent> judged;
  std::vector<double> ms;
  for (const IntentLine& line : lines) {
    const double start_ms = MonotonicMs();
    judged.push_back(TRY(Judge(line, classifier, embedder)));
    ms.push_back(MonotonicMs() - start_ms);
  }
  std::ranges::sort(ms);
  return IntentReport{.figures = FiguresOf(judged),
                      .judged = std::move(judged),
                      .threshold = classifier.threshold(),
                      .route_ms_p50 = ms[ms.size() / 2],
                      .route_ms_p99 = ms[ms.size() * 99 / 100]};
}

json::object ToJson(const IntentReport& report) {
  const IntentFigures& figures = report.figures;
  json::object out, intervals;
  const bool some_in = figures.in_scope > 0;
  Add(out, intervals, "in_scope_accuracy", If(some_in, figures.accuracy));
  const IntentFigures::OutOfScope none;
  const IntentFigures::OutOfScope& beyond = figures.out ? *figures.out : none;
  Add(out, intervals, "oos_recall_at_5", If(figures.out.has_value(), beyond.recall_at_5));
  Add(out, intervals, "auroc", If(figures.out.has_value(), beyond.auroc));
  Add(out, intervals, "ece", If(some_in, figures.ece));
  out["route_ms_p50"] = report.route_ms_p50;
  out["route_ms_p99"] = report.route_ms_p99;
  out["in_scope"] = figures.in_scope;
  out["out_of_scope"] = figures.out_of_scope;
  out["threshold"] = report.threshold;
  Add(out, intervals, "in_scope_rejected", If(some_in, figures.rejected));
  Add(out, intervals, "oos_recall", If(figures.out.has_value(), beyond.recall));
  out["ci95"] = std::move(intervals);
  out["bins"] = BinsOf(figures);
  return out;
}

void PrintReport(const IntentReport& report) {
  const IntentFigures& figures = report.figures;
  fmt::print("{} texts in scope, {} out of scope\n", figures.in_scope, figures.out_of_scope);
  if (figures.in_scope > 0) {
    Print("accuracy in scope", figures.accuracy);
    Print("calibration error", figures.ece);
    Print("rejected in scope", figures.rejected);
  }
  if (figures.out) {
    Print("recall out of scope", figures.out->recall);
    Print("  where 5 % are rejected", figures.out->recall_at_5);
    Print("AUROC", figures.out->auroc);
  }
  fmt::print("{:<28} {:.3f} ms (p50), {:.3f} ms (p99)\n", "a text", report.route_ms_p50,
             report.route_ms_p99);
}

}  // namespace kinglet
