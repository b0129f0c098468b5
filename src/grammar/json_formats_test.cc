// SPDX-License-Identifier: Apache-2.0
// A few of each format, and what lies next to them; the official suite has the rest.
#include "grammar/json_formats.h"

#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

namespace kinglet::validation {
namespace {

void Expect(std::string_view format, const std::vector<std::string>& valid,
            const std::vector<std::string>& invalid) {
  for (const std::string& text : valid) EXPECT_TRUE(HasFormat(text, format)) << text;
  for (const std::string& text : invalid) EXPECT_FALSE(HasFormat(text, format)) << text;
}

TEST(JsonFormatsTest, KnowsTimes) {
  Expect("date", {"2000-02-29", "2024-12-31"},
         {"1900-02-29", "2023-02-29", "2024-13-01", "2024-1-01", "2024-01-01Z", "2024-04-31", ""});
  Expect("time", {"00:00:00Z", "23:59:59.123z", "23:59:60Z", "01:29:60+01:30", "15:59:60-08:00"},
         {"24:00:00Z", "00:00:00", "00:00:00.Z", "12:00:60Z", "23:59:60+01:00", "00:00:00+24:00",
          "00:00:00+1:00", "00:60:00Z"});
  Expect("date-time", {"2024-02-29T12:00:00+00:00", "2024-02-29t12:00:00z"},
         {"2024-02-29 12:00:00Z", "2024-02-29", "2023-02-29T12:00:00Z", "2024-02-29T12:00:00"});
  Expect("duration", {"P1Y", "P1Y2M3DT4H5M6S", "PT36H", "P4W", "P2MT1S", "P0D"},
         {"P", "PT", "P1", "P1Y2D", "P1D2Y", "P1YT", "PT1H2S", "P1W1D", "1D", "P1.5D", "P1S",
          "P1DT1H1D", "PW"});
}

TEST(JsonFormatsTest, KnowsAddresses) {
  Expect("ipv4", {"0.0.0.0", "255.255.255.255"},
         {"256.0.0.1", "1.2.3", "1.2.3.4.", "01.2.3.4", "1.2.3.4.5", "1..2.3", ""});
  Expect("ipv6",
         {"::", "::1", "1::", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:1.2.3.4", "::1.2.3.4",
          "1:2:3:4:5:6:7::", "::2:3:4:5:6:7:8"},
         {"1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", ":::", "1::2::3", "1.2.3.4::", "::12345",
          "1:2:3:4:5:6:7::8", "::1%eth0", ":1::", "1:2:3:4:5:6:7:1.2.3.4", ""});
  Expect("hostname", {"a", "a-b.c1", "1.2", "xn--bcher-kva.de", std::string(63, 'a')},
         {"", ".", "a.", ".a", "-a", "a-", "a..b", "a_b", "bücher.de", "xn--bcher-kv", "xn--a-",
          std::string(64, 'a')});
  Expect("idn-hostname", {"bücher.de", "BÜCHER。DE", "xn--bcher-kva.de", "a"},
         {"", "a..b", "-ü", "a_b", "☃.de", "a" + std::string(2000, 'b')});
  Expect("email",
         {"a@b", "a.b+c@d.e", R"("a b"@c.d)", R"("\""@c.d)", "a@[1.2.3.4]", "a@[IPv6:::1]",
          std::string(65, 'a') + "@b"},
         {"a", "@b", "a@", ".a@b", "a..b@c", "a b@c", "a@b@c", R"("a@b)", "a@[1.2.3]", "ü@b", "a@ü",
          "\"a\nb\"@c", "a@[::1]"});
  Expect("idn-email", {"ü@b", "a@ü.de", R"("ü b"@c)"}, {"ü", "ü@-", "ü ä@b", "@ü"});
}

TEST(JsonFormatsTest, KnowsUris) {
  Expect("uri",
         {"a:", "http://a", "http://u:p@a.b:80/c;d?e=/?#f", "urn:a:b", "http://[::1]:8/",
          "http://[v1.a:b]", "a:/b", "a:b%41", "http://"},
         {"", "a", "/a", "//a", "1a:b", "a:b c", "a:%4", "http://a:b", "http://[::1",
          "http://[::1]a", "http://a@b@c", "a:[", "a:#b#c", "a:ü", "http://[v.a]"});
  Expect("url", {"http://a"}, {"a"});
  Expect("uri-reference", {"", "a", "../a?b#c", "//a", "?", "#", "./a:b"},
         {"1:b", "a b", "\\", "ü"});
  Expect("iri", {"http://ü/é?\xEE\x80\x80"}, {"ü", "http://ü/\xEE\x80\x80", "http://ü/ "});
  Expect("iri-reference", {"ü", "#ü"}, {"\\ü", "\xFF"});
}

TEST(JsonFormatsTest, KnowsTheRest) {
  Expect("uuid", {"01234567-89ab-CDEF-0123-456789abcdef"},
         {"01234567-89ab-CDEF-0123-456789abcde", "0123456789abCDEF0123456789abcdef",
          "g1234567-89ab-CDEF-0123-456789abcdef", "01234567-89ab-CDEF-0123-456789abcdef "});
  Expect("json-pointer", {"", "/", "/a~0~1//ü"}, {"a", "/~", "/~2", "#/a"});
  Expect("relative-json-pointer", {"0", "10#", "1/a"}, {"", "01", "0##", "-1", "0a", "0/~"});
  Expect("colour", {"", "red", "\xFF"}, {});
}

}  // namespace
}  // namespace kinglet::validation
