// SPDX-License-Identifier: Apache-2.0
// Whether passages say what is claimed, as a model sees it: its odds of Yes, not what it would say.
#pragma once

#include <span>
#include <string_view>

#include "answer/word_odds.h"
#include "base/status.h"
#include "knowledge/passage.h"
#include "text/language_model.h"

namespace kinglet {

// For the odds of an answer of Yes (YesOrNo::LogOdds of its candidate_logprobs). The claim answers
// the question, or stands alone where that is empty.
Result<GenerationRequest> EntailmentRequest(const LanguageModel& model, const YesOrNo& yes_or_no,
                                            std::span<const Passage> passages,
                                            std::string_view question, std::string_view claim);

}  // namespace kinglet
