// SPDX-License-Identifier: Apache-2.0
#include "knowledge/archive_name.h"

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

namespace kinglet {
namespace {

namespace fs = std::filesystem;

TEST(ArchiveName, TellsArchivesByTheirSuffix) {
  EXPECT_EQ(ArchiveKindOf("/a/b.zip"), ArchiveKind::kZip);
  EXPECT_EQ(ArchiveKindOf("B.ZIP"), ArchiveKind::kZip);
  for (const char* name : {"a.tar", "a.tar.gz", "a.TGZ", "a.tar.bz2", "a.tbz2", "a.tar.xz", "a.txz",
                           "a.tar.zst", "a.tzst"}) {
    EXPECT_EQ(ArchiveKindOf(name), ArchiveKind::kTar) << name;
  }
  for (const char* name : {"a.docx", "a.epub", "a.gz", "zip", ".zip", "a.zip/b", "a.zip.txt"}) {
    EXPECT_EQ(ArchiveKindOf(name), std::nullopt) << name;
  }
}

TEST(ArchiveName, KeepsMembersInTheirArchive) {
  EXPECT_EQ(MemberPath("a/b.md").value(), "a/b.md");
  EXPECT_EQ(MemberPath("./a//b/./c.md").value(), "a/b/c.md");
  EXPECT_EQ(MemberPath("a/..b/c..").value(), "a/..b/c..");
  EXPECT_EQ(MemberPath("Hühner!/1.md").value(), "Hühner!/1.md");
  using std::string_view_literals::operator""sv;
  for (const auto& [name, why] : {std::pair{"../a"sv, "leads out of"},
                                  {"a/../../b"sv, "leads out"},
                                  {"a/.."sv, "leads out of the archive"},
                                  {"/etc/a"sv, "absolute"},
                                  {"a\0b"sv, "a zero byte"},
                                  {"\xFF.md"sv, "is not UTF-8"},
                                  {""sv, "is not UTF-8"},
                                  {"./"sv, "is that of a folder"}}) {
    const Result<std::string> path = MemberPath(name);
    ASSERT_FALSE(path) << name;
    EXPECT_NE(path.error().message().find(why), std::string::npos) << path.error().message();
  }
  EXPECT_TRUE(MemberPath(std::string(1024, 'a')));
  EXPECT_EQ(MemberPath(std::string(1025, 'a')).error().message(), "its name has over 1024 bytes");
}

TEST(ArchiveName, AMemberIsThereAsLongAsItsArchive) {
  const fs::path folder = fs::path(testing::TempDir()) / "archive_name_test";
  fs::remove_all(folder);
  fs::create_directories(folder / "really!");
  for (const char* name : {"x.zip", "y.txt", "really!/z.md"}) std::ofstream(folder / name) << "x";
  const auto is_gone = [&](const std::string& name) { return IsFileGone(folder / name); };
  EXPECT_FALSE(is_gone("x.zip"));
  EXPECT_FALSE(is_gone(MemberUri("x.zip", "a.md")));
  EXPECT_FALSE(is_gone("x.zip!/y.zip!/a.md"));
  EXPECT_FALSE(is_gone("x.zip!/" + std::string(4096, 'a')));
  EXPECT_FALSE(is_gone("really!/z.md"));
  EXPECT_TRUE(is_gone("really!/y.md"));
  EXPECT_TRUE(is_gone("y.txt!/a.md"));
  EXPECT_TRUE(is_gone("gone.zip!/a.md"));
  EXPECT_TRUE(is_gone("gone.zip!/" + std::string(4096, 'a')));
  fs::remove_all(folder);
}

}  // namespace
}  // namespace kinglet
