// SPDX-License-Identifier: Apache-2.0
// Tasks with their data, files of outcomes, and what endpoints echo: what is read has what each
// question needs, and every score is one. The input is a task, a line "---", its data.
// Covers: src/eval/task_spec.cc src/eval/task.cc src/eval/prompt_template.cc
// Covers: src/eval/outcome_compare.cc src/eval/endpoint_task_system.cc src/eval/scorers.cc
// Longest input: 4000
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "base/json.h"
#include "base/utf8.h"
#include "eval/junit.h"
#include "eval/outcome_compare.h"
#include "eval/task.h"
#include "eval/task_system.h"

namespace kinglet {
namespace {

void CheckQuestion(const TaskSpec& spec, const TaskQuestion& question) {
  KINGLET_CHECK(spec.is_chat == !question.ask.messages.empty(), "{}", question.id);
  KINGLET_CHECK(spec.scorer->chooses == (question.ask.choices.size() > 1), "{}", question.id);
  for (const std::size_t right : question.gold.right) {
    KINGLET_CHECK(right < question.gold.choices.size(), "{}", question.id);
  }
  TaskReply reply{.text = question.gold.answers.empty() ? "none" : question.gold.answers.front()};
  for (std::size_t i = 0; i < question.gold.choices.size(); ++i) {
    reply.logprobs.push_back(-static_cast<float>(i));
  }
  for (const double score : spec.scorer->score(reply, question.gold, spec.scoring)) {
    KINGLET_CHECK(score >= 0 && score <= 1, "{}: {}", question.id, score);
  }
}

void ReadTaskOf(std::string_view text) {
  constexpr std::string_view kSeparator = "\n---\n";
  const std::size_t at = text.find(kSeparator);
  const auto spec = ParseTaskSpec(text.substr(0, at), "task.toml");
  if (!spec || at == std::string_view::npos) return;
  const std::string_view data = text.substr(at + kSeparator.size());
  const auto questions = MakeTaskQuestions(*spec, data, data);
  if (!questions) return;
  KINGLET_CHECK(!questions->empty(), "a task without a question");
  for (const TaskQuestion& question : *questions) CheckQuestion(*spec, question);
}

void CompareWithItself(std::string_view text) {
  const auto table = ParseOutcomes(text);
  if (!table) return;
  const auto changes = CompareOutcomes(*table, *table);
  if (!changes) return;  // there is no metric
  for (const MetricChange& change : *changes) {
    KINGLET_CHECK(change.better == 0 && change.worse == 0, "{}", change.metric);
  }
}

}  // namespace
}  // namespace kinglet

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  kinglet::ReadTaskOf(text);
  kinglet::CompareWithItself(text);
  if (const auto bound = kinglet::ParseChangeBound(text)) {
    KINGLET_CHECK(bound->points <= 0, "{}", bound->text);
  }
  for (const std::size_t letters : {0, 3}) {
    const auto logprob = kinglet::EchoedLogprob(text, letters);
    KINGLET_CHECK(!logprob || kinglet::ParseJson(text), "a likelihood of what is no JSON");
  }
  const kinglet::JUnitCase one{.name = std::string(text), .output = std::string(text)};
  KINGLET_CHECK(kinglet::IsUtf8(kinglet::JUnitXml(text, {&one, 1})), "not UTF-8");
  return 0;
}
