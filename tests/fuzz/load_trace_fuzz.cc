// SPDX-License-Identifier: Apache-2.0
// A trace of requests, which anyone may have written; what is read is made a schedule.
// Covers: src/eval/load_trace.cc src/eval/load_schedule.cc
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "eval/load_schedule.h"
#include "eval/load_trace.h"

namespace kinglet {
namespace {

void Run(std::string_view text) {
  const auto trace = ParseTrace(text);
  if (!trace) {
    KINGLET_CHECK(trace.error().code() == StatusCode::kInvalidInput, "{}", trace.error().message());
    return;
  }
  KINGLET_CHECK(!trace->rows.empty() && trace->rows[0].arrival_ms == 0, "does not begin at 0");
  KINGLET_CHECK(std::ranges::is_sorted(trace->rows, {}, &TraceRow::arrival_ms), "not in order");
  const LoadSchedule schedule = MakeLoadSchedule(*trace, {.scale_length = 0.1, .scale_time = 0.5});
  KINGLET_CHECK(schedule.requests.size() == trace->rows.size(), "requests are lost");
  for (const ScheduledLoad& request : schedule.requests) {
    KINGLET_CHECK(std::isfinite(request.at_ms) && request.at_ms >= 0, "at {}", request.at_ms);
    KINGLET_CHECK(request.prompt_tokens > 0 && request.answer_tokens > 0, "an empty request");
  }
}

}  // namespace
}  // namespace kinglet

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  kinglet::Run({reinterpret_cast<const char*>(data), size});
  return 0;
}
