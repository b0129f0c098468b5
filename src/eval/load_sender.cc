// SPDX-License-Identifier: Apache-2.0
// The next request is made ready while the sender waits for its time.
#include "eval/load_sender.h"

#include <algorithm>
#include <deque>
#include <utility>

#include <sys/resource.h>

#include "base/clock.h"
#include "base/json.h"
#include "eval/endpoint.h"

namespace kinglet {
namespace {

constexpr double kWatchMs = 250;

double CpuMs() {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  const auto ms = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_usec) / 1e3;
  };
  return ms(used.ru_utime) + ms(used.ru_stime);
}

std::vector<LoadRecord> RecordsOf(const std::deque<LoadReply>& replies) {
  std::vector<LoadRecord> records;
  records.reserve(replies.size());
  for (const LoadReply& reply : replies) records.push_back(reply.record());
  return records;
}

}  // namespace

Result<LoadSender> LoadSender::Create(LoadTarget target) {
  target.url =
      TRY(EndpointUrl(std::move(target.url), target.chat ? "/chat/completions" : "/completions"));
  auto client = TRY(HttpStreamClient::Create());
  return LoadSender(std::move(target), std::move(client));
}

HttpPost LoadSender::PostOf(const std::string& prompt, std::size_t answer_tokens) const {
  json::object body;
  if (!target_.model.empty()) body["model"] = target_.model;
  if (target_.chat) {
    body["messages"] = json::array{json::object{{"role", "user"}, {"content", prompt}}};
  } else {
    body["prompt"] = prompt;
  }
  body["max_tokens"] = answer_tokens;
  body["temperature"] = 0;
  body["stream"] = true;
  body["stream_options"] = json::object{{"include_usage", true}};
  if (target_.ignore_end) body["ignore_eos"] = true;
  return {.url = target_.url,
          .body = kinglet::ToJson(body),
          .bearer_token = target_.api_key,
          .timeout_ms = target_.timeout_ms};
}

Result<LoadRecord> LoadSender::AskOnce(const std::string& prompt) {
  LoadReply reply(LoadRecord{});
  TRY(client_->Start(PostOf(prompt, 1), reply));
  while (!reply.has_ended()) client_->ServeUntil(MonotonicMs() + 1000);
  const LoadRecord& record = reply.record();
  if (record.outcome == LoadOutcome::kCompleted || record.outcome == LoadOutcome::kEmpty) {
    return record;
  }
  return Error(StatusCode::kFailed, "{} does not answer a first request: {} (status {}) {}",
               target_.url, Name(record.outcome), record.status, record.complaint);
}

Result<WordTokens> LoadSender::Calibrate() {
  const LoadRecord once = TRY(AskOnce(PromptMaker::AllWords(1)));
  const LoadRecord twice = TRY(AskOnce(PromptMaker::AllWords(2)));
  return FitWordTokens(PromptMaker::word_count(), once.prompt_tokens, 2 * PromptMaker::word_count(),
                       twice.prompt_tokens);
}

Result<LoadRun> LoadSender::Send(const Trace& trace, const LoadSchedule& schedule,
                                 const PromptMaker& prompts,
                                 const std::function<bool()>& interrupted,
                                 const LoadWatch& should_stop) {
  LoadRun run;
  std::deque<LoadReply> replies;  // which stay where they are
  const double cpu_ms = CpuMs();
  const double start_ms = MonotonicMs();
  double watch_ms = start_ms + kWatchMs;
  std::size_t next = 0;
  const auto prepare = [&] {
    if (next == schedule.requests.size()) return HttpPost{};
    const ScheduledLoad& request = schedule.requests[next];
    return PostOf(prompts.Make(trace.rows[request.row], request), request.answer_tokens);
  };
  HttpPost ready = prepare();
  while (next < schedule.requests.size() || client_->in_flight() > 0) {
    double due_ms = watch_ms;
    if (next < schedule.requests.size()) {
      const ScheduledLoad& request = schedule.requests[next];
      due_ms = start_ms + request.at_ms;
      const double now_ms = MonotonicMs();
      if (now_ms >= due_ms) {
        replies.emplace_back(LoadRecord{.due_ms = due_ms,
                                        .started_ms = now_ms,
                                        .wanted_prompt_tokens = request.prompt_tokens,
                                        .wanted_answer_tokens = request.answer_tokens});
        if (const auto started = client_->Start(std::exchange(ready, {}), replies.back());
            !started) {
          client_->CancelAll();  // their listeners end here
          return std::unexpected(started.error());
        }
        ++next;
        ready = prepare();
        continue;
      }
    }
    client_->ServeUntil(std::min(due_ms, watch_ms));
    if (MonotonicMs() < watch_ms) continue;
    watch_ms = MonotonicMs() + kWatchMs;
    const bool wanted = interrupted && interrupted();
    if (wanted || (should_stop && should_stop(RecordsOf(replies)))) {
      run.was_stopped = true;
      client_->CancelAll();
      if (wanted) return Error(StatusCode::kCancelled, "interrupted");
      break;
    }
  }
  run.cpu_share = (CpuMs() - cpu_ms) / std::max(1.0, MonotonicMs() - start_ms);
  run.records = RecordsOf(replies);
  return run;
}

}  // namespace kinglet
