// SPDX-License-Identifier: Apache-2.0
// Speeds are held against the weights that a token is multiplied with. Which experts are asked is
// seen token by token: what the counts of a step gained is one token's.
#include "claims/sparse_experts.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include <fmt/format.h>

#include "claims/false_answers.h"
#include "claims/figures.h"
#include "claims/model_shape.h"
#include "claims/speed.h"

namespace kinglet {
namespace {

constexpr std::size_t kPrompts[] = {16, 128, 512};
constexpr double kOverhead = 1.25;

constexpr std::string_view kText =
    "In 1874 the keeper wrote: \"Wind north-west, 31 knots; sea 4.5 m.\" She had 2,016 candles "
    "left, "
    "17 barrels of oil and 3 cats.\n\n    for (int i = 0; i < 64; ++i) {\n        sum[i] += a[i] * "
    "b[63 - i];\n    }\n\nWas sie sah, schrieb sie auf: Schiffe, Vögel, Wolken. 港は静かだった。"
    "Море было спокойно. Prices rose by 12.5 % (from 8.00 to 9.00), then fell again to 7.35 -- and "
    "nobody, not even the mayor, could say why. {\"name\": \"Ingrid\", \"years\": 31, \"lamps\": "
    "[1, "
    "2, 3]}\n\tThe railway came later; the herring did not. Call +47 22 33 44 55 before 9:30!";

struct Contender {
  std::string name;
  ModelShape shape;
  Speed speed;
};

Result<Contender> Measure(const ClaimSetup& setup, Part part) {
  return Contender{setup.name(part), TRY(ReadShape(setup.file(part))),
                   TRY(MeasureSpeed(setup, part, kPrompts))};
}

FindingTable ShapeTable(const Contender& sparse, const Contender& dense) {
  FindingTable table{.title = "Weights", .columns = {"Model", "All", "Of a token", "Bytes"}};
  for (const Contender* const side : {&sparse, &dense}) {
    table.rows.push_back({side->name, ShowCount(side->shape.total), ShowCount(side->shape.active()),
                          ShowNumber(side->shape.bytes / 1e9) + " GB"});
  }
  return table;
}

struct Row {
  std::string name;
  std::size_t tokens = 1;  // that the milliseconds are of
  const std::vector<double>& sparse;
  const std::vector<double>& dense;
};

std::vector<Row> RowsOf(const Contender& sparse, const Contender& dense) {
  std::vector<Row> rows;
  for (const auto& [tokens, ms] : sparse.speed.first_ms) {
    const auto other = dense.speed.first_ms.find(tokens);
    if (other == dense.speed.first_ms.end()) continue;
    rows.push_back({fmt::format("reading {} tokens", tokens), tokens, ms, other->second});
  }
  rows.push_back({"writing", 1, sparse.speed.token_ms, dense.speed.token_ms});
  rows.push_back({fmt::format("writing {} answers together", kTogether), 1,
                  sparse.speed.together_ms, dense.speed.together_ms});
  return rows;
}

// Machine time alone: a token's energy is not measured here.
std::string MillionTokens(const ClaimSetup& setup, double token_ms) {
  const double hours = token_ms * 1e6 / 3'600'000;
  if (const auto& price = setup.prices.machine_per_hour) {
    return fmt::format("{} {}", ShowNumber(hours * *price), setup.prices.currency);
  }
  return ShowNumber(hours) + " machine hours";
}

void ShowSpeeds(const ClaimSetup& setup, const Contender& sparse, const Contender& dense,
                Finding& finding) {
  const double active = sparse.shape.active() / dense.shape.active();
  FindingTable table{.title = "Milliseconds a token",
                     .columns = {"Work", sparse.name, dense.name, "Times", "Over active weights",
                                 "A million tokens, " + sparse.name, dense.name}};
  FindingPlot plot{.title =
                       "Time of the mixture over time of the dense model, for each weight that "
                       "a token is multiplied with",
                   .x_label = "1: it costs what its active weights cost"};
  PlotSeries bars;
  for (const Row& row : RowsOf(sparse, dense)) {
    const Estimate ratio = EstimateRatio(row.sparse, row.dense, setup.seed);
    const auto tokens = static_cast<double>(row.tokens);
    const double sparse_ms = EstimateMedian(row.sparse, setup.seed).mean / tokens;
    const double dense_ms = EstimateMedian(row.dense, setup.seed).mean / tokens;
    table.rows.push_back({row.name, ShowNumber(sparse_ms), ShowNumber(dense_ms),
                          ShowEstimate(ratio), ShowNumber(ratio.mean / active),
                          MillionTokens(setup, sparse_ms), MillionTokens(setup, dense_ms)});
    bars.points.push_back({.label = row.name,
                           .y = ratio.mean / active,
                           .interval = std::pair(ratio.low / active, ratio.high / active)});
  }
  plot.series.push_back(std::move(bars));
  finding.tables.push_back(std::move(table));
  finding.plots.push_back(std::move(plot));
}

// [classes][experts] of the middle layer, and how many tokens each class has.
struct Usage {
  std::vector<std::vector<double>> asked;
  std::vector<double> tokens;
};

Result<json::value> CountUsage(const ClaimSetup& setup) {
  const auto engine =
      TRY(setup.Open(Part::kSparse, {.context_tokens = 1024, .count_experts = true}));
  Model& model = engine->model();
  const std::size_t experts = model.config().expert_count;
  const std::size_t first = model.config().block_count / 2 * experts;
  std::vector<TokenId> tokens = engine->EncodeText(kText);
  tokens.resize(std::min(tokens.size(), model.context_tokens()));
  std::vector<std::vector<std::int64_t>> asked(kTokenClasses.size(),
                                               std::vector<std::int64_t>(experts));
  std::vector<std::int64_t> counts(kTokenClasses.size());
  KvSequence sequence = model.NewSequence();
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    TRY(setup.progress("experts asked", i, tokens.size()));
    const auto kind = static_cast<std::size_t>(ClassOf(engine->TokenBytes(tokens[i])));
    const auto layer = model.expert_counts().subspan(first, experts);
    const std::vector<std::uint64_t> before(layer.begin(), layer.end());
    TRY(model.Forward(std::span(&tokens[i], 1), sequence));
    for (std::size_t e = 0; e < experts; ++e) {
      asked[kind][e] += static_cast<std::int64_t>(layer[e] - before[e]);
    }
    ++counts[kind];
  }
  json::array rows;
  for (const auto& row : asked) rows.push_back(json::array(row.begin(), row.end()));
  return json::object{{"asked", std::move(rows)},
                      {"tokens", json::array(counts.begin(), counts.end())}};
}

Result<Usage> ReadUsage(const json::value& found) {
  Usage usage;
  const json::value* const asked = Find(found, "asked");
  usage.tokens = TRY(ReadNumbers(Find(found, "tokens")));
  if (asked == nullptr || !asked->is_array() || usage.tokens.size() != kTokenClasses.size() ||
      asked->get_array().size() != kTokenClasses.size()) {
    return Error(StatusCode::kInvalidInput, "experts.json: no counts");
  }
  for (const json::value& row : asked->get_array()) {
    usage.asked.push_back(TRY(ReadNumbers(&row)));
  }
  return usage;
}

void ShowUsage(const Usage& usage, Finding& finding) {
  FindingPlot plot{.kind = FindingPlot::Kind::kGrid,
                   .title = "Experts asked by kinds of token, in the middle layer",
                   .x_label = "a column an expert; dark: asked by most tokens of the kind"};
  FindingTable table{.title = "The busiest experts of the middle layer",
                     .columns = {"Tokens", "How many", "Busiest expert", "Times its even share",
                                 "Experts never asked"}};
  for (std::size_t kind = 0; kind < usage.asked.size(); ++kind) {
    const std::vector<double>& asked = usage.asked[kind];
    const double all = std::accumulate(asked.begin(), asked.end(), 0.0);
    if (all == 0) continue;
    const auto most = std::ranges::max_element(asked);
    PlotSeries row{.name = kTokenClasses[kind]};
    for (std::size_t e = 0; e < asked.size(); ++e) {
      row.points.push_back({.label = fmt::format("expert {}", e),
                            .x = static_cast<double>(e),
                            .value = asked[e] / *most});
    }
    plot.series.push_back(std::move(row));
    table.rows.push_back({kTokenClasses[kind], ShowNumber(usage.tokens[kind]),
                          std::to_string(most - asked.begin()),
                          ShowNumber(*most * static_cast<double>(asked.size()) / all),
                          std::to_string(std::ranges::count(asked, 0.0))});
  }
  if (table.rows.empty()) return;  // no mixture
  finding.plots.push_back(std::move(plot));
  finding.tables.push_back(std::move(table));
}

// A model that cannot be asked has a speed.
Result<void> AddFalseAnswers(const ClaimSetup& setup, Finding& finding) {
  if (!setup.has(Part::kData)) {
    const PartFlag& flag = FlagOf(Part::kData);
    finding.caveats.push_back(fmt::format(
        "Answers are not compared: false ones to unanswerable questions take {} {} ({}).",
        flag.flag, flag.value, flag.what));
    return {};
  }
  const auto tested = TestFalseAnswers(setup, finding);
  if (tested || tested.error().code() == StatusCode::kCancelled) return tested;
  finding.caveats.push_back(fmt::format("Answers are not compared: {}.", tested.error().message()));
  return {};
}

}  // namespace

