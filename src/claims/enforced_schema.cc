// SPDX-License-Identifier: Apache-2.0
// The prompts are the same, schema and all: the mask over the tokens is the one difference.
#include "claims/enforced_schema.h"

#include <algorithm>
#include <functional>
#include <limits>
#include <utility>

#include <fmt/format.h>

#include "claims/asked_questions.h"
#include "claims/figures.h"
#include "eval/cluster_bootstrap.h"

namespace kinglet {
namespace {

constexpr std::size_t kShareOfLimit = 3;

// What is measured of a reply.
using Measure = double (*)(const FormReply&);

std::vector<double> Column(std::span<const FormReply> replies, Measure measure) {
  std::vector<double> values;
  std::ranges::transform(replies, std::back_inserter(values), measure);
  return values;
}

double Valid(const FormReply& reply) { return reply.score.is_valid ? 1 : 0; }
double ValidInside(const FormReply& reply) { return reply.score.is_valid_inside ? 1 : 0; }
double FieldF1(const FormReply& reply) { return reply.score.f1; }
double Seconds(const FormReply& reply) { return reply.cost.machine_ms / kMsPerSecond; }

}  // namespace

Finding StateEnforcedSchema() {
  return {.claim =
              "Structure beats asking for it: an enforced schema takes the noise out of what "
              "a model writes",
          .hypothesis =
              "more replies of the small model are valid where the schema is enforced "
              "than where the prompt asks for it: the difference is above 0 points",
          .data =
              "Forms made of --data, a third as many as --limit: two or three questions of a "
              "paragraph are the fields of a JSON Schema.",
          .metric =
              "Replies that are JSON and satisfy the schema as they stand, paired by form; "
              "intervals draw whole articles.",
          .bound = Bound{.side = Side::kAbove, .at = 0}};
}

std::vector<Form> DrawForms(const ClaimSetup& setup, std::span<const PassageQuestion> data) {
  const std::size_t limit = setup.limit == 0
                                ? std::numeric_limits<std::size_t>::max()
                                : std::max<std::size_t>(1, setup.limit / kShareOfLimit);
  return MakeForms(data, limit);
}

Result<std::vector<FormReply>> FillIn(const ClaimSetup& setup, Part model,
                                      std::span<const Form> forms, bool enforced) {
  std::vector<ClaimPrompt> prompts;
  for (const Form& form : forms) prompts.push_back(PromptOf(form, enforced));
  const auto replies =
      TRY(AskPrompts(setup, model, enforced ? "forms-enforced" : "forms-asked", prompts));
  std::vector<FormReply> filled;
  for (std::size_t i = 0; i < forms.size(); ++i) {
    filled.push_back({.group = forms[i].group,
                      .score = TRY(ScoreForm(forms[i], replies[i].text)),
                      .cost = replies[i].cost});
  }
  return filled;
}

void JudgeEnforcedSchema(std::span<const FormReply> enforced, std::span<const FormReply> asked,
                         Finding& finding) {
  std::vector<std::string> groups;
  for (const FormReply& reply : enforced) groups.push_back(reply.group);
  const Clusters clusters(groups);
  const auto difference = [&](Measure measure) {
    std::vector<double> values = Column(enforced, measure);
    std::ranges::transform(values, Column(asked, measure), values.begin(), std::minus());
    return clusters.EstimateMean(values);
  };
  FindingTable table{.title = "The same forms, the schema enforced and asked for",
                     .columns = {"of a form", "enforced", "asked for", "difference"}};
  FindingPlot plot{.kind = FindingPlot::Kind::kBars,
                   .title = "Forms that can be used",
                   .y_label = "share of the forms",
                   .series = {{.name = "enforced"}, {.name = "asked for"}}};
  const auto add = [&](const char* name, Measure measure, bool drawn) {
    const Estimate of_enforced = clusters.EstimateMean(Column(enforced, measure));
    const Estimate of_asked = clusters.EstimateMean(Column(asked, measure));
    table.rows.push_back({name, ShowEstimate(of_enforced), ShowEstimate(of_asked),
                          ShowEstimate(difference(measure))});
    if (!drawn) return;
    plot.series[0].points.push_back(Bar(name, of_enforced));
    plot.series[1].points.push_back(Bar(name, of_asked));
  };
  add("valid as it stands", Valid, true);
  add("valid, taken out of Markdown", ValidInside, true);
  add("F1 of its fields", FieldF1, true);
  add("machine seconds", Seconds, false);
  finding.tables.push_back(std::move(table));
  finding.plots.push_back(std::move(plot));
  const Figure figure = Points(difference(Valid));
  Conclude(
      finding, figure,
      fmt::format("Valid ones among {} forms, the schema enforced less asked for: {}; with "
                  "what stands in Markdown taken out of it {}. F1 of the fields: {}.",
                  enforced.size(), ShowFigure(figure), ShowFigure(Points(difference(ValidInside))),
                  ShowFigure(Points(difference(FieldF1)))));
}

Result<void> TestEnforcedSchema(const ClaimSetup& setup, Finding& finding) {
  const std::vector<Form> forms = DrawForms(setup, TRY(ReadClaimData(setup)));
  if (forms.empty()) {
    return Error(StatusCode::kInvalidInput, "no paragraph of the data answers two questions");
  }
  const auto enforced = TRY(FillIn(setup, Part::kSmall, forms, true));
  const auto asked = TRY(FillIn(setup, Part::kSmall, forms, false));
  finding.systems = {fmt::format("{}, schema enforced", setup.name(Part::kSmall)),
                     fmt::format("{}, schema asked for", setup.name(Part::kSmall))};
  JudgeEnforcedSchema(enforced, asked, finding);
  finding.caveats = {
      "What is enforced is valid by construction unless its tokens run out; whether it is right is "
      "the fields' F1, in which a reply that is not valid has nothing.",
      "One schema in many variants, with an object inside another, a choice, a truth and bounds on "
      "lengths: other schemas are easier or harder to keep to unaided."};
  finding.commands = {"kinglet extract --schema FILE --model SMALL < TEXT",
                      fmt::format("kinglet eval claims e2 --small SMALL --data FILE --limit {} "
                                  "--seed {} --work DIR",
                                  setup.limit, setup.seed)};
  return {};
}

}  // namespace kinglet
