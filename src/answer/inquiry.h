// SPDX-License-Identifier: Apache-2.0
// A question as it is looked for: its words, what is found for them, and whether that is about it.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "answer/evidence.h"
#include "answer/follow_up.h"
#include "answer/gate.h"
#include "answer/terms.h"
#include "base/status.h"
#include "knowledge/retriever.h"
#include "text/language_model.h"

namespace kinglet {

struct Inquiry {
  std::string question;  // as it is understood
  std::vector<Term> terms;
  Evidence evidence;
  GateDecision gate;
  double retrieval_ms = 0;   // and to write the question out
  GenerationResult written;  // what that took of a model; nothing where none was asked
};

Result<Inquiry> Inquire(std::string_view question, const Retriever& retriever);

// Of a question behind others, of which there is one at least. As the model writes it out decides;
// where that is not to be trusted, the question's own words do, so that a change of topic is
// answered and what was asked before spoils nothing. A question of which they find nothing, or that
// has one at most, is looked for with the question before it: "And in winter?"
Result<Inquiry> InquireBehind(std::span<const Turn> turns, std::string_view question,
                              const Retriever& retriever, LanguageModel& model,
                              const ServiceTerms& service,
                              const std::function<bool()>& interrupted);

}  // namespace kinglet
