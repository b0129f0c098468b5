// SPDX-License-Identifier: Apache-2.0
// Replies put together from what comes in any order: a text, or the likelihoods of choices.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "eval/task_system.h"

namespace kinglet {

class ReplyCollector {
 public:
  ReplyCollector(std::span<const TaskAsk> asks, const ReplySink& take)
      : asks_(asks), take_(take), states_(asks.size()) {}

  Result<void> Text(std::size_t ask, std::string text) {
    return Tell(ask, {.text = std::move(text)});
  }
  Result<void> Choice(std::size_t ask, std::size_t choice, double logprob) {
    State& state = states_[ask];
    state.logprobs.resize(asks_[ask].choices.size());
    state.logprobs[choice] = static_cast<float>(logprob);
    if (++state.known < state.logprobs.size()) return {};
    return Choices(ask, std::move(state.logprobs));
  }
  Result<void> Choices(std::size_t ask, std::vector<float> logprobs) {
    return Tell(ask, {.logprobs = std::move(logprobs)});
  }
  // The first trouble is told; what else comes of the ask is not wanted.
  Result<void> Fail(std::size_t ask, std::string error) {
    return Tell(ask, {.error = std::move(error)});
  }

 private:
  struct State {
    std::vector<float> logprobs;
    std::size_t known = 0;
    bool is_told = false;
  };
  Result<void> Tell(std::size_t ask, TaskReply reply) {
    if (std::exchange(states_[ask].is_told, true)) return {};
    return take_(ask, std::move(reply));
  }

  std::span<const TaskAsk> asks_;
  const ReplySink& take_;
  std::vector<State> states_;
};

}  // namespace kinglet
