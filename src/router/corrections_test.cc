// SPDX-License-Identifier: Apache-2.0
#include "router/corrections.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"

namespace kinglet {
namespace {

using testing::HasSubstr;

constexpr std::string_view kFile = R"(examples = "more.jsonl"
default = "talk"
[out_of_scope]
examples = ["sing"]
[[intent]]
name = "bills"
examples = ["a", "b", "c", "d", "e"]
[[intent]]
name = "law"
examples = ["f", "g", "h", "i", "j"]
[[intent]]
name = "talk"
)";

std::vector<std::string> Shown(const std::vector<IntentLine>& lines) {
  std::vector<std::string> shown;
  for (const IntentLine& line : lines) shown.push_back(line.text + ":" + line.intent.value_or("-"));
  return shown;
}

TEST(Corrections, AreSortedByWhatIsKnown) {
  const auto intents = ParseIntents(kFile, "intents.toml");
  ASSERT_TRUE(intents) << intents.error().message();
  const Corrections sorted = SortCorrections({{"new", "bills"},
                                              {"a", "bills"},
                                              {"f", "bills"},
                                              {"sing", "law"},
                                              {"odd", "lore"},
                                              {"twice", "bills"},
                                              {"twice", "law"},
                                              {"none", ""},
                                              {"sing", "talk"},
                                              {"well", "talk"}},
                                             *intents);
  EXPECT_EQ(Shown(sorted.added),
            (std::vector<std::string>{"new:bills", "twice:law", "none:-", "well:-"}));
  EXPECT_EQ(sorted.known, 2U);  // "a", and "sing", of which the later correction counts
  ASSERT_EQ(sorted.left_out.size(), 2U);
  EXPECT_EQ(sorted.left_out[0].line.text, "f");
  EXPECT_EQ(sorted.left_out[0].why, "it is an example of \"law\"");
  EXPECT_EQ(sorted.left_out[1].line.text, "odd");
  EXPECT_EQ(sorted.left_out[1].why, "there is no such intent");
}

TEST(Corrections, OfWhatTheRouterSeesAsOneTextTheLaterCounts) {
  const auto intents = ParseIntents(kFile, "intents.toml");
  ASSERT_TRUE(intents) << intents.error().message();
  const Corrections sorted = SortCorrections(
      {{"Pay it", "bills"}, {"pay  IT?", "law"}, {"A!", "bills"}, {"F", "bills"}, {" ", "bills"}},
      *intents);
  EXPECT_EQ(Shown(sorted.added), (std::vector<std::string>{"pay  IT?:law"}));
  EXPECT_EQ(sorted.known, 1U);
  ASSERT_EQ(sorted.left_out.size(), 2U);
  EXPECT_EQ(sorted.left_out[0].why, "it is an example of \"law\"");
  EXPECT_EQ(sorted.left_out[1].why, "it is blank");
}

TEST(Corrections, OfADefaultThatHasExamplesAreItsOwn) {
  std::string file(kFile);
  file.replace(file.find("\"talk\""), 6, "\"law\"");
  file.erase(file.find("[[intent]]\nname = \"talk\""));
  const auto intents = ParseIntents(file, "intents.toml");
  ASSERT_TRUE(intents) << intents.error().message();
  EXPECT_EQ(Shown(SortCorrections({{"new", "law"}}, *intents).added),
            (std::vector<std::string>{"new:law"}));
}

class KeptCorrections : public testing::Test {
 protected:
  KeptCorrections()
      : folder_(std::filesystem::absolute(testing::TempDir()) / "corrections" /
                testing::UnitTest::GetInstance()->current_test_info()->name()) {
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
    Write("intents.toml", kFile);
    Write("more.jsonl", R"({"text": "k", "intent": "law"})");
  }
  ~KeptCorrections() override { std::filesystem::remove_all(folder_); }

  void Write(const char* name, std::string_view text) {
    ASSERT_TRUE(WriteFileAtomic(folder_ / name, text));
  }
  std::string More() const { return ReadFile(folder_ / "more.jsonl", 1 << 20).value(); }

  const std::filesystem::path folder_;
};

TEST_F(KeptCorrections, StandBehindTheExamples) {
  const Corrections corrections{.added = {{"new", "bills"}, {"none", std::nullopt}}};
  const auto kept = KeepCorrections(corrections, folder_ / "intents.toml");
  ASSERT_TRUE(kept) << kept.error().message();
  EXPECT_EQ(More(),
            "{\"text\": \"k\", \"intent\": \"law\"}\n"
            "{\"text\":\"new\",\"intent\":\"bills\"}\n{\"text\":\"none\",\"intent\":null}\n");
  const auto intents = ReadIntents(folder_ / "intents.toml");
  ASSERT_TRUE(intents);
  EXPECT_EQ(SortCorrections(corrections.added, *intents).known, 2U);
}

TEST_F(KeptCorrections, AreNotWrittenWhereTheyCannotBe) {
  const std::string before = More();
  EXPECT_THAT(
      KeepCorrections({.added = {{"a", "law"}}}, folder_ / "intents.toml").error().message(),
      HasSubstr("\"a\" is an example of law, and one of bills already"));
  EXPECT_EQ(More(), before);
  Write("intents.toml", kFile.substr(kFile.find('\n')));
  const auto kept = KeepCorrections({.added = {{"new", "law"}}}, folder_ / "intents.toml");
  ASSERT_FALSE(kept);
  EXPECT_EQ(kept.error().code(), StatusCode::kUsage);
  EXPECT_THAT(kept.error().message(), HasSubstr("examples = \"examples.jsonl\""));
}

}  // namespace
}  // namespace kinglet
