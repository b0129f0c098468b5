// SPDX-License-Identifier: Apache-2.0
// Lines out, and lines back in: numbers to a unit in the last place, which is what JSON's parser
// gives back. What follows from a line and its question is computed again.
#include "eval/grounding_file.h"

#include <bit>
#include <charconv>
#include <iterator>
#include <optional>
#include <utility>

#include "base/display.h"
#include "base/file.h"
#include "base/json_lines.h"

namespace kinglet {
namespace {

constexpr std::size_t kMaxFileBytes = std::size_t{4} << 30;
constexpr std::size_t kHexDigits = 8;  // of a float's bits

json::object ToJson(const GroundingRun& run) {
  return {{"model", run.model},        {"data", run.data},
          {"passages", run.passages},  {"asked", run.asked},
          {"embedder", run.embedder},  {"reads", run.reads},
          {"plain", run.asks_plainly}, {"closed_book", run.asks_closed_book},
          {"limit", run.limit},        {"seed", run.seed}};
}

// Every bit of them, in a quarter of the room of a list of numbers.
std::string StateText(std::span<const float> state) {
  std::string text;
  for (const float value : state) {
    fmt::format_to(std::back_inserter(text), "{:08x}", std::bit_cast<std::uint32_t>(value));
  }
  return text;
}

Result<std::vector<float>> ParseState(std::string_view text) {
  std::vector<float> state;
  for (; !text.empty(); text.remove_prefix(kHexDigits)) {
    const std::string_view digits = text.substr(0, kHexDigits);
    std::uint32_t bits = 0;
    const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), bits, 16);
    if (digits.size() < kHexDigits || read.ptr != digits.data() + digits.size()) {
      return Error(StatusCode::kInvalidInput, "\"state\" is not of floats");
    }
    state.push_back(std::bit_cast<float>(bits));
  }
  return state;
}

json::object ToJson(const GroundingOutcome& outcome) {
  const ReadingSignals& signals = outcome.reading.signals;
  json::object line = {{"id", outcome.question->id},
                       {"group", outcome.question->group},
                       {"answerable", outcome.is_answerable()},
                       {"span", outcome.reading.text},
                       {"quote", outcome.quote},
                       {"quoted", outcome.is_quoted()},
                       {"exact", outcome.score.exact},
                       {"f1", outcome.score.f1},
                       {"best_sentence", outcome.best_sentence},
                       {"signals",
                        {{"gate", signals.gate},
                         {"span", signals.span},
                         {"tokens", signals.tokens},
                         {"coverage", outcome.coverage}}},
                       {"state", StateText(outcome.reading.state)},
                       {"cost",
                        {{"machine_ms", outcome.cost.machine_ms},
                         {"joules", outcome.cost.joules},
                         {"computed_tokens", outcome.cost.computed_tokens}}}};
  if (outcome.plain) line["plain"] = outcome.plain->text;
  if (outcome.closed_book) line["closed_book"] = outcome.closed_book->text;
  if (outcome.question->gold_retrieved) line["gold_retrieved"] = *outcome.question->gold_retrieved;
  return line;
}

Result<double> NumberOf(const json::value& object, std::string_view name) {
  const json::value* const value = Find(object, name);
  if (value != nullptr && value->is_number()) return value->to_number<double>();
  return Error(StatusCode::kInvalidInput, "{:?} must be a number", name);
}

Result<int> CountOf(const json::value& object, std::string_view name) {
  const json::value* const value = Find(object, name);
  boost::system::error_code error;
  const int count = value == nullptr ? -1 : value->to_number<int>(error);
  if (!error && count >= 0) return count;
  return Error(StatusCode::kInvalidInput, "{:?} must be a whole number", name);
}

