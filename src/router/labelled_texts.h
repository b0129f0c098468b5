// SPDX-License-Identifier: Apache-2.0
// Lines of {"text", "intent"}: examples to learn from and to be tested with.
#pragma once

#include <cstdint>
#include <functional>
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

// What `take` makes of each line, up to the first error, which names its line. kInvalidInput: a
// member is missing, another is there, a text is empty.
Result<void> ForEachIntentLine(std::string_view text,
                               const std::function<Result<void>(IntentLine)>& take);

Result<std::vector<IntentLine>> ParseIntentLines(std::string_view text);

// `count` lines of each intent, drawn by the seed, and all that are of none.
std::vector<IntentLine> DrawExamples(std::vector<IntentLine> lines, int count, std::uint64_t seed);

// Every fifth line of each intent, and of those that are of none, in an order drawn by the seed.
struct HeldOut {
  std::vector<IntentLine> rest;  // to learn from
  std::vector<IntentLine> held;  // to be tested with
};
HeldOut HoldOutAFifth(std::vector<IntentLine> lines, std::uint64_t seed);

// Labels in alphabetical order.
TrainingSet TrainingSetOf(const std::vector<IntentLine>& lines);

}  // namespace kinglet