TokenClass ClassOf(std::string_view token) {
  const auto is_between = [](char c, char low, char high) { return c >= low && c <= high; };
  bool has_digit = false, has_sign = false;
  for (const char c : token) {
    if (static_cast<unsigned char>(c) >= 0x80) return TokenClass::kOther;
    if (is_between(c, 'a', 'z') || is_between(c, 'A', 'Z')) return TokenClass::kWord;
    has_digit = has_digit || is_between(c, '0', '9');
    has_sign = has_sign || c > ' ';
  }
  if (has_digit) return TokenClass::kNumber;
  return has_sign ? TokenClass::kPunctuation : TokenClass::kSpace;
}

Finding StateSparseExperts() {
  return {
      .claim = "Sparse experts cost what their active weights cost",
      .hypothesis =
          "writing a token, a mixture takes less than 1.25 times as long as a dense "
          "model, for each weight that a token is multiplied with",
      .data =
          "prompts of 16, 128 and 512 tokens, 16 tokens an answer; a page of prose, code, "
          "numbers and other scripts for the experts; for the answers questions of --data, half "
          "of them answerable, drawn by the seed, and a library of all its paragraphs",
      .metric = "milliseconds a written token over active weights, mixture over dense",
      .bound = Bound{Side::kBelow, kOverhead}};
}

