// SPDX-License-Identifier: Apache-2.0
// The verdict is about answerable questions, none of them abstained from: a model by itself never
// abstains, and would lose all unanswerable ones for that alone.
#include "claims/retrieval_claim.h"

#include <algorithm>
#include <functional>
#include <utility>

#include <fmt/format.h>

#include "claims/asked_questions.h"
#include "claims/figures.h"
#include "eval/cluster_bootstrap.h"

namespace kinglet {
namespace {

// F1 of both on some of the questions.
struct Row {
  const char* name = "";
  std::vector<std::string> groups;
  std::vector<double> small, large, difference;

  void Add(const GroundingOutcome& outcome, double of_small, double of_large) {
    groups.push_back(outcome.question->group);
    small.push_back(of_small);
    large.push_back(of_large);
    difference.push_back(of_small - of_large);
  }
};

void Show(const Row& row, FindingTable& table, FindingPlot& plot) {
  if (row.groups.empty()) return;
  const Clusters clusters(row.groups);
  const Estimate small = clusters.EstimateMean(row.small);
  const Estimate large = clusters.EstimateMean(row.large);
  table.rows.push_back({row.name, fmt::format("{}", row.groups.size()), ShowEstimate(small),
                        ShowEstimate(large),
                        ShowFigure(Points(clusters.EstimateMean(row.difference)))});
  plot.series[0].points.push_back(Bar(row.name, small));
  plot.series[1].points.push_back(Bar(row.name, large));
}

}  // namespace

Finding StateRetrieval() {
  return {.claim = "A small model with precise retrieval beats a several times larger one without",
          .hypothesis =
              "of the questions that the data answers, the small model with what a "
              "search finds scores more F1 than the large one by itself, neither "
              "abstaining: the difference is above 0 points",
          .data =
              "Questions of --data, half of them answerable, drawn by the seed; a library of "
              "all its paragraphs.",
          .metric =
              "F1 of words as SQuAD 2.0's scorer has it, paired by question; intervals draw "
              "whole articles.",
          .bound = Bound{.side = Side::kAbove, .at = 0}};
}

void JudgeRetrieval(std::span<const GroundingOutcome> small,
                    std::span<const GroundingOutcome> large, Finding& finding) {
  const std::vector<AnswerScore> abstaining = AnswersOf(small, Asking::kReads).scores;
  const std::vector<AnswerScore> by_itself = AnswersOf(large, Asking::kClosedBook).scores;
  Row all{.name = "all, the small one may abstain"};
  Row answerable{.name = "answerable, the small one may abstain"};
  Row answered{.name = "answerable, none abstains"};
  Row found{.name = "of these, the search found an answer"};
  Row missed{.name = "of these, it missed it"};
  for (std::size_t i = 0; i < small.size(); ++i) {
    const double of_large = by_itself[i].f1;
    all.Add(small[i], abstaining[i].f1, of_large);
    if (!small[i].is_answerable()) continue;
    answerable.Add(small[i], abstaining[i].f1, of_large);
    for (Row* const row : {&answered, small[i].is_answer_found() ? &found : &missed}) {
      row->Add(small[i], small[i].score.f1, of_large);
    }
  }
  FindingTable table{
      .title = "F1",
      .columns = {"questions", "number", "small, retrieved", "large, by itself", "difference"}};
  FindingPlot plot{.kind = FindingPlot::Kind::kBars,
                   .title = "What is answered rightly",
                   .y_label = "F1",
                   .series = {{.name = "small, retrieved"}, {.name = "large, by itself"}}};
  for (const Row* const row : {&answered, &found, &missed, &answerable, &all}) {
    Show(*row, table, plot);
  }
  finding.tables.push_back(std::move(table));
  finding.plots.push_back(std::move(plot));
  const Figure figure = Points(Clusters(answered.groups).EstimateMean(answered.difference));
  Conclude(finding, figure,
           fmt::format("F1 of the small model with retrieval less that of the large one by itself, "
                       "on {} answerable questions of {} articles: {}. The search found an answer "
                       "for {} of them.",
                       answered.groups.size(), Clusters(answered.groups).size(), ShowFigure(figure),
                       found.groups.size()));
}

Result<void> TestRetrieval(const ClaimSetup& setup, Finding& finding) {
  const ClaimQuestions questions = TRY(DrawClaimQuestions(setup, TRY(ReadClaimData(setup))));
  if (std::ranges::all_of(questions.questions, [](const PassageQuestion& question) {
        return question.answers.empty();
      })) {
    return Error(StatusCode::kInvalidInput, "none of the questions that were drawn has an answer");
  }
  finding.systems = {fmt::format("{}, retrieved", setup.name(Part::kSmall)),
                     fmt::format("{}, by itself", setup.name(Part::kLarge))};
  const auto small = TRY(AskModel(setup, Part::kSmall, Asking::kReads, questions));
  const auto large = TRY(AskModel(setup, Part::kLarge, Asking::kClosedBook, questions));
  JudgeRetrieval(small, large, finding);
  finding.caveats = {
      "The questions were written about the very paragraphs that are searched: real questions are "
      "often answered nowhere in a library.",
      "The models may have seen SQuAD in training; by itself the larger one gains more from it.",
      "The threshold of abstaining is the best for these questions; what it holds against it is "
      "learnt from other articles."};
  const std::string limit = fmt::format("--limit {} --seed {}", setup.limit, setup.seed);
  finding.commands = {
      fmt::format("kinglet eval grounding LARGE --data FILE {} --closed-book --outcomes "
                  "large.jsonl",
                  limit),
      fmt::format("kinglet eval grounding SMALL --data FILE {} --passages retrieved --compare "
                  "large.jsonl",
                  limit)};
  return {};
}

}  // namespace kinglet
