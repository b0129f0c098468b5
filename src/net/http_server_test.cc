// SPDX-License-Identifier: Apache-2.0
// Requests and their answers over real sockets: order, pieces, and clients that go away.
#include "net/http_server.h"

#include <atomic>
#include <mutex>
#include <stdexcept>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "net/http_client.h"
#include "net/http_client_for_test.h"

namespace kinglet {
namespace {

using testing::HasSubstr;

std::string Get(std::string_view path, std::string_view headers = "") {
  return fmt::format("GET {} HTTP/1.1\r\nHost: test\r\n{}\r\n", path, headers);
}
std::string Post(std::string_view path, std::string_view body) {
  return fmt::format("POST {} HTTP/1.1\r\nHost: test\r\nContent-Length: {}\r\n\r\n{}", path,
                     body.size(), body);
}

// Keeps what a handler was given until the test takes it.
class Inbox {
 public:
  HttpHandler Handler() {
    return [this](HttpRequest request, std::shared_ptr<HttpExchange> exchange) {
      const std::scoped_lock lock(mutex_);
      came_.emplace_back(std::move(request), std::move(exchange));
    };
  }
  std::size_t size() {
    const std::scoped_lock lock(mutex_);
    return came_.size();
  }
  std::pair<HttpRequest, std::shared_ptr<HttpExchange>> Take() {
    if (!Eventually([this] { return size() > 0; })) throw std::runtime_error("no request came");
    const std::scoped_lock lock(mutex_);
    auto first = std::move(came_.front());
    came_.erase(came_.begin());
    return first;
  }
  std::shared_ptr<HttpExchange> TakeExchange() { return Take().second; }

