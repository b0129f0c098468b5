// SPDX-License-Identifier: Apache-2.0
// A question to a small model, and to a larger one where the small one's answer is not sure enough.
// Nothing is shown of an answer that is given up.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "answer/answerer.h"

namespace kinglet {

// From which probability on a small model's answer is taken, where nobody says: docs/routing.md.
inline constexpr double kDefaultAccept = 0.6;

// The larger model.
struct NextModel {
  std::string name;
  struct Opened {
    LanguageModel* model = nullptr;
    const Calibration* calibration = nullptr;
  };
  // Called where it is needed; what it gives outlives the answer.
  std::function<Result<Opened>()> open;
};

// As Ask, whose options are the small model's, with `accept`. The bill is of both steps. An error
// that comes when the small model's answer was given up leaves in `undelivered` the larger one's,
// which there is not.
Result<Answer> AskInTurn(std::string_view question, const Retriever& retriever,
                         LanguageModel& model, const AskOptions& options, const NextModel& next,
                         const AskEvents& events, std::optional<Answer>& undelivered);

}  // namespace kinglet
