// SPDX-License-Identifier: Apache-2.0
// Questions of a conversation, made to be understood alone: "And in winter?" finds no passage.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/status.h"
#include "text/language_model.h"

namespace kinglet {

// What was asked before, and answered; an answer may be empty.
struct Turn {
  std::string question;
  std::string answer;
};

struct WrittenOut {
  // Where each word comes from the conversation and none that the question names is lost.
  std::optional<std::string> question;
  GenerationResult written;  // what it took
};

// The question as the model writes it out. turns: the latest last; of many the last few count.
// interrupted: asked while it writes; empty: never.
Result<WrittenOut> StandaloneQuestion(LanguageModel& model, std::span<const Turn> turns,
                                      std::string_view question, const ServiceTerms& terms,
                                      const std::function<bool()>& interrupted);

}  // namespace kinglet
