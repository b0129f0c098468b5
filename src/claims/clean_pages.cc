// SPDX-License-Identifier: Apache-2.0
// The same pages become two libraries: one as any page of HTML is ingested, one of their bytes.
#include "claims/clean_pages.h"

#include <algorithm>
#include <map>
#include <utility>

#include <fmt/format.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/display.h"
#include "claims/asked_questions.h"
#include "claims/figures.h"
#include "eval/cluster_bootstrap.h"
#include "eval/extraction.h"
#include "knowledge/extractor.h"

namespace kinglet {
namespace {

// Of setup.limit; each is read twice.
constexpr std::size_t kShareOfLimit = 2;

std::vector<PassageQuestion> DrawAnswerable(std::vector<PassageQuestion> data,
                                            const ClaimSetup& setup) {
  std::erase_if(data, [](const PassageQuestion& question) { return question.answers.empty(); });
  const std::size_t limit =
      setup.limit == 0 ? 0 : std::max<std::size_t>(1, setup.limit / kShareOfLimit);
  return DrawQuestions(std::move(data), limit, setup.seed);
}

// Pages of the folder, by name, each with the paragraphs of some of the questions.
Result<std::vector<std::string>> MakePages(const std::filesystem::path& folder,
                                           std::span<const PassageQuestion> questions) {
  std::vector<std::filesystem::path> files;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder / "html", error)) {
    if (entry.path().extension() == ".gz") files.push_back(entry.path());
  }
  if (files.empty()) {
    return Error(StatusCode::kNotFound, "{}: no html/*.gz in it",
                 EscapeForDisplay(folder.string()));
  }
  std::ranges::sort(files);
  std::vector<std::string> pages;
  for (const std::filesystem::path& file : files) pages.push_back(TRY(ReadPage(file)));
  std::map<const void*, std::size_t> placed;  // paragraphs
  for (const PassageQuestion& question : questions) {
    const auto [at, is_new] = placed.try_emplace(question.passages.get(), placed.size());
    if (!is_new) continue;
    std::string& page = pages[at->second % pages.size()];
    page = PutParagraph(page, question.passages->front().text);
  }
  return pages;
}

Result<void> PutPages(Library& library, std::span<const std::string> pages,
                      std::string_view media_type) {
  const Format* const format = FindFormatOf(media_type);
  for (std::size_t i = 0; i < pages.size(); ++i) {
    const std::string uri = fmt::format("page-{}", i + 1);
    TRY(library.Put({.uri = uri, .media_type = std::string(media_type), .digest = uri},
                    TRY(ExtractDocument(uri, pages[i], *format)), UnixSeconds()));
  }
  return {};
}

ClaimLibrary LibraryOf(std::span<const std::string> pages, std::string_view media_type) {
  Sha256 digest;
  for (const std::string& page : pages) digest.Update(Sha256::HexOf(page));
  return {.digest = fmt::format("{} {}", media_type, digest.Hex()),
          .fill = [=](Library& library) { return PutPages(library, pages, media_type); },
          // Vectors of markup take minutes, and say nothing that words do not.
          .by_words = true};
}

Result<std::vector<GroundingOutcome>> ReadPages(const ClaimSetup& setup,
                                                std::span<const std::string> pages,
                                                std::string_view media_type,
                                                ClaimQuestions& questions) {
  TRY(FindPassages(setup, questions.passages, LibraryOf(pages, media_type), questions.questions));
  return AskModel(setup, Part::kSmall, Asking::kReads, questions);
}

// What an arm comes to.
struct Arm {
  std::vector<double> f1, found, quoted, tokens, seconds;

  explicit Arm(std::span<const GroundingOutcome> outcomes) {
    for (const GroundingOutcome& outcome : outcomes) {
      f1.push_back(outcome.score.f1);
      found.push_back(outcome.is_answer_found() ? 1 : 0);
      quoted.push_back(outcome.is_quoted() ? 1 : 0);
      tokens.push_back(outcome.cost.computed_tokens);
      seconds.push_back(outcome.cost.machine_ms / kMsPerSecond);
    }
  }
};

using ArmColumn = std::vector<double> Arm::*;

Estimate Difference(const Clusters& clusters, const Arm& clean, const Arm& raw, ArmColumn column) {
  std::vector<double> differences;
  std::ranges::transform(clean.*column, raw.*column, std::back_inserter(differences), std::minus());
  return clusters.EstimateMean(differences);
}

}  // namespace

