// SPDX-License-Identifier: Apache-2.0
#include "claims/setup.h"

#include <set>

#include <gtest/gtest.h>

#include "base/file.h"

namespace kinglet {
namespace {

TEST(ClaimSetup, KeepsWhatWasFoundForTheSameKey) {
  ClaimSetup setup;
  setup.work = testing::TempDir();
  int made = 0;
  const auto find = [&](int key) {
    const auto found = Kept(setup, "kept", {{"limit", key}},
                            [&]() -> Result<json::value> { return json::value(++made); });
    return found ? found->as_int64() : -1;
  };
  EXPECT_EQ(find(5), 1);
  EXPECT_EQ(find(5), 1);
  EXPECT_EQ(find(6), 2);
  ASSERT_TRUE(WriteFileAtomic(setup.work / "kept.json", "{\"key\": {\"lim"));
  EXPECT_EQ(find(6), 3);
}

TEST(ClaimSetup, KeepsNothingOfAFailure) {
  ClaimSetup setup;
  setup.work = testing::TempDir();
  const auto failed = Kept(setup, "failed", {}, []() -> Result<json::value> {
    return Error(StatusCode::kFailed, "no");
  });
  EXPECT_FALSE(failed);
  EXPECT_FALSE(std::filesystem::exists(setup.work / "failed.json"));
}

TEST(ClaimSetup, HasAFlagForEachPart) {
  std::set<std::string> flags;
  for (const PartFlag& flag : PartFlags()) {
    EXPECT_EQ(FlagOf(flag.part).flag, flag.flag);
    flags.insert(flag.flag);
  }
  EXPECT_EQ(flags.size(), PartFlags().size());
}

}  // namespace
}  // namespace kinglet
