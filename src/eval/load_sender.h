// SPDX-License-Identifier: Apache-2.0
// Sends requests at their time, whatever became of those before (open loop), from one thread.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/status.h"
#include "eval/load_prompt.h"
#include "eval/load_reply.h"
#include "eval/load_schedule.h"
#include "eval/load_summary.h"
#include "eval/load_trace.h"
#include "net/http_stream_client.h"

namespace kinglet {

struct LoadTarget {
  std::string url;    // as far as the host, or with /v1
  bool chat = false;  // /v1/chat/completions, not /v1/completions
  std::string model;  // empty: the request names none
  std::string api_key;
  int timeout_ms = 600'000;
  bool ignore_end = true;  // `ignore_eos`, which some servers refuse
};

struct LoadRun {
  std::vector<LoadRecord> records;  // one for each that was sent, in order
  bool was_stopped = false;         // before all were sent and answered
  double cpu_share = 0;             // of a core that the sender took
};

// Asked now and then: may end a run early.
using LoadWatch = std::function<bool(const std::vector<LoadRecord>& so_far)>;

class LoadSender {
 public:
  static Result<LoadSender> Create(LoadTarget target);

  // What words cost in tokens, by two short requests; kFailed where they are not answered.
  Result<WordTokens> Calibrate();

  // interrupted: the user wants an end. should_stop may be empty; it sees the records of all that
  // was sent so far, about four times a second.
  Result<LoadRun> Send(const Trace& trace, const LoadSchedule& schedule, const PromptMaker& prompts,
                       const std::function<bool()>& interrupted, const LoadWatch& should_stop);

 private:
  LoadSender(LoadTarget target, std::unique_ptr<HttpStreamClient> client)
      : target_(std::move(target)), client_(std::move(client)) {}

  HttpPost PostOf(const std::string& prompt, std::size_t answer_tokens) const;
  Result<LoadRecord> AskOnce(const std::string& prompt);

  LoadTarget target_;
  std::unique_ptr<HttpStreamClient> client_;
};

}  // namespace kinglet
