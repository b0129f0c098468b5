// SPDX-License-Identifier: Apache-2.0
// A classifier of intents, measured and told of: what `eval intents` and `intents test` share.
#pragma once

#include <vector>

#include "base/json.h"
#include "eval/intent_figures.h"

namespace kinglet {

struct IntentReport {
  IntentFigures figures;
  std::vector<JudgedIntent> judged;  // by line
  double threshold = 0;
  double route_ms_p50 = 0, route_ms_p99 = 0;  // of one text at a time
};

Result<IntentReport> MeasureIntents(const std::vector<IntentLine>& lines,
                                    const Classifier& classifier, Embedder* embedder);

json::object ToJson(const IntentReport& report);
void PrintReport(const IntentReport& report);

}  // namespace kinglet
