// SPDX-License-Identifier: Apache-2.0
// A server that fails by a script. Waits are a millisecond; how long they are is retry_test's.
#include "eval/endpoint_posts.h"

#include <atomic>
#include <map>
#include <mutex>
#include <vector>

#include "net/http_client_for_test.h"

namespace kinglet {
namespace {

class EndpointPostsTest : public testing::Test {
 protected:
  // What each post's attempts get, one after the other: a status, 0 for a connection that breaks
  // off. The last goes on for ever.
  using Script = std::map<std::string, std::vector<int>>;

  // One a line of the script, with its name for a body.
  EndpointPosts Posts(const Script& script) {
    script_ = script;
    for (const auto& [name, statuses] : script) names_.push_back(name);
    return {.count = names_.size(),
            .post =
                [this](std::size_t i) {
                  return HttpPost{.url = fmt::format("http://127.0.0.1:{}/", server_.port()),
                                  .body = names_[i]};
                },
            .take = [this](std::size_t i, const EndpointAnswer& answer) -> Result<void> {
              answers_[names_[i]].push_back(answer);
              return {};
            },
            .retry = {.attempts = 4, .first_ms = 1, .most_ms = 1}};
  }

  std::size_t attempts(const std::string& name) {
    const std::scoped_lock lock(mutex_);
    return attempts_[name];
  }

  std::map<std::string, std::vector<EndpointAnswer>> answers_;
  std::string retry_after_;

 private:
  void Answer(const HttpRequest& request, HttpExchange& exchange) {
    const std::scoped_lock lock(mutex_);
    const std::vector<int>& statuses = script_.at(request.body);
    const std::size_t attempt = attempts_[request.body]++;
    const int status = statuses[std::min(attempt, statuses.size() - 1)];
    HttpHeaders headers;
    if (!retry_after_.empty() && status != 200) headers.emplace_back("Retry-After", retry_after_);
    if (status != 0) {
      exchange.Respond({.status = status, .headers = headers, .body = request.body});
    }
  }

  std::mutex mutex_;
  Script script_;
  std::vector<std::string> names_;
  std::map<std::string, std::size_t> attempts_;
  ServerForTest server_{
      [this](const HttpRequest& request, const auto& exchange) { Answer(request, *exchange); }};
};

TEST_F(EndpointPostsTest, SendAgainWhatFailsForNow) {
  const auto sent = SendPosts(Posts({{"at once", {200}},
                                     {"busy", {429, 503, 200}},
                                     {"broken off", {0, 200}},
                                     {"wrong", {400}},
                                     {"down", {500}}}),
                              "");
  ASSERT_TRUE(sent) << sent.error().message();
  ASSERT_EQ(answers_.size(), 5U);
  for (const auto& [name, answers] : answers_) {
    ASSERT_EQ(answers.size(), 1U) << name;  // failed attempts are no answers
    EXPECT_EQ(answers[0].error, "");
    EXPECT_EQ(answers[0].body, name);
  }
  EXPECT_EQ(answers_["busy"][0].status, 200);
  EXPECT_EQ(attempts("busy"), 3U);
  EXPECT_EQ(answers_["broken off"][0].status, 200);
  EXPECT_EQ(attempts("broken off"), 2U);
  EXPECT_EQ(answers_["wrong"][0].status, 400);
  EXPECT_EQ(attempts("wrong"), 1U);
  EXPECT_EQ(answers_["down"][0].status, 500);
  EXPECT_EQ(attempts("down"), 4U);
}

TEST_F(EndpointPostsTest, WaitNoLongerThanTheirTime) {
  retry_after_ = "3600";  // the post's time is ten minutes
  ASSERT_TRUE(SendPosts(Posts({{"busy", {429, 200}}}), ""));
  EXPECT_EQ(answers_["busy"].at(0).status, 429);
  EXPECT_EQ(attempts("busy"), 1U);
}

TEST_F(EndpointPostsTest, AreInterruptedWhileTheyWait) {
  retry_after_ = "300";
  EndpointPosts posts = Posts({{"busy", {429}}});
  std::vector<std::string> told;
  posts.retried = [&](std::string_view why) { told.emplace_back(why); };
  posts.interrupted = [&] { return !told.empty(); };
  const auto sent = SendPosts(posts, "");
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error().code(), StatusCode::kCancelled);
  EXPECT_EQ(told, (std::vector<std::string>{"status 429; sent again in 300.0 s"}));
  EXPECT_TRUE(answers_.empty());
}

TEST_F(EndpointPostsTest, ThatWaitKeepTheirPlaces) {
  retry_after_ = "300";
  EndpointPosts posts = Posts({{"a", {503}}, {"b", {503}}, {"c", {200}}});
  posts.at_once = 2;
  int looks = 0;
  posts.interrupted = [&] { return attempts("a") + attempts("b") == 2 && ++looks > 2; };
  EXPECT_FALSE(SendPosts(posts, ""));
  EXPECT_EQ(attempts("c"), 0U);
}

TEST_F(EndpointPostsTest, EndWhereNobodyAnswersAnyMore) {
  EndpointPosts posts = Posts({{"a", {200}}, {"b", {200}}});
  int attempts_of_b = 0;
  posts.post = [&, post = posts.post](std::size_t i) {
    if (i == 0) return post(i);
    ++attempts_of_b;
    return HttpPost{.url = "http://127.0.0.1:1/"};
  };
  const auto sent = SendPosts(posts, "the address");
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error().message(), "nobody answers at the address");
  EXPECT_EQ(attempts_of_b, posts.retry.attempts);
}

TEST_F(EndpointPostsTest, EndAtOnceWhereNobodyAnswersTheFirst) {
  EndpointPosts posts = Posts({{"a", {200}}, {"b", {200}}});
  posts.post = [](std::size_t) { return HttpPost{.url = "http://127.0.0.1:1/"}; };
  posts.retry.first_ms = posts.retry.most_ms = 60'000;
  const auto sent = SendPosts(posts, "the address");
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error().message(), "nobody answers at the address");
  EXPECT_TRUE(answers_.empty());
}

}  // namespace
}  // namespace kinglet
