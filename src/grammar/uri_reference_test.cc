// SPDX-License-Identifier: Apache-2.0
#include "grammar/uri_reference.h"

#include <array>
#include <utility>

#include <gtest/gtest.h>

namespace kinglet::validation {
namespace {

// Of RFC 3986, 5.4.
TEST(UriReferenceTest, ResolvesTheExamplesOfTheRfc) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 30> kExamples = {{
      {"g:h", "g:h"},
      {"g", "http://a/b/c/g"},
      {"./g", "http://a/b/c/g"},
      {"g/", "http://a/b/c/g/"},
      {"/g", "http://a/g"},
      {"//g", "http://g"},
      {"?y", "http://a/b/c/d;p?y"},
      {"g?y", "http://a/b/c/g?y"},
      {"#s", "http://a/b/c/d;p?q#s"},
      {"g#s", "http://a/b/c/g#s"},
      {"g?y#s", "http://a/b/c/g?y#s"},
      {";x", "http://a/b/c/;x"},
      {"g;x?y#s", "http://a/b/c/g;x?y#s"},
      {"", "http://a/b/c/d;p?q"},
      {".", "http://a/b/c/"},
      {"./", "http://a/b/c/"},
      {"..", "http://a/b/"},
      {"../", "http://a/b/"},
      {"../g", "http://a/b/g"},
      {"../..", "http://a/"},
      {"../../g", "http://a/g"},
      {"../../../g", "http://a/g"},
      {"/./g", "http://a/g"},
      {"/../g", "http://a/g"},
      {"g.", "http://a/b/c/g."},
      {"..g", "http://a/b/c/..g"},
      {"./../g", "http://a/b/g"},
      {"g/../h", "http://a/b/c/h"},
      {"g;x=1/../y", "http://a/b/c/y"},
      {"g?y/../x", "http://a/b/c/g?y/../x"},
  }};
  for (const auto& [reference, uri] : kExamples) {
    EXPECT_EQ(ResolveUri("http://a/b/c/d;p?q", reference), uri) << reference;
  }
}

TEST(UriReferenceTest, ResolvesAgainstWhatIsNoAddress) {
  EXPECT_EQ(ResolveUri("", "a/b.json#c"), "a/b.json#c");
  EXPECT_EQ(ResolveUri("a/b.json", "c.json"), "a/c.json");
  EXPECT_EQ(ResolveUri("a", "../b"), "b");
  EXPECT_EQ(ResolveUri("http://a", "b"), "http://a/b");
  EXPECT_EQ(ResolveUri("urn:example:a", "#b"), "urn:example:a#b");
  EXPECT_EQ(ResolveUri("http://a/b#c", "#d:e"), "http://a/b#d:e");
}

TEST(UriReferenceTest, DecodesPercents) {
  EXPECT_EQ(DecodePercent("a%25b%C3%a9"), "a%bé");
  EXPECT_EQ(DecodePercent("%4 %zz%4"), "%4 %zz%4");
}

}  // namespace
}  // namespace kinglet::validation
