// SPDX-License-Identifier: Apache-2.0
// What the model is told: documents first, in one canonical order so that their KV pages are found
// again by the next question, and the question last.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "knowledge/passage.h"
#include "text/language_model.h"

namespace kinglet {

// What is asked for, behind the question.
inline constexpr std::string_view kAskSentence =
    "Answer the question in one short sentence, with the words of the documents.";

// What the model reads: the prompt is most of the time to the first byte.
inline constexpr std::size_t kPromptPassages = 3;

// Of passages, the best first: as many as the model is given to read.
std::span<const Passage> ToRead(std::span<const Passage> passages);

// question: empty where the instruction is all that is asked.
std::vector<ChatMessage> BuildMessages(std::span<const Passage> passages, std::string_view question,
                                       std::string_view instruction);

}  // namespace kinglet