// The next question, which must be the one that the line is of.
Result<const PassageQuestion*> QuestionOf(const json::value& line,
                                          std::span<const PassageQuestion> questions,
                                          std::size_t number) {
  const std::string id = TRY(TextOf(line, "id"));
  if (number < questions.size() && id == questions[number].id) return &questions[number];
  return Error(StatusCode::kInvalidInput, "question {:?} is not the one that is asked here",
               EscapeForDisplay(id));
}

Result<std::optional<PlainAnswer>> ParsePlain(const json::value& line, std::string_view name,
                                              const PassageQuestion& question) {
  if (Find(line, name) == nullptr) return std::nullopt;
  PlainAnswer answer{.text = TRY(TextOf(line, name))};
  answer.score = ScoreAnswer(answer.text, question.answers);
  return answer;
}

Result<GroundingOutcome> ParseOutcome(const json::value& line, const PassageQuestion& question) {
  GroundingOutcome outcome{.question = &question,
                           .quote = TRY(TextOf(line, "quote")),
                           .best_sentence = TRY(TextOf(line, "best_sentence")),
                           .plain = TRY(ParsePlain(line, "plain", question)),
                           .closed_book = TRY(ParsePlain(line, "closed_book", question))};
  const json::value* const signals = Find(line, "signals");
  if (signals == nullptr) return Error(StatusCode::kInvalidInput, "no \"signals\"");
  outcome.reading = {.text = TRY(TextOf(line, "span")),
                     .signals = {.gate = TRY(NumberOf(*signals, "gate")),
                                 .span = TRY(NumberOf(*signals, "span")),
                                 .tokens = TRY(NumberOf(*signals, "tokens"))},
                     .state = TRY(ParseState(TRY(TextOf(line, "state"))))};
  outcome.coverage = TRY(NumberOf(*signals, "coverage"));
  const json::value* const cost = Find(line, "cost");
  if (cost == nullptr) return Error(StatusCode::kInvalidInput, "no \"cost\"");
  outcome.cost = {.machine_ms = TRY(NumberOf(*cost, "machine_ms")),
                  .joules = TRY(NumberOf(*cost, "joules")),
                  .computed_tokens = TRY(CountOf(*cost, "computed_tokens"))};
  outcome.score = ScoreAnswer(outcome.reading.text, question.answers);
  return outcome;
}

Result<void> CheckRun(const json::value& line, const GroundingRun& run) {
  for (const auto& [name, value] : ToJson(run)) {
    const json::value* const there = Find(line, name);
    if (there != nullptr && *there == value) continue;
    return Error(StatusCode::kInvalidInput, "{:?} is {} there, {} in this run",
                 std::string_view(name), there == nullptr ? "nothing" : kinglet::ToJson(*there),
                 kinglet::ToJson(value));
  }
  return {};
}

Result<void> AddScores(const json::value& line, std::vector<SystemScores>& systems, bool is_first) {
  const json::value* const scores = Find(line, "scores");
  if (scores == nullptr || !scores->is_object()) {
    return Error(StatusCode::kInvalidInput, "the run was not finished");
  }
  if (is_first) {
    for (const auto& [name, score] : scores->get_object()) {
      systems.push_back({.system = std::string(name)});
    }
  }
  for (SystemScores& system : systems) {
    const json::value* const score = Find(*scores, system.system);
    if (score == nullptr) return Error(StatusCode::kInvalidInput, "a system's score is missing");
    system.scores.push_back(
        {.exact = TRY(NumberOf(*score, "em")), .f1 = TRY(NumberOf(*score, "f1"))});
  }
  return {};
}

std::unexpected<Status> In(const std::filesystem::path& path, const Status& error) {
  return std::unexpected(error.WithContext(EscapeForDisplay(path.string())));
}

}  // namespace

OutcomeFile::OutcomeFile(std::filesystem::path path, const GroundingRun& run,
                         std::ios::openmode mode)
    : path_(std::move(path)), run_(run), file_(path_, mode) {}

Result<void> OutcomeFile::Written() {
  if (file_.flush()) return {};
  return Error(StatusCode::kFailed, "{}: cannot be written", EscapeForDisplay(path_.string()));
}

