// SPDX-License-Identifier: Apache-2.0
// A ladder: the same answers about one passage, each step with one thing more. Every round has
// another first line, so that nothing of one round is found by the next.
#include "claims/hardware_gains.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/clock.h"
#include "claims/figures.h"
#include "claims/speed.h"
#include "kernels/backend.h"

namespace kinglet {
namespace {

constexpr std::string_view kKernels = "kernels: ";
constexpr std::size_t kRounds = 5;
constexpr std::size_t kFewestRounds = 2;  // of one alone there is no interval
constexpr double kEnoughMs = 20'000;      // of one step; then no further round begins
constexpr std::size_t kWritten = 48;

constexpr std::string_view kPassage =
    "The harbour of Lindness was built in 1871 by the brothers Aske and Tore Halvorsen. Its outer "
    "wall is 412 metres long and was made of granite that barges brought from the quarry at Moss. "
    "The lighthouse at its end was lit for the first time on the third of October 1874, and its "
    "keeper was Ingrid Bakke, who stayed for thirty-one years. In the storm of January 1901 the "
    "wall broke in two places, and nine boats were lost. It was mended within the year with "
    "concrete, which the town paid for with a tax on salted herring. A railway came in 1908, and "
    "with it the first cold store, where ice from the lake of Gjende was kept under sawdust until "
    "August. Today the harbour has room for sixty boats, most of which belong to families that "
    "have fished from it for four generations. The old cold store is a museum now; it is open from "
    "May to September, and on the first Sunday of each month people may climb the lighthouse.";

constexpr std::string_view kQuestions[] = {
    "Repeat the sentence that says who built the harbour and when.",
    "Repeat the sentence that says what the outer wall was made of.",
    "Repeat the sentence that says who kept the lighthouse.",
    "Repeat the sentence that says what happened in the storm of 1901."};

struct Settings {
  std::string name;
  bool is_hardware = false;
  Part model = Part::kSmall;
  std::string isa;
  bool reuse_prefix = false;
  double guess_ratio = 0;
  std::size_t at_once = 1;
  std::size_t questions = 1;  // of a round; those that share nothing are alike: one will do
};

std::vector<Settings> LadderOf(const ClaimSetup& setup) {
  std::vector<Settings> ladder;
  const bool has_eight_bit = setup.has(Part::kEightBit);
  Settings settings{.model = has_eight_bit ? Part::kEightBit : Part::kSmall};
  const auto add = [&](std::string name, bool is_hardware) {
    settings.name = std::move(name);
    settings.is_hardware = is_hardware;
    ladder.push_back(settings);
  };
  for (const Ops* const ops : AvailableOps()) {
    settings.isa = ops->name;
    add(std::string(kKernels) + ops->name, true);
  }
  if (has_eight_bit) {
    settings.model = Part::kSmall;
    add("weights of fewer bits", false);
  }
  settings.reuse_prefix = true;
  settings.questions = std::size(kQuestions);
  add("the passage read once", false);
  settings.guess_ratio = EngineOptions().guess_ratio;
  add("tokens guessed from the passage", false);
  settings.at_once = std::size(kQuestions);
  add("four answers together", false);
  return ladder;
}

// What a round asks. A passage that is too long for the model is cut.
std::vector<GenerationRequest> RequestsOf(const Engine& engine, std::size_t round,
                                          std::size_t count) {
  std::vector<TokenId> passage =
      engine.EncodeText(fmt::format("Copy {} of a guide.\n{}", round + 1, kPassage));
  std::vector<GenerationRequest> requests;
  for (const std::string_view question : std::span(kQuestions).first(count)) {
    const auto tokens = engine.EncodeText(fmt::format("\n\n{}\nAnswer:", question));
    const std::size_t room = static_cast<std::size_t>(engine.context_tokens());
    const std::size_t rest = tokens.size() + kWritten;
    if (passage.size() + rest > room) passage.resize(room > rest ? room - rest : 0);
    GenerationRequest request{.prompt = passage, .max_tokens = kWritten, .ignore_end = true};
    request.prompt.insert(request.prompt.end(), tokens.begin(), tokens.end());
    requests.push_back(std::move(request));
  }
  return requests;
}

Result<json::value> Measure(const ClaimSetup& setup, const Settings& settings) {
  const auto engine = TRY(setup.Open(settings.model, {.reuse_prefix = settings.reuse_prefix,
                                                      .kv_contexts = 2,
                                                      .isa = settings.isa,
                                                      .guess_ratio = settings.guess_ratio}));
  const auto count = static_cast<double>(settings.questions);
  json::array times, joules;
  (void)TRY(engine->Generate({.prompt = engine->EncodeText("Warm up."), .max_tokens = 1}, nullptr));
  MachineMeter meter(setup.power);
  const double start_ms = MonotonicMs();
  for (std::size_t round = 0; round < kRounds; ++round) {
    if (round >= kFewestRounds && MonotonicMs() - start_ms > kEnoughMs) break;
    const auto requests = RequestsOf(*engine, round, settings.questions);
    LedgerLine line;
    MachineMeter::Share share = meter.Begin();
    for (std::size_t i = 0; i < requests.size(); i += settings.at_once) {
      (void)TRY(engine->GenerateAll(
          std::span(requests).subspan(i, std::min(settings.at_once, requests.size() - i)),
          nullptr));
    }
    share.End(line);
    times.push_back(line.machine_ms / count);
    joules.push_back(line.joules.value_or(0) / count);
  }
  return json::object{{"ms", std::move(times)}, {"joules", std::move(joules)}};
}

Result<LadderStep> Climb(const ClaimSetup& setup, const Settings& settings) {
  const json::object key = {{"model", TRY(DigestOf(setup, settings.model))},
                            {"isa", settings.isa},
                            {"threads", setup.thread_count},
                            {"idle_watts", setup.power.idle_watts},
                            {"active_watts", setup.power.active_watts}};
  std::string name = fmt::format("gains-{}", settings.name.substr(settings.name.find(' ') + 1));
  std::ranges::replace(name, ' ', '-');
  const json::value found = TRY(Kept(setup, name, key, [&] { return Measure(setup, settings); }));
  LadderStep step{.name = settings.name, .is_hardware = settings.is_hardware};
  step.ms = TRY(ReadNumbers(Find(found, "ms")));
  step.joules = MedianOf(TRY(ReadNumbers(Find(found, "joules"))));
  return step;
}

std::string ShowCost(const ClaimSetup& setup, const LadderStep& step, double ms) {
  LedgerLine line;
  line.machine_ms = ms * 1000;  // a thousand answers
  line.joules = step.joules * 1000;
  SetCost(setup.prices, line);
  return line.cost ? fmt::format("{} {}", ShowNumber(*line.cost), line.currency) : "no price set";
}

void Show(const ClaimSetup& setup, std::span<const LadderStep> ladder, Finding& finding) {
  FindingTable table{.title = "Each step has all that stands above it",
                     .columns = {"Step", "ms an answer", "Times faster than before", "J an answer",
                                 "1000 answers"}};
  FindingPlot plot{.title = "Milliseconds an answer", .x_label = "ms, less is better"};
  PlotSeries hardware{.name = "Hardware"}, algorithms{.name = "Algorithms"};
  for (std::size_t i = 0; i < ladder.size(); ++i) {
    const LadderStep& step = ladder[i];
    const Estimate ms = EstimateMedian(step.ms, setup.seed);
    table.rows.push_back(
        {step.name, ShowEstimate(ms),
         i == 0 ? "" : ShowNumber(EstimateMedian(ladder[i - 1].ms, setup.seed).mean / ms.mean),
         ShowNumber(step.joules), ShowCost(setup, step, ms.mean)});
    (step.is_hardware ? hardware : algorithms).points.push_back(Bar(step.name, ms));
  }
  plot.series = {std::move(hardware), std::move(algorithms)};
  finding.tables = {std::move(table)};
  finding.plots = {std::move(plot)};
}

}  // namespace

Finding StateHardwareGains() {
  return {.claim = "Algorithms gain more than hardware does",
          .hypothesis =
              "a prefix read once, guessed tokens, answers together and, with --eight-bit, fewer "
              "bits make an answer cheaper by a greater factor than the CPU's vector units do, "
              "whether these are counted from the narrowest vectors or from none",
          .data =
              "four questions that ask for sentences of one passage of 210 words, 48 tokens an "
              "answer",
          .metric =
              "machine time an answer: the factor that the algorithms gain, over the one that "
              "the kernels gain from the first vector instructions to the widest",
          .bound = Bound{Side::kAbove, 1}};
}

Figure GainOfAlgorithms(std::span<const LadderStep> ladder, std::uint64_t seed) {
  const auto last_hardware =
      std::ranges::find(ladder.rbegin(), ladder.rend(), true, &LadderStep::is_hardware);
  const std::vector<double> series[] = {ladder.front().ms, last_hardware->ms, ladder.back().ms};
  const Estimate estimate = EstimateOfMedians(
      series, seed, [](std::span<const double> ms) { return ms[1] / ms[2] / (ms[0] / ms[1]); });
  return {.value = estimate.mean, .interval = std::pair(estimate.low, estimate.high), .unit = "x"};
}

Result<void> TestHardwareGains(const ClaimSetup& setup, Finding& finding) {
  if (AvailableOps().size() < 2) {
    return Error(StatusCode::kUsage, "a machine whose vector units there are kernels for");
  }
  std::vector<LadderStep> ladder;
  const std::vector<Settings> steps = LadderOf(setup);
  for (const Settings& settings : steps) {
    TRY(setup.progress(settings.name, ladder.size(), steps.size()));
    ladder.push_back(TRY(Climb(setup, settings)));
  }
  Show(setup, ladder, finding);
  finding.systems = {setup.name(Part::kSmall)};
  if (setup.has(Part::kEightBit)) {
    finding.systems.push_back(setup.name(Part::kEightBit));
  } else {
    finding.caveats.emplace_back("Without --eight-bit MODEL nothing is said of fewer bits.");
  }
  const auto ms_of = [](const LadderStep& step) { return MedianOf(step.ms); };
  const auto kernels_of = [](const LadderStep& step) { return step.name.substr(kKernels.size()); };
  const auto hardware = std::ranges::count_if(ladder, &LadderStep::is_hardware);
  const LadderStep& widest = ladder[static_cast<std::size_t>(hardware) - 1];
  const Figure from_plain = GainOfAlgorithms(ladder, setup.seed);
  const Figure gain = GainOfAlgorithms(std::span(ladder).subspan(1), setup.seed);
  Conclude(finding, gain,
           fmt::format("The algorithms gain {} times. The kernels gain {} times from {} to {}, and "
                       "{} times from plain C++, which is not written to be fast.",
                       ShowNumber(ms_of(widest) / ms_of(ladder.back())),
                       ShowNumber(ms_of(ladder[1]) / ms_of(widest)), kernels_of(ladder[1]),
                       kernels_of(widest), ShowNumber(ms_of(ladder.front()) / ms_of(widest))));
  // Plain kernels make too much of vectors, and the first vectors too little.
  if (Judge(from_plain, {Side::kAbove, 1}) != finding.verdict)
    finding.verdict = Verdict::kUndecided;
  finding.caveats.insert(
      finding.caveats.end(),
      {"A gain depends on what stands before it: the same steps in another order gain other "
       "factors, and the same in all.",
       "The plain kernels are what the others are checked with, written to be right and not to be "
       "fast: of what vectors gain over them a part is theirs. The first vectors are hardware, "
       "too: "
       "counted from them, hardware gains too little. Where the two disagree nothing is decided.",
       "Answers that repeat sentences are what guessing is best at; a passage that four questions "
       "share is what a kept prefix is for.",
       "Hardware is one CPU with its vector units and without: another machine, or an accelerator, "
       "is not measured here."});
  const std::string model = setup.file(Part::kSmall).string();
  for (const Settings& settings : steps) {
    if (settings.is_hardware) {
      finding.commands.push_back(fmt::format("KINGLET_ISA={} kinglet bench {} -p 300 -n 48",
                                             settings.isa, setup.file(settings.model).string()));
    }
  }
  finding.commands.push_back(fmt::format("kinglet bench {} -p 300 -n 48 -b 1,4", model));
  return {};
}

}  // namespace kinglet
