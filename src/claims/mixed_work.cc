// SPDX-License-Identifier: Apache-2.0
// The router is the one of `kinglet route`, without its file: what out of scope is, is refused.
#include "claims/mixed_work.h"

#include <algorithm>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/thread_pool.h"
#include "claims/enforced_schema.h"
#include "router/labelled_texts.h"

namespace kinglet {
namespace {

constexpr std::size_t kMaxFileBytes = std::size_t{1} << 30;
constexpr int kExamples = 300;  // of each kind, at most
constexpr const char* kQuestionLabel = "question";
constexpr const char* kFormLabel = "form";
constexpr const char* kOffTopicLabel = "other";

std::string MessageOf(const Form& form) {
  return fmt::format("Fill in this form from the text below.\n\nForm:\n{}\n\nText:\n{}",
                     ToJson(form.schema), form.text);
}

// `count` indices of `size`, from all over.
std::vector<std::size_t> Spread(std::size_t count, std::size_t size) {
  std::vector<std::size_t> some;
  for (std::size_t i = 0; i < std::min(count, size); ++i) {
    some.push_back(i * size / std::min(count, size));
  }
  return some;
}

// Questions and forms that are not among the messages.
std::vector<IntentLine> LinesOf(std::span<const PassageQuestion> data, const MixedWork& work) {
  std::set<std::string_view> asked;
  std::set<std::string_view> filled;
  for (const PassageQuestion& question : work.questions.questions) asked.insert(question.id);
  for (const Form& form : work.forms) filled.insert(form.text);
  std::vector<IntentLine> lines;
  for (const PassageQuestion& question : data) {
    if (!asked.contains(question.id)) lines.push_back({question.question, kQuestionLabel});
  }
  for (const Form& form : MakeForms(data, data.size())) {
    if (!filled.contains(form.text)) lines.push_back({MessageOf(form), kFormLabel});
  }
  return lines;
}

MessageKind KindOf(const Classification& found, const Classifier& classifier) {
  const std::string& label = classifier.labels()[found.best];
  if (found.out_of_scope || label == kOffTopicLabel) return MessageKind::kOffTopic;
  return label == kFormLabel ? MessageKind::kForm : MessageKind::kQuestion;
}

Result<void> RouteAll(const ClaimSetup& setup, std::vector<IntentLine> lines, MixedWork& work) {
  std::unique_ptr<Embedder> embedder;
  if (setup.has(Part::kEmbedder)) {
    embedder = TRY(setup.open_embedder(setup.file(Part::kEmbedder)));
  }
  TrainingSet set = TrainingSetOf(DrawExamples(std::move(lines), kExamples, setup.seed));
  set.seed = setup.seed;
  work.examples = set.texts.size();
  ThreadPool pool(setup.thread_count > 0 ? setup.thread_count : AvailableCpus());
  const Classifier classifier = TRY(Classifier::Train(set, embedder.get(), pool));
  for (WorkMessage& message : work.messages) {
    const double start_ms = MonotonicMs();
    message.route = KindOf(TRY(classifier.Classify(message.text, embedder.get())), classifier);
    message.router_ms = MonotonicMs() - start_ms;
  }
  return {};
}

}  // namespace

Result<MixedWork> MakeMixedWork(const ClaimSetup& setup, std::vector<PassageQuestion> data) {
  const auto read = ParseIntentLines(TRY(ReadFile(setup.file(Part::kIntents), kMaxFileBytes)));
  if (!read) return std::unexpected(read.error().WithContext(setup.file(Part::kIntents).string()));
  HeldOut others = HoldOutAFifth(*read, setup.seed);
  MixedWork work{.questions = TRY(DrawClaimQuestions(setup, data)),
                 .forms = DrawForms(setup, data)};
  const std::vector<PassageQuestion>& questions = work.questions.questions;
  for (const std::size_t i : Spread(work.forms.size(), questions.size())) {
    work.messages.push_back(
        {.kind = MessageKind::kQuestion, .number = i, .text = questions[i].question});
  }
  for (std::size_t i = 0; i < work.forms.size(); ++i) {
    work.messages.push_back(
        {.kind = MessageKind::kForm, .number = i, .text = MessageOf(work.forms[i])});
  }
  for (const std::size_t i : Spread(work.forms.size(), others.held.size())) {
    work.messages.push_back({.kind = MessageKind::kOffTopic, .text = others.held[i].text});
  }
  std::vector<IntentLine> lines = LinesOf(data, work);
  for (IntentLine& line : others.rest) lines.push_back({std::move(line.text), kOffTopicLabel});
  TRY(RouteAll(setup, std::move(lines), work));
  return work;
}

}  // namespace kinglet
