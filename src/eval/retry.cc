// SPDX-License-Identifier: Apache-2.0
// Statuses as openai-python 2 has them. It takes no Retry-After above a minute for serious; here
// whoever asks for more gets it, or is not asked again.
#include "eval/retry.h"

#include <algorithm>
#include <cmath>

namespace kinglet {
namespace {

constexpr double kJitter = 0.25;

bool MayPass(HttpPostEnd end, int status) {
  switch (end) {
    case HttpPostEnd::kWhole:
      return status == 408 || status == 409 || status == 429 || status >= 500;
    case HttpPostEnd::kNoConnection:
    case HttpPostEnd::kBroken:
    case HttpPostEnd::kTimedOut:
      return true;
    case HttpPostEnd::kCancelled:
      return false;
  }
  return false;
}

}  // namespace

std::optional<double> RetryDelayMs(const RetryRule& rule, const PostAttempt& attempt, double luck) {
  if (!MayPass(attempt.end, attempt.status) || attempt.number >= rule.attempts) return std::nullopt;
  const double backoff_ms =
      std::min(rule.most_ms, std::ldexp(rule.first_ms, attempt.number - 1)) * (1 - kJitter * luck);
  const double delay_ms = std::max(backoff_ms, attempt.retry_after_ms);
  if (delay_ms >= attempt.left_ms) return std::nullopt;
  return delay_ms;
}

}  // namespace kinglet
