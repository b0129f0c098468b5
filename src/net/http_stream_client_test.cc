// SPDX-License-Identifier: Apache-2.0
#include "net/http_stream_client.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <ctime>
#include <deque>
#include <mutex>
#include <optional>
#include <vector>

#include "net/http_client_for_test.h"

namespace kinglet {
namespace {

struct Heard : HttpPostListener {
  Event sent;
  double sent_ms = 0;
  double first_byte_ms = 0;
  double end_ms = 0;
  std::string body;
  std::optional<HttpPostEnd> end;
  int status = 0;
  int ends = 0;
  bool takes = true;
  double retry_after_s = 0;

  void OnSent(double now_ms) override {
    sent_ms = now_ms;
    sent.Tell();
  }
  void OnRetryAfter(double seconds) override {
    EXPECT_EQ(first_byte_ms, 0);
    retry_after_s = seconds;
  }
  bool OnBody(int, std::string_view bytes, double now_ms) override {
    if (first_byte_ms == 0) first_byte_ms = now_ms;
    body += bytes;
    return takes;
  }
  void OnEnd(HttpPostEnd how, int with_status, double now_ms) override {
    end = how;
    status = with_status;
    end_ms = now_ms;
    ++ends;
  }
};

std::unique_ptr<HttpStreamClient> MakeClient() {
  auto client = HttpStreamClient::Create();
  KINGLET_CHECK(client.has_value(), "{}", client.error().message());
  return *std::move(client);
}

std::string Url(std::uint16_t port) { return fmt::format("http://127.0.0.1:{}/v1/x", port); }

void ServeAll(HttpStreamClient& client) {
  const double patience_ms = MonotonicMs() + kPatienceMs;
  while (client.in_flight() > 0 && MonotonicMs() < patience_ms) {
    client.ServeUntil(MonotonicMs() + 50);
  }
  EXPECT_EQ(client.in_flight(), 0U);
}

TEST(HttpStreamClientTest, SendsABodyAndTimesItsLastByte) {
  Heard heard;
  HttpRequest seen;
  ServerForTest server([&](const HttpRequest& request, const auto& exchange) {
    seen = request;
    EXPECT_TRUE(heard.sent.Wait());  // it does not wait for the answer to be told
    exchange->Respond({.status = 429, .body = "later"});
  });
  const auto client = MakeClient();
  const std::string body(std::size_t{3} << 20, 'x');
  ASSERT_TRUE(
      client->Start({.url = Url(server.port()), .body = body, .bearer_token = "key"}, heard));
  ServeAll(*client);
  EXPECT_EQ(heard.end, HttpPostEnd::kWhole);
  EXPECT_EQ(heard.ends, 1);
  EXPECT_EQ(heard.status, 429);
  EXPECT_EQ(heard.body, "later");
  EXPECT_EQ(seen.method, "POST");
  EXPECT_EQ(seen.body, body);
  EXPECT_EQ(seen.Header("Authorization"), "Bearer key");
  EXPECT_EQ(seen.Header("Content-Type"), "application/json");
  EXPECT_EQ(seen.Header("Expect"), std::nullopt);
  EXPECT_GT(heard.sent_ms, 0);
  EXPECT_LE(heard.sent_ms, heard.first_byte_ms);
}

TEST(HttpStreamClientTest, ReadsManyAnswersTogetherAsTheyCome) {
  std::vector<std::shared_ptr<HttpExchange>> exchanges;
  std::mutex mutex;
  ServerForTest server([&](const HttpRequest&, const auto& exchange) {
    const std::scoped_lock lock(mutex);
    exchanges.push_back(exchange);
    exchange->Begin(200, "text/event-stream", {});
    exchange->Write("one ");
  });
  const auto client = MakeClient();
  std::deque<Heard> all(100);
  for (Heard& heard : all) ASSERT_TRUE(client->Start({.url = Url(server.port())}, heard));
  EXPECT_EQ(client->in_flight(), 100U);
  const double patience_ms = MonotonicMs() + kPatienceMs;
  const auto have_begun = [&] {
    return std::ranges::all_of(all, [](const Heard& heard) { return heard.body == "one "; });
  };
  while (!have_begun() && MonotonicMs() < patience_ms) client->ServeUntil(MonotonicMs() + 10);
  EXPECT_TRUE(have_begun());
  {
    const std::scoped_lock lock(mutex);
    for (const auto& exchange : exchanges) {
      exchange->Write("two");
      exchange->End();
    }
  }
  ServeAll(*client);
  for (const Heard& heard : all) {
    EXPECT_EQ(heard.body, "one two");
    EXPECT_EQ(heard.end, HttpPostEnd::kWhole);
    EXPECT_EQ(heard.ends, 1);
  }
}

std::string HttpDate(std::time_t at) {
  std::string date(64, ' ');
  std::tm parts{};
  date.resize(
      std::strftime(date.data(), date.size(), "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&at, &parts)));
  return date;
}

TEST(HttpStreamClientTest, TellsWhenToAskAgain) {
  ServerForTest server([](const HttpRequest& request, const auto& exchange) {
    exchange->Respond({.status = 429, .headers = {{"Retry-After", request.body}}, .body = "later"});
  });
  const auto client = MakeClient();
  const auto told = [&](const std::string& header) {
    Heard heard;
    EXPECT_TRUE(client->Start({.url = Url(server.port()), .body = header}, heard));
    ServeAll(*client);
    EXPECT_EQ(heard.body, "later");
    return heard.retry_after_s;
  };
  EXPECT_EQ(told("7"), 7);
  EXPECT_EQ(told("0"), 0);
  EXPECT_EQ(told("soon"), 0);
  const std::time_t now = std::time(nullptr);
  EXPECT_NEAR(told(HttpDate(now + 1000)), 1000, 30);
  EXPECT_EQ(told(HttpDate(now - 1000)), 0);
}

TEST(HttpStreamClientTest, TellsHowARequestEnded) {
  std::atomic<int> requests = 0;
  ServerForTest server([&](const HttpRequest&, const auto& exchange) {
    ++requests;
    exchange->Begin(200, "text/event-stream", {});
    exchange->Write("piece");
  });  // lets go of the exchange: the connection breaks off
  const auto client = MakeClient();
  Heard broken, nobody, unwilling;
  unwilling.takes = false;
  ASSERT_TRUE(client->Start({.url = Url(server.port())}, broken));
  ASSERT_TRUE(client->Start({.url = Url(1)}, nobody));
  ASSERT_TRUE(client->Start({.url = Url(server.port())}, unwilling));
  ServeAll(*client);
  EXPECT_EQ(broken.end, HttpPostEnd::kBroken);
  EXPECT_EQ(broken.body, "piece");
  EXPECT_EQ(nobody.end, HttpPostEnd::kNoConnection);
  EXPECT_EQ(nobody.sent_ms, 0);
  EXPECT_EQ(unwilling.end, HttpPostEnd::kCancelled);
  EXPECT_EQ(broken.ends + nobody.ends + unwilling.ends, 3);
  EXPECT_EQ(requests, 2);  // none was sent again
}

TEST(HttpStreamClientTest, EndsWhatTakesTooLongOrIsCancelled) {
  std::vector<std::shared_ptr<HttpExchange>> kept;
  std::mutex mutex;
  ServerForTest server([&](const HttpRequest&, const auto& exchange) {
    const std::scoped_lock lock(mutex);
    kept.push_back(exchange);
  });
  const auto client = MakeClient();
  Heard slow, cancelled;
  const double start_ms = MonotonicMs();
  ASSERT_TRUE(client->Start({.url = Url(server.port()), .timeout_ms = 100}, slow));
  ServeAll(*client);
  EXPECT_EQ(slow.end, HttpPostEnd::kTimedOut);
  EXPECT_GE(slow.end_ms - start_ms, 99);
  ASSERT_TRUE(client->Start({.url = Url(server.port())}, cancelled));
  client->ServeUntil(MonotonicMs() + 20);
  client->CancelAll();
  EXPECT_EQ(cancelled.end, HttpPostEnd::kCancelled);
  EXPECT_EQ(cancelled.ends, 1);
  EXPECT_EQ(client->in_flight(), 0U);
}

TEST(HttpStreamClientTest, ReturnsInTimeWithNothingToDo) {
  const auto client = MakeClient();
  const double start_ms = MonotonicMs();
  client->ServeUntil(start_ms + 30);
  EXPECT_GE(MonotonicMs(), start_ms + 30);
}

}  // namespace
}  // namespace kinglet
