// SPDX-License-Identifier: Apache-2.0
// A file of outcomes is named by all that it depends on: other settings begin another file, and
// no run is lost.
#include "claims/asked_questions.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/digest.h"
#include "base/file.h"
#include "base/thread_pool.h"
#include "eval/grounding_file.h"
#include "eval/passage_library.h"
#include "knowledge/vector_search.h"

namespace kinglet {
namespace {

constexpr std::size_t kMaxDataBytes = std::size_t{1} << 30;
constexpr std::size_t kContextTokens = 4096;
constexpr std::size_t kKeyLetters = 8;  // of a digest in a file's name

Result<std::unique_ptr<VectorSearch>> EmbedAll(const ClaimSetup& setup, Library& library) {
  if (!setup.has(Part::kEmbedder)) return nullptr;
  auto embedder = TRY(setup.open_embedder(setup.file(Part::kEmbedder)));
  TRY(EmbedLibrary(library, *embedder, setup.name(Part::kEmbedder),
                   [](std::int64_t, std::int64_t) { return true; }));
  return std::make_unique<VectorSearch>(
      std::move(embedder), setup.thread_count > 0 ? setup.thread_count : AvailableCpus());
}

Result<GroundingRun> RunOf(const ClaimSetup& setup, Part model, Asking asking,
                           const ClaimQuestions& questions) {
  return GroundingRun{
      .model = TRY(DigestOf(setup, model)),
      .data = TRY(DigestOf(setup, Part::kData)),
      .passages = questions.passages,
      .embedder = setup.has(Part::kEmbedder) ? TRY(DigestOf(setup, Part::kEmbedder)) : "",
      .reads = asking == Asking::kReads,
      .asks_closed_book = asking == Asking::kClosedBook,
      .limit = questions.questions.size(),
      .seed = setup.seed};
}

std::filesystem::path OutcomesOf(const ClaimSetup& setup, Part model, const GroundingRun& run) {
  const std::string key = Sha256::HexOf(fmt::format(
      "{} {} {} {} {} {}", run.model, run.data, run.passages, run.embedder, run.limit, run.seed));
  return setup.work / fmt::format("{}-{}-{}.jsonl", setup.name(model),
                                  run.reads ? run.passages : "closed_book",
                                  key.substr(0, kKeyLetters));
}

}  // namespace

std::vector<std::string> ClaimQuestions::groups() const {
  std::vector<std::string> all;
  for (const PassageQuestion& question : questions) all.push_back(question.group);
  return all;
}

Result<std::vector<PassageQuestion>> ReadClaimData(const ClaimSetup& setup) {
  const auto questions = ParseQuestionSet(TRY(ReadFile(setup.file(Part::kData), kMaxDataBytes)));
  if (!questions) {
    return std::unexpected(questions.error().WithContext(setup.file(Part::kData).string()));
  }
  return *questions;
}

Result<void> WithLibrary(const ClaimSetup& setup, const std::function<Result<void>(Library&)>& fill,
                         const std::function<Result<void>(const Retriever&)>& use) {
  const std::filesystem::path folder = setup.work / "library";
  std::error_code error;
  std::filesystem::remove_all(folder, error);  // what a run that was ended has left
  Result<void> used;
  {
    Library library = TRY(Library::Open(folder, LibraryMode::kWrite));
    TRY(fill(library));
    const std::unique_ptr<VectorSearch> vectors = TRY(EmbedAll(setup, library));
    used = use({library, vectors.get()});
  }
  std::filesystem::remove_all(folder, error);
  return used;
}

Result<ClaimQuestions> DrawClaimQuestions(const ClaimSetup& setup,
                                          std::vector<PassageQuestion> data) {
  ClaimQuestions drawn{.passages = "retrieved"};
  TRY(WithLibrary(
      setup, [&](Library& library) { return PutPassages(library, data); },
      [&](const Retriever& retriever) {
        drawn.questions = DrawQuestions(std::move(data), setup.limit, setup.seed);
        return RetrievePassages(retriever, drawn.questions);
      }));
  return drawn;
}

Result<std::vector<GroundingOutcome>> AskModel(const ClaimSetup& setup, Part model, Asking asking,
                                               const ClaimQuestions& questions) {
  const GroundingRun run = TRY(RunOf(setup, model, asking, questions));
  std::vector<GroundingOutcome> done;
  OutcomeFile file =
      TRY(OutcomeFile::Resume(OutcomesOf(setup, model, run), run, questions.questions, done));
  const std::size_t total = questions.questions.size();
  if (done.size() == total) return done;
  const auto engine = TRY(setup.Open(model, ClaimEngine()));
  const GroundingOptions options{.reads = run.reads,
                                 .asks_plainly = false,
                                 .asks_closed_book = run.asks_closed_book,
                                 .power = setup.power};
  const std::string what =
      fmt::format("{} {}", setup.name(model), run.reads ? run.passages : "by itself");
  std::size_t count = done.size();
  TRY(setup.progress(what, count, total));
  return AskQuestions(*engine, questions.questions, options, std::move(done),
                      [&](std::span<const GroundingOutcome> some) -> Result<void> {
                        TRY(file.Append(some));
                        count += some.size();
                        return setup.progress(what, count, total);
                      });
}

std::vector<AnswerScore> ScoresWithAbstaining(std::span<const GroundingOutcome> read) {
  const Confidences confidences = CrossFit(read);
  const double threshold = BestThreshold(read, confidences.right);
  return MeasureGrounding(read, confidences, threshold).scores.front().scores;
}

bool IsAnswerFound(const GroundingOutcome& outcome) {
  return std::ranges::any_of(*outcome.question->passages, [&](const Passage& passage) {
    return HoldsAnswer(passage.text, outcome.question->answers);
  });
}

EngineOptions ClaimEngine() { return {.context_tokens = kContextTokens, .kv_contexts = 4}; }

}  // namespace kinglet
