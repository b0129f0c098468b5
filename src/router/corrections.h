// SPDX-License-Identifier: Apache-2.0
// What users say that questions should have been taken for, as examples to learn from.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "base/json.h"
#include "router/intents.h"
#include "router/labelled_texts.h"

namespace kinglet {

struct Corrections {
  struct LeftOut {
    IntentLine line;
    std::string why;
  };
  std::vector<IntentLine> added;  // examples that are new
  std::vector<LeftOut> left_out;
  std::size_t known = 0;  // examples already
};

// given: the earlier first; of a text that is corrected twice the later counts. What should have
// gone to a default without examples is out of scope: that is what such a default answers.
Corrections SortCorrections(const std::vector<IntentLine>& given, const Intents& intents);

// Adds them to the file of examples that the file of intents names; kUsage where it names none.
// Nothing is written where the examples would no longer be sound.
Result<void> KeepCorrections(const Corrections& corrections, const std::filesystem::path& file);

// {"added": [{"text", "intent"}], "known", "left_out": [{"text", "intent", "why"}]}
json::object ToJson(const Corrections& corrections);

}  // namespace kinglet
