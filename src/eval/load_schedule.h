// SPDX-License-Identifier: Apache-2.0
// Which requests of a trace are sent, when, and how long they are. Pure: from a seed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "eval/load_trace.h"

namespace kinglet {

struct LoadScheduleOptions {
  double scale_length = 1;           // times the tokens of prompts and answers
  double scale_time = 1;             // times the arrivals: 2 is half the rate
  std::optional<double> rate_per_s;  // Poisson arrivals instead of the trace's
  std::uint64_t seed = 1;
  std::size_t limit = 0;           // requests at most; 0: all
  double duration_s = 0;           // those that arrive within it; 0: all
  std::size_t context_tokens = 0;  // leaves out what is longer, prompt and answer; 0: nothing
};

struct ScheduledLoad {
  double at_ms = 0;  // from the start
  std::size_t prompt_tokens = 0;
  std::size_t answer_tokens = 0;
  std::size_t row = 0;  // of the trace
};

struct LoadSchedule {
  std::vector<ScheduledLoad> requests;  // by time
  std::size_t left_out = 0;             // too long for the context
};

// The same seed draws the same arrivals, closer or further apart, whatever the rate.
LoadSchedule MakeLoadSchedule(const Trace& trace, const LoadScheduleOptions& options);

}  // namespace kinglet
