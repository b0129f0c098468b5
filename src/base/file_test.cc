// SPDX-License-Identifier: Apache-2.0
// Files: what is written is read, limits hold, nothing half-written stays.
#include "base/file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstring>

#include <gtest/gtest.h>
#include <sys/stat.h>

namespace kinglet {
namespace {

class FileTest : public testing::Test {
 protected:
  FileTest() : folder_(testing::TempDir() + "kinglet_file_test") {
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
  }
  ~FileTest() override { std::filesystem::remove_all(folder_); }

  std::filesystem::path folder_;
};

TEST_F(FileTest, ReadsBackWhatWasWritten) {
  const std::string content("a\0b\n", 4);
  ASSERT_TRUE(WriteFileAtomic(folder_ / "f", content));
  EXPECT_EQ(ReadFile(folder_ / "f", 4).value(), content);
  const MappedFile mapped = MappedFile::Open(folder_ / "f").value();
  EXPECT_EQ(mapped.bytes().size(), 4U);
  EXPECT_EQ(std::to_integer<char>(mapped.bytes()[2]), 'b');
}

TEST_F(FileTest, ReplacesWithoutLeavingTemporaries) {
  ASSERT_TRUE(WriteFileAtomic(folder_ / "f", "old"));
  ASSERT_TRUE(WriteFileAtomic(folder_ / "f", "new"));
  EXPECT_EQ(ReadFile(folder_ / "f", 10).value(), "new");
  const std::filesystem::directory_iterator entries(folder_);
  EXPECT_EQ(std::distance(begin(entries), end(entries)), 1);
}

TEST_F(FileTest, LeavesTheOldFileUntilTheNewOneIsWhole) {
  ASSERT_TRUE(WriteFileAtomic(folder_ / "f", "old"));
  {
    ReplacementFile given_up = ReplacementFile::Begin(folder_ / "f").value();
    ASSERT_TRUE(given_up.Append("half"));
  }
  ReplacementFile file = ReplacementFile::Begin(folder_ / "f").value();
  ASSERT_TRUE(file.Append("n"));
  ASSERT_TRUE(file.Append("ew"));
  EXPECT_EQ(ReadFile(folder_ / "f", 10).value(), "old");
  ASSERT_TRUE(file.Finish());
  EXPECT_EQ(ReadFile(folder_ / "f", 10).value(), "new");
  const std::filesystem::directory_iterator entries(folder_);
  EXPECT_EQ(std::distance(begin(entries), end(entries)), 1);
}

TEST_F(FileTest, ALinkStaysOneAndAFileKeepsWhoMayReadIt) {
  using std::filesystem::perms;
  ASSERT_TRUE(WriteFileAtomic(folder_ / "f", "old"));
  std::filesystem::permissions(folder_ / "f", perms::owner_read | perms::owner_write);
  std::filesystem::create_symlink("f", folder_ / "link");
  ASSERT_TRUE(WriteFileAtomic(folder_ / "link", "new"));
  EXPECT_TRUE(std::filesystem::is_symlink(folder_ / "link"));
  EXPECT_EQ(ReadFile(folder_ / "f", 10).value(), "new");
  EXPECT_EQ(std::filesystem::status(folder_ / "f").permissions(),
            perms::owner_read | perms::owner_write);
}

TEST_F(FileTest, APipeIsWrittenAsItIs) {
  const std::filesystem::path pipe = folder_ / "pipe";
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  const FileDescriptor reader(open(pipe.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  ASSERT_TRUE(WriteFileAtomic(pipe, "told"));
  EXPECT_TRUE(std::filesystem::is_fifo(pipe));
  std::string told(4, '\0');
  EXPECT_EQ(read(reader.get(), told.data(), told.size()), 4);
  EXPECT_EQ(told, "told");
}

TEST_F(FileTest, NamesTheTrouble) {
  EXPECT_EQ(ReadFile(folder_ / "none", 10).error().code(), StatusCode::kNotFound);
  EXPECT_EQ(MappedFile::Open(folder_ / "none").error().code(), StatusCode::kNotFound);
  EXPECT_EQ(MappedFile::Open(folder_).error().code(), StatusCode::kFailed);
  ASSERT_TRUE(WriteFileAtomic(folder_ / "f", "12345"));
  EXPECT_EQ(ReadFile(folder_ / "f", 4).error().code(), StatusCode::kLimitExceeded);
  EXPECT_FALSE(WriteFileAtomic(folder_ / "no" / "such", "x"));
}

TEST_F(FileTest, DoesNotWaitForTheWriterOfAPipe) {
  ASSERT_EQ(mkfifo((folder_ / "pipe").c_str(), 0600), 0);
  EXPECT_EQ(ReadFile(folder_ / "pipe", 10).error().code(), StatusCode::kFailed);
  EXPECT_EQ(MappedFile::Open(folder_ / "pipe").error().code(), StatusCode::kFailed);
}

TEST_F(FileTest, MapsAnEmptyFile) {
  ASSERT_TRUE(WriteFileAtomic(folder_ / "empty", ""));
  EXPECT_TRUE(MappedFile::Open(folder_ / "empty").value().bytes().empty());
}

TEST_F(FileTest, AnIdentityIsOneContentsOfOneFile) {
  ASSERT_TRUE(WriteFileAtomic(folder_ / "a", "1"));
  ASSERT_TRUE(WriteFileAtomic(folder_ / "b", "1"));
  const FileIdentity a = IdentityOf(folder_ / "a").value();
  EXPECT_EQ(a.size_bytes, 1U);
  EXPECT_EQ(MappedFile::Open(folder_ / "a")->identity(), a);
  EXPECT_NE(IdentityOf(folder_ / "b").value(), a);
  std::filesystem::last_write_time(folder_ / "a", std::filesystem::file_time_type());
  EXPECT_NE(IdentityOf(folder_ / "a").value(), a);
  EXPECT_EQ(IdentityOf(folder_ / "c").error().code(), StatusCode::kNotFound);
  EXPECT_EQ(IdentityOf(folder_).error().code(), StatusCode::kFailed);
}

TEST_F(FileTest, WritesAndReadsAtAPlace) {
  const FileDescriptor fd(open((folder_ / "f").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
  const std::string text = "abcdef";
  ASSERT_TRUE(WriteAt(fd, 3, std::as_bytes(std::span(text)), "f"));
  EXPECT_EQ(ReadFile(folder_ / "f", 9).value(), std::string(3, '\0') + text);
  std::byte read[6];
  ASSERT_TRUE(ReadAt(fd, 3, read, "f"));
  EXPECT_EQ(std::to_integer<char>(read[5]), 'f');
  EXPECT_EQ(ReadAt(fd, 4, read, "f").error().message(), "f: ends early");
}

TEST_F(FileTest, PagesGivenBackAreReadAgain) {
  const std::string content(std::size_t{1} << 20, 'x');
  ASSERT_TRUE(WriteFileAtomic(folder_ / "f", content));
  const MappedFile mapped = MappedFile::Open(folder_ / "f").value();
  const auto is_whole = [&] {
    return std::memcmp(mapped.bytes().data(), content.data(), content.size()) == 0;
  };
  EXPECT_TRUE(is_whole());
  mapped.GiveBack(mapped.bytes().subspan(5000, 100'000));
  mapped.GiveBack(mapped.bytes().first(10));
  mapped.GiveBack(mapped.bytes());
  EXPECT_TRUE(is_whole());
}

}  // namespace
}  // namespace kinglet
