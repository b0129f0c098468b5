// SPDX-License-Identifier: Apache-2.0
// Who answers a task's questions: a model in this process, or whatever stands behind an endpoint
// of OpenAI's API. Greedily, both.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "eval/task.h"
#include "text/language_model.h"

namespace kinglet {

// Gets each ask's reply once, in the order in which they come; an error ends all.
using ReplySink = std::function<Result<void>(std::size_t ask, TaskReply reply)>;

class TaskSystem {
 public:
  virtual ~TaskSystem() = default;
  // What one ask lacks (room for its prompt, an endpoint's 500) is its reply's error; what all lack
  // is the result's.
  virtual Result<void> Answer(std::span<const TaskAsk> asks, const ReplySink& take) = 0;
};

// prefix: what a raw prompt of this model begins with, its BOS token where it wants one. A choice's
// tokens are those that the prompt with it has behind as many as the prompt has, white space at the
// prompt's end counted to the choice, as lm-evaluation-harness cuts them. model outlives this.
std::unique_ptr<TaskSystem> MakeLocalSystem(LanguageModel& model, std::vector<TokenId> prefix,
                                            std::function<bool()> interrupted);

struct TaskEndpoint {
  std::string url;    // as far as the host, or with /v1
  std::string model;  // the name to ask for; empty: the request names none
  std::string api_key;
  std::size_t at_once = 4;
  int timeout_ms = 600'000;  // of a request, sent again or not
};

// Conversations go to /chat/completions, raw prompts to /completions; likelihoods of choices come
// from the latter's "echo" with "logprobs", a conversation has none (kUsage).
// A request that fails for now is sent again (eval/retry.h); `retried` is told why.
std::unique_ptr<TaskSystem> MakeEndpointSystem(TaskEndpoint endpoint,
                                               std::function<bool()> interrupted,
                                               std::function<void(std::string_view)> retried);

// From the body of /completions with "echo", "logprobs" and one token more: the likelihood of the
// prompt's last `letters` characters. kInvalidInput where the body does not tell.
Result<double> EchoedLogprob(std::string_view body, std::size_t letters);

// The text of the first choice of either route. kInvalidInput where there is none.
Result<std::string> RepliedText(std::string_view body);

}  // namespace kinglet
