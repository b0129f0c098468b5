// SPDX-License-Identifier: Apache-2.0
// Partial files: what is kept is hashed with what comes, and no other source's bytes are taken
// over.
#include "catalog/partial_file.h"

#include <gtest/gtest.h>

#include "base/file.h"

namespace kinglet {
namespace {

class PartialFileTest : public testing::Test {
 protected:
  PartialFileTest() : folder_(testing::TempDir() + "kinglet_partial_test") {
    std::filesystem::remove_all(folder_);
  }
  ~PartialFileTest() override { std::filesystem::remove_all(folder_); }

  std::filesystem::path folder_;
};

Result<void> Ignore(std::uint64_t) { return {}; }

TEST_F(PartialFileTest, GoesOnWhereItEnded) {
  {
    PartialFile file = PartialFile::Open(folder_ / "m", "s").value();
    ASSERT_TRUE(file.KeepFirst(0, Ignore));
    ASSERT_TRUE(file.Remember("\"e\"", 0));
    ASSERT_TRUE(file.Append("hello "));
  }
  PartialFile file = PartialFile::Open(folder_ / "m", "s").value();
  EXPECT_EQ(file.origin().bytes, 6U);
  EXPECT_EQ(file.origin().etag, "\"e\"");
  ASSERT_TRUE(file.KeepFirst(6, Ignore));
  ASSERT_TRUE(file.Append("world"));
  EXPECT_EQ(file.Sha256Hex(), Sha256::HexOf("hello world"));
  ASSERT_TRUE(file.Commit());
  EXPECT_EQ(ReadFile(folder_ / "m", 100).value(), "hello world");
  EXPECT_FALSE(std::filesystem::exists(folder_ / "m.partial"));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "m.partial.json"));
}

TEST_F(PartialFileTest, TakesNothingFromAnotherSource) {
  {
    PartialFile file = PartialFile::Open(folder_ / "m", "s").value();
    ASSERT_TRUE(file.Append("hello"));
    ASSERT_TRUE(file.Remember("", 0));
  }
  EXPECT_EQ(PartialFile::Open(folder_ / "m", "t").value().origin().bytes, 0U);
  ASSERT_TRUE(WriteFileAtomic(folder_ / "m.partial.json", "{broken"));
  EXPECT_EQ(PartialFile::Open(folder_ / "m", "s").value().origin().bytes, 0U);
}

TEST_F(PartialFileTest, CountsWholeWheelsAlone) {
  {
    PartialFile file = PartialFile::Open(folder_ / "m", "s").value();
    ASSERT_TRUE(file.Append("whole"));
    ASSERT_TRUE(file.Remember("", 1));
    ASSERT_TRUE(file.Append("half"));
  }
  PartialFile file = PartialFile::Open(folder_ / "m", "s").value();
  EXPECT_EQ(file.bytes(), 9U);
  EXPECT_EQ(file.origin().wheels, 1U);
  EXPECT_EQ(file.origin().bytes, 5U);
  ASSERT_TRUE(file.KeepFirst(5, Ignore));
  EXPECT_EQ(file.Sha256Hex(), Sha256::HexOf("whole"));
}

TEST_F(PartialFileTest, SaysThatTheDiskIsTooSmall) {
  const PartialFile file = PartialFile::Open(folder_ / "m", "s").value();
  EXPECT_TRUE(file.MakeRoom(0));
  const auto room = file.MakeRoom(std::uint64_t{1} << 60);
  ASSERT_FALSE(room);
  EXPECT_EQ(room.error().code(), StatusCode::kLimitExceeded);
}

TEST_F(PartialFileTest, FollowsNoLink) {
  std::filesystem::create_directories(folder_);
  ASSERT_TRUE(WriteFileAtomic(folder_ / "precious", "x"));
  std::filesystem::create_symlink(folder_ / "precious", folder_ / "m.partial");
  EXPECT_FALSE(PartialFile::Open(folder_ / "m", "s"));
}

}  // namespace
}  // namespace kinglet
