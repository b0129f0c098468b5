// SPDX-License-Identifier: Apache-2.0
// What the server refuses, and with which status; slow clients, and too many of them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "net/http_client_for_test.h"
#include "net/http_server.h"

namespace kinglet {
namespace {

// The answer to bytes on a connection of their own, which must close after it.
ReplyForTest Refusal(std::uint16_t port, std::string_view bytes) {
  ClientForTest client(port);
  ReplyForTest reply = client.Ask(bytes);
  EXPECT_EQ(reply.Header("Connection"), "close");
  EXPECT_TRUE(client.IsClosed());
  EXPECT_FALSE(client.was_reset());
  return reply;
}

TEST(HttpServerLimitsTest, RefusesWithTheStatusThatSaysWhy) {
  HttpServerOptions options{.max_header_bytes = 1000, .max_body_bytes = 1000};
  ServerForTest server(options, EchoForTest);
  const std::string long_text(2000, 'a');
  const std::vector<std::pair<int, std::string>> refused = {
      {400, "what is this\r\n"},
      {400, "GET / HTTP/1.1\nHost: a\n\n"},
      {400, "GET / HTTP/1.1\r\n\r\n"},
      {400, "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"},
      {400, "GET /%ff HTTP/1.1\r\nHost: a\r\n\r\n"},
      {400, "GET / HTTP/1.1\r\nHost: a\r\nA: b\r\n c\r\n\r\n"},
      {400,
       "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"},
      {400, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"},
      {413, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1001\r\n\r\n"},
      {413, "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 1001\r\n\r\n"},
      {413, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n"},
      {414, "GET /" + long_text},
      {417, "POST / HTTP/1.1\r\nHost: a\r\nExpect: wonders\r\n\r\n"},
      {431, "GET / HTTP/1.1\r\nHost: a\r\nA: " + long_text},
      {501, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: br\r\n\r\n"},
      {505, "GET / HTTP/2.0\r\n\r\n"},
  };
  for (const auto& [status, bytes] : refused) {
    const ReplyForTest reply = Refusal(server.port(), bytes);
    EXPECT_EQ(reply.status, status) << bytes.substr(0, 200);
    EXPECT_TRUE(reply.is_whole);
    EXPECT_EQ(reply.Header("Content-Type"), "application/json");
    EXPECT_THAT(reply.body, testing::StartsWith(fmt::format(R"({{"error":{{"code":{},)", status)));
  }
}

TEST(HttpServerLimitsTest, HandsNothingOverThatFollowsARefusal) {
  std::atomic<int> handled = 0;
  ServerForTest server([&](const HttpRequest&, const std::shared_ptr<HttpExchange>& exchange) {
    ++handled;
    exchange->Respond({});
  });
  const ReplyForTest reply = Refusal(
      server.port(),
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n"
      "0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(reply.status, 400);
  EXPECT_EQ(handled, 0);
}

TEST(HttpServerLimitsTest, LetsAClientReadTheRefusalWhileItStillSends) {
  HttpServerOptions options{.max_body_bytes = 1000, .farewell_ms = kPatienceMs};
  ServerForTest server(options, EchoForTest);
  ClientForTest client(server.port());
  client.Send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5000000\r\n\r\n");
  client.Send(std::string(5'000'000, 'x'));
  EXPECT_EQ(client.ReadReply().status, 413);
}

TEST(HttpServerLimitsTest, WritesErrorsAsWhoKnowsTheFormatSays) {
  HttpServerOptions options{.error_content_type = "text/plain"};
  options.error_body = [](int status, std::string_view message) {
    return fmt::format("{}: {}", status, message);
  };
  ServerForTest server(options, EchoForTest);
  const ReplyForTest reply = Refusal(server.port(), "GET / HTTP/3.0\r\n");
  EXPECT_EQ(reply.body, "505: this server speaks HTTP/1.1");
  EXPECT_EQ(reply.Header("Content-Type"), "text/plain");
}

TEST(HttpServerLimitsTest, AnswersSlowHeadersAndBodies) {
  HttpServerOptions options{.header_timeout_ms = 30, .body_timeout_ms = 30};
  ServerForTest server(options, EchoForTest);
  EXPECT_EQ(Refusal(server.port(), "GET / HT").status, 408);
  EXPECT_EQ(Refusal(server.port(), "GET / HTTP/1.1\r\nHost: a\r\n").status, 408);
  EXPECT_EQ(
      Refusal(server.port(), "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\na").status,
      408);
}

TEST(HttpServerLimitsTest, GivesAHeaderOneTimeInAll) {
  ServerForTest server({.header_timeout_ms = 100}, EchoForTest);
  ClientForTest client(server.port());
  client.Send("GET /");
  EXPECT_TRUE(Eventually([&client] {
    client.Send("a");
    pollfd answer = {client.fd(), POLLIN, 0};
    return poll(&answer, 1, 0) > 0;
  }));
  EXPECT_EQ(client.ReadReply().status, 408);
}

TEST(HttpServerLimitsTest, GivesEachPieceOfABodyATime) {
  constexpr int kTimeoutMs = 500;
  constexpr int kPieces = 12;
  ServerForTest server({.body_timeout_ms = kTimeoutMs}, EchoForTest);
  // Once more where the machine held a piece up: its time may have been over.
  double longest_ms = 0;
  do {
    ClientForTest client(server.port());
    longest_ms = 0;
    double before_ms = MonotonicMs();
    client.Send(fmt::format("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n", kPieces));
    for (int i = 0; i < kPieces; ++i) {
      const double sent_ms = before_ms;
      std::this_thread::sleep_for(std::chrono::milliseconds(kTimeoutMs / 10));
      before_ms = MonotonicMs();
      client.Send("a");
      longest_ms = std::max(longest_ms, MonotonicMs() - sent_ms);
    }
    EXPECT_TRUE(client.ReadReply().status == 200 || longest_ms >= kTimeoutMs);
  } while (longest_ms >= kTimeoutMs);
}

TEST(HttpServerLimitsTest, ClosesIdleConnectionsWithoutAWord) {
  auto listening = ServerForTest::Listening({.idle_timeout_ms = 30}, EchoForTest);
  ClientForTest fresh(listening->port());
  ClientForTest used(listening->port());
  used.Send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");  // before its time begins
  ServerForTest server(std::move(listening));
  EXPECT_TRUE(fresh.IsClosed());
  EXPECT_EQ(used.ReadReply().status, 200);
  EXPECT_TRUE(used.IsClosed());
  EXPECT_FALSE(used.was_reset());
}

TEST(HttpServerLimitsTest, GivesHandlersTheTimeTheyTake) {
  HttpServerOptions options{.header_timeout_ms = 300,
                            .body_timeout_ms = 300,
                            .idle_timeout_ms = 300,
                            .write_timeout_ms = 300};
  auto listening = ServerForTest::Listening(
      options, [](const HttpRequest&, const std::shared_ptr<HttpExchange>& exchange) {
        std::this_thread::sleep_for(std::chrono::milliseconds(400));
        exchange->Begin(200, "text/plain", {});
        std::this_thread::sleep_for(std::chrono::milliseconds(400));
        exchange->Write("late");
        exchange->End();
      });
  ClientForTest client(listening->port());
  client.Send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");  // before its own time begins
  ServerForTest server(std::move(listening));
  EXPECT_EQ(client.ReadReply().body, "late");
}

TEST(HttpServerLimitsTest, AnswersWhoNeverWaitsWhileAllOthersDo) {
  Event came;
  Event go_on;
  HttpServerOptions options{.worker_threads = 1};
  options.never_waits = [](const HttpRequest& request) { return request.path == "/quick"; };
  ServerForTest server(options, [&](const HttpRequest& request, const auto& exchange) {
    if (request.path != "/quick") {
      came.Tell();
      EXPECT_TRUE(go_on.Wait());
    }
    exchange->Respond({.body = request.path});
  });
  ClientForTest slow(server.port());
  slow.Send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n");
  ASSERT_TRUE(came.Wait());
  ClientForTest quick(server.port());
  EXPECT_EQ(quick.Get("/quick").body, "/quick");
  go_on.Tell();
  EXPECT_EQ(slow.ReadReply().body, "/slow");
}

TEST(HttpServerLimitsTest, TellsConnectionsThatThereAreTooMany) {
  HttpServerOptions options{.max_connections = 2, .farewell_ms = kPatienceMs};
  ServerForTest server(options, EchoForTest);
  ClientForTest first(server.port());
  ClientForTest second(server.port());
  EXPECT_EQ(first.Get("/").status, 200);
  EXPECT_EQ(second.Get("/").status, 200);
  const ReplyForTest reply = Refusal(server.port(), "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(reply.status, 503);
  EXPECT_EQ(reply.Header("Retry-After"), "1");
  EXPECT_EQ(server->connections(), 2U);

  first.Close();
  EXPECT_TRUE(Eventually([&] { return server->connections() < 2; }));
  ClientForTest third(server.port());
  EXPECT_EQ(third.Get("/").status, 200);
}

TEST(HttpServerLimitsTest, KeepsItsWordToThoseInsideWhileManyKnock) {
  HttpServerOptions options{.max_connections = 1};
  ServerForTest server(options, EchoForTest);
  ClientForTest inside(server.port());
  EXPECT_EQ(inside.Get("/").status, 200);
  std::vector<std::unique_ptr<ClientForTest>> outside;
  for (int i = 0; i < 200; ++i) outside.push_back(std::make_unique<ClientForTest>(server.port()));
  // Those beyond the first few dozen are closed without a word.
  EXPECT_TRUE(outside.back()->IsClosed());
  EXPECT_EQ(inside.Get("/").status, 200);
}

// Writes pieces until one is refused.
void WriteUntilRefused(HttpExchange& exchange, std::size_t max_bytes) {
  ASSERT_TRUE(exchange.Begin(200, "text/plain", {}));
  const std::string piece(64 << 10, 'x');
  std::size_t bytes = 0;
  while (exchange.Write(piece)) {
    bytes += piece.size();
    ASSERT_LT(bytes, max_bytes);
  }
}

TEST(HttpServerLimitsTest, CutsOffWhoLetsTooMuchWait) {
  HttpServerOptions options{.max_unsent_bytes = std::size_t{1} << 20};
  Event refused;
  Event gone;
  ServerForTest server(options,
                       [&](const HttpRequest&, const std::shared_ptr<HttpExchange>& exchange) {
                         exchange->OnGone([&gone] { gone.Tell(); });
                         // What the kernel takes comes on top.
                         WriteUntilRefused(*exchange, std::size_t{64} << 20);
                         refused.Tell();
                       });
  ClientForTest client(server.port(), /*receive_buffer_bytes=*/4096);
  client.Send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_TRUE(refused.Wait());
  EXPECT_TRUE(gone.Wait());
  EXPECT_TRUE(Eventually([&] { return server->connections() == 0; }));
}

TEST(HttpServerLimitsTest, CutsOffWhoTakesNothingOfAnAnswerInTime) {
  HttpServerOptions options{.write_timeout_ms = 50};
  Event came;
  ServerForTest server(
      options, [&came](const HttpRequest&, const std::shared_ptr<HttpExchange>& exchange) {
        came.Tell();
        exchange->Respond({.content_type = "image/png", .body = std::string(32 << 20, 'x')});
      });
  ClientForTest client(server.port(), /*receive_buffer_bytes=*/4096);
  client.Send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_TRUE(came.Wait());
  EXPECT_TRUE(Eventually([&] { return server->connections() == 0; }));
}

TEST(HttpServerLimitsTest, HoldsAllBodiesTogetherToALimit) {
  HttpServerOptions options{.max_body_bytes = 800, .max_body_bytes_in_all = 1000};
  std::shared_ptr<HttpExchange> kept;
  Event came;
  ServerForTest server(options,
                       [&](const HttpRequest& request, std::shared_ptr<HttpExchange> exchange) {
                         if (request.path == "/at once") return exchange->Respond({.status = 201});
                         kept = std::move(exchange);
                         came.Tell();
                       });
  const auto post = [](std::string_view path, std::size_t bytes) {
    return fmt::format("POST {} HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n{:x>{}}", path,
                       bytes, "", bytes);
  };
  ClientForTest first(server.port());
  first.Send(post("/kept", 800));
  ASSERT_TRUE(came.Wait());
  const ReplyForTest reply = Refusal(server.port(), post("/at%20once", 201));
  EXPECT_EQ(reply.status, 503);
  EXPECT_EQ(reply.Header("Retry-After"), "1");
  ClientForTest second(server.port());
  EXPECT_EQ(second.Ask(post("/at%20once", 200)).status, 201);

  kept->Respond({});
  EXPECT_EQ(first.ReadReply().status, 200);
  EXPECT_EQ(first.Ask(post("/at%20once", 800)).status, 201);
  // Whoever goes away within a body leaves room for others.
  first.Send(post("/at%20once", 800).substr(0, 700));
  EXPECT_TRUE(Eventually(
      [&] { return ClientForTest(server.port()).Ask(post("/at%20once", 800)).status == 503; }));
  first.Close();
  EXPECT_TRUE(Eventually([&] { return server->connections() == 1; }));
  EXPECT_EQ(second.Ask(post("/at%20once", 800)).status, 201);
}

TEST(HttpServerLimitsTest, WaitsForWhoTakesALongAnswerSlowly) {
  HttpServerOptions options{.max_unsent_bytes = 1000};
  const std::string body(20 << 20, 'x');
  ServerForTest server(options,
                       [&](const HttpRequest&, const std::shared_ptr<HttpExchange>& exchange) {
                         exchange->Respond({.content_type = "image/png", .body = body});
                       });
  ClientForTest client(server.port(), /*receive_buffer_bytes=*/64 << 10);
  for (int i = 0; i < 2; ++i) {
    client.Send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    EXPECT_EQ(client.ReadReply().body.size(), body.size());
  }
}

}  // namespace
}  // namespace kinglet
