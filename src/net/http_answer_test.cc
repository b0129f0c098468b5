// SPDX-License-Identifier: Apache-2.0
// The bytes of answers.
#include "net/http_answer.h"

#include <zlib.h>

#include <array>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace kinglet {
namespace {

using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr HttpFraming kKeepAlive{.keep_alive = true};
constexpr HttpFraming kGzip{.keep_alive = true, .accepts_gzip = true};

std::string Gunzip(std::string_view packed) {
  z_stream stream{};
  EXPECT_EQ(inflateInit2(&stream, 15 + 16), Z_OK);
  std::string plain(std::size_t{1} << 20, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  stream.next_out = reinterpret_cast<Bytef*>(plain.data());
  stream.avail_out = static_cast<uInt>(plain.size());
  EXPECT_EQ(inflate(&stream, Z_FINISH), Z_STREAM_END);
  plain.resize(stream.total_out);
  inflateEnd(&stream);
  return plain;
}

std::string BodyOf(const std::string& answer) { return answer.substr(answer.find("\r\n\r\n") + 4); }

TEST(HttpAnswerTest, HasHeadAndBody) {
  const std::string answer = WholeAnswer({.status = 404,
                                          .headers = {{"X-Test", "a"}, {"x-test", "b"}},
                                          .content_type = "text/plain",
                                          .body = "lost"},
                                         kKeepAlive, true);
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 404 Not Found\r\nDate: "));
  EXPECT_THAT(answer, HasSubstr(" GMT\r\nServer: kinglet\r\nContent-Type: text/plain\r\n"));
  EXPECT_THAT(answer, HasSubstr("X-Test: a\r\nx-test: b\r\n"));
  EXPECT_THAT(answer, EndsWith("Content-Length: 4\r\n\r\nlost"));
  EXPECT_THAT(answer, Not(HasSubstr("Connection")));
}

TEST(HttpAnswerTest, SaysWhetherTheConnectionStays) {
  EXPECT_THAT(WholeAnswer({}, kKeepAlive, false), HasSubstr("\r\nConnection: close\r\n"));
  EXPECT_THAT(WholeAnswer({}, {.is_http_1_0 = true}, true),
              HasSubstr("\r\nConnection: keep-alive\r\n"));
}

TEST(HttpAnswerTest, LeavesOutBodiesThatMayNotBe) {
  EXPECT_THAT(WholeAnswer({.body = "hidden"}, {.is_head = true}, true),
              EndsWith("\r\nContent-Length: 6\r\n\r\n"));
  for (const int status : {204, 304}) {
    const std::string answer = WholeAnswer({.status = status, .body = "hidden"}, kKeepAlive, true);
    EXPECT_THAT(answer, AllOf(Not(HasSubstr("hidden")), Not(HasSubstr("Content-Length")),
                              Not(HasSubstr("Content-Type"))));
  }
}

TEST(HttpAnswerTest, LetsNoHeaderEndItsLineOrFrameTheAnswer) {
  const std::string answer = WholeAnswer({.headers = {{"X-A", "a\r\nSet-Cookie: b"},
                                                      {"X\r\nY", "c"},
                                                      {"Content-Length", "999"},
                                                      {"transfer-encoding", "chunked"},
                                                      {"Connection", "upgrade"}},
                                          .content_type = "text/plain\r\nX-B: b"},
                                         kKeepAlive, true);
  EXPECT_THAT(answer, HasSubstr("\r\nX-A: a  Set-Cookie: b\r\n"));
  EXPECT_THAT(answer, HasSubstr("\r\nContent-Type: text/plain  X-B: b\r\n"));
  EXPECT_THAT(answer, AllOf(Not(HasSubstr("999")), Not(HasSubstr("chunked")),
                            Not(HasSubstr("upgrade")), Not(HasSubstr("X\r\nY"))));
}

TEST(HttpAnswerTest, CompressesLongTextForWhoTakesIt) {
  const std::string text(5000, 'a');
  for (const char* type : {"application/json", "text/html; charset=utf-8", "Text/Plain",
                           "application/problem+json", "image/svg+xml"}) {
    const std::string answer = WholeAnswer({.content_type = type, .body = text}, kGzip, true);
    EXPECT_THAT(answer, HasSubstr("\r\nContent-Encoding: gzip\r\n")) << type;
    EXPECT_THAT(answer, HasSubstr("\r\nVary: Accept-Encoding\r\n"));
    EXPECT_LT(answer.size(), 500U);
    EXPECT_EQ(Gunzip(BodyOf(answer)), text);
  }
}

TEST(HttpAnswerTest, LeavesOtherBodiesPlain) {
  const auto is_plain = [](const HttpResponse& response, const HttpFraming& framing) {
    return BodyOf(WholeAnswer(response, framing, true)) == response.body;
  };
  const std::string text(5000, 'a');
  EXPECT_TRUE(is_plain({.body = text}, kKeepAlive));
  EXPECT_TRUE(is_plain({.body = std::string(1023, 'a')}, kGzip));
  EXPECT_TRUE(is_plain({.content_type = "image/png", .body = text}, kGzip));
  EXPECT_TRUE(is_plain({.headers = {{"content-encoding", "br"}}, .body = text}, kGzip));
  EXPECT_FALSE(is_plain({.body = std::string(1024, 'a')}, kGzip));
  // A cache must know that others get the same compressed.
  EXPECT_THAT(WholeAnswer({.body = text}, kKeepAlive, true), HasSubstr("Vary: Accept-Encoding"));
}

TEST(HttpAnswerTest, LeavesPlainWhatDoesNotShrink) {
  std::string noise;
  std::uint32_t state = 1;
  for (int i = 0; i < 2000; ++i) {
    state = state * 1664525 + 1013904223;
    noise.push_back(static_cast<char>(state >> 24));
  }
  EXPECT_EQ(BodyOf(WholeAnswer({.body = noise}, kGzip, true)), noise);
}

TEST(HttpAnswerTest, StreamsInChunksOrToTheEndOfTheConnection) {
  EXPECT_THAT(StreamHead(200, "text/event-stream", {}, kKeepAlive, true),
              EndsWith("\r\nTransfer-Encoding: chunked\r\n\r\n"));
  EXPECT_THAT(StreamHead(200, "text/event-stream", {}, {.is_http_1_0 = true}, false),
              EndsWith("\r\nConnection: close\r\n\r\n"));
  EXPECT_EQ(Chunk(std::string(26, 'a')), "1a\r\n" + std::string(26, 'a') + "\r\n");
}

}  // namespace
}  // namespace kinglet
