// SPDX-License-Identifier: Apache-2.0
// A small model makes things up here as well: what it writes is held against what was said.
#include "answer/follow_up.h"

#include <algorithm>

#include <fmt/format.h>

#include "answer/terms.h"
#include "base/utf8.h"
#include "knowledge/word_stems.h"

namespace kinglet {
namespace {

constexpr std::size_t kTurns = 3;
constexpr int kMaxTokens = 64;
constexpr std::size_t kMaxAnswerBytes = 500;  // of an earlier answer: its subject stands in front

std::vector<ChatMessage> Messages(std::span<const Turn> turns, std::string_view question) {
  std::string user = "Conversation:\n";
  for (const Turn& turn : turns) {
    user += fmt::format("Question: {}\n", turn.question);
    const std::string_view answer = std::string_view(turn.answer).substr(0, kMaxAnswerBytes);
    if (!answer.empty())
      user += fmt::format("Answer: {}\n", answer.substr(0, ValidUtf8Prefix(answer)));
  }
  user += fmt::format(
      "\nFollow-up: {}\nRewrite the follow-up as one question that can be understood without the "
      "conversation. Reply with the question alone.",
      question);
  return {{"system", "You rewrite follow-up questions."}, {"user", std::move(user)}};
}

bool IsFaithful(std::string_view rewritten, std::span<const Turn> turns,
                std::string_view question) {
  StemSet said = StemsOf(question);
  for (const Turn& turn : turns) {
    said.merge(StemsOf(turn.question));
    said.merge(StemsOf(turn.answer));
  }
  const StemSet stems = StemsOf(rewritten);
  const auto is_said = [&](const WordStem& word) {
    return word.stop_word || said.contains(word.stem);
  };
  const auto is_kept = [&](const WordStem& word) {
    return word.stop_word || stems.contains(word.stem);
  };
  return !stems.empty() && std::ranges::all_of(StemWords(rewritten), is_said) &&
         std::ranges::all_of(StemWords(question), is_kept);
}

}  // namespace

Result<WrittenOut> StandaloneQuestion(LanguageModel& model, std::span<const Turn> turns,
                                      std::string_view question, const ServiceTerms& terms,
                                      const std::function<bool()>& interrupted) {
  turns = turns.last(std::min(kTurns, turns.size()));
  const GenerationRequest request{.prompt = TRY(model.EncodeChat(Messages(turns, question))),
                                  .max_tokens = kMaxTokens,
                                  .stop = {"\n"},
                                  .terms = terms,
                                  .interrupted = interrupted};
  WrittenOut out;
  out.written = TRY(model.Generate(request, [](std::string_view) { return true; }));
  const std::string& text = out.written.text;
  if (out.written.finish_reason == FinishReason::kStop && IsFaithful(text, turns, question))
    out.question = text;
  return out;
}

}  // namespace kinglet
