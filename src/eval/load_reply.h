// SPDX-License-Identifier: Apache-2.0
// What became of a request: its answer is read as it streams in, timed, and classified once.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "net/event_stream.h"
#include "net/http_stream_client.h"

namespace kinglet {

enum class LoadOutcome {
  kCompleted,     // an answer with text that came to its end
  kRejected,      // 429 or 503: the server has no place for it
  kRefused,       // any other status than 200
  kNoConnection,  // nobody answered at the address
  kBroken,        // the connection ended too early
  kTimedOut,
  kServerError,  // an error in the midst of the answer
  kGarbage,      // not what OpenAI's clients can read
  kCut,          // it ended without saying so
  kEmpty,        // it ended without any text
  kCancelled,    // by us
};
inline constexpr std::size_t kLoadOutcomes = 11;
// As it stands in the JSON.
std::string_view Name(LoadOutcome outcome);

// Times are MonotonicMs().
struct LoadRecord {
  LoadOutcome outcome = LoadOutcome::kCancelled;
  int status = 0;
  double due_ms = 0;      // when the schedule wanted it
  double started_ms = 0;  // when the sender turned to it
  double sent_ms = 0;     // when its last byte had gone; 0: never
  double first_ms = 0;    // the first piece of text came; 0: never
  double last_ms = 0;     // the last one
  double end_ms = 0;
  std::vector<float> gaps_ms;  // between pieces of text
  std::size_t wanted_prompt_tokens = 0;
  std::size_t wanted_answer_tokens = 0;
  std::size_t prompt_tokens = 0;  // these three as the server counts them; 0 where it does not
  std::size_t cached_tokens = 0;
  std::size_t answer_tokens = 0;
  std::string complaint;  // the start of what came instead of an answer

  double ttft_ms() const { return first_ms - sent_ms; }
  std::size_t tokens() const {
    return answer_tokens > 0 ? answer_tokens : gaps_ms.size() + (first_ms > 0 ? 1 : 0);
  }
  // 0 where there is only one token.
  double tpot_ms() const {
    return tokens() > 1 ? (last_ms - first_ms) / static_cast<double>(tokens() - 1) : 0;
  }
};

// Reads the answer of one request of /v1/completions or /v1/chat/completions, streamed.
class LoadReply : public HttpPostListener {
 public:
  explicit LoadReply(LoadRecord record) : record_(std::move(record)) {}

  const LoadRecord& record() const { return record_; }
  bool has_ended() const { return record_.end_ms > 0; }

  void OnSent(double now_ms) override { record_.sent_ms = now_ms; }
  bool OnBody(int status, std::string_view bytes, double now_ms) override;
  void OnEnd(HttpPostEnd end, int status, double now_ms) override;

 private:
  void OnData(std::string_view data, double now_ms);
  LoadOutcome Judge(HttpPostEnd end) const;

  LoadRecord record_;
  EventStream events_;
  bool is_garbage_ = false;
  bool has_error_ = false;
  bool is_finished_ = false;  // a reason to finish, or [DONE], has come
};

}  // namespace kinglet
