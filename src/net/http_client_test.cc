// SPDX-License-Identifier: Apache-2.0
// Which URLs may be fetched. Transfers themselves are tested with a server, in tests/cli.
#include "net/http_client.h"

#include <gtest/gtest.h>

namespace kinglet {
namespace {

TEST(HttpClientTest, FetchesHttpsAndServersOfThisMachine) {
  for (const char* url : {"https://example.org/a.gguf", "http://127.0.0.1:8080/a",
                          "http://[::1]:8080/a", "http://localhost/a", "HTTPS://example.org/a"}) {
    EXPECT_TRUE(CheckUrl(url)) << url;
  }
}

TEST(HttpClientTest, RefusesEverythingElse) {
  for (const char* url :
       {"", "a.gguf", "http://example.org/a", "http://127.0.0.1.example.org/a",
        "file:///etc/passwd", "ftp://example.org/a", "http://localhost@example.org/a",
        "http://127.0.0.2/a", "gopher://localhost/a", "https://", "http://local\nhost/"}) {
    EXPECT_FALSE(CheckUrl(url)) << url;
  }
}

TEST(HttpClientTest, NamesTheHost) {
  EXPECT_EQ(HostOf("https://user:secret@example.org:444/a?b#c"), "example.org");
  EXPECT_EQ(HostOf("no url"), "");
}

TEST(HttpClientTest, SaysThatNobodyListens) {
  // Port 9 (discard) of this machine: refused at once.
  const auto reply = HttpGet({.url = "http://127.0.0.1:9/a"}, {});
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().message(), "127.0.0.1: no connection");
}

}  // namespace
}  // namespace kinglet
