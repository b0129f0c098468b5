// SPDX-License-Identifier: Apache-2.0
// A message that is sent to the wrong place counts as wrong, and costs what the others there do.
#include "claims/routed_work.h"

#include <algorithm>
#include <functional>
#include <utility>

#include <fmt/format.h>

#include "claims/asked_prompts.h"
#include "claims/enforced_schema.h"
#include "claims/figures.h"
#include "claims/mixed_work.h"
#include "eval/cluster_bootstrap.h"

namespace kinglet {
namespace {

constexpr int kMaxTokens = 200;  // as forms need them: who answers all does not know which is one

struct Kind {
  MessageKind kind = MessageKind::kQuestion;
  const char* name = "";
};

constexpr Kind kKinds[] = {
    {MessageKind::kQuestion, "questions"},
    {MessageKind::kForm, "forms"},
    {MessageKind::kOffTopic, "others"},
};

std::string GroupOf(const MixedWork& work, const WorkMessage& message) {
  switch (message.kind) {
    case MessageKind::kQuestion:
      return work.questions.questions[message.number].group;
    case MessageKind::kForm:
      return work.forms[message.number].group;
    case MessageKind::kOffTopic:
      break;
  }
  return "";
}

// ---- the routed system ----

double MeanMs(const std::vector<double>& ms) {
  double sum = 0;
  for (const double each : ms) sum += each;
  return ms.empty() ? 0 : sum / static_cast<double>(ms.size());
}

// Those that are messages: what they cost depends on what else is asked.
ClaimQuestions QuestionsOf(const MixedWork& work) {
  ClaimQuestions some{.passages = work.questions.passages};
  for (const WorkMessage& message : work.messages) {
    if (message.kind != MessageKind::kQuestion) continue;
    some.questions.push_back(work.questions.questions[message.number]);
  }
  return some;
}

Result<std::vector<HandledMessage>> HandleRouted(const ClaimSetup& setup, const MixedWork& work) {
  const ClaimQuestions questions = QuestionsOf(work);
  const auto read = TRY(AskModel(setup, Part::kSmall, Asking::kReads, questions));
  const std::vector<AnswerScore> scores = AnswersOf(read, Asking::kReads).scores;
  const auto filled = TRY(FillIn(setup, Part::kSmall, work.forms, true));
  std::vector<double> read_ms;
  std::vector<double> filled_ms;
  for (const GroundingOutcome& outcome : read) read_ms.push_back(outcome.cost.machine_ms);
  for (const FormReply& reply : filled) filled_ms.push_back(reply.cost.machine_ms);
  std::vector<HandledMessage> handled;
  for (std::size_t i = 0; i < work.messages.size(); ++i) {
    const WorkMessage& message = work.messages[i];
    HandledMessage one{.kind = message.kind,
                       .group = GroupOf(work, message),
                       .is_right = message.route == message.kind,
                       .machine_ms = message.router_ms};
    const bool is_sent_right = one.is_right;
    if (message.route == MessageKind::kQuestion) {
      // Questions are the first messages.
      one.machine_ms += is_sent_right ? read_ms[i] : MeanMs(read_ms);
      one.is_right = is_sent_right && scores[i].f1 >= kRightF1;
    } else if (message.route == MessageKind::kForm) {
      one.machine_ms += is_sent_right ? filled_ms[message.number] : MeanMs(filled_ms);
      one.is_right = is_sent_right && filled[message.number].score.f1 >= kRightF1;
    }
    handled.push_back(std::move(one));
  }
  return handled;
}

// ---- one model for all ----

ClaimPrompt PromptOf(const WorkMessage& message, std::span<const Passage> found) {
  std::string context = "Context:";
  for (const Passage& passage : found) context += fmt::format("\n{}\n", passage.text);
  return {.messages = {{"system",
                        "You are the assistant of a library. You get a message, and a context that "
                        "may have to do with it or not.\n"
                        "- Answer a question with a short phrase from the context and nothing "
                        "else. If the answer is not in the context, say \"unanswerable\".\n"
                        "- Fill in a form with one JSON value that satisfies its schema and "
                        "nothing else.\n"
                        "- To any other message say \"unanswerable\"."},
                       {"user", fmt::format("{}\nMessage: {}", context, message.text)}},
          .max_tokens = kMaxTokens};
}

Result<bool> IsRight(const MixedWork& work, const WorkMessage& message, std::string_view reply) {
  switch (message.kind) {
    case MessageKind::kQuestion:
      return PlainAnswerOf(reply, work.questions.questions[message.number].answers).score.f1 >=
             kRightF1;
    case MessageKind::kForm:
      return TRY(ScoreForm(work.forms[message.number], reply)).f1 >= kRightF1;
    case MessageKind::kOffTopic:
      break;
  }
  return PlainAnswerOf(reply, {}).text.empty();
}

// Whatever a message is, it comes with what a search for it finds: nobody has said what it is.
Result<std::vector<ClaimPrompt>> PromptsOf(const ClaimSetup& setup, const MixedWork& work,
                                           std::span<const PassageQuestion> data) {
  std::vector<PassageQuestion> searched;
  for (const WorkMessage& message : work.messages) {
    searched.push_back(
        {.question = message.text, .passages = std::make_shared<const std::vector<Passage>>()});
  }
  TRY(FindPassages(setup, "messages", TRY(LibraryOf(setup, data)), searched));
  std::vector<ClaimPrompt> prompts;
  for (std::size_t i = 0; i < searched.size(); ++i) {
    prompts.push_back(PromptOf(work.messages[i], *searched[i].passages));
  }
  return prompts;
}

// A kind at a time, so that what is asked together costs alike.
Result<std::vector<HandledMessage>> HandleByOne(const ClaimSetup& setup, const MixedWork& work,
                                                std::span<const PassageQuestion> data) {
  const std::vector<ClaimPrompt> prompts = TRY(PromptsOf(setup, work, data));
  std::vector<HandledMessage> handled;
  for (const auto& [kind, name] : kKinds) {
    const auto is_next = [&](std::size_t i) {
      return i < prompts.size() && work.messages[i].kind == kind;
    };
    std::size_t end = handled.size();
    while (is_next(end)) ++end;
    const auto some = std::span(prompts).subspan(handled.size(), end - handled.size());
    for (const ClaimReply& reply :
         TRY(AskPrompts(setup, Part::kLarge, fmt::format("one-model-{}", name), some))) {
      const WorkMessage& message = work.messages[handled.size()];
      handled.push_back({.kind = kind,
                         .group = GroupOf(work, message),
                         .is_right = TRY(IsRight(work, message, reply.text)),
                         .machine_ms = reply.cost.machine_ms});
    }
  }
  return handled;
}

// ---- what it comes to ----

std::vector<double> RightOnes(std::span<const HandledMessage> handled) {
  std::vector<double> right;
  for (const HandledMessage& message : handled) right.push_back(message.is_right ? 1 : 0);
  return right;
}

std::vector<HandledMessage> OfKind(std::span<const HandledMessage> handled, MessageKind kind) {
  std::vector<HandledMessage> some;
  std::ranges::copy_if(handled, std::back_inserter(some),
                       [&](const HandledMessage& message) { return message.kind == kind; });
  return some;
}

Clusters ClustersOf(std::span<const HandledMessage> handled) {
  std::vector<std::string> groups;
  for (const HandledMessage& message : handled) groups.push_back(message.group);
  return Clusters(groups);
}

double SecondsEach(std::span<const HandledMessage> handled) {
  double sum = 0;
  for (const HandledMessage& message : handled) sum += message.machine_ms;
  return sum / kMsPerSecond / static_cast<double>(handled.size());
}

// Of the messages of a row, both systems'.
void AddRow(const char* name, std::span<const HandledMessage> routed,
            std::span<const HandledMessage> one_model, FindingTable& table, FindingPlot& plot) {
  if (routed.empty()) return;
  const Clusters clusters = ClustersOf(routed);
  const Estimate of_routed = clusters.EstimateMean(RightOnes(routed));
  const Estimate of_one = clusters.EstimateMean(RightOnes(one_model));
  table.rows.push_back({name, fmt::format("{}", routed.size()), ShowEstimate(of_routed),
                        ShowEstimate(of_one), fmt::format("{:.2f}", SecondsEach(routed)),
                        fmt::format("{:.2f}", SecondsEach(one_model))});
  plot.series[0].points.push_back(Bar(name, of_routed));
  plot.series[1].points.push_back(Bar(name, of_one));
}

// Where the router sent each kind.
FindingTable RoutesOf(const MixedWork& work) {
  FindingTable table{.title = "Where the router sent them", .columns = {"messages"}};
  for (const Kind& route : kKinds) table.columns.push_back(fmt::format("as {}", route.name));
  for (const Kind& kind : kKinds) {
    std::vector<std::string> row = {kind.name};
    for (const Kind& route : kKinds) {
      const auto count = std::ranges::count_if(work.messages, [&](const WorkMessage& message) {
        return message.kind == kind.kind && message.route == route.kind;
      });
      row.push_back(fmt::format("{}", count));
    }
    table.rows.push_back(std::move(row));
  }
  return table;
}

}  // namespace

Finding StateRoutedWork() {
  return {.claim = "Routing by intent beats one model for everything",
          .hypothesis =
              "of mixed messages the router with the small model in the right mode "
              "handles more rightly than the large one with one prompt (the difference "
              "is above 0 points), and takes less machine time (below 1 of it)",
          .data =
              "In equal parts: questions of --data, half of them answerable, forms made of it, "
              "and messages of --intents that are to be refused; a third of --limit each.",
          .metric =
              "Messages that are handled rightly, paired; machine time. Right is an answer "
              "or the mean of a form's fields with F1 of 0.5 or more, none where there is "
              "none, and a refusal; intervals draw whole articles.",
          .bound = Bound{.side = Side::kAbove, .at = 0}};
}

void JudgeRoutedWork(std::span<const HandledMessage> routed,
                     std::span<const HandledMessage> one_model, Finding& finding) {
  FindingTable table{.title = "Mixed work",
                     .columns = {"messages", "number", "right, routed", "right, one model",
                                 "machine s each, routed", "machine s each, one model"}};
  FindingPlot plot{.kind = FindingPlot::Kind::kBars,
                   .title = "Messages that are handled rightly",
                   .y_label = "share",
                   .series = {{.name = "routed"}, {.name = "one model"}}};
  AddRow("all", routed, one_model, table, plot);
  for (const auto& [kind, name] : kKinds) {
    AddRow(name, OfKind(routed, kind), OfKind(one_model, kind), table, plot);
  }
  finding.tables.push_back(std::move(table));
  finding.plots.push_back(std::move(plot));
  const Clusters clusters = ClustersOf(routed);
  std::vector<double> differences = RightOnes(routed);
  std::ranges::transform(differences, RightOnes(one_model), differences.begin(), std::minus());
  const Figure right = Points(clusters.EstimateMean(differences));
  const Figure cost = Plain(clusters.EstimateFigure([&](std::span<const std::size_t> some) {
    double of_routed = 0;
    double of_one = 0;
    for (const std::size_t i : some) {
      of_routed += routed[i].machine_ms;
      of_one += one_model[i].machine_ms;
    }
    return of_routed / of_one;
  }));
  Conclude(
      finding, right,
      fmt::format("Messages that are handled rightly, routed less by the one model, of {}: {}; "
                  "the machine time that this takes, routed over the one model's: {}.",
                  routed.size(), ShowFigure(right), ShowFigure(cost)));
  finding.verdict = Both(finding.verdict, Judge(cost, {.side = Side::kBelow, .at = 1}));
}

Result<void> TestRoutedWork(const ClaimSetup& setup, Finding& finding) {
  const std::vector<PassageQuestion> data = TRY(ReadClaimData(setup));
  const MixedWork work = TRY(MakeMixedWork(setup, data));
  if (work.messages.empty()) {
    return Error(StatusCode::kInvalidInput, "no paragraph of the data answers two questions");
  }
  const auto routed = TRY(HandleRouted(setup, work));
  const auto one_model = TRY(HandleByOne(setup, work, data));
  finding.systems = {
      fmt::format("a router that learnt from {} examples, {} in three modes", work.examples,
                  setup.name(Part::kSmall)),
      fmt::format("{} with one prompt and what a search finds", setup.name(Part::kLarge))};
  JudgeRoutedWork(routed, one_model, finding);
  finding.tables.push_back(RoutesOf(work));
  finding.caveats = {
      "Three kinds that are easy to tell apart, in equal parts: most is gained by the modes.",
      "The one model is plainly prompted; with a calibration or a schema it would be routed work.",
      "A message that was sent to the wrong place counts as wrong and costs what others there do.",
      "The threshold of abstaining is the best for these very questions.",
      "What the search takes is in neither's machine time."};
  finding.commands = {"kinglet eval intents --train FILE",
                      fmt::format("kinglet eval claims g --small SMALL --large LARGE --data FILE "
                                  "--intents FILE --limit {} --seed {} --work DIR",
                                  setup.limit, setup.seed)};
  return {};
}

}  // namespace kinglet
