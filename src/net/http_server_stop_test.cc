// SPDX-License-Identifier: Apache-2.0
// How a server ends: whom it lets finish, whom it cuts, and what may outlive it.
#include <mutex>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "net/http_client_for_test.h"
#include "net/http_server.h"

namespace kinglet {
namespace {

constexpr int kLongMs = 60'000;  // no test waits for it
constexpr std::string_view kGet = "GET /a HTTP/1.1\r\nHost: test\r\n\r\n";

// Hands the exchange of the one request to the test.
struct OneExchange {
  std::shared_ptr<HttpExchange> exchange;
  Event came;

  HttpHandler Handler() {
    return [this](const HttpRequest&, std::shared_ptr<HttpExchange> given) {
      exchange = std::move(given);
      came.Tell();
    };
  }
};

TEST(HttpServerStopTest, EndsBeforeItHasRun) {
  auto server = HttpServer::Listen({}, EchoForTest);
  ASSERT_TRUE(server);
  (*server)->Stop(kLongMs);
  (*server)->Run();
  EXPECT_FALSE(ClientForTest((*server)->port()).is_connected());
}

TEST(HttpServerStopTest, MayGoWithoutHavingRun) {
  auto server = HttpServer::Listen({}, EchoForTest);
  ASSERT_TRUE(server);
  const std::uint16_t port = (*server)->port();
  EXPECT_TRUE(ClientForTest(port).is_connected()) << "the kernel lets it wait";
  server->reset();
  EXPECT_FALSE(ClientForTest(port).is_connected());
}

TEST(HttpServerStopTest, ClosesIdleConnectionsAtOnce) {
  ServerForTest server(EchoForTest);
  ClientForTest fresh(server.port());
  ClientForTest used(server.port());
  EXPECT_EQ(used.Get("/").status, 200);
  const std::uint16_t port = server.port();
  server.Stop(kLongMs);
  EXPECT_TRUE(fresh.IsClosed());
  EXPECT_TRUE(used.IsClosed());
  EXPECT_EQ(server->connections(), 0U);
  EXPECT_FALSE(ClientForTest(port).is_connected());
}

TEST(HttpServerStopTest, LetsAnswersEnd) {
  OneExchange held;
  ServerForTest server(held.Handler());
  ClientForTest client(server.port());
  client.Send(kGet);
  ASSERT_TRUE(held.came.Wait());
  ASSERT_TRUE(held.exchange->Begin(200, "text/plain", {}));
  server->Stop(kLongMs);
  EXPECT_TRUE(Eventually([&] { return !ClientForTest(server.port()).is_connected(); }));
  EXPECT_TRUE(held.exchange->Write("to the end"));
  held.exchange->End();
  EXPECT_EQ(client.ReadReply().body, "to the end");
  server.Join();
  EXPECT_TRUE(client.IsClosed());
}

TEST(HttpServerStopTest, SaysThatTheConnectionEnds) {
  OneExchange held;
  ServerForTest server(held.Handler());
  ClientForTest client(server.port());
  client.Send(kGet);
  ASSERT_TRUE(held.came.Wait());
  server->Stop(kLongMs);
  EXPECT_TRUE(Eventually([&] { return !ClientForTest(server.port()).is_connected(); }));
  held.exchange->Respond({});
  EXPECT_EQ(client.ReadReply().Header("Connection"), "close");
  client.Close();
  server.Join();
}

TEST(HttpServerStopTest, ReadsARequestThatHasBegun) {
  ServerForTest server(EchoForTest);
  ClientForTest client(server.port());
  EXPECT_EQ(client.Get("/").status, 200);
  client.Send("POST /b HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n");
  client.ReadThrough("\r\n\r\n");
  server->Stop(kLongMs);
  EXPECT_TRUE(Eventually([&] { return !ClientForTest(server.port()).is_connected(); }));
  client.Send("b");
  EXPECT_EQ(client.ReadReply().body, "POST /b b");
  client.Close();
  server.Join();
}

TEST(HttpServerStopTest, CutsWhatIsLeftWhenTheTimeIsOver) {
  OneExchange held;
  ServerForTest server(held.Handler());
  ClientForTest client(server.port());
  client.Send(kGet);
  ASSERT_TRUE(held.came.Wait());
  Event gone;
  held.exchange->OnGone([&gone] { gone.Tell(); });
  ASSERT_TRUE(held.exchange->Begin(200, "text/plain", {}));
  server.Stop(30);
  EXPECT_TRUE(gone.Wait());
  EXPECT_FALSE(held.exchange->Write("too late"));
  EXPECT_FALSE(client.ReadReply().is_whole);
}

TEST(HttpServerStopTest, TakesTheEarlierOfTwoStops) {
  OneExchange held;
  ServerForTest server(held.Handler());
  ClientForTest client(server.port());
  client.Send(kGet);
  ASSERT_TRUE(held.came.Wait());
  server->Stop(kLongMs);
  server->Stop(10);
  server->Stop(kLongMs);
  server.Join();
  EXPECT_TRUE(client.IsClosed());
}

TEST(HttpServerStopTest, WaitsForItsHandlers) {
  std::atomic<bool> has_returned = false;
  Event came;
  ServerForTest server([&](const HttpRequest&, const std::shared_ptr<HttpExchange>& exchange) {
    Event gone;
    exchange->OnGone([&gone] { gone.Tell(); });
    came.Tell();
    EXPECT_TRUE(gone.Wait());
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    has_returned = true;
  });
  ClientForTest client(server.port());
  client.Send(kGet);
  ASSERT_TRUE(came.Wait());
  server.Stop(0);
  EXPECT_TRUE(has_returned);
}

TEST(HttpServerStopTest, LeavesWaitingRequestsOfThoseWhoWereCut) {
  std::atomic<int> handled = 0;
  Event came;
  Event go_on;
  ServerForTest server({.worker_threads = 1}, [&](const HttpRequest&, const auto&) {
    if (++handled > 1) return;
    came.Tell();
    EXPECT_TRUE(go_on.Wait());
  });
  ClientForTest first(server.port());
  first.Send(kGet);
  ASSERT_TRUE(came.Wait());
  ClientForTest second(server.port());
  second.Send(kGet);
  EXPECT_TRUE(Eventually([&] { return server->connections() == 2; }));
  std::this_thread::sleep_for(std::chrono::milliseconds(10));
  server->Stop(0);
  EXPECT_TRUE(second.IsClosed());
  go_on.Tell();
  server.Join();
  EXPECT_EQ(handled, 1);
}

TEST(HttpServerStopTest, IsOutlivedByExchanges) {
  OneExchange held;
  {
    ServerForTest server(held.Handler());
    ClientForTest client(server.port());
    client.Send(kGet);
    ASSERT_TRUE(held.came.Wait());
  }
  bool gone = false;
  held.exchange->OnGone([&gone] { gone = true; });
  EXPECT_TRUE(gone);
  EXPECT_FALSE(held.exchange->Begin(200, "text/plain", {}));
  held.exchange->Respond({});
  held.exchange.reset();
}

TEST(HttpServerStopTest, EndsUnderLoad) {
  for (int round = 0; round < 5; ++round) {
    ServerForTest server(EchoForTest);
    std::atomic<int> answered = 0;
    std::vector<std::thread> clients;
    for (int c = 0; c < 4; ++c) {
      clients.emplace_back([&answered, port = server.port()] {
        ClientForTest client(port);
        while (client.is_connected() && client.Get("/").is_whole) ++answered;
      });
    }
    EXPECT_TRUE(Eventually([&] { return answered > 20; }));
    server.Stop(round * 10);
    for (std::thread& client : clients) client.join();
    EXPECT_EQ(server->connections(), 0U);
  }
}

}  // namespace
}  // namespace kinglet
