// SPDX-License-Identifier: Apache-2.0
// Requests in any pieces, and the status with which each kind of malformed one is refused.
#include "net/http_parser.h"

#include <gtest/gtest.h>

namespace kinglet {
namespace {

using State = HttpParser::State;

constexpr HttpLimits kSmall{.max_header_bytes = 200, .max_body_bytes = 20};

// The status of the refusal; 0: whole; 1: unfinished.
int Outcome(std::string_view bytes, const HttpLimits& limits = {}) {
  HttpParser parser(limits);
  parser.Feed(bytes);
  if (parser.state() == State::kRefused) return parser.fault().status;
  return parser.state() == State::kWhole ? 0 : 1;
}

// With one good Host.
int OutcomeOfHeader(std::string_view lines) {
  return Outcome("POST /a HTTP/1.1\r\nHost: a\r\n" + std::string(lines) + "\r\n\r\n");
}
int OutcomeOfChunks(std::string_view chunks, const HttpLimits& limits = {}) {
  return Outcome(
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + std::string(chunks),
      limits);
}

TEST(HttpParserTest, ReadsARequestWhateverItsPieces) {
  constexpr std::string_view kBytes =
      "\r\nPOST /a%20b?c=d HTTP/1.1\r\nHost: x:1\r\nX-A:  b \t\r\nx-a:\r\nContent-Length: 5\r\n\r\n"
      "hello";
  for (std::size_t piece = 1; piece <= kBytes.size(); ++piece) {
    HttpParser parser({});
    for (std::size_t at = 0; at < kBytes.size(); at += piece) {
      EXPECT_NE(parser.state(), State::kWhole);
      const std::string_view part = kBytes.substr(at, piece);
      EXPECT_EQ(parser.Feed(part), part.size());
    }
    ASSERT_EQ(parser.state(), State::kWhole) << piece;
    const HttpRequest request = parser.Take();
    EXPECT_EQ(request.method, "POST");
    EXPECT_EQ(request.path, "/a b");
    EXPECT_EQ(request.Query("c"), "d");
    const HttpHeaders headers = {
        {"Host", "x:1"}, {"X-A", "b"}, {"x-a", ""}, {"Content-Length", "5"}};
    EXPECT_EQ(request.headers, headers);
    EXPECT_EQ(request.body, "hello");
    EXPECT_EQ(parser.state(), State::kBetween);
  }
}

TEST(HttpParserTest, LeavesTheNextRequestAlone) {
  HttpParser parser({});
  const std::string_view first = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab";
  EXPECT_EQ(parser.Feed(std::string(first) + "GET / HTTP/1.1\r\n"), first.size());
  EXPECT_EQ(parser.Take().body, "ab");
  EXPECT_EQ(parser.Feed("GET /b HTTP/1.1\r\nHost: a\r\n\r\nGET"), 28U);
  EXPECT_EQ(parser.Take().path, "/b");
}

TEST(HttpParserTest, PutsChunksTogether) {
  HttpParser parser({});
  parser.Feed(
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n"
      "3\r\nabc\r\n00A;name=\"v;\"\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n");
  ASSERT_EQ(parser.state(), State::kWhole);
  EXPECT_EQ(parser.Take().body, "abc0123456789");
}

TEST(HttpParserTest, TellsWhereItStands) {
  HttpParser parser({});
  EXPECT_EQ(parser.state(), State::kBetween);
  parser.Feed("\r\n\r");
  EXPECT_EQ(parser.state(), State::kBetween);
  parser.Feed("\nG");
  EXPECT_EQ(parser.state(), State::kHead);
  parser.Feed("ET / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\nContent-Length: 2\r\n\r");
  EXPECT_EQ(parser.state(), State::kHead);
  parser.Feed("\n");
  EXPECT_EQ(parser.state(), State::kBody);
  EXPECT_TRUE(parser.wants_continue());
  parser.Feed("a");
  EXPECT_FALSE(parser.wants_continue());
  parser.Feed("b");
  EXPECT_EQ(parser.state(), State::kWhole);
}

TEST(HttpParserTest, KnowsTheFormOfTheAnswer) {
  const auto framing = [](std::string_view bytes) {
    HttpParser parser({});
    parser.Feed(bytes);
    EXPECT_EQ(parser.state(), State::kWhole);
    return parser.framing();
  };
  EXPECT_TRUE(framing("GET / HTTP/1.1\r\nHost: a\r\n\r\n").keep_alive);
  EXPECT_FALSE(framing("GET / HTTP/1.1\r\nHost: a\r\nConnection: x, Close\r\n\r\n").keep_alive);
  EXPECT_FALSE(framing("GET / HTTP/1.0\r\n\r\n").keep_alive);
  EXPECT_TRUE(framing("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").keep_alive);
  EXPECT_TRUE(framing("GET / HTTP/1.0\r\n\r\n").is_http_1_0);
  EXPECT_TRUE(framing("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n").is_head);
  EXPECT_TRUE(framing("GET / HTTP/1.1\r\nHost:\r\nAccept-Encoding: gzip\r\n\r\n").accepts_gzip);
}

TEST(HttpParserTest, HandsOutHeadAsGet) {
  HttpParser parser({});
  parser.Feed("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(parser.Take().method, "GET");
}

TEST(HttpParserTest, RefusesMalformedRequestLines) {
  for (const std::string_view line :
       {"GET /", "GET / ", " GET / HTTP/1.1", "GET  HTTP/1.1", "GET  / HTTP/1.1", "GET / HTTP/1.1 ",
        "GET / http/1.1", "GET / HTTP/11", "GET / HTTP/1.1\r", "G@T / HTTP/1.1", "GET\t/ HTTP/1.1",
        "GET /a b HTTP/1.1", "GET / HTTP/1.x", "GET / HTTP/ 1.1", "GET /%00 HTTP/1.1",
        "CONNECT a:80 HTTP/1.1", "OPTIONS * HTTP/1.1",
        "ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFGHI / HTTP/1.1"}) {
    EXPECT_EQ(Outcome(std::string(line) + "\r\nHost: a\r\n\r\n"), 400) << line;
  }
  EXPECT_EQ(Outcome("GET / HTTP/2.0\r\n"), 505);
  EXPECT_EQ(Outcome("PRI * HTTP/2.0\r\n"), 505);
  EXPECT_EQ(Outcome("GET / HTTP/1.2\r\n"), 505);
  EXPECT_EQ(Outcome("GET / HTTP/0.9\r\n"), 505);
}

TEST(HttpParserTest, RefusesOtherProtocolsAtTheirFirstByte) {
  EXPECT_EQ(Outcome("\x16\x03\x01"), 400);
  EXPECT_EQ(Outcome("\n"), 400);
  EXPECT_EQ(Outcome(std::string_view("\0", 1)), 400);
}

TEST(HttpParserTest, RefusesMalformedHeaders) {
  for (const std::string_view line :
       {"no colon", ": no name", "na me: a", "name : a", "n\xC3\xA4me: a", "A: b\r\n folded",
        "A: b\r\n\tfolded", " folded: a", "A: \x01", "A: a\x7F", "A: a\rb", "A: a\r"}) {
    EXPECT_EQ(OutcomeOfHeader(line), 400) << line;
  }
  EXPECT_EQ(OutcomeOfHeader(std::string_view("A: \0", 4)), 400);
  EXPECT_EQ(OutcomeOfHeader("A: \xFF\xFE are bytes too"), 0);
}

TEST(HttpParserTest, RefusesLinesThatEndWithLineFeedAlone) {
  EXPECT_EQ(Outcome("GET / HTTP/1.1\nHost: a\r\n\r\n"), 400);
  EXPECT_EQ(Outcome("GET / HTTP/1.1\r\nHost: a\n\r\n"), 400);
  EXPECT_EQ(Outcome("GET / HTTP/1.1\r\nHost: a\r\n\n"), 400);
  EXPECT_EQ(Outcome("\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"), 400);
  EXPECT_EQ(OutcomeOfChunks("1\na\r\n0\r\n\r\n"), 400);
  EXPECT_EQ(OutcomeOfChunks("1\r\na\n0\r\n\r\n"), 400);
  EXPECT_EQ(OutcomeOfChunks("0\r\n\n"), 400);
}

TEST(HttpParserTest, WantsOneHost) {
  EXPECT_EQ(Outcome("GET / HTTP/1.1\r\n\r\n"), 400);
  EXPECT_EQ(Outcome("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"), 400);
  EXPECT_EQ(Outcome("GET http://a/ HTTP/1.1\r\n\r\n"), 400);
  EXPECT_EQ(Outcome("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"), 400);
  EXPECT_EQ(Outcome("GET / HTTP/1.1\r\nHost: a b\r\n\r\n"), 400);
  EXPECT_EQ(Outcome("GET / HTTP/1.0\r\n\r\n"), 0);
  EXPECT_EQ(Outcome("GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n"), 400);
}

TEST(HttpParserTest, RefusesDoubtfulLengths) {
  for (const std::string_view lines :
       {"Content-Length: 1\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nContent-Length: 1", "Content-Length: 1\r\nContent-Length: 2",
        "Content-Length: 1\r\ncontent-length: 1", "Content-Length: 1, 1", "Content-Length:",
        "Content-Length: -1", "Content-Length: +1", "Content-Length: 0x1", "Content-Length: 1 1",
        "Content-Length: 1.0", "Content_Length: 1\r\nContent-Length: \xC2\xB9"}) {
    EXPECT_EQ(OutcomeOfHeader(lines), 400) << lines;
  }
  for (const std::string_view lines :
       {"Transfer-Encoding: gzip", "Transfer-Encoding: gzip, chunked",
        "Transfer-Encoding:", "Transfer-Encoding: chunked, chunked", "Transfer-Encoding: identity",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", "Transfer-Encoding: xchunked",
        "Transfer-Encoding: chunked;a", "Transfer-Encoding: \"chunked\""}) {
    EXPECT_EQ(OutcomeOfHeader(lines), 501) << lines;
  }
  EXPECT_EQ(Outcome("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"), 400);
}

TEST(HttpParserTest, RefusesMalformedChunks) {
  for (const std::string_view chunks :
       {"\r\n", "x\r\n", "-1\r\n", "0x1\r\na\r\n", "1 \r\na\r\n", " 1\r\na\r\n", "1\r\nabcd",
        "1\r\na\r\r\n", "1;\x01\r\na\r\n", "0\r\nno trailer\r\n\r\n", "0\r\n folded: a\r\n\r\n"}) {
    EXPECT_EQ(OutcomeOfChunks(chunks), 400) << chunks;
  }
}

TEST(HttpParserTest, RefusesUnknownExpectations) {
  EXPECT_EQ(OutcomeOfHeader("Expect: 200-ok"), 417);
  EXPECT_EQ(OutcomeOfHeader("Expect: 100-continue\r\nExpect: 100-continue"), 417);
  EXPECT_EQ(Outcome("POST / HTTP/1.0\r\nExpect: 200-ok\r\n\r\n"), 0);
}

TEST(HttpParserTest, HoldsTheHeadToItsLimit) {
  const std::string long_target(300, 'a');
  EXPECT_EQ(Outcome("GET /" + long_target, kSmall), 414);
  EXPECT_EQ(Outcome("GET / HTTP/1.1\r\nHost: a\r\nA: " + long_target, kSmall), 431);
  std::string many = "GET / HTTP/1.1\r\nHost: a\r\n";
  for (int i = 0; i < 20; ++i) many += "A: 1234567\r\n";
  EXPECT_EQ(Outcome(many, kSmall), 431);
  EXPECT_EQ(Outcome(std::string(300, '\r'), kSmall), 414);
  std::string empty_lines;
  for (int i = 0; i < 150; ++i) empty_lines += "\r\n";
  EXPECT_EQ(Outcome(empty_lines, kSmall), 414);

  std::string fits = "GET / HTTP/1.1\r\nHost: a\r\nA: ";
  fits += std::string(kSmall.max_header_bytes - fits.size() - 4, 'a') + "\r\n\r\n";
  EXPECT_EQ(fits.size(), kSmall.max_header_bytes);
  EXPECT_EQ(Outcome(fits, kSmall), 0);
  fits.insert(fits.size() - 4, "a");
  EXPECT_EQ(Outcome(fits, kSmall), 431);
}

TEST(HttpParserTest, HoldsTheNumberOfHeadersToALimit) {
  std::string head = "GET / HTTP/1.1\r\nHost: a\r\n";
  for (int i = 0; i < 200; ++i) head += "A:\r\n";
  EXPECT_EQ(Outcome(head + "\r\n"), 431);
}

TEST(HttpParserTest, HoldsTheBodyToItsLimit) {
  const auto with_length = [](std::string_view length) {
    return Outcome("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::string(length) +
                       "\r\n\r\n12345678901234567890",
                   kSmall);
  };
  EXPECT_EQ(with_length("20"), 0);
  EXPECT_EQ(with_length("0000000000000000000000000000000000000020"), 0);
  EXPECT_EQ(with_length("21"), 413);
  EXPECT_EQ(with_length("99999999999999999999999999"), 413);
  EXPECT_EQ(OutcomeOfChunks("a\r\n1234567890\r\na\r\n1234567890\r\n0\r\n\r\n", kSmall), 0);
  EXPECT_EQ(OutcomeOfChunks("a\r\n1234567890\r\nb\r\n", kSmall), 413);
  EXPECT_EQ(OutcomeOfChunks("ffffffffffffffff\r\n", kSmall), 413);
  EXPECT_EQ(OutcomeOfChunks("fffffffffffffffff\r\n", kSmall), 413);
}

TEST(HttpParserTest, HoldsWhatStandsBetweenChunksToALimit) {
  const std::string extension = ";" + std::string(60, 'a');
  std::string chunks;
  for (int i = 0; i < 10; ++i) chunks += "1" + extension + "\r\na\r\n";
  EXPECT_EQ(OutcomeOfChunks(chunks, kSmall), 400);
  EXPECT_EQ(OutcomeOfChunks("1;" + std::string(1000, 'a')), 400);
  std::string trailers = "0\r\n";
  for (int i = 0; i < 30; ++i) trailers += "A: 1234567\r\n";
  EXPECT_EQ(OutcomeOfChunks(trailers, kSmall), 431);
}

TEST(HttpParserTest, ReadsNothingAfterARefusal) {
  HttpParser parser({});
  parser.Feed("GET / HTTP/3.0\r\n");
  EXPECT_EQ(parser.Feed("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), 0U);
  EXPECT_EQ(parser.fault().status, 505);
}

}  // namespace
}  // namespace kinglet
