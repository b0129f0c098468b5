// SPDX-License-Identifier: Apache-2.0
// One thread keeps so many requests on their way until all are answered. Who waits to be sent again
// keeps his place among them: an endpoint that is too busy is not sent others meanwhile.
#include "eval/endpoint_posts.h"

#include <algorithm>
#include <deque>
#include <limits>
#include <map>
#include <random>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/clock.h"
#include "base/display.h"

namespace kinglet {
namespace {

constexpr double kWatchMs = 250;
constexpr double kTellMs = 10'000;
constexpr std::size_t kMaxAnswerBytes = std::size_t{8} << 20;

// Keeps a whole answer, the last attempt's.
class Listener final : public HttpPostListener {
 public:
  Listener(std::size_t index, std::vector<std::size_t>& ended) : index_(index), ended_(ended) {}

  // The next attempt; what is left of the post's time is all that it gets.
  HttpPost Begin(HttpPost post) {
    const double now_ms = MonotonicMs();
    if (attempt_.number++ == 0) deadline_ms_ = now_ms + post.timeout_ms;
    post.timeout_ms = std::max(1, static_cast<int>(deadline_ms_ - now_ms));
    attempt_.retry_after_ms = 0;
    answer_ = {};
    return post;
  }

  void OnSent(double) override {}
  void OnRetryAfter(double seconds) override { attempt_.retry_after_ms = 1000 * seconds; }
  bool OnBody(int, std::string_view bytes, double) override {
    answer_.body += bytes;
    return answer_.body.size() <= kMaxAnswerBytes;
  }
  void OnEnd(HttpPostEnd end, int status, double now_ms) override {
    attempt_.end = end;
    attempt_.status = status;
    attempt_.left_ms = deadline_ms_ - now_ms;
    answer_.status = status;
    answer_.error = TroubleOf(end);
    ended_.push_back(index_);
  }

  const PostAttempt& attempt() const { return attempt_; }
  EndpointAnswer Take() { return std::move(answer_); }
  std::string trouble() const {
    return answer_.error.empty() ? fmt::format("status {}", answer_.status) : answer_.error;
  }

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
  PostAttempt attempt_{.number = 0};
  double deadline_ms_ = 0;
  EndpointAnswer answer_;
};

class Sending {
 public:
  Sending(const EndpointPosts& posts, const std::string& url,
          std::unique_ptr<HttpStreamClient> client)
      : posts_(posts), url_(url), client_(std::move(client)) {}

  Result<void> Run() {
    while (listeners_.size() < posts_.count || places_taken() > 0 || !ended_.empty()) {
      TRY(TakeEnded());
      const double next_ms =
          waiting_.empty() ? std::numeric_limits<double>::infinity() : waiting_.begin()->first;
      if (next_ms <= MonotonicMs()) {
        TRY(Send(waiting_.extract(waiting_.begin()).mapped()));
      } else if (listeners_.size() < posts_.count && places_taken() < posts_.at_once) {
        listeners_.emplace_back(listeners_.size(), ended_);
        TRY(Send(listeners_.size() - 1));
      } else {
        client_->ServeUntil(std::min(next_ms, MonotonicMs() + kWatchMs));
        if (posts_.interrupted && posts_.interrupted()) {
          return Error(StatusCode::kCancelled, "interrupted");
        }
      }
    }
    return {};
  }

 private:
  std::size_t places_taken() const { return client_->in_flight() + waiting_.size(); }

  Result<void> Send(std::size_t i) {
    return client_->Start(listeners_[i].Begin(posts_.post(i)), listeners_[i]);
  }

  Result<void> TakeEnded() {
    for (const std::size_t i : std::exchange(ended_, {})) {
      Listener& listener = listeners_[i];
      const PostAttempt& attempt = listener.attempt();
      const bool finds_nobody = attempt.end == HttpPostEnd::kNoConnection;
      const double luck = std::uniform_real_distribution()(random_);
      const auto delay_ms = RetryDelayMs(posts_.retry, attempt, luck);
      // A wrong address does not get better, and one that was left is not asked for all the rest.
      if (finds_nobody && (!delay_ms || (i == 0 && attempt.number == 1))) {
        return Error(StatusCode::kFailed, "nobody answers at {}", EscapeForDisplay(url_));
      }
      if (delay_ms) {
        waiting_.emplace(MonotonicMs() + *delay_ms, i);
        Tell(listener.trouble(), *delay_ms);
      } else {
        TRY(posts_.take(i, listener.Take()));
      }
    }
    return {};
  }

  void Tell(const std::string& trouble, double delay_ms) {
    const double now_ms = MonotonicMs();
    if (!posts_.retried || now_ms < tell_ms_) return;
    tell_ms_ = now_ms + kTellMs;
    posts_.retried(fmt::format("{}; sent again in {:.1f} s", trouble, delay_ms / 1000));
  }

  const EndpointPosts& posts_;
  const std::string& url_;
  std::vector<std::size_t> ended_;              // whose answers are still to be taken
  std::deque<Listener> listeners_;              // which stay where they are
  std::multimap<double, std::size_t> waiting_;  // by when they are sent again
  std::minstd_rand random_{std::random_device()()};
  double tell_ms_ = 0;                        // no sooner is the user told again
  std::unique_ptr<HttpStreamClient> client_;  // goes first: its listeners end then
};

}  // namespace

Result<void> SendPosts(const EndpointPosts& posts, const std::string& url) {
  return Sending(posts, url, TRY(HttpStreamClient::Create())).Run();
}

}  // namespace kinglet
