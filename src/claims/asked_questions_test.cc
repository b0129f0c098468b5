// SPDX-License-Identifier: Apache-2.0
// What is searched and kept; no model is asked.
#include "claims/asked_questions.h"

#include <filesystem>

#include <gtest/gtest.h>

#include "base/file.h"
#include "eval/passage_library.h"

namespace kinglet {
namespace {

class AskedQuestionsTest : public testing::Test {
 protected:
  AskedQuestionsTest() {
    setup_.work = testing::TempDir() + "kinglet_asked_questions_test";
    std::filesystem::remove_all(setup_.work);
    std::filesystem::create_directories(setup_.work);
    setup_.files = {{Part::kData, setup_.work / "data.jsonl"}};
  }
  ~AskedQuestionsTest() override { std::filesystem::remove_all(setup_.work); }

  void Write(std::string_view answers) {
    const std::string line = fmt::format(
        R"({{"id": "1", "question": "Who lays eggs?", "passages": ["Hens lay eggs."], "answers": {}}})",
        answers);
    ASSERT_TRUE(WriteFileAtomic(setup_.file(Part::kData), line + "\n"));
  }

  ClaimSetup setup_;
};

TEST_F(AskedQuestionsTest, NeedsAQuestionWithAnAnswer) {
  Write("[]");
  const auto none = ReadClaimData(setup_);
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code(), StatusCode::kInvalidInput);
  EXPECT_NE(none.error().message().find("none of its questions"), std::string::npos)
      << none.error().message();
  Write(R"(["hens"])");
  EXPECT_TRUE(ReadClaimData(setup_));
}

TEST_F(AskedQuestionsTest, SearchesOnceAndLeavesOtherFoldersAlone) {
  Write(R"(["hens"])");
  const std::filesystem::path theirs = setup_.work / "library";
  std::filesystem::create_directories(theirs);
  const std::vector<PassageQuestion> data = ReadClaimData(setup_).value();
  int fills = 0;
  const auto find = [&](const std::string& digest, std::vector<PassageQuestion>& questions) {
    const ClaimLibrary library{.digest = digest, .fill = [&](Library& into) {
                                 ++fills;
                                 return PutPassages(into, data);
                               }};
    const auto found = FindPassages(setup_, "some", library, questions);
    EXPECT_TRUE(found) << found.error().message();
  };
  std::vector<PassageQuestion> first = data;
  std::vector<PassageQuestion> again = data;
  std::vector<PassageQuestion> other = data;
  find("one", first);
  find("one", again);
  EXPECT_EQ(fills, 1);
  find("other", other);
  EXPECT_EQ(fills, 2);
  for (const auto& questions : {first, again}) {
    ASSERT_EQ(questions[0].passages->size(), 1U);
    EXPECT_EQ(questions[0].passages->front().text, "Hens lay eggs.");
    EXPECT_EQ(questions[0].gold_retrieved, true);
  }
  EXPECT_TRUE(std::filesystem::exists(theirs));
  for (const auto& entry : std::filesystem::directory_iterator(setup_.work)) {
    EXPECT_FALSE(entry.path().filename().string().starts_with(".claims")) << entry.path();
  }
}

}  // namespace
}  // namespace kinglet