Result<OutcomeFile> OutcomeFile::Begin(const std::filesystem::path& path, const GroundingRun& run) {
  OutcomeFile file(path, run, std::ios::trunc);
  file.file_ << kinglet::ToJson(ToJson(run)) << '\n';
  TRY(file.Written());
  return file;
}

Result<OutcomeFile> OutcomeFile::Resume(const std::filesystem::path& path, const GroundingRun& run,
                                        std::span<const PassageQuestion> questions,
                                        std::vector<GroundingOutcome>& done) {
  std::error_code error;
  if (std::filesystem::file_size(path, error) == 0 || error) return Begin(path, run);
  const std::string text = TRY(ReadFile(path, kMaxFileBytes));
  const std::size_t whole = text.rfind('\n') + 1;
  bool is_first = true;
  const auto read = ForEachJsonLine(
      std::string_view(text).substr(0, whole == 0 ? text.size() : whole), {},
      [&](const json::value& line) -> Result<void> {
        if (std::exchange(is_first, false)) return CheckRun(line, run);
        const PassageQuestion* const question = TRY(QuestionOf(line, questions, done.size()));
        done.push_back(TRY(ParseOutcome(line, *question)));
        return {};
      });
  if (!read) return In(path, read.error());
  if (whole == 0) return Begin(path, run);  // the run's own line, torn at its end
  std::filesystem::resize_file(path, whole, error);
  if (error) {
    return Error(StatusCode::kFailed, "{}: {}", EscapeForDisplay(path.string()), error.message());
  }
  OutcomeFile file(path, run, std::ios::app);
  TRY(file.Written());
  return file;
}

Result<void> OutcomeFile::Append(std::span<const GroundingOutcome> some) {
  for (const GroundingOutcome& outcome : some) {
    file_ << kinglet::ToJson(ToJson(outcome)) << '\n';
  }
  return Written();
}

Result<void> OutcomeFile::Finish(std::span<const GroundingOutcome> outcomes,
                                 const Confidences& confidences,
                                 std::span<const SystemScores> scores) const {
  ReplacementFile file = TRY(ReplacementFile::Begin(path_));
  TRY(file.Append(kinglet::ToJson(ToJson(run_)) + "\n"));
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    json::object line = ToJson(outcomes[i]);
    line["p_answerable"] = confidences.answerable[i];
    line["p_right"] = confidences.right[i];
    line["p_quoted"] = confidences.quoted[i];
    json::object of_systems;
    for (const SystemScores& system : scores) {
      of_systems[system.system] = {{"em", system.scores[i].exact}, {"f1", system.scores[i].f1}};
    }
    line["scores"] = std::move(of_systems);
    TRY(file.Append(kinglet::ToJson(line) + "\n"));
  }
  return file.Finish();
}

Result<std::vector<SystemScores>> ReadScores(const std::filesystem::path& path,
                                             std::string_view data,
                                             std::span<const PassageQuestion> questions) {
  const std::string text = TRY(ReadFile(path, kMaxFileBytes));
  std::vector<SystemScores> systems;
  std::size_t lines = 0;
  const auto read = ForEachJsonLine(text, {}, [&](const json::value& line) -> Result<void> {
    if (lines++ > 0) {
      const auto question = QuestionOf(line, questions, lines - 2);
      if (!question) return std::unexpected(question.error());
      return AddScores(line, systems, lines == 2);
    }
    if (TRY(TextOf(line, "data")) == data) return {};
    return Error(StatusCode::kInvalidInput, "its questions are of other data");
  });
  if (!read) return In(path, read.error());
  if (lines == questions.size() + 1) return systems;
  return Error(StatusCode::kInvalidInput, "{}: it has outcomes of {} questions, this run has {}",
               EscapeForDisplay(path.string()), lines == 0 ? 0 : lines - 1, questions.size());
}

}  // namespace kinglet
