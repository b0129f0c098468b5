// SPDX-License-Identifier: Apache-2.0
// A form has what schemas have in earnest: an object inside another, a choice of words, a truth,
// bounds on lengths, and nothing beside them.
#include "claims/form.h"

#include <algorithm>
#include <map>
#include <utility>

#include <fmt/format.h>

#include "eval/answer_match.h"
#include "grammar/json_validator.h"

namespace kinglet {
namespace {

constexpr std::size_t kLeastFields = 2;
constexpr std::size_t kMostFields = 3;
constexpr int kLongestField = 80;  // characters
constexpr int kMaxTokens = 200;

std::string FieldName(std::size_t number) { return fmt::format("answer_{}", number + 1); }

json::value ObjectOf(json::object properties) {
  json::array required;
  for (const auto& [name, property] : properties) required.emplace_back(name);
  return {{"type", "object"},
          {"properties", std::move(properties)},
          {"required", std::move(required)},
          {"additionalProperties", false}};
}

Form MakeForm(std::span<const PassageQuestion* const> questions) {
  Form form{.group = questions.front()->group, .text = questions.front()->passages->front().text};
  json::object answers;
  for (const PassageQuestion* const question : questions) {
    answers[FieldName(form.gold.size())] = {
        {"description", question->question}, {"type", "string"}, {"maxLength", kLongestField}};
    form.gold.push_back(question->answers);
  }
  form.schema = ObjectOf(
      {{"kind", {{"enum", {"person", "place", "event", "thing"}}}},
       {"answers", ObjectOf(std::move(answers))},
       {"complete", {{"description", "whether the text has all answers"}, {"type", "boolean"}}}});
  return form;
}

// What stands in the first block of Markdown code; the whole where there is none.
std::string_view InsideFence(std::string_view reply) {
  constexpr std::string_view kFence = "```";
  const std::size_t begin = reply.find(kFence);
  if (begin == std::string_view::npos) return reply;
  const std::size_t line_end = reply.find('\n', begin);
  if (line_end == std::string_view::npos) return reply;
  return reply.substr(line_end + 1, reply.find(kFence, line_end) - line_end - 1);
}

// Null where it is not valid.
json::value Read(const JsonValidator& validator, std::string_view text) {
  const auto value = ParseJson(text);
  return value && validator.Validate(*value) ? *value : json::value();
}

}  // namespace

std::vector<Form> MakeForms(std::span<const PassageQuestion> questions, std::size_t limit) {
  std::vector<std::vector<const PassageQuestion*>> paragraphs;
  std::map<const void*, std::size_t> numbers;
  for (const PassageQuestion& question : questions) {
    if (question.answers.empty()) continue;
    const auto [at, is_new] = numbers.try_emplace(question.passages.get(), paragraphs.size());
    if (is_new) paragraphs.emplace_back();
    paragraphs[at->second].push_back(&question);
  }
  std::erase_if(paragraphs, [](const auto& asked) { return asked.size() < kLeastFields; });
  const std::size_t count = std::min(limit, paragraphs.size());
  std::vector<Form> forms;
  for (std::size_t i = 0; i < count; ++i) {
    const auto& asked = paragraphs[i * paragraphs.size() / count];
    forms.push_back(MakeForm(std::span(asked).first(std::min(kMostFields, asked.size()))));
  }
  return forms;
}

ClaimPrompt PromptOf(const Form& form, bool enforced) {
  ClaimPrompt prompt{.messages = {{"system",
                                   "Answer with one JSON value that satisfies this JSON Schema, "
                                   "and nothing else:\n" +
                                       ToJson(form.schema)},
                                  {"user", form.text}},
                     .max_tokens = kMaxTokens};
  if (enforced) prompt.schema = form.schema;
  return prompt;
}

Result<FormScore> ScoreForm(const Form& form, std::string_view reply) {
  const auto validator = TRY(JsonValidator::Create(form.schema));
  FormScore score;
  json::value value = Read(*validator, reply);
  score.is_valid = !value.is_null();
  if (!score.is_valid) value = Read(*validator, InsideFence(reply));
  score.is_valid_inside = !value.is_null();
  if (!score.is_valid_inside) return score;
  const json::object& answers = value.as_object().at("answers").as_object();
  for (std::size_t i = 0; i < form.gold.size(); ++i) {
    score.f1 +=
        ScoreAnswer(std::string_view(answers.at(FieldName(i)).as_string()), form.gold[i]).f1;
  }
  score.f1 /= static_cast<double>(form.gold.size());
  return score;
}

}  // namespace kinglet