 private:
  std::mutex mutex_;
  std::vector<std::pair<HttpRequest, std::shared_ptr<HttpExchange>>> came_;
};

TEST(HttpServerTest, AnswersOneRequestAfterAnotherOnAConnection) {
  ServerForTest server(EchoForTest);
  ClientForTest client(server.port());
  for (const char* path : {"/a", "/b", "/c"}) {
    const ReplyForTest reply = client.Get(path);
    EXPECT_EQ(reply.status, 200);
    EXPECT_EQ(reply.body, std::string("GET ") + path + " ");
    EXPECT_EQ(reply.Header("Server"), "kinglet");
  }
  EXPECT_EQ(client.Ask(Post("/d", "body")).body, "POST /d body");
}

TEST(HttpServerTest, TellsTheHandlerWhatCameAndWhen) {
  Inbox inbox;
  ServerForTest server(inbox.Handler());
  ClientForTest client(server.port());
  client.Send("POST /a?b=c HTTP/1.1\r\nHost: test\r\nX-A: 1\r\nContent-Length: 2\r\n\r\n1");
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  const double before_ms = MonotonicMs();
  client.Send("2");
  const auto [request, exchange] = inbox.Take();
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.Query("b"), "c");
  EXPECT_EQ(request.Header("x-a"), "1");
  EXPECT_EQ(request.body, "12");
  EXPECT_THAT(request.remote, testing::StartsWith("127.0.0.1:"));
  EXPECT_FALSE(request.encrypted);
  EXPECT_FALSE(request.over_unix_socket);
  EXPECT_GE(request.received_ms, before_ms);
  EXPECT_LE(request.received_ms, MonotonicMs());
}

TEST(HttpServerTest, ServesTheClientOfTheHouse) {
  ServerForTest server([](const HttpRequest&, const std::shared_ptr<HttpExchange>& exchange) {
    ASSERT_TRUE(exchange->Begin(200, "text/plain", {{"ETag", "\"1\""}}));
    for (const char* piece : {"one ", "two ", "three"}) EXPECT_TRUE(exchange->Write(piece));
    exchange->End();
  });
  std::string body;
  const auto reply = HttpGet({.url = fmt::format("http://127.0.0.1:{}/a", server.port())},
                             {.on_start = [](const HttpReply&) -> Result<void> { return {}; },
                              .on_body = [&body](std::string_view piece) -> Result<void> {
                                body += piece;
                                return {};
                              }});
  ASSERT_TRUE(reply) << reply.error().message();
  EXPECT_EQ(reply->etag, "\"1\"");
  EXPECT_EQ(body, "one two three");
}

TEST(HttpServerTest, AnswersPipelinedRequestsInOrderOneAtATime) {
  Inbox inbox;
  ServerForTest server(inbox.Handler());
  ClientForTest client(server.port());
  client.Send(Get("/1") + Post("/2", "x") + Get("/3"));
  for (const char* path : {"/1", "/2", "/3"}) {
    const auto [request, exchange] = inbox.Take();
    EXPECT_EQ(request.path, path);
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    EXPECT_EQ(inbox.size(), 0U) << "the next has no turn yet";
    exchange->Respond({.body = path});
    EXPECT_EQ(client.ReadReply().body, path);
  }
}

TEST(HttpServerTest, TakesAPipelinedRequestThatIsLargerThanItsBuffer) {
  Inbox inbox;
  ServerForTest server(inbox.Handler());
  ClientForTest client(server.port());
  const std::string body(3 << 20, 'b');
  std::thread sender([&] { client.Send(Get("/1") + Post("/2", body)); });
  auto exchange = inbox.TakeExchange();
  // Long enough for the buffer to fill and for the client to be looked for.
  std::this_thread::sleep_for(std::chrono::milliseconds(60));
  exchange->Respond({});
  EXPECT_EQ(client.ReadReply().status, 200);
  const auto [request, second] = inbox.Take();
  sender.join();
  EXPECT_EQ(request.body, body);
  second->Respond({.status = 201});
  EXPECT_EQ(client.ReadReply().status, 201);
}

TEST(HttpServerTest, ReadsChunkedBodies) {
  ServerForTest server(EchoForTest);
  ClientForTest client(server.port());
  client.Send("POST / HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
  client.Send("2;a=b\r\nde\r\n0\r\nX-Trailer: c\r\n\r\n" + Get("/next"));
  EXPECT_EQ(client.ReadReply().body, "POST / abcde");
  EXPECT_EQ(client.ReadReply().body, "GET /next ");
}

TEST(HttpServerTest, InvitesTheBodyWhereTheClientWaitsForIt) {
  ServerForTest server(EchoForTest);
  ClientForTest client(server.port());
  for (int i = 0; i < 2; ++i) {
    client.Send(
        "POST / HTTP/1.1\r\nHost: test\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    EXPECT_EQ(client.ReadThrough("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
    client.Send("ab");
    EXPECT_EQ(client.ReadReply().body, "POST / ab");
  }
  // Nothing of the kind for who does not wait.
  client.Send(
      "POST / HTTP/1.1\r\nHost: test\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nab");
  EXPECT_EQ(client.ReadReply().status, 200);
}

TEST(HttpServerTest, HandsOutOptionsAsAnyMethod) {
  ServerForTest server(EchoForTest);
  ClientForTest client(server.port());
  EXPECT_EQ(client.Ask("OPTIONS /a HTTP/1.1\r\nHost: test\r\n\r\n").body, "OPTIONS /a ");
}

TEST(HttpServerTest, LeavesOutTheBodyForHead) {
  ServerForTest server(EchoForTest);
  ClientForTest client(server.port());
  client.Send("HEAD /a HTTP/1.1\r\nHost: test\r\n\r\n" + Get("/b"));
  const ReplyForTest head = client.ReadReply(/*is_head=*/true);
  EXPECT_EQ(head.Header("Content-Length"), "7");
  EXPECT_EQ(client.ReadReply().body, "GET /b ");
}

TEST(HttpServerTest, StreamsNothingForHead) {
  Inbox inbox;
  ServerForTest server(inbox.Handler());
  ClientForTest client(server.port());
  client.Send("HEAD /a HTTP/1.1\r\nHost: test\r\n\r\n" + Get("/b"));
  auto exchange = inbox.TakeExchange();
  EXPECT_FALSE(exchange->Begin(200, "text/plain", {}));
  EXPECT_FALSE(exchange->Write("piece"));
  exchange->End();
  EXPECT_EQ(client.ReadReply(/*is_head=*/true).Header("Transfer-Encoding"), "chunked");
  inbox.TakeExchange()->Respond({.body = "b"});
  EXPECT_EQ(client.ReadReply().body, "b");
}

TEST(HttpServerTest, CompressesForWhoTakesIt) {
  ServerForTest server([](const HttpRequest&, const std::shared_ptr<HttpExchange>& exchange) {
    exchange->Respond({.body = std::string(100'000, ' ')});
  });
  ClientForTest client(server.port());
  const ReplyForTest packed = client.Ask(Get("/", "Accept-Encoding: gzip, br\r\n"));
  EXPECT_EQ(packed.Header("Content-Encoding"), "gzip");
  EXPECT_LT(packed.body.size(), 1000U);
  EXPECT_EQ(client.Ask(Get("/", "Accept-Encoding: gzip;q=0\r\n")).body.size(), 100'000U);
}

TEST(HttpServerTest, ClosesWhereTheClientAsksForIt) {
  ServerForTest server(EchoForTest);
  ClientForTest client(server.port());
  const ReplyForTest reply = client.Ask(Get("/", "Connection: close\r\n"));
  EXPECT_EQ(reply.Header("Connection"), "close");
  EXPECT_TRUE(client.IsClosed());
}

TEST(HttpServerTest, SpeaksTheOldVersion) {
  ServerForTest server(EchoForTest);
  ClientForTest once(server.port());
  EXPECT_EQ(once.Ask("GET /a HTTP/1.0\r\n\r\n").body, "GET /a ");
  EXPECT_TRUE(once.IsClosed());

  ClientForTest again(server.port());
  for (int i = 0; i < 2; ++i) {
    const ReplyForTest reply = again.Ask("GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    EXPECT_EQ(reply.Header("Connection"), "keep-alive");
    EXPECT_EQ(reply.body, "GET /a ");
  }
}

TEST(HttpServerTest, StreamsToTheEndOfTheConnectionInTheOldVersion) {
  ServerForTest server([](const HttpRequest&, const std::shared_ptr<HttpExchange>& exchange) {
    exchange->Begin(200, "text/plain", {});
    exchange->Write("one ");
    exchange->Write("two");
    exchange->End();
  });
  ClientForTest client(server.port());
  const ReplyForTest reply = client.Ask("GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_EQ(reply.Header("Transfer-Encoding"), "");
  EXPECT_EQ(reply.Header("Connection"), "close");
  EXPECT_EQ(reply.body, "one two");
  EXPECT_FALSE(client.was_reset());
}

TEST(HttpServerTest, SendsEachPieceBeforeTheNextIsThere) {
  Inbox inbox;
  ServerForTest server(inbox.Handler());
  ClientForTest client(server.port());
  client.Send(Get("/"));
  auto exchange = inbox.TakeExchange();
  ASSERT_TRUE(exchange->Begin(200, "text/event-stream", {{"X-Accel-Buffering", "no"}}));
  EXPECT_THAT(client.ReadThrough("\r\n\r\n"), HasSubstr("X-Accel-Buffering: no\r\n"));
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(exchange->Write("data: 1\n\n"));
    EXPECT_EQ(client.ReadThrough("\n\n\r\n"), "9\r\ndata: 1\n\n\r\n");
  }
  EXPECT_TRUE(exchange->Write("")) << "no piece, and no end";
  exchange->End();
  EXPECT_EQ(client.ReadThrough("0\r\n\r\n"), "0\r\n\r\n");
  client.Send(Get("/"));
  inbox.TakeExchange()->Respond({.body = "next"});
  EXPECT_EQ(client.ReadReply().body, "next");
}

TEST(HttpServerTest, TakesOneAnswerAndPassesOverTheRest) {
  Inbox inbox;
  ServerForTest server(inbox.Handler());
  ClientForTest client(server.port());
  client.Send(Get("/1") + Get("/2"));
  auto first = inbox.TakeExchange();
  EXPECT_FALSE(first->Write("before it began"));
  first->End();
  first->Respond({.body = "one"});
  auto second = inbox.TakeExchange();
  first->Respond({.body = "too late"});
  EXPECT_FALSE(first->Begin(200, "text/plain", {}));
  first.reset();
  second->Begin(200, "text/plain", {});
  second->Respond({.body = "too late"});
  EXPECT_FALSE(second->Begin(200, "text/plain", {}));
  second->Write("two");
  second->End();
  EXPECT_FALSE(second->Write("after the end"));
  EXPECT_EQ(client.ReadReply().body, "one");
  EXPECT_EQ(client.ReadReply().body, "two");
}

TEST(HttpServerTest, AnswersForAHandlerThatThrows) {
  std::vector<std::shared_ptr<HttpExchange>> kept;
  HttpServerOptions options{.worker_threads = 1, .error_content_type = "text/plain"};
  options.error_body = [](int status, std::string_view) { return std::to_string(status); };
  ServerForTest server(
      options, [&](const HttpRequest& request, const std::shared_ptr<HttpExchange>& exchange) {
        kept.push_back(exchange);
        if (request.path == "/stream") exchange->Begin(200, "text/plain", {});
        throw std::runtime_error("no");
      });
  ClientForTest client(server.port());
  const ReplyForTest reply = client.Get("/");
  EXPECT_EQ(reply.status, 500);
  EXPECT_EQ(reply.body, "500");
  EXPECT_EQ(reply.Header("Content-Type"), "text/plain");
  const ReplyForTest cut = client.Get("/stream");
  EXPECT_EQ(cut.status, 200);
  EXPECT_FALSE(cut.is_whole);
}

TEST(HttpServerTest, BreaksOffWhereNoErrorCanBeWritten) {
  HttpServerOptions options;
  options.error_body = [](int, std::string_view) -> std::string { throw std::bad_alloc(); };
  ServerForTest server(options,
                       [](const HttpRequest& request, const std::shared_ptr<HttpExchange>&) {
                         if (request.path == "/throws") throw std::runtime_error("no");
                       });
  for (const char* path : {"/throws", "/lets%20go", "/refused HTTP/3.0"}) {
    ClientForTest client(server.port());
    client.Send(Get(path));
    EXPECT_TRUE(client.IsClosed()) << path;
  }
}

TEST(HttpServerTest, AnswersForWhoLetsGoOfAnExchange) {
  ServerForTest server(
      [](const HttpRequest& request, const std::shared_ptr<HttpExchange>& exchange) {
        if (request.path != "/stream") return;
        exchange->Begin(200, "text/plain", {});
        exchange->Write("a piece");
      });
  ClientForTest client(server.port());
  const ReplyForTest reply = client.Get("/");
  EXPECT_EQ(reply.status, 500);
  EXPECT_EQ(reply.body, R"({"error":{"code":500,"message":"the server failed to answer"}})");
  const ReplyForTest cut = client.Get("/stream");
  EXPECT_EQ(cut.body, "a piece");
  EXPECT_FALSE(cut.is_whole);

  ClientForTest old(server.port());
  EXPECT_EQ(old.Ask("GET /stream HTTP/1.0\r\n\r\n").status, 200);
  EXPECT_TRUE(old.was_reset()) << "else the answer would look whole";
}

TEST(HttpServerTest, TellsAtOnceThatAClientHasGone) {
  for (const bool resets : {false, true}) {
    Inbox inbox;
    ServerForTest server(inbox.Handler());
    ClientForTest client(server.port());
    client.Send(Get("/"));
    auto exchange = inbox.TakeExchange();
    Event gone;
    exchange->OnGone([&gone] { gone.Tell(); });
    resets ? client.Reset() : client.Close();
    EXPECT_TRUE(gone.Wait());  // a handler has all the time it takes: no limit would tell
    EXPECT_FALSE(exchange->Begin(200, "text/plain", {}));
    bool at_once = false;
    exchange->OnGone([&at_once] { at_once = true; });
    EXPECT_TRUE(at_once);
  }
}

TEST(HttpServerTest, TellsThatAClientHasGoneWithinAStream) {
  Inbox inbox;
  ServerForTest server(inbox.Handler());
  ClientForTest client(server.port());
  client.Send(Get("/"));
  auto exchange = inbox.TakeExchange();
  Event gone;
  exchange->OnGone([&gone] { gone.Tell(); });
  ASSERT_TRUE(exchange->Begin(200, "text/plain", {}));
  ASSERT_TRUE(exchange->Write("piece"));
  client.ReadThrough("piece");
  client.Close();
  EXPECT_TRUE(gone.Wait());
  EXPECT_FALSE(exchange->Write("piece"));
  EXPECT_TRUE(Eventually([&] { return server->connections() == 0; }));
}

TEST(HttpServerTest, TellsThatAClientHasGoneThoughItHadSentMoreThanIsRead) {
  Inbox inbox;
  ServerForTest server(inbox.Handler());
  ClientForTest client(server.port());
  client.Send(Get("/"));
  auto exchange = inbox.TakeExchange();
  Event gone;
  exchange->OnGone([&gone] { gone.Tell(); });
  // More would wait on the client's side, and its end behind it.
  client.Send(Post("/", std::string(90'000, 'x')));
  std::this_thread::sleep_for(std::chrono::milliseconds(30));  // the buffer is full now
  client.Close();
  EXPECT_TRUE(gone.Wait());
}

TEST(HttpServerTest, TellsNobodyOnceTheAnswerHasEnded) {
  Inbox inbox;
  ServerForTest server(inbox.Handler());
  ClientForTest client(server.port());
  client.Send(Get("/"));
  auto exchange = inbox.TakeExchange();
  std::atomic<int> calls = 0;
  exchange->OnGone([&calls] { ++calls; });
  exchange->Respond({});
  exchange->OnGone([&calls] { ++calls; });
  EXPECT_EQ(client.ReadReply().status, 200);
  client.Close();
  EXPECT_TRUE(Eventually([&] { return server->connections() == 0; }));
  EXPECT_EQ(calls, 0);
}

TEST(HttpServerTest, SendsAWholeAnswerToAClientThatEndedItsSide) {
  Inbox inbox;
  ServerForTest server(inbox.Handler());
  ClientForTest client(server.port());
  client.Send(Get("/1") + Get("/2"));
  client.EndSending();
  for (const char* path : {"/1", "/2"}) {
    auto exchange = inbox.TakeExchange();
    Event gone;
    exchange->OnGone([&gone] { gone.Tell(); });
    EXPECT_TRUE(gone.Wait()) << "it may have gone for good";
    exchange->Respond({.body = path});
    EXPECT_EQ(client.ReadReply().body, path);
  }
  EXPECT_TRUE(client.IsClosed());
  EXPECT_FALSE(client.was_reset());
}

TEST(HttpServerTest, ClosesQuietlyWhereAClientEndsWithinARequest) {
  ServerForTest server(EchoForTest);
  for (const char* part :
       {"", "GET / HT", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nx"}) {
    ClientForTest client(server.port());
    client.Send(part);
    client.EndSending();
    EXPECT_TRUE(client.IsClosed()) << part;
  }
}

TEST(HttpServerTest, AnswersFromAnyThreadWhileOthersWait) {
  Inbox inbox;
  HttpServerOptions options{.worker_threads = 1};
  ServerForTest server(options, inbox.Handler());
  ClientForTest slow(server.port());
  ClientForTest quick(server.port());
  slow.Send(Get("/slow"));
  auto first = inbox.TakeExchange();
  quick.Send(Get("/quick"));
  auto second = inbox.TakeExchange();
  std::thread([&] { second->Respond({.body = "quick"}); }).join();
  EXPECT_EQ(quick.ReadReply().body, "quick");
  std::thread([&] { first->Respond({.body = "slow"}); }).join();
  EXPECT_EQ(slow.ReadReply().body, "slow");
}

TEST(HttpServerTest, KeepsManyThreadsApart) {
  // Handlers, writers and clients at once; ThreadSanitizer watches.
  std::vector<std::thread> writers;
  std::mutex mutex;
  ServerForTest server([&](HttpRequest request, std::shared_ptr<HttpExchange> exchange) {
    const std::scoped_lock lock(mutex);
    writers.emplace_back([request = std::move(request), exchange = std::move(exchange)] {
      exchange->OnGone([] {});
      exchange->Begin(200, "text/plain", {});
      for (int i = 0; i < 20; ++i) exchange->Write(request.path);
      exchange->End();
    });
  });
  std::vector<std::thread> clients;
  std::atomic<int> whole = 0;
  for (int c = 0; c < 8; ++c) {
    clients.emplace_back([&whole, port = server.port(), c] {
      ClientForTest client(port);
      for (int i = 0; i < 10; ++i) {
        if (c == 0 && i == 5) return client.Reset();
        if (client.Get("/0123456789").body.size() == std::size_t{20} * 11) ++whole;
      }
    });
  }
  for (std::thread& client : clients) client.join();
  server.Stop(0);
  for (std::thread& writer : writers) writer.join();
  EXPECT_EQ(whole, 7 * 10 + 5);
}

}  // namespace
}  // namespace kinglet
