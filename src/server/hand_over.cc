// SPDX-License-Identifier: Apache-2.0
// The handler's thread waits; the numbers of tokens are read out of the end of what came.
#include "server/hand_over.h"

#include <algorithm>
#include <atomic>
#include <charconv>
#include <cstdlib>
#include <memory>
#include <optional>
#include <utility>

#include "base/clock.h"
#include "net/http_stream_client.h"

namespace kinglet {
namespace {

constexpr double kLookAgainMs = 50;
constexpr std::size_t kTailBytes = 64 << 10;  // of an answer, in which its usage stands
constexpr double kMillion = 1e6;

// The last number of this name; within a text of the answer its quotes would be escaped.
std::optional<int> LastNumber(std::string_view text, std::string_view name) {
  const std::string key = fmt::format("\"{}\":", name);
  const std::size_t at = text.rfind(key);
  if (at == std::string_view::npos) return std::nullopt;
  text.remove_prefix(at + key.size());
  text.remove_prefix(std::min(text.find_first_not_of(" \t\r\n"), text.size()));
  const std::string digits(text.substr(0, text.find_first_not_of("0123456789")));
  int number = 0;
  const char* const end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, number);
  if (error != std::errc() || stop != end) return std::nullopt;
  return number;
}

class Relay final : public HttpPostListener {
 public:
  Relay(HttpExchange& exchange, bool streams, double start_ms)
      : exchange_(exchange), streams_(streams), start_ms_(start_ms) {}

  void OnSent(double) override {}
  void OnRetryAfter(double seconds) override {
    headers_ = {{"Retry-After", fmt::format("{:.0f}", seconds)}};
  }
  bool OnBody(int status, std::string_view bytes, double now_ms) override {
    if (!begun_) {
      begun_ = true;
      outcome_.status = status;
      outcome_.first_byte_ms = now_ms - start_ms_;
      const bool is_stream = streams_ && status == 200;
      exchange_.Begin(status, is_stream ? "text/event-stream" : "application/json", headers_);
    }
    tail_ += bytes;
    if (tail_.size() > 2 * kTailBytes) tail_.erase(0, tail_.size() - kTailBytes);
    // The last piece waits for the books.
    const std::string held = std::exchange(held_, std::string(bytes));
    return held.empty() || exchange_.Write(held);
  }
  void OnEnd(HttpPostEnd end, int, double now_ms) override {
    end_ = end;
    outcome_.whole = end == HttpPostEnd::kWhole;
    outcome_.total_ms = now_ms - start_ms_;
    // Of a whole answer a client has nothing before its end, as of one that never came.
    if (!streams_ || !begun_) outcome_.first_byte_ms = outcome_.total_ms;
    outcome_.usage = UsageAtEnd(tail_);
  }

  bool begun() const { return begun_; }
  bool timed_out() const { return end_ == HttpPostEnd::kTimedOut; }
  const HandedOver& outcome() const { return outcome_; }
  void SendLast() {
    exchange_.Write(held_);
    exchange_.End();
  }

 private:
  HttpExchange& exchange_;
  bool streams_;
  double start_ms_;
  bool begun_ = false;
  HttpHeaders headers_;
  std::string held_, tail_;
  std::optional<HttpPostEnd> end_;
  HandedOver outcome_;
};

}  // namespace

std::optional<HandedOverUsage> UsageAtEnd(std::string_view tail) {
  const auto prompt = LastNumber(tail, "prompt_tokens");
  const auto completion = LastNumber(tail, "completion_tokens");
  if (!prompt || !completion) return std::nullopt;
  const int cached = LastNumber(tail, "cached_tokens").value_or(0);
  return HandedOverUsage{*prompt, std::min(cached, *prompt), *completion};
}

LedgerLine BillOf(const HandedOver& outcome, const IntentEndpoint& endpoint) {
  LedgerLine line{.first_byte_ms = outcome.first_byte_ms, .total_ms = outcome.total_ms};
  line.delivered = outcome.whole && outcome.status == 200;
  const auto& usage = outcome.usage;
  if (!usage) return line;
  line.prompt_tokens = usage->prompt_tokens;
  line.cached_tokens = usage->cached_tokens;
  line.completion_tokens = usage->completion_tokens;
  if (const auto& prices = endpoint.prices; prices) {
    line.cost =
        ((usage->prompt_tokens - usage->cached_tokens) * prices->prompt +
         usage->cached_tokens * prices->cached + usage->completion_tokens * prices->completion) /
        kMillion;
    line.currency = prices->currency;
  }
  return line;
}

ApiResult<void> HandOver(const IntentEndpoint& endpoint, const json::object& body,
                         HttpExchange& exchange, double start_ms,
                         const std::function<void(const HandedOver&)>& on_end) {
  json::object sent = body;
  sent["model"] = endpoint.model;
  sent.erase("kinglet");
  HttpPost post{.url = endpoint.url + "/chat/completions", .body = ToJson(json::value(sent))};
  if (!endpoint.api_key_env.empty()) {
    const char* const key = std::getenv(endpoint.api_key_env.c_str());
    if (key != nullptr) post.bearer_token = key;
  }
  auto client = HttpStreamClient::Create();
  if (!client) return std::unexpected(ApiError::OfStatus(client.error()));
  const auto gone = std::make_shared<std::atomic<bool>>(false);
  exchange.OnGone([gone] { *gone = true; });
  const json::value* const stream = body.if_contains("stream");
  Relay relay(exchange, stream != nullptr && *stream == true, start_ms);
  if (const auto started = (*client)->Start(std::move(post), relay); !started) {
    return std::unexpected(ApiError::OfStatus(started.error()));
  }
  while ((*client)->in_flight() > 0) {
    (*client)->ServeUntil(MonotonicMs() + kLookAgainMs);
    if (gone->load()) (*client)->CancelAll();
  }
  if (!relay.begun() && !gone->load()) {
    return std::unexpected(ApiError{relay.timed_out() ? 504 : 502, "hand_over",
                                    "the endpoint \"" + endpoint.name + "\" gave no answer"});
  }
  on_end(relay.outcome());
  // A stream that broke off ends without its end, as it came.
  if (relay.begun() && relay.outcome().whole) relay.SendLast();
  return {};
}

}  // namespace kinglet
