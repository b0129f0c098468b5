// SPDX-License-Identifier: Apache-2.0
// Answers of a model that knows nothing are noise, and are not shown.
#include "claims/false_answers.h"

#include <algorithm>
#include <functional>
#include <span>
#include <utility>

#include <fmt/format.h>

#include "claims/asked_questions.h"
#include "claims/cost_ranking.h"
#include "claims/figures.h"
#include "eval/cluster_bootstrap.h"
#include "eval/confidence_metrics.h"
#include "eval/system_figures.h"

namespace kinglet {
namespace {

// What all systems were asked.
struct AskedQuestions {
  std::vector<bool> is_answerable;
  Clusters clusters;
};

// A model, asked in one way.
struct System {
  GivenAnswers answers;
  CostedReplies costs;
};

AskedQuestions QuestionsOf(std::span<const GroundingOutcome> outcomes) {
  std::vector<bool> is_answerable;
  std::vector<std::string> groups;
  for (const GroundingOutcome& outcome : outcomes) {
    is_answerable.push_back(outcome.is_answerable());
    groups.push_back(outcome.question->group);
  }
  return {.is_answerable = std::move(is_answerable), .clusters = Clusters(groups)};
}

System SystemOf(const AnsweringModel& model, Asking asking) {
  const bool reads = asking == Asking::kReads;
  const std::vector<GroundingOutcome>& outcomes = reads ? model.read : model.plain;
  System system{.answers = AnswersOf(outcomes, asking)};
  system.costs =
      CostsOf(fmt::format("{}, {}", model.name, reads ? "as Kinglet reads" : "plainly asked"),
              outcomes, system.answers);
  return system;
}

// Of the questions that are answerable, or are not: the share that gets an answer.
double AnsweredShare(const AskedQuestions& asked, const System& system, bool answerable,
                     Indices some) {
  return Share(
      some, [&](std::size_t i) { return asked.is_answerable[i] == answerable; },
      [&](std::size_t i) { return system.answers.is_given[i]; });
}

double MeanF1(const System& system, Indices some) {
  return Mean(some, [&](std::size_t i) { return system.answers.scores[i].f1; });
}

// Of some questions surely, none abstained from: by chance hardly any answer is right.
bool IsEverRight(const AskedQuestions& asked, const System& system) {
  return asked.clusters.EstimateMean(system.costs.answered).low > 0;
}

FindingTable SystemTable(const AskedQuestions& asked, std::span<const System> systems,
                         const Prices& prices) {
  FindingTable table{.title = "Answers",
                     .columns = {"system", "false answers to the unanswerable",
                                 "answers to the answerable", "F1", "AUROC, answerable or not",
                                 "machine s a useful reply", "cost of a useful reply"}};
  for (const System& system : systems) {
    const auto show = [&](const std::function<double(Indices)>& figure) {
      return ShowEstimate(asked.clusters.EstimateFigure(figure));
    };
    const std::vector<double>& foretold = system.answers.p_answerable;
    table.rows.push_back(
        {system.costs.name,
         show([&](Indices some) { return AnsweredShare(asked, system, false, some); }),
         show([&](Indices some) { return AnsweredShare(asked, system, true, some); }),
         show([&](Indices some) { return MeanF1(system, some); }),
         foretold.empty() ? "not foretold" : show([&](Indices some) {
           return Auroc(Pick(foretold, some), Pick(asked.is_answerable, some));
         }),
         ShowSeconds(system.costs, asked.clusters), ShowCost(system.costs, prices)});
  }
  return table;
}

// In points, what the one has more than the other of a figure.
std::string ShowMore(const AskedQuestions& asked, const System& one, const System& other,
                     const std::function<double(const System&, Indices)>& figure) {
  return ShowFigure(Points(asked.clusters.EstimateFigure(
      [&](Indices some) { return figure(one, some) - figure(other, some); })));
}

Result<AnsweringModel> AskBothWays(const ClaimSetup& setup, Part part,
                                   const ClaimQuestions& questions) {
  return AnsweringModel{.name = setup.name(part),
                        .plain = TRY(AskModel(setup, part, Asking::kPlain, questions)),
                        .read = TRY(AskModel(setup, part, Asking::kReads, questions))};
}

}  // namespace

void CompareFalseAnswers(const AnsweringModel& sparse, const AnsweringModel& dense,
                         const Prices& prices, Finding& finding) {
  const AskedQuestions asked = QuestionsOf(sparse.read);
  const System systems[] = {SystemOf(sparse, Asking::kPlain), SystemOf(sparse, Asking::kReads),
                            SystemOf(dense, Asking::kPlain), SystemOf(dense, Asking::kReads)};
  const auto is_right = [&](const System& system) { return IsEverRight(asked, system); };
  const auto of_sparse = std::span(systems).first(2);
  const auto of_dense = std::span(systems).last(2);
  const bool sparse_is = std::ranges::any_of(of_sparse, is_right);
  const bool dense_is = std::ranges::any_of(of_dense, is_right);
  if (!sparse_is && !dense_is) {
    finding.caveats.push_back(fmt::format(
        "Answers are not compared: of {} questions, half of them unanswerable, neither model "
        "answers more rightly than chance may have it. Random weights know nothing.",
        sparse.read.size()));
    return;
  }
  const auto false_answers = [&](const System& system, Indices some) {
    return AnsweredShare(asked, system, false, some);
  };
  FindingTable more{
      .title = fmt::format("{} less {}, of the same questions", sparse.name, dense.name),
      .columns = {"", "false answers to the unanswerable", "F1"}};
  for (std::size_t way = 0; way < 2; ++way) {
    more.rows.push_back({way == 0 ? "plainly asked" : "as Kinglet reads",
                         ShowMore(asked, of_sparse[way], of_dense[way], false_answers),
                         ShowMore(asked, of_sparse[way], of_dense[way], MeanF1)});
  }
  finding.why += fmt::format(
      " False answers to unanswerable questions, mixture less dense model: {} plainly asked, {} as "
      "Kinglet reads.",
      more.rows[0][1], more.rows[1][1]);
  finding.tables.push_back(SystemTable(asked, systems, prices));
  finding.tables.push_back(std::move(more));
  finding.caveats.emplace_back(
      "The verdict is of cost alone. Who answers less gives fewer false answers, too: they are to "
      "be read beside the answers to the answerable.");
  if (sparse_is && dense_is) return;
  finding.caveats.push_back(fmt::format(
      "{} answers no more rightly than chance may have it: what it does not answer falsely says "
      "little for it.",
      sparse_is ? dense.name : sparse.name));
}

Result<void> TestFalseAnswers(const ClaimSetup& setup, Finding& finding) {
  const ClaimQuestions questions = TRY(DrawClaimQuestions(setup, TRY(ReadClaimData(setup))));
  const AnsweringModel sparse = TRY(AskBothWays(setup, Part::kSparse, questions));
  const AnsweringModel dense = TRY(AskBothWays(setup, Part::kDense, questions));
  CompareFalseAnswers(sparse, dense, setup.prices, finding);
  for (const Part part : {Part::kSparse, Part::kDense}) {
    finding.commands.push_back(
        fmt::format("kinglet eval grounding {} --data FILE --limit {} --seed {} --passages "
                    "retrieved",
                    setup.file(part).string(), setup.limit, setup.seed));
  }
  return {};
}

}  // namespace kinglet
