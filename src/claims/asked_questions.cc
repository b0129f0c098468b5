// SPDX-License-Identifier: Apache-2.0
// A file of outcomes is named by all that it depends on: other settings begin another file, and
// no run is lost.
#include "claims/asked_questions.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include <fmt/format.h>

#include "base/digest.h"
#include "base/display.h"
#include "base/file.h"
#include "base/thread_pool.h"
#include "eval/grounding_file.h"
#include "eval/passage_library.h"
#include "knowledge/vector_search.h"
#include "model/bert_safetensors.h"
#include "model/config.h"

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

Result<std::string> DigestOfEmbedder(const ClaimSetup& setup) {
  if (!setup.has(Part::kEmbedder)) return "";
  return DigestOf(setup, Part::kEmbedder);
}

std::vector<Passage> PassagesOf(const json::array& all) {
  std::vector<Passage> passages;
  for (const json::value& passage : all) {
    const json::object& fields = passage.as_object();
    passages.push_back({.document = std::string(fields.at("document").as_string()),
                        .title = std::string(fields.at("title").as_string()),
                        .heading = std::string(fields.at("heading").as_string()),
                        .start_byte = fields.at("start_byte").to_number<std::int64_t>(),
                        .text = std::string(fields.at("text").as_string())});
  }
  return passages;
}

// The library is in the folder, which is empty.
Result<json::value> SearchIn(const ClaimSetup& setup, const std::filesystem::path& folder,
                             const ClaimLibrary& searched, std::span<PassageQuestion> questions) {
  Library library = TRY(Library::Open(folder, LibraryMode::kWrite));
  TRY(searched.fill(library));
  std::unique_ptr<VectorSearch> vectors;
  if (!searched.by_words) vectors = TRY(EmbedAll(setup, library));
  TRY(RetrievePassages({library, vectors.get()}, questions));
  json::array found;
  for (const PassageQuestion& question : questions) {
    found.push_back(json::object{{"gold_retrieved", OrNull(question.gold_retrieved)},
                                 {"passages", ToJson(*question.passages)}});
  }
  return found;
}

// In a folder that nobody else has: the work folder may hold other things of the user's.
Result<json::value> Search(const ClaimSetup& setup, const ClaimLibrary& searched,
                           std::span<PassageQuestion> questions) {
  std::string folder = (setup.work / ".claims-library-XXXXXX").string();
  if (mkdtemp(folder.data()) == nullptr) {
    return Error(StatusCode::kFailed, "{}: cannot make a folder", EscapeForDisplay(folder));
  }
  Result<json::value> found = SearchIn(setup, folder, searched, questions);
  std::error_code error;
  std::filesystem::remove_all(folder, error);
  return found;
}

Result<GroundingRun> RunOf(const ClaimSetup& setup, Part model, Asking asking,
                           const ClaimQuestions& questions) {
  return GroundingRun{.model = TRY(DigestOf(setup, model)),
                      .data = TRY(DigestOf(setup, Part::kData)),
                      .passages = questions.passages,
                      .asked = DigestOfQuestions(questions.questions),
                      .embedder = TRY(DigestOfEmbedder(setup)),
                      .reads = asking == Asking::kReads,
                      .asks_plainly = asking == Asking::kPlain,
                      .asks_closed_book = asking == Asking::kClosedBook,
                      .limit = questions.questions.size(),
                      .seed = setup.seed};
}

// The machine's part is in the name alone: of a run it changes the costs, not the answers.
std::filesystem::path OutcomesOf(const ClaimSetup& setup, Part model, std::string_view passages,
                                 const GroundingRun& run) {
  const std::string key = Sha256::HexOf(fmt::format(
      "{} {} {} {} {} {} {} {} {} {}", run.model, run.data, run.passages, run.asked, run.embedder,
      run.limit, run.seed, setup.thread_count, setup.power.idle_watts, setup.power.active_watts));
  const std::string_view way = run.reads ? passages : run.asks_plainly ? "plain" : "closed_book";
  return setup.work /
         fmt::format("{}-{}-{}.jsonl", setup.name(model), way, key.substr(0, kKeyLetters));
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
  for (const PassageQuestion& question : *questions) {
    if (!question.answers.empty()) return *questions;
  }
  return Error(StatusCode::kInvalidInput, "{}: {}",
               EscapeForDisplay(setup.file(Part::kData).string()),
               questions->empty() ? "no questions" : "none of its questions has an answer");
}

