// SPDX-License-Identifier: Apache-2.0
// A system is what becomes of each question; what is drawn by lot counts by its odds.
#include "eval/cascade_figures.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <map>
#include <utility>

#include <fmt/format.h>

#include "base/display.h"
#include "base/json_lines.h"
#include "eval/cluster_bootstrap.h"

namespace kinglet {
namespace {

constexpr double kPoints = 100;

Result<double> NumberOf(const json::value& line, std::string_view name) {
  const json::value* const value = Find(line, name);
  if (value != nullptr && value->is_number()) return value->to_number<double>();
  return Error(StatusCode::kInvalidInput, "{:?} must be a number: the run was not finished", name);
}

Result<bool> FlagOf(const json::value& line, std::string_view name) {
  const json::value* const value = Find(line, name);
  if (value != nullptr && value->is_bool()) return value->get_bool();
  return Error(StatusCode::kInvalidInput,
               "{:?} must be true or false: the file is of an older kinglet, or of another run",
               name);
}

struct OutcomeLine {
  std::string id, group;
  JudgedAnswer answer;
};

// reads_alone: nothing but the reading was asked, so that the cost is an answer's.
Result<OutcomeLine> ReadLine(const json::value& line, double risk, bool reads_alone) {
  OutcomeLine read{.id = TRY(TextOf(line, "id")), .group = TRY(TextOf(line, "group"))};
  const bool is_answerable = TRY(FlagOf(line, "answerable"));
  const double quoted = TRY(NumberOf(line, "p_quoted"));
  const bool answers = quoted >= 1 - risk && !TRY(TextOf(line, "span")).empty();
  const bool is_useful = answers && TRY(FlagOf(line, "quoted"));
  JudgedAnswer& answer = read.answer;
  answer.confidence = answers ? quoted : 1 - TRY(NumberOf(line, "p_answerable"));
  answer.useful = is_useful ? 1 : 0;
  answer.right = is_useful || (!answers && !is_answerable) ? 1 : 0;
  const json::value* const signals = Find(line, "signals");
  if (signals == nullptr) return Error(StatusCode::kInvalidInput, "no \"signals\"");
  answer.tokens = answer.useful * TRY(NumberOf(*signals, "tokens"));
  const json::value* const cost = Find(line, "cost");
  if (reads_alone && cost != nullptr) answer.cost = TRY(NumberOf(*cost, "machine_ms"));
  return read;
}

struct OutcomeLines {
  std::string data, passages;  // what the questions are of
  std::vector<OutcomeLine> lines;
};

Result<OutcomeLines> ReadLines(const CascadeFile& file, double risk) {
  OutcomeLines all;
  bool is_first = true;
  bool reads_alone = false;
  const auto read = ForEachJsonLine(file.text, {}, [&](const json::value& line) -> Result<void> {
    if (std::exchange(is_first, false)) {
      all.data = TRY(TextOf(line, "data"));
      all.passages = TRY(TextOf(line, "passages"));
      reads_alone = !TRY(FlagOf(line, "plain")) && !TRY(FlagOf(line, "closed_book"));
    } else {
      all.lines.push_back(TRY(ReadLine(line, risk, reads_alone)));
    }
    return {};
  });
  if (!read) return std::unexpected(read.error().WithContext(EscapeForDisplay(file.name)));
  return all;
}

// What becomes of a question.
struct Outcome {
  double accepted = 0;  // that the small model's answer stands
  double right = 0;
  double useful = 0;
  double tokens = 0;
  double cost = 0;
};

Outcome OutcomeOf(const JudgedAnswer& answer, double share = 1) {
  return {.right = share * answer.right,
          .useful = share * answer.useful,
          .tokens = share * answer.tokens,
          .cost = share * answer.cost.value_or(0)};
}

Outcome Alone(const CascadeQuestion& question, bool is_small) {
  Outcome outcome = OutcomeOf(is_small ? question.small : question.large);
  outcome.accepted = is_small ? 1 : 0;
  return outcome;
}

// The small model first, whose answer stands where it is accepted.
Outcome Cascaded(const CascadeQuestion& question, bool accepts) {
  Outcome outcome = Alone(question, accepts);
  if (!accepts) outcome.cost = question.sent_on_cost();
  return outcome;
}

// One of them, asked alone, by lot.
Outcome Mixed(const CascadeQuestion& question, double of_small) {
  const Outcome small = OutcomeOf(question.small, of_small);
  const Outcome large = OutcomeOf(question.large, 1 - of_small);
  return {.accepted = of_small,
          .right = small.right + large.right,
          .useful = small.useful + large.useful,
          .tokens = small.tokens + large.tokens,
          .cost = small.cost + large.cost};
}

std::vector<double> Column(const std::vector<Outcome>& outcomes, double Outcome::* part) {
  std::vector<double> column;
  for (const Outcome& outcome : outcomes) column.push_back(outcome.*part);
  return column;
}

double Sum(const std::vector<Outcome>& outcomes, double Outcome::* part) {
  double sum = 0;
  for (const Outcome& outcome : outcomes) sum += outcome.*part;
  return sum;
}

constexpr double kInfinity = std::numeric_limits<double>::infinity();

double PerPiece(double cost, double pieces) { return pieces > 0 ? cost / pieces : kInfinity; }

CascadeSystem Measure(std::string name, const std::vector<Outcome>& outcomes,
                      const std::vector<Outcome>& of_large, const Clusters& clusters) {
  const double cost = Sum(outcomes, &Outcome::cost);
  const auto count = static_cast<double>(outcomes.size());
  std::vector<double> points;
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    points.push_back(kPoints * (outcomes[i].right - of_large[i].right));
  }
  const std::vector<std::vector<double>> columns = {
      Column(outcomes, &Outcome::cost), Column(outcomes, &Outcome::tokens),
      Column(of_large, &Outcome::cost), Column(of_large, &Outcome::tokens)};
  return {.name = std::move(name),
          .accepted = Sum(outcomes, &Outcome::accepted) / count,
          .right = clusters.EstimateMean(Column(outcomes, &Outcome::right)),
          .points = clusters.EstimateMean(points),
          .cost = cost / count,
          .cost_per_useful_answer = PerPiece(cost, Sum(outcomes, &Outcome::useful)),
          .cost_per_useful_token = PerPiece(cost, Sum(outcomes, &Outcome::tokens)),
          .share_of_large = clusters.EstimateOfSums(columns, [](std::span<const double> sums) {
            const double cost_each = PerPiece(sums[0], sums[1]);
            // Where both have nothing useful, it is this one's cost that is asked for.
            return std::isinf(cost_each) ? cost_each : cost_each / PerPiece(sums[2], sums[3]);
          })};
}

std::vector<CascadeRow> RowsOf(const std::vector<CascadeQuestion>& questions) {
  std::vector<CascadeRow> rows;
  for (const CascadeQuestion& question : questions) {
    rows.push_back({.group = question.group,
                    .confidence = question.small.confidence,
                    .small_right = question.small.right,
                    .large_right = question.large.right,
                    .small_cost = question.small.cost.value_or(0),
                    .large_cost = question.sent_on_cost() - question.small.cost.value_or(0)});
  }
  return rows;
}

template <typename Become>
std::vector<Outcome> Each(const std::vector<CascadeQuestion>& questions, Become become) {
  std::vector<Outcome> outcomes;
  for (std::size_t i = 0; i < questions.size(); ++i) outcomes.push_back(become(questions[i], i));
  return outcomes;
}

}  // namespace

