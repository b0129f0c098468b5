// SPDX-License-Identifier: Apache-2.0
// One thread keeps so many requests on their way until all are answered.
#include "eval/endpoint_posts.h"

#include <deque>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/display.h"

namespace kinglet {
namespace {

constexpr double kWatchMs = 250;
constexpr std::size_t kMaxAnswerBytes = std::size_t{8} << 20;

// Keeps a whole answer.
class Listener final : public HttpPostListener {
 public:
  Listener(std::size_t index, std::vector<std::size_t>& ended) : index_(index), ended_(ended) {}

  void OnSent(double) override {}
  bool OnBody(int, std::string_view bytes, double) override {
    answer_.body += bytes;
    return answer_.body.size() <= kMaxAnswerBytes;
  }
  void OnEnd(HttpPostEnd end, int status, double) override {
    answer_.status = status;
    found_nobody_ = end == HttpPostEnd::kNoConnection;
    answer_.error = TroubleOf(end);
    ended_.push_back(index_);
  }

  bool found_nobody() const { return found_nobody_; }
  EndpointAnswer Take() { return std::move(answer_); }

 private:
  static const char* TroubleOf(HttpPostEnd end) {
    switch (end) {
      case HttpPostEnd::kWhole:
        return "";
      case HttpPostEnd::kNoConnection:
        return "no connection";
      case HttpPostEnd::kBroken:
        return "the connection ended too early";
      case HttpPostEnd::kTimedOut:
        return "no answer in time";
      case HttpPostEnd::kCancelled:
        return "the answer is too long";
    }
    return "";
  }

  std::size_t index_;
  std::vector<std::size_t>& ended_;
  EndpointAnswer answer_;
  bool found_nobody_ = false;
};

}  // namespace

Result<void> SendPosts(const EndpointPosts& posts, const std::string& url) {
  const auto client = TRY(HttpStreamClient::Create());
  std::vector<std::size_t> ended;  // whose answers are still to be taken
  std::deque<Listener> listeners;  // which stay where they are
  const auto stop = [&](Status status) {
    client->CancelAll();  // their listeners end here
    return std::unexpected(std::move(status));
  };
  while (listeners.size() < posts.count || client->in_flight() > 0 || !ended.empty()) {
    for (const std::size_t i : std::exchange(ended, {})) {
      if (i == 0 && listeners[i].found_nobody()) {
        return stop(Status(StatusCode::kFailed,
                           fmt::format("nobody answers at {}", EscapeForDisplay(url))));
      }
      const auto taken = posts.take(i, listeners[i].Take());
      if (!taken) return stop(taken.error());
    }
    if (listeners.size() < posts.count && client->in_flight() < posts.at_once) {
      const std::size_t i = listeners.size();
      const auto started = client->Start(posts.post(i), listeners.emplace_back(i, ended));
      if (!started) return stop(started.error());
      continue;
    }
    client->ServeUntil(MonotonicMs() + kWatchMs);
    if (posts.interrupted && posts.interrupted()) {
      return stop(Status(StatusCode::kCancelled, "interrupted"));
    }
  }
  return {};
}

}  // namespace kinglet