Result<void> TestSparseExperts(const ClaimSetup& setup, Finding& finding) {
  const Contender sparse = TRY(Measure(setup, Part::kSparse));
  const Contender dense = TRY(Measure(setup, Part::kDense));
  const double active = sparse.shape.active() / dense.shape.active();
  finding.systems = {sparse.name, dense.name};
  finding.tables.push_back(ShapeTable(sparse, dense));
  ShowSpeeds(setup, sparse, dense, finding);
  const json::object key = {{"model", TRY(DigestOf(setup, Part::kSparse))}};
  const json::value found = TRY(Kept(setup, "experts", key, [&] { return CountUsage(setup); }));
  ShowUsage(TRY(ReadUsage(found)), finding);

  const Estimate ratio = EstimateRatio(sparse.speed.token_ms, dense.speed.token_ms, setup.seed);
  Conclude(
      finding,
      {.value = ratio.mean / active,
       .interval = std::pair(ratio.low / active, ratio.high / active),
       .unit = "x"},
      fmt::format("The mixture multiplies {} times the weights of the dense model with a token "
                  "and holds {} times as many; it takes {} times as long to write one.",
                  ShowNumber(active), ShowNumber(sparse.shape.total / dense.shape.total),
                  ShowNumber(ratio.mean)));
  finding.caveats = {
      "A file of random weights has a real model's speed; its router spreads tokens otherwise than "
      "a "
      "trained one, which changes what is read where several answers are written together."};
  constexpr double kAlike = 0.1;
  const auto bits = [](const Contender& one) { return 8 * one.shape.bytes / one.shape.total; };
  if (std::abs(bits(sparse) / bits(dense) - 1) > kAlike) {
    finding.caveats.push_back(
        fmt::format("A weight of the mixture has {} bits, of the dense model {}: that is in the "
                    "figure, too.",
                    ShowNumber(bits(sparse)), ShowNumber(bits(dense))));
  }
  for (const Part part : {Part::kSparse, Part::kDense}) {
    finding.commands.push_back(fmt::format("kinglet bench {} -p 512 -n 16 -b 1,{} --experts",
                                           setup.file(part).string(), kTogether));
  }
  return AddFalseAnswers(setup, finding);
}

}  // namespace kinglet