Result<std::vector<CascadeQuestion>> ReadCascade(const CascadeFile& small_file,
                                                 const CascadeFile& large_file, double risk) {
  OutcomeLines small = TRY(ReadLines(small_file, risk));
  OutcomeLines large = TRY(ReadLines(large_file, risk));
  if (small.data != large.data || small.passages != large.passages) {
    return Error(StatusCode::kInvalidInput, "the files are of other data or other passages");
  }
  std::map<std::string, JudgedAnswer> of_small;
  for (OutcomeLine& line : small.lines) of_small[line.id] = line.answer;
  std::vector<CascadeQuestion> questions;
  for (OutcomeLine& line : large.lines) {
    const auto found = of_small.find(line.id);
    if (found == of_small.end()) continue;
    questions.push_back({.id = std::move(line.id),
                         .group = std::move(line.group),
                         .small = found->second,
                         .large = line.answer});
  }
  if (questions.empty()) return Error(StatusCode::kInvalidInput, "the files share no question");
  return questions;
}

CascadeFigures MeasureCascade(const std::vector<CascadeQuestion>& questions,
                              const std::vector<double>& max_losses) {
  std::vector<std::string> groups;
  for (const CascadeQuestion& question : questions) groups.push_back(question.group);
  const Clusters clusters(groups);
  CascadeFigures figures{.questions = questions.size(), .groups = clusters.size()};
  const auto small = Each(questions, [](const auto& one, std::size_t) { return Alone(one, true); });
  const auto large =
      Each(questions, [](const auto& one, std::size_t) { return Alone(one, false); });
  const auto add = [&](std::string name, const std::vector<Outcome>& outcomes) -> CascadeSystem& {
    return figures.systems.emplace_back(Measure(std::move(name), outcomes, large, clusters));
  };
  add("always small", small);
  add("always large", large);
  const double small_cost = figures.systems[0].cost;
  const double large_cost = figures.systems[1].cost;
  const std::vector<CascadeRow> rows = RowsOf(questions);
  for (const double max_loss : max_losses) {
    const CascadeGoal goal{.max_loss = max_loss};
    const std::vector<double> accept = CrossFitAcceptance(rows, goal);
    CascadeSystem& cascade =
        add("cascade", Each(questions, [&](const CascadeQuestion& question, std::size_t i) {
              return Cascaded(question, question.small.confidence >= accept[i]);
            }));
    cascade.max_loss = max_loss;
    cascade.accept = FindAcceptance(rows, goal);
    // Who pays more than the large model costs, for nothing but chance, has the large model.
    const double of_small =
        large_cost > small_cost
            ? std::clamp((large_cost - cascade.cost) / (large_cost - small_cost), 0.0, 1.0)
            : 1;
    add("random mix", Each(questions, [&](const CascadeQuestion& question,
                                          std::size_t) { return Mixed(question, of_small); }))
        .max_loss = max_loss;
  }
  add("oracle", Each(questions, [](const CascadeQuestion& question, std::size_t) {
        return Cascaded(question, question.small.right >= question.large.right);
      }));
  return figures;
}

}  // namespace kinglet
