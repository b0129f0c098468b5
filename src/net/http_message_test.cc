// SPDX-License-Identifier: Apache-2.0
// Targets, names and weights, good and bad.
#include "net/http_message.h"

#include <gtest/gtest.h>

namespace kinglet {
namespace {

std::string PathOf(std::string_view target) {
  const auto parsed = ParseHttpTarget(target);
  return parsed ? parsed->path : "refused";
}

TEST(HttpTargetTest, DecodesThePathOnce) {
  EXPECT_EQ(PathOf("/"), "/");
  EXPECT_EQ(PathOf("/a%20b%2Fc+d"), "/a b/c+d");
  EXPECT_EQ(PathOf("/%2541"), "/%41");
  EXPECT_EQ(PathOf("/gr%C3%B6%c3%9fe"), "/größe");
  EXPECT_EQ(PathOf("/größe"), "/größe") << "curl does not escape";
}

TEST(HttpTargetTest, LeavesDotsToTheHandler) {
  EXPECT_EQ(PathOf("/../a/./%2e%2e/b"), "/../a/./../b");
  EXPECT_EQ(PathOf("//a"), "//a");
}

TEST(HttpTargetTest, TakesThePathOfAnAbsoluteForm) {
  EXPECT_EQ(PathOf("http://example.org/a?b"), "/a");
  EXPECT_EQ(PathOf("HTTPS://[::1]:8080"), "/");
  EXPECT_EQ(PathOf("http://example.org?b=/"), "/");
}

TEST(HttpTargetTest, RefusesWhatIsNoPath) {
  for (const std::string_view target :
       {"",          "a",        "*",           "example.org:80", "?a",
        "http:///a", "http://",  "http://a b/", "ftp://a/b",      "http://user@host/",
        "/a b",      "/a#b",     "/a\tb",       "/\x7F",          "/%",
        "/%4",       "/%zz",     "/%00",        "/%C3",           "/%C3%28",
        "/\xC3",     "/a?b=%00", "/a?%ff=b",    "/a?b=%f"}) {
    const auto parsed = ParseHttpTarget(target);
    ASSERT_FALSE(parsed) << target;
    EXPECT_EQ(parsed.error().status, 400);
  }
  EXPECT_FALSE(ParseHttpTarget(std::string_view("/\0", 2)));
}

TEST(HttpTargetTest, DecodesTheQueryInOrder) {
  const auto parsed = ParseHttpTarget("/a?q=a+b%26c&&flag&q=2&=x&y=1=2&z=?");
  ASSERT_TRUE(parsed);
  const HttpHeaders expected = {{"q", "a b&c"}, {"flag", ""}, {"q", "2"},
                                {"", "x"},      {"y", "1=2"}, {"z", "?"}};
  EXPECT_EQ(parsed->query, expected);
}

TEST(HttpRequestTest, FindsTheFirstOfAName) {
  const HttpRequest request{.query = {{"a", "1"}, {"a", "2"}},
                            .headers = {{"X-One", "1"}, {"x-one", "2"}}};
  EXPECT_EQ(request.Header("x-ONE"), "1");
  EXPECT_EQ(request.Header("x-two"), std::nullopt);
  EXPECT_EQ(request.Query("a"), "1");
  EXPECT_EQ(request.Query("A"), std::nullopt);
}

TEST(HttpGrammarTest, KnowsTokensValuesAndHosts) {
  EXPECT_TRUE(IsHttpToken("X-a_b.c~1"));
  for (const std::string_view text : {"", "a b", "a:", "a\t", "(a)", "\xC3\xA4", "a\r"}) {
    EXPECT_FALSE(IsHttpToken(text)) << text;
  }
  EXPECT_TRUE(IsHttpValue("a \t\xFF b"));
  for (const std::string_view text : {"a\rb", "a\nb", "\x7F", "\x01"}) {
    EXPECT_FALSE(IsHttpValue(text)) << text;
  }
  for (const std::string_view text : {"", "a.b:80", "[::1]:80", "a%20b"}) {
    EXPECT_TRUE(IsHttpHost(text)) << text;
  }
  for (const std::string_view text : {"a/b", "a@b", "a b", "a\"", "a?b"}) {
    EXPECT_FALSE(IsHttpHost(text)) << text;
  }
}

TEST(HttpGrammarTest, ReadsListsInSeveralLines) {
  const HttpHeaders headers = {{"Connection", "a , Keep-Alive"}, {"connection", "CLOSE"}};
  EXPECT_TRUE(ListsHttpName(headers, "Connection", "keep-alive"));
  EXPECT_TRUE(ListsHttpName(headers, "Connection", "close"));
  EXPECT_FALSE(ListsHttpName(headers, "Connection", "keep"));
}

TEST(AcceptsGzipTest, RespectsWeights) {
  const auto accepts = [](std::string_view value) {
    return AcceptsGzip({{"accept-encoding", std::string(value)}});
  };
  for (const std::string_view value :
       {"gzip", "deflate, GZIP", "x-gzip", "*", "gzip;q=0.001", "gzip; q=1.000", "br;q=1, *;q=0.5",
        "gzip;q=0.5, identity;q=0.5", "gzip ; Q=0.3", "identity;q=0, gzip;q=0.1"}) {
    EXPECT_TRUE(accepts(value)) << value;
  }
  for (const std::string_view value :
       {"", "deflate", "gzip;q=0", "gzip;q=0.000", "*;q=0", "gzip;q=0, *", "identity, gzip;q=0.5",
        "gzip;q=2", "gzip;q=1.001", "gzip;q=0.0001", "gzip;q=", "gzip;q=x", "gzip;q=-1",
        "gzipped"}) {
    EXPECT_FALSE(accepts(value)) << value;
  }
  EXPECT_FALSE(AcceptsGzip({}));
  EXPECT_TRUE(AcceptsGzip({{"Accept-Encoding", "br"}, {"Accept-Encoding", "gzip"}}));
}

}  // namespace
}  // namespace kinglet