std::string PutParagraph(std::string_view html, std::string_view paragraph) {
  constexpr std::string_view kEnd = "</p>";
  std::vector<std::size_t> ends;
  for (std::size_t at = 0; (at = html.find(kEnd, at)) != std::string_view::npos;) {
    ends.push_back(at += kEnd.size());
  }
  const std::size_t middle = ends.empty() ? html.size() : ends[ends.size() / 2];
  return fmt::format("{}\n<p>{}</p>\n{}", html.substr(0, middle), EscapeMarkup(paragraph),
                     html.substr(middle));
}

Finding StateCleanPages() {
  return {.claim = "Clean inputs beat raw ones: markup is noise that costs answers",
          .hypothesis =
              "the small model scores more F1 out of web pages as Kinglet cleans them "
              "than out of their HTML as it stands: the difference is above 0 points",
          .data =
              "Answerable questions of --data, drawn by the seed, half as many as --limit; "
              "their paragraphs stand in the middle of real web pages (--pages), which are "
              "ingested once as HTML and once as plain text, and searched.",
          .metric =
              "F1 of words as SQuAD 2.0's scorer has it, without abstaining, paired by "
              "question; intervals draw whole articles.",
          .bound = Bound{.side = Side::kAbove, .at = 0}};
}

void JudgeCleanPages(std::span<const GroundingOutcome> clean, std::span<const GroundingOutcome> raw,
                     Finding& finding) {
  std::vector<std::string> groups;
  for (const GroundingOutcome& outcome : clean) groups.push_back(outcome.question->group);
  const Clusters clusters(groups);
  const Arm of_clean(clean);
  const Arm of_raw(raw);
  FindingTable table{.title = "The same pages, cleaned and raw",
                     .columns = {"of a question", "cleaned", "raw", "difference"}};
  const auto add = [&](const char* name, ArmColumn column) {
    table.rows.push_back({name, ShowEstimate(clusters.EstimateMean(of_clean.*column)),
                          ShowEstimate(clusters.EstimateMean(of_raw.*column)),
                          ShowEstimate(Difference(clusters, of_clean, of_raw, column))});
  };
  add("F1", &Arm::f1);
  add("the search finds an answer", &Arm::found);
  add("the sentence shown holds it", &Arm::quoted);
  add("tokens computed", &Arm::tokens);
  add("machine seconds", &Arm::seconds);
  finding.tables.push_back(std::move(table));
  FindingPlot plot{.kind = FindingPlot::Kind::kBars,
                   .title = "Answers out of cleaned and raw pages",
                   .y_label = "share of the questions",
                   .series = {{.name = "cleaned"}, {.name = "raw"}}};
  const auto draw = [&](const char* name, ArmColumn column) {
    plot.series[0].points.push_back(Bar(name, clusters.EstimateMean(of_clean.*column)));
    plot.series[1].points.push_back(Bar(name, clusters.EstimateMean(of_raw.*column)));
  };
  draw("F1", &Arm::f1);
  draw("answer found", &Arm::found);
  draw("answer quoted", &Arm::quoted);
  finding.plots.push_back(std::move(plot));
  const Figure figure = Points(Difference(clusters, of_clean, of_raw, &Arm::f1));
  Conclude(finding, figure,
           fmt::format("F1 out of cleaned pages less that out of raw ones, on {} questions: {}.",
                       clean.size(), ShowFigure(figure)));
}

Result<void> TestCleanPages(const ClaimSetup& setup, Finding& finding) {
  ClaimQuestions cleaned{.questions = DrawAnswerable(TRY(ReadClaimData(setup)), setup),
                         .passages = "cleaned_pages"};
  ClaimQuestions raw{.questions = cleaned.questions, .passages = "raw_pages"};
  const std::vector<std::string> pages =
      TRY(MakePages(setup.file(Part::kPages), cleaned.questions));
  const auto of_cleaned = TRY(ReadPages(setup, pages, "text/html", cleaned));
  const auto of_raw = TRY(ReadPages(setup, pages, "text/plain", raw));
  finding.systems = {fmt::format("{}, cleaned pages", setup.name(Part::kSmall)),
                     fmt::format("{}, raw pages", setup.name(Part::kSmall))};
  JudgeCleanPages(of_cleaned, of_raw, finding);
  finding.caveats = {
      "A paragraph that was put into a page has no links or styles of its own; around real ones "
      "there is more markup, so that the difference is rather too small.",
      "Both are searched before they are read: the search passes over most of the noise."};
  finding.commands = {"kinglet eval extraction PAGES",
                      fmt::format("kinglet eval claims e1 --small SMALL --data FILE --pages DIR "
                                  "--limit {} --seed {} --work DIR",
                                  setup.limit, setup.seed)};
  return {};
}

}  // namespace kinglet
