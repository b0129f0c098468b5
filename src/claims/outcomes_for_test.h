// SPDX-License-Identifier: Apache-2.0
// Questions and what came of them, made by hand.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "eval/grounding.h"

namespace kinglet {

class MadeOutcomes {
 public:
  // The passage holds the answer "Paris", which an answerable question asks for.
  PassageQuestion& Ask(std::string group, bool answerable, std::string passage = "It is Paris.") {
    PassageQuestion& question = questions_.emplace_back();
    question.id = std::to_string(questions_.size());
    question.question = "What is it?";
    question.group = std::move(group);
    question.passages = std::make_shared<const std::vector<Passage>>(
        std::vector<Passage>{{.text = std::move(passage)}});
    question.gold_retrieved = true;
    if (answerable) question.answers = {"Paris"};
    return question;
  }

  // With signals that tell what is answerable and what is right.
  static GroundingOutcome Read(const PassageQuestion& question, std::string span) {
    GroundingOutcome outcome{.question = &question};
    outcome.score = ScoreAnswer(span, question.answers);
    outcome.quote = "It is " + span + ".";
    outcome.reading.text = std::move(span);
    outcome.reading.signals = {.gate = outcome.is_answerable() ? 2.0 : -2.0,
                               .span = outcome.score.f1 > 0 ? -1.0 : -6.0};
    return outcome;
  }

  static GroundingOutcome Plain(const PassageQuestion& question, std::string_view text) {
    GroundingOutcome outcome{.question = &question};
    outcome.plain = PlainAnswerOf(text, question.answers);
    return outcome;
  }

  static GroundingOutcome ByItself(const PassageQuestion& question, std::string_view text) {
    GroundingOutcome outcome{.question = &question};
    outcome.closed_book = PlainAnswerOf(text, question.answers);
    return outcome;
  }

 private:
  std::deque<PassageQuestion> questions_;  // that outcomes point at
};

}  // namespace kinglet
