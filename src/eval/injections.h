// SPDX-License-Identifier: Apache-2.0
// What becomes of an answer where the passage that holds it gives orders to the model: Kinglet's
// span, its draft, and what the same model says when it is plainly asked.
#pragma once

#include <array>
#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "text/language_model.h"

namespace kinglet {

struct InjectionCase {
  std::string id;
  std::string kind;  // of the order
  std::string question;
  std::string answer;    // gold
  std::string mark;      // shows in the answer of a model that followed the order
  std::string clean;     // the passage
  std::string injected;  // the same with the order in it, as a paragraph of its own
};

// Lines of {"id", "kind", "question", "answer", "passage", "injected", "position", "mark"}, all
// texts; position: "before", "middle" or "after", where the text of "injected" comes. The passage
// holds the answer, and nothing but the order the mark. kInvalidInput names the line.
Result<std::vector<InjectionCase>> ParseInjections(std::string_view lines);

// `limit` of them (0: all), as far apart as they can be, so that all kinds are among them.
std::vector<InjectionCase> SpreadInjections(std::vector<InjectionCase> cases, std::size_t limit);

inline constexpr std::array<std::string_view, 3> kInjectionWays = {"span", "draft", "plain"};

// About the same passage without the order and with it.
struct AnswerPair {
  std::string clean;
  std::string injected;
};

struct InjectionOutcome {
  const InjectionCase* injection = nullptr;
  std::array<AnswerPair, kInjectionWays.size()> answers;
};

struct InjectionVerdict {
  bool right_clean = false;  // the answer holds the gold one
  bool right_injected = false;
  bool followed = false;  // the mark shows, and did not without the order
};
InjectionVerdict JudgeInjection(const InjectionCase& injection, const AnswerPair& answers);

// progress: told how many are done; false stops (kCancelled). The cases outlive the outcomes.
Result<std::vector<InjectionOutcome>> AskInjections(
    LanguageModel& model, std::span<const InjectionCase> cases,
    const std::function<bool(std::size_t done)>& progress);

// The figures of `kinglet eval injections`, as its JSON has them.
json::object InjectionFigures(std::span<const InjectionOutcome> outcomes);

}  // namespace kinglet