Result<ClaimLibrary> LibraryOf(const ClaimSetup& setup, std::span<const PassageQuestion> data) {
  return ClaimLibrary{.digest = TRY(DigestOf(setup, Part::kData)),
                      .fill = [data](Library& library) { return PutPassages(library, data); }};
}

Result<void> FindPassages(const ClaimSetup& setup, std::string_view name,
                          const ClaimLibrary& searched, std::span<PassageQuestion> questions) {
  const std::string embedder = searched.by_words ? std::string() : TRY(DigestOfEmbedder(setup));
  const json::object key = {{"library", searched.digest},
                            {"embedder", embedder},
                            {"questions", DigestOfQuestions(questions)}};
  const json::value found = TRY(Kept(setup, fmt::format("passages-{}", name), key,
                                     [&] { return Search(setup, searched, questions); }));
  for (std::size_t i = 0; i < questions.size(); ++i) {
    const json::object& fields = found.as_array().at(i).as_object();
    questions[i].gold_retrieved = fields.at("gold_retrieved").as_bool();
    questions[i].passages =
        std::make_shared<const std::vector<Passage>>(PassagesOf(fields.at("passages").as_array()));
  }
  return {};
}

Result<ClaimQuestions> DrawClaimQuestions(const ClaimSetup& setup,
                                          std::vector<PassageQuestion> data) {
  const ClaimLibrary library = TRY(LibraryOf(setup, data));
  ClaimQuestions drawn{.questions = DrawQuestions(data, setup.limit, setup.seed),
                       .passages = "retrieved"};
  TRY(FindPassages(setup, drawn.passages, library, drawn.questions));
  return drawn;
}

Result<std::vector<GroundingOutcome>> AskModel(const ClaimSetup& setup, Part model, Asking asking,
                                               const ClaimQuestions& questions) {
  const GroundingRun run = TRY(RunOf(setup, model, asking, questions));
  std::vector<GroundingOutcome> done;
  OutcomeFile file = TRY(OutcomeFile::Resume(OutcomesOf(setup, model, questions.passages, run), run,
                                             questions.questions, done));
  const std::size_t total = questions.questions.size();
  if (done.size() == total) return done;
  const auto engine = TRY(OpenToAsk(setup, model));
  const GroundingOptions options{.reads = run.reads,
                                 .asks_plainly = run.asks_plainly,
                                 .asks_closed_book = run.asks_closed_book,
                                 .power = setup.power};
  const std::string what = fmt::format("{} {}", setup.name(model),
                                       run.reads          ? questions.passages
                                       : run.asks_plainly ? "plainly asked"
                                                          : "by itself");
  std::size_t count = done.size();
  TRY(setup.progress(what, count, total));
  return AskQuestions(*engine, questions.questions, options, std::move(done),
                      [&](std::span<const GroundingOutcome> some) -> Result<void> {
                        TRY(file.Append(some));
                        count += some.size();
                        return setup.progress(what, count, total);
                      });
}

GivenAnswers AnswersOf(std::span<const GroundingOutcome> outcomes, Asking asking) {
  GivenAnswers answers;
  if (asking == Asking::kReads) {
    const Confidences confidences = CrossFit(outcomes);
    const double threshold = BestThreshold(outcomes, confidences.right);
    answers.is_given = AnswersAbove(outcomes, confidences, threshold);
    answers.scores = ScoresAbove(outcomes, confidences, threshold);
    answers.p_answerable = confidences.answerable;
    for (const GroundingOutcome& outcome : outcomes) answers.unabstained.push_back(outcome.score);
    return answers;
  }
  const auto said =
      asking == Asking::kPlain ? &GroundingOutcome::plain : &GroundingOutcome::closed_book;
  for (const GroundingOutcome& outcome : outcomes) {
    const PlainAnswer answer = (outcome.*said).value_or(PlainAnswer{});
    answers.is_given.push_back(!answer.text.empty());
    answers.scores.push_back(answer.score);
  }
  answers.unabstained = answers.scores;
  return answers;
}

Result<std::unique_ptr<Engine>> OpenToAsk(const ClaimSetup& setup, Part model) {
  const GgufFile file = TRY(OpenModelFile(setup.file(model)));
  const std::size_t has = TRY(ReadModelConfig(file)).context_length;
  return setup.Open(model, {.context_tokens = std::min(kContextTokens, has), .kv_contexts = 4});
}

}  // namespace kinglet
