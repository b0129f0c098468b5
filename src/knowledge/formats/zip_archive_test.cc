// SPDX-License-Identifier: Apache-2.0
#include "knowledge/formats/zip_archive.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "knowledge/zip_writer_for_test.h"

namespace kinglet {
namespace {

TEST(ZipArchive, LoadsTheMembersThatAreAskedFor) {
  const std::string bytes = WriteZip({{"a.xml", "one"}, {"é/ü.xml", "two"}, {"c", ""}});
  ZipArchive archive = ZipArchive::Open(bytes).value();
  EXPECT_TRUE(archive.Has("a.xml"));
  EXPECT_FALSE(archive.Has("b.xml"));
  EXPECT_EQ(archive.Find("a.xml"), nullptr);
  const std::vector<std::string> names = {"a.xml", "c", "missing"};
  ASSERT_TRUE(archive.Load(names));
  EXPECT_EQ(*archive.Find("a.xml"), "one");
  EXPECT_EQ(*archive.Find("c"), "");
  EXPECT_EQ(archive.Find("missing"), nullptr);
  EXPECT_EQ(archive.Require("é/ü.xml").value(), "two");
  EXPECT_EQ(archive.Require("missing").error().message(),
            "its zip archive has no member \"missing\"");
}

TEST(ZipArchive, RefusesWhatIsNoZip) {
  for (const std::string_view bytes : {"", "PK\x03\x04", "PK\x03\x04 and more", "text"}) {
    const auto archive = ZipArchive::Open(bytes);
    ASSERT_FALSE(archive) << bytes;
    EXPECT_EQ(archive.error().code(), StatusCode::kInvalidInput);
  }
}

TEST(ZipArchive, SaysThatAMemberIsEncrypted) {
  const std::string bytes = WriteZip({{"a.xml", "secret"}}, "password");
  ZipArchive archive = ZipArchive::Open(bytes).value();
  const auto content = archive.Require("a.xml");
  ASSERT_FALSE(content);
  EXPECT_EQ(content.error().message(), "it is encrypted: save it without a password");
}

TEST(ZipArchive, StopsAtABomb) {
  const std::string zeros(100'000, '\0');
  const std::string bytes = WriteZip({{"a", zeros}, {"b", zeros}, {"c", "x"}});
  EXPECT_LT(bytes.size(), 2000U);
  const auto load = [&](const ZipLimits& limits) -> Result<void> {
    ZipArchive archive = TRY(ZipArchive::Open(bytes, limits));
    return archive.Load(std::vector<std::string>{"a", "b", "c"});
  };
  EXPECT_TRUE(load({}));
  EXPECT_TRUE(load({.members = 3, .member_bytes = 100'000, .total_bytes = 200'001}));
  for (const ZipLimits& limits : {ZipLimits{.members = 2}, ZipLimits{.member_bytes = 99'999},
                                  ZipLimits{.total_bytes = 200'000}}) {
    const auto result = load(limits);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code(), StatusCode::kLimitExceeded);
  }
}

TEST(ZipArchive, LeavesABombPackedThatNobodyAsksFor) {
  const std::string bytes = WriteZip({{"bomb", std::string(100'000, '\0')}, {"a", "x"}});
  ZipArchive archive = ZipArchive::Open(bytes, {.total_bytes = 10}).value();
  EXPECT_EQ(archive.Require("a").value(), "x");
}

TEST(ZipArchive, SeesThatAMemberWasChanged) {
  const std::string content = "the content of the member";
  std::string bytes = WriteZip({{"a", content}});
  ASSERT_EQ(ZipArchive::Open(bytes).value().Require("a").value(), content);
  const std::size_t after = std::min(bytes.find("PK\x07\x08"), bytes.find("PK\x01\x02"));
  bytes[after - content.size() / 2] ^= 1;
  ZipArchive archive = ZipArchive::Open(bytes).value();
  const auto changed = archive.Require("a");
  ASSERT_FALSE(changed);
  EXPECT_TRUE(changed.error().message().starts_with("its member \"a\" cannot be unpacked"))
      << changed.error().message();
}

TEST(ResolveMember, StaysInTheArchive) {
  EXPECT_EQ(ResolveMember("ppt/slides/slide1.xml", "../notes/n1.xml"), "ppt/notes/n1.xml");
  EXPECT_EQ(ResolveMember("ppt/slides/slide1.xml", "/word/a.xml"), "word/a.xml");
  EXPECT_EQ(ResolveMember("", "word/./a.xml#part"), "word/a.xml");
  EXPECT_EQ(ResolveMember("OEBPS/content.opf", "chap%20%C3%A9.xhtml"), "OEBPS/chap é.xhtml");
  EXPECT_EQ(ResolveMember("a.xml", "100%.xml"), "100%.xml");
  EXPECT_EQ(ResolveMember("a/b.xml", "../../etc/passwd"), std::nullopt);
  EXPECT_EQ(ResolveMember("a/b.xml", "%2e%2e/%2E%2E/x"), std::nullopt);
  EXPECT_EQ(ResolveMember("a/b.xml", "#only"), std::nullopt);
  EXPECT_EQ(ResolveMember("a/b.xml", ""), std::nullopt);
}

}  // namespace
}  // namespace kinglet
