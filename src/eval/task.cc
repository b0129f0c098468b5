// SPDX-License-Identifier: Apache-2.0
// Lines of data become questions by the templates of their task.
#include "eval/task.h"

#include <algorithm>
#include <random>
#include <set>
#include <utility>

#include "base/digest.h"
#include "base/display.h"
#include "base/file.h"
#include "base/json.h"
#include "base/json_lines.h"

namespace kinglet {
namespace {

constexpr std::size_t kMaxTaskBytes = std::size_t{1} << 20;
constexpr std::size_t kMaxDataBytes = std::size_t{1} << 30;

Result<std::vector<std::string>> TextsOf(const json::value& line, std::string_view name) {
  const json::value* const value = Find(line, name);
  if (value == nullptr || !value->is_array()) {
    return std::vector<std::string>{TRY(FieldText(line, name))};
  }
  std::vector<std::string> texts;
  for (const json::value& one : value->get_array()) {
    texts.push_back(one.is_string() ? std::string(one.get_string()) : ToJson(one));
  }
  return texts;
}

Result<std::vector<std::string>> ChoicesOf(const TaskSpec& spec, const json::value& line) {
  std::vector<std::string> choices;
  if (!spec.choices_field.empty()) choices = TRY(TextsOf(line, spec.choices_field));
  for (const PromptTemplate& choice : spec.choices) choices.push_back(TRY(choice.Fill(line)));
  if (!spec.scorer->chooses) return choices;
  if (choices.size() < 2 || std::ranges::find(choices, "") != choices.end()) {
    return Error(StatusCode::kInvalidInput, "there must be two choices or more, and none empty");
  }
  return choices;  // two may be equal, as in some lines of public sets
}

// An answer is the text of a choice, or which it is, from 0 on.
Result<std::vector<std::size_t>> RightOf(const Gold& gold) {
  std::vector<std::size_t> right;
  for (const std::string& answer : gold.answers) {
    const auto same = std::ranges::find(gold.choices, answer);
    std::size_t index = static_cast<std::size_t>(same - gold.choices.begin());
    for (std::size_t i = 0; i < gold.choices.size() && same == gold.choices.end(); ++i) {
      if (answer == std::to_string(i)) index = i;
    }
    if (index == gold.choices.size()) {
      return Error(StatusCode::kInvalidInput, "the answer {} is none of the {} choices",
                   Quoted(answer), gold.choices.size());
    }
    right.push_back(index);
  }
  return right;
}

Result<Gold> GoldOf(const TaskSpec& spec, const json::value& line) {
  Gold gold{.choices = TRY(ChoicesOf(spec, line))};
  for (const std::string& field : spec.answer_fields) {
    std::ranges::move(TRY(TextsOf(line, field)), std::back_inserter(gold.answers));
  }
  if (gold.answers.empty() && spec.scorer->needs_answer) {
    return Error(StatusCode::kInvalidInput, "there is no answer, and {} needs one",
                 spec.scorer->name);
  }
  if (spec.scorer->chooses) gold.right = TRY(RightOf(gold));
  if (spec.scorer->name == "number") {
    for (const std::string& answer : gold.answers) {
      if (LastNumber(answer)) continue;
      return Error(StatusCode::kInvalidInput, "the answer {} holds no number", Quoted(answer));
    }
  }
  if (spec.scorer->name == "regex" && !spec.scoring.pattern) {
    for (const std::string& answer : gold.answers) TRY(TextPattern::Compile(answer));
  }
  return gold;
}

// What is shown before the question: examples with their answers.
struct Shown {
  std::vector<ChatMessage> messages;
  std::string text;
};

Result<Shown> ShowExamples(const TaskSpec& spec, std::string_view lines) {
  Shown shown;
  if (!spec.system.empty()) shown.messages.push_back({"system", spec.system});
  std::size_t count = 0;
  TRY(ForEachJsonLine(lines, {}, [&](const json::value& line) -> Result<void> {
    if (spec.example_count > 0 && count == spec.example_count) return {};
    ++count;
    const Gold gold = TRY(GoldOf(spec, line));
    if (gold.answers.empty()) {
      return Error(StatusCode::kInvalidInput, "an example needs an answer");
    }
    const std::string& answer =
        spec.scorer->chooses ? gold.choices[gold.right.front()] : gold.answers.front();
    const std::string prompt = TRY(spec.prompt.Fill(line));
    shown.text += prompt + spec.delimiter + answer + spec.separator;
    shown.messages.push_back({"user", prompt});
    shown.messages.push_back({"assistant", answer});
    return {};
  }));
  if (count < spec.example_count) {
    return Error(StatusCode::kInvalidInput, "it has {} examples and the task shows {}", count,
                 spec.example_count);
  }
  return shown;
}

Result<TaskQuestion> QuestionOf(const TaskSpec& spec, const Shown& shown, const json::value& line,
                                std::size_t number) {
  TaskQuestion question{.id = std::to_string(number), .gold = TRY(GoldOf(spec, line))};
  if (!spec.id_field.empty()) question.id = TRY(FieldText(line, spec.id_field));
  if (!spec.group_field.empty()) question.group = TRY(FieldText(line, spec.group_field));
  TaskAsk& ask = question.ask;
  const std::string prompt = TRY(spec.prompt.Fill(line));
  if (spec.is_chat) {
    ask.messages = shown.messages;
    ask.messages.push_back({"user", prompt});
  } else {
    ask.text = shown.text + prompt;
  }
  if (spec.scorer->chooses) {
    for (const std::string& choice : question.gold.choices) {
      ask.choices.push_back(spec.is_chat ? choice : spec.delimiter + choice);
    }
  } else {
    ask.max_tokens = spec.max_tokens;
    ask.stop = spec.stop;
  }
  return question;
}

std::vector<TaskQuestion> Draw(std::vector<TaskQuestion> questions, std::size_t limit,
                               std::uint64_t seed) {
  if (limit == 0 || limit >= questions.size()) return questions;
  std::mt19937_64 random(seed);
  std::vector<std::pair<std::uint64_t, std::size_t>> drawn;
  for (std::size_t i = 0; i < questions.size(); ++i) drawn.emplace_back(random(), i);
  std::ranges::sort(drawn);
  drawn.resize(limit);
  std::ranges::sort(drawn, {}, &std::pair<std::uint64_t, std::size_t>::second);
  std::vector<TaskQuestion> some;
  for (const auto& [order, index] : drawn) some.push_back(std::move(questions[index]));
  return some;
}

std::string NameOf(const std::filesystem::path& path) { return EscapeForDisplay(path.string()); }

}  // namespace

Result<std::vector<TaskQuestion>> MakeTaskQuestions(const TaskSpec& spec, std::string_view data,
                                                    std::string_view examples) {
  const auto shown = ShowExamples(spec, examples);
  if (!shown) return std::unexpected(shown.error().WithContext(EscapeForDisplay(spec.examples)));
  std::vector<TaskQuestion> questions;
  std::set<std::string> ids;
  const auto read = ForEachJsonLine(data, {}, [&](const json::value& line) -> Result<void> {
    questions.push_back(TRY(QuestionOf(spec, *shown, line, questions.size() + 1)));
    const std::string& id = questions.back().id;
    if (!ids.insert(id).second) {
      return Error(StatusCode::kInvalidInput, "the id {} is that of a line above", Quoted(id));
    }
    return {};
  });
  if (!read) return std::unexpected(read.error().WithContext(EscapeForDisplay(spec.data)));
  if (!questions.empty()) return questions;
  return Error(StatusCode::kInvalidInput, "{}: there is no question", EscapeForDisplay(spec.data));
}

Result<Task> ReadTask(const std::filesystem::path& file, std::size_t limit, std::uint64_t seed) {
  const std::string toml = TRY(ReadFile(file, kMaxTaskBytes));
  Task task{.spec = TRY(ParseTaskSpec(toml, NameOf(file)))};
  const std::filesystem::path folder = file.parent_path();
  const std::string data = TRY(ReadFile(folder / task.spec.data, kMaxDataBytes));
  std::string examples;
  if (!task.spec.examples.empty()) {
    examples = TRY(ReadFile(folder / task.spec.examples, kMaxDataBytes));
  }
  std::string schema;
  if (!task.spec.schema.empty()) {
    schema = TRY(ReadFile(folder / task.spec.schema, kMaxTaskBytes));
    auto value = ParseJson(schema);
    auto validator = value ? JsonValidator::Create(*std::move(value))
                           : Result<std::unique_ptr<JsonValidator>>(std::unexpected(value.error()));
    if (!validator) {
      return std::unexpected(validator.error().WithContext(NameOf(folder / task.spec.schema)));
    }
    task.spec.scoring.schema = *std::move(validator);
  }
  task.questions = Draw(TRY(MakeTaskQuestions(task.spec, data, examples)), limit, seed);
  task.data_digest = Sha256::HexOf(data);
  task.prompt_digest = Sha256::HexOf(task.spec.prompt_text + '\n' + examples);
  task.scorer_digest = Sha256::HexOf(task.spec.scorer_text + '\n' + schema);
  return task;
}

}  // namespace kinglet
