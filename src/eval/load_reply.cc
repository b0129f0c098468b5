// SPDX-License-Identifier: Apache-2.0
// Events of OpenAI's streams, and llama-server's `timings` beside them.
#include "eval/load_reply.h"

#include <algorithm>

#include "base/json.h"

namespace kinglet {
namespace {

constexpr std::size_t kMaxComplaintBytes = 300;

std::string_view TextOf(const json::value& choice, std::string_view key) {
  const json::value* const text = Find(choice, key);
  return text != nullptr && text->is_string() ? std::string_view(text->get_string())
                                              : std::string_view();
}

bool HasText(const json::value& choice) {
  if (!TextOf(choice, "text").empty()) return true;
  const json::value* const delta = Find(choice, "delta");
  return delta != nullptr &&
         (!TextOf(*delta, "content").empty() || !TextOf(*delta, "reasoning_content").empty());
}

void ReadCount(const json::value* object, std::string_view key, std::size_t& out) {
  const json::value* const count = object == nullptr ? nullptr : Find(*object, key);
  if (count != nullptr && count->is_int64() && count->get_int64() >= 0) {
    out = static_cast<std::size_t>(count->get_int64());
  }
}

}  // namespace

std::string_view Name(LoadOutcome outcome) {
  static constexpr std::string_view kNames[kLoadOutcomes] = {
      "completed",    "rejected", "refused", "no_connection", "broken",   "timed_out",
      "server_error", "garbage",  "cut",     "empty",         "cancelled"};
  return kNames[static_cast<std::size_t>(outcome)];
}

void LoadReply::OnData(std::string_view data, double now_ms) {
  if (data == "[DONE]") {
    is_finished_ = true;
    return;
  }
  const auto event = ParseJson(data);
  if (!event || !event->is_object()) {
    is_garbage_ = true;
    return;
  }
  if (const json::value* error = Find(*event, "error"); error != nullptr && !error->is_null()) {
    has_error_ = true;
    record_.complaint = data.substr(0, kMaxComplaintBytes);
  }
  const json::value* const choices = Find(*event, "choices");
  if (choices != nullptr && choices->is_array() && !choices->get_array().empty()) {
    const json::value& choice = choices->get_array()[0];
    if (HasText(choice)) {
      if (record_.first_ms == 0) {
        record_.first_ms = now_ms;
      } else {
        record_.gaps_ms.push_back(static_cast<float>(now_ms - record_.last_ms));
      }
      record_.last_ms = now_ms;
    }
    if (!TextOf(choice, "finish_reason").empty()) is_finished_ = true;
  }
  const json::value* const usage = Find(*event, "usage");
  ReadCount(usage, "prompt_tokens", record_.prompt_tokens);
  ReadCount(usage, "completion_tokens", record_.answer_tokens);
  ReadCount(Find(*event, "timings"), "cache_n", record_.cached_tokens);
  const json::value* const details =
      usage == nullptr ? nullptr : Find(*usage, "prompt_tokens_details");
  ReadCount(details, "cached_tokens", record_.cached_tokens);
}

bool LoadReply::OnBody(int status, std::string_view bytes, double now_ms) {
  if (status != 200 || record_.first_ms == 0) {
    const std::size_t room =
        kMaxComplaintBytes - std::min(kMaxComplaintBytes, record_.complaint.size());
    record_.complaint += bytes.substr(0, room);
  }
  if (status != 200) return true;
  const bool fits = events_.Feed(bytes, [&](std::string_view data) { OnData(data, now_ms); });
  is_garbage_ = is_garbage_ || !fits;
  return !is_garbage_;
}

LoadOutcome LoadReply::Judge(HttpPostEnd end) const {
  if (is_garbage_) return LoadOutcome::kGarbage;
  if (record_.status == 429 || record_.status == 503) return LoadOutcome::kRejected;
  if (record_.status != 0 && record_.status != 200) return LoadOutcome::kRefused;
  if (has_error_) return LoadOutcome::kServerError;
  switch (end) {
    case HttpPostEnd::kNoConnection:
      return LoadOutcome::kNoConnection;
    case HttpPostEnd::kBroken:
      return LoadOutcome::kBroken;
    case HttpPostEnd::kTimedOut:
      return LoadOutcome::kTimedOut;
    case HttpPostEnd::kCancelled:
      return LoadOutcome::kCancelled;
    case HttpPostEnd::kWhole:
      break;
  }
  if (!is_finished_) {
    // Something, but nothing of a stream: a page of a proxy, say.
    return record_.first_ms == 0 && !record_.complaint.empty() ? LoadOutcome::kGarbage
                                                               : LoadOutcome::kCut;
  }
  return record_.first_ms > 0 ? LoadOutcome::kCompleted : LoadOutcome::kEmpty;
}

void LoadReply::OnEnd(HttpPostEnd end, int status, double now_ms) {
  record_.status = status;
  record_.end_ms = now_ms;
  record_.outcome = Judge(end);
  // The start of an answer that was right as far as it came is no complaint.
  const bool complains = is_garbage_ || has_error_ || status != 200 || record_.first_ms == 0;
  if (!complains) record_.complaint.clear();
}

}  // namespace kinglet
