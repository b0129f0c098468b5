// SPDX-License-Identifier: Apache-2.0
// The wording of what is asked.
#include "eval/entailment.h"

#include <string>

#include <fmt/format.h>

#include "answer/prompt.h"

namespace kinglet {

Result<GenerationRequest> EntailmentRequest(const LanguageModel& model, const YesOrNo& yes_or_no,
                                            std::span<const Passage> passages,
                                            std::string_view question, std::string_view claim) {
  const std::string asked =
      question.empty()
          ? fmt::format("Claim: {}\nDo the documents state this? Reply Yes or No.", claim)
          : fmt::format(
                "Proposed answer: {}\nDo the documents state that this is the "
                "answer? Reply Yes or No.",
                claim);
  const auto messages = BuildMessages(passages, question, asked);
  return GenerationRequest{.prompt = TRY(model.EncodeChat(messages)),
                           .candidates = yes_or_no.candidates()};
}

}  // namespace kinglet
