// SPDX-License-Identifier: Apache-2.0
// Small data in a folder of its own; no model is asked.
#include "claims/mixed_work.h"

#include <algorithm>
#include <filesystem>
#include <set>

#include <gtest/gtest.h>

#include "base/file.h"

namespace kinglet {
namespace {

class MixedWorkTest : public testing::Test {
 protected:
  MixedWorkTest() : folder_(testing::TempDir() + "kinglet_mixed_work_test") {
    std::filesystem::create_directories(folder_);
    setup_.work = folder_;
    setup_.limit = 12;
    setup_.files = {{Part::kData, folder_ / "data.json"}, {Part::kIntents, folder_ / "intents"}};
    EXPECT_TRUE(WriteFileAtomic(setup_.file(Part::kData), ToJson(Squad())));
    std::string lines;
    for (int i = 0; i < 40; ++i) {
      lines += ToJson(json::object{{"text", fmt::format("please play song number {} for me", i)},
                                   {"intent", i % 2 == 0 ? "music" : "radio"}}) +
               "\n";
    }
    EXPECT_TRUE(WriteFileAtomic(setup_.file(Part::kIntents), lines));
  }
  ~MixedWorkTest() override { std::filesystem::remove_all(folder_); }

  // 4 articles of 6 paragraphs, each with two questions that it answers and one that it does not.
  static json::object Squad() {
    json::array articles;
    for (int article = 0; article < 4; ++article) {
      json::array paragraphs;
      for (int i = 0; i < 6; ++i) {
        const std::string name = fmt::format("{}-{}", article, i);
        json::array questions;
        for (int q = 0; q < 3; ++q) {
          json::array answers;
          if (q < 2) answers.push_back(json::object{{"text", "river " + name}});
          questions.push_back(json::object{
              {"id", fmt::format("{}-{}", name, q)},
              {"question", fmt::format("What is the name of the river of town {} {}?", name, q)},
              {"answers", answers}});
        }
        paragraphs.push_back(
            json::object{{"context", fmt::format("The town {} lies on the river {}.", name, name)},
                         {"qas", questions}});
      }
      articles.push_back(
          json::object{{"title", fmt::format("T{}", article)}, {"paragraphs", paragraphs}});
    }
    return {{"data", articles}};
  }

  std::filesystem::path folder_;
  ClaimSetup setup_;
};

TEST_F(MixedWorkTest, HasAsManyOfEachKindAndRoutesThem) {
  const auto work = MakeMixedWork(setup_, ReadClaimData(setup_).value());
  ASSERT_TRUE(work) << work.error().message();
  EXPECT_EQ(work->questions.questions.size(), 12U);
  EXPECT_EQ(work->forms.size(), 4U);
  ASSERT_EQ(work->messages.size(), 12U);
  std::set<std::string> articles;
  for (const Form& form : work->forms) articles.insert(form.group);
  EXPECT_EQ(articles.size(), 4U) << "from all over the data";
  for (std::size_t i = 0; i < work->messages.size(); ++i) {
    const WorkMessage& message = work->messages[i];
    EXPECT_EQ(message.kind, static_cast<MessageKind>(i / 4));
    EXPECT_EQ(message.route, message.kind) << message.text;
  }
  // 72 questions less those drawn, 24 forms less those that are messages, four fifths of the lines.
  EXPECT_EQ(work->examples, 60U + 20 + 32);
}

TEST_F(MixedWorkTest, NamesAFileThatIsWrong) {
  ASSERT_TRUE(WriteFileAtomic(setup_.file(Part::kIntents), "my diary"));
  const auto work = MakeMixedWork(setup_, ReadClaimData(setup_).value());
  ASSERT_FALSE(work);
  EXPECT_NE(work.error().message().find("intents: line 1"), std::string::npos)
      << work.error().message();
  ASSERT_TRUE(WriteFileAtomic(setup_.file(Part::kData), "{"));
  EXPECT_FALSE(ReadClaimData(setup_));
}

}  // namespace
}  // namespace kinglet
