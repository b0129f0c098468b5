// SPDX-License-Identifier: Apache-2.0
// What the model is told: documents first, in one canonical order so that their KV pages are found
// again by the next question, and the question last.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "knowledge/passage.h"
#include "text/language_model.h"

namespace kinglet {

std::vector<ChatMessage> BuildMessages(std::span<const Passage> passages,
                                       std::string_view question);

}  // namespace kinglet
