// SPDX-License-Identifier: Apache-2.0
// Arrivals as the trace has them, or by a Poisson process.
#include "eval/load_schedule.h"

#include <algorithm>
#include <cmath>
#include <random>

namespace kinglet {
namespace {

std::size_t Scale(std::size_t tokens, double factor) {
  return static_cast<std::size_t>(std::max(1.0, std::round(static_cast<double>(tokens) * factor)));
}

// In (0, 1]. std::uniform_real_distribution draws differently in each library.
double Uniform(std::mt19937_64& random) {
  return static_cast<double>((random() >> 11) + 1) * 0x1p-53;
}

}  // namespace

LoadSchedule MakeLoadSchedule(const Trace& trace, const LoadScheduleOptions& options) {
  LoadSchedule schedule;
  std::mt19937_64 random(options.seed);
  double poisson_ms = 0;
  for (std::size_t row = 0; row < trace.rows.size(); ++row) {
    const TraceRow& of_trace = trace.rows[row];
    ScheduledLoad request{.at_ms = of_trace.arrival_ms * options.scale_time,
                          .prompt_tokens = Scale(of_trace.prompt_tokens, options.scale_length),
                          .answer_tokens = Scale(of_trace.answer_tokens, options.scale_length),
                          .row = row};
    if (options.context_tokens > 0 &&
        request.prompt_tokens + request.answer_tokens > options.context_tokens) {
      ++schedule.left_out;
      continue;
    }
    if (options.rate_per_s) {
      poisson_ms += -std::log(Uniform(random)) / *options.rate_per_s * 1000;
      request.at_ms = poisson_ms;
    }
    if (options.duration_s > 0 && request.at_ms >= options.duration_s * 1000) break;
    schedule.requests.push_back(request);
    if (schedule.requests.size() == options.limit) break;
  }
  return schedule;
}

}  // namespace kinglet
