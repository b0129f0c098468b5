// SPDX-License-Identifier: Apache-2.0
// The handler's thread waits; the numbers of tokens are read out of the end of what came.
#include "server/hand_over.h"

#include <atomic>
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

class Relay final : public HttpPostListener {
 public:
  Relay(HttpExchange& exchange, bool streams)
      : exchange_(exchange), streams_(streams), start_ms_(MonotonicMs()) {}

  void OnSent(double) override {}
  bool OnBody(int status, std::string_view bytes, double now_ms) override {
    if (!begun_) {
      begun_ = true;
      outcome_.status = status;
      outcome_.first_byte_ms = now_ms - start_ms_;
      const bool is_stream = streams_ && status == 200;
      exchange_.Begin(status, is_stream ? "text/event-stream" : "application/json", {});
    }
    tail_ += bytes;
    if (tail_.size() > 2 * kTailBytes) tail_.erase(0, tail_.size() - kTailBytes);
    // The last piece waits for the books.
    const std::string held = std::exchange(held_, std::string(bytes));
    return held.empty() || exchange_.Write(held);
  }
  void OnEnd(HttpPostEnd end, int, double now_ms) override {
    end_ = end;
    outcome_.total_ms = now_ms - start_ms_;
    const auto count = [&](std::string_view key) {
      const std::string name = '"' + std::string(key) + "\":";
      const std::size_t at = tail_.rfind(name);
      return at == std::string::npos ? 0 : std::atoi(tail_.c_str() + at + name.size());
    };
    outcome_.prompt_tokens = count("prompt_tokens");
    outcome_.completion_tokens = count("completion_tokens");
  }

  bool begun() const { return begun_; }
  bool is_whole() const { return end_ == HttpPostEnd::kWhole; }
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
  std::string held_, tail_;
  std::optional<HttpPostEnd> end_;
  HandedOver outcome_;
};

}  // namespace

ApiResult<void> HandOver(const IntentEndpoint& endpoint, const json::object& body,
                         HttpExchange& exchange,
                         const std::function<void(const HandedOver&)>& on_whole) {
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
  Relay relay(exchange, stream != nullptr && *stream == true);
  if (const auto started = (*client)->Start(std::move(post), relay); !started) {
    return std::unexpected(ApiError::OfStatus(started.error()));
  }
  while ((*client)->in_flight() > 0) {
    (*client)->ServeUntil(MonotonicMs() + kLookAgainMs);
    if (gone->load()) (*client)->CancelAll();
  }
  if (relay.is_whole() && relay.begun()) {
    on_whole(relay.outcome());
    relay.SendLast();
    return {};
  }
  // A stream that broke off ends without its end, as it came.
  if (relay.begun() || gone->load()) return {};
  return std::unexpected(ApiError{relay.timed_out() ? 504 : 502, "hand_over",
                                  "the endpoint \"" + endpoint.name + "\" gave no answer"});
}

}  // namespace kinglet
