// SPDX-License-Identifier: Apache-2.0
// Lines of {"text", "intent"}: examples to learn from and to be tested with.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "router/classifier.h"

namespace kinglet {

struct IntentLine {
  std::string text;
  std::optional<std::string> intent;  // unset: null, the text is of no intent
};

// In their order. kInvalidInput names the line: a member is missing, another is there, a text is
// empty.
Result<std::vector<IntentLine>> ParseIntentLines(std::string_view text);

// `count` lines of each intent, drawn by the seed, and all that are of none.
std::vector<IntentLine> DrawExamples(std::vector<IntentLine> lines, int count, std::uint64_t seed);

// Labels in alphabetical order.
TrainingSet TrainingSetOf(const std::vector<IntentLine>& lines);

}  // namespace kinglet
