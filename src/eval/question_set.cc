// SPDX-License-Identifier: Apache-2.0
// Three layouts, one list.
#include "eval/question_set.h"

#include <algorithm>
#include <optional>
#include <random>
#include <utility>

#include "base/digest.h"
#include "base/json.h"
#include "base/json_lines.h"

namespace kinglet {
namespace {

using Passages = std::shared_ptr<const std::vector<Passage>>;

Result<const json::array*> ListOf(const json::value& object, std::string_view name) {
  const json::value* const value = Find(object, name);
  if (value != nullptr && value->is_array()) return &value->get_array();
  return Error(StatusCode::kInvalidInput, "{:?} must be a list", name);
}

Result<std::vector<std::string>> TextsOf(const json::array& list) {
  std::vector<std::string> texts;
  for (const json::value& item : list) {
    if (!item.is_string()) return Error(StatusCode::kInvalidInput, "a list of something but texts");
    texts.emplace_back(item.get_string());
  }
  return texts;
}

// The rank among its neighbours keeps them in their order in a prompt.
Passage PassageOf(std::string title, std::string text, std::size_t rank) {
  return {.title = std::move(title),
          .start_byte = static_cast<std::int64_t>(rank),
          .text = std::move(text)};
}

// ---- SQuAD 2.0 ----

Result<PassageQuestion> SquadQuestion(const json::value& qa, const std::string& group,
                                      const Passages& passages) {
  PassageQuestion question{.id = TRY(TextOf(qa, "id")),
                           .question = TRY(TextOf(qa, "question")),
                           .group = group,
                           .passages = passages,
                           .has_short_answers = true};
  for (const json::value& answer : *TRY(ListOf(qa, "answers"))) {
    question.answers.push_back(TRY(TextOf(answer, "text")));
  }
  return question;
}

Result<std::vector<PassageQuestion>> ReadSquad(const json::value& file) {
  std::vector<PassageQuestion> questions;
  for (const json::value& article : *TRY(ListOf(file, "data"))) {
    const std::string title = TRY(TextOf(article, "title"));
    for (const json::value& paragraph : *TRY(ListOf(article, "paragraphs"))) {
      const auto passages = std::make_shared<const std::vector<Passage>>(
          std::vector<Passage>{PassageOf(title, TRY(TextOf(paragraph, "context")), 0)});
      for (const json::value& qa : *TRY(ListOf(paragraph, "qas"))) {
        questions.push_back(TRY(SquadQuestion(qa, title, passages)));
      }
    }
  }
  return questions;
}

// ---- lines ----

// Of CLAPNQ's passages those that answer end with a blank and the others do not: a model's state
// tells them apart by that alone.
std::string WithoutBlanksAround(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r\n";
  text.remove_prefix(std::min(text.find_first_not_of(kBlanks), text.size()));
  return std::string(text.substr(0, text.find_last_not_of(kBlanks) + 1));
}

Result<std::vector<Passage>> ReadPassages(const json::array& list) {
  std::vector<Passage> passages;
  for (const json::value& passage : list) {
    if (passage.is_string()) {
      passages.push_back(PassageOf("", WithoutBlanksAround(passage.get_string()), passages.size()));
      continue;
    }
    const json::value* const title = Find(passage, "title");
    passages.push_back(
        PassageOf(title != nullptr && title->is_string() ? TRY(TextOf(passage, "title")) : "",
                  WithoutBlanksAround(TRY(TextOf(passage, "text"))), passages.size()));
  }
  if (passages.empty()) return Error(StatusCode::kInvalidInput, "\"passages\" holds none");
  return passages;
}

Result<PassageQuestion> ReadLine(const json::value& line) {
  PassageQuestion question{.id = TRY(TextOf(line, "id"))};
  std::vector<Passage> passages = TRY(ReadPassages(*TRY(ListOf(line, "passages"))));
  question.group = passages.front().title.empty() ? question.id : passages.front().title;
  question.passages = std::make_shared<const std::vector<Passage>>(std::move(passages));
  if (Find(line, "input") == nullptr) {
    question.question = TRY(TextOf(line, "question"));
    question.answers = TRY(TextsOf(*TRY(ListOf(line, "answers"))));
    question.has_short_answers = true;
    return question;
  }
  question.question = TRY(TextOf(line, "input"));  // CLAPNQ
  for (const json::value& output : *TRY(ListOf(line, "output"))) {
    std::string answer = TRY(TextOf(output, "answer"));
    if (answer.empty()) continue;
    question.answers.push_back(std::move(answer));
    for (std::string& sentence : TRY(TextsOf(*TRY(ListOf(output, "selected_sentences"))))) {
      if (std::ranges::count(question.sentences, sentence) == 0)
        question.sentences.push_back(std::move(sentence));
    }
  }
  return question;
}

}  // namespace

Result<std::vector<PassageQuestion>> ParseQuestionSet(std::string_view text) {
  const JsonLimits limits{.max_bytes = std::size_t{1} << 30};
  const std::size_t line_end = text.find('\n');
  // One object over several lines, or in the only line one that has "data".
  const auto whole = ParseJson(text.substr(0, line_end), limits);
  if (!whole || Find(*whole, "data") != nullptr) {
    return ReadSquad(TRY(ParseJson(text, limits)));
  }
  std::vector<PassageQuestion> questions;
  TRY(ForEachJsonLine(text, limits, [&](const json::value& line) -> Result<void> {
    questions.push_back(TRY(ReadLine(line)));
    return {};
  }));
  return questions;
}

std::vector<PassageQuestion> DrawQuestions(std::vector<PassageQuestion> questions,
                                           std::size_t limit, std::uint64_t seed) {
  if (limit == 0 || limit >= questions.size()) return questions;
  std::vector<std::pair<std::uint64_t, std::size_t>> drawn[2];
  std::mt19937_64 random(seed);
  for (std::size_t i = 0; i < questions.size(); ++i) {
    drawn[questions[i].answers.empty() ? 0 : 1].emplace_back(random(), i);
  }
  for (auto& each : drawn) std::ranges::sort(each);
  const std::size_t without =
      std::min(drawn[0].size(), std::max(limit / 2, limit - std::min(limit, drawn[1].size())));
  drawn[0].resize(without);
  drawn[1].resize(std::min(drawn[1].size(), limit - without));
  std::vector<std::size_t> kept;
  for (const auto& each : drawn) {
    for (const auto& [order, index] : each) kept.push_back(index);
  }
  std::ranges::sort(kept);
  std::vector<PassageQuestion> some;
  for (const std::size_t index : kept) some.push_back(std::move(questions[index]));
  return some;
}

json::array ToJson(std::span<const Passage> passages) {
  json::array all;
  for (const Passage& passage : passages) {
    all.push_back(json::object{{"document", passage.document},
                               {"start_byte", passage.start_byte},
                               {"title", passage.title},
                               {"heading", passage.heading},
                               {"text", passage.text}});
  }
  return all;
}

std::string DigestOfQuestions(std::span<const PassageQuestion> questions) {
  Sha256 digest;
  for (const PassageQuestion& question : questions) {
    digest.Update(ToJson(json::array{question.id, question.question, ToJson(*question.passages)}));
  }
  return digest.Hex();
}

}  // namespace kinglet
