// SPDX-License-Identifier: Apache-2.0
// Runs that are stopped and go on, files of other runs, and scores that others compare with.
#include "eval/grounding_file.h"

#include <algorithm>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "base/file.h"

namespace kinglet {
namespace {

class GroundingFileTest : public testing::Test {
 protected:
  GroundingFileTest() : path_(testing::TempDir() + "kinglet_grounding_file_test") {
    std::filesystem::remove(path_);
    for (const char* id : {"a", "b", "c"}) {
      questions_.push_back({.id = id, .group = "g", .answers = {"Paris"}});
    }
    for (const PassageQuestion& question : questions_) {
      GroundingOutcome outcome{.question = &question, .coverage = 0.3, .quote = "It is Paris."};
      outcome.reading = {.text = "Paris",
                         .signals = {.gate = 1.0 / 3, .span = -4},
                         .state = {1.0F / 3, -0.0F, 1e-30F}};
      outcome.score = {.exact = 1, .f1 = 1};
      outcome.plain = {.text = "in Paris", .score = {.exact = 0, .f1 = 2.0 / 3}};
      outcome.cost = {.machine_ms = 1234.5, .joules = 55.5, .computed_tokens = 300};
      outcomes_.push_back(outcome);
    }
  }
  ~GroundingFileTest() override { std::filesystem::remove(path_); }

  std::string Text() { return ReadFile(path_, 1 << 20).value(); }

  Result<OutcomeFile> Resume() {
    done_.clear();
    return OutcomeFile::Resume(path_, run_, questions_, done_);
  }

  std::string path_;
  GroundingRun run_{.model = "m", .data = "d", .passages = "given", .asks_plainly = true};
  std::vector<PassageQuestion> questions_;
  std::vector<GroundingOutcome> outcomes_;
  std::vector<GroundingOutcome> done_;
};

TEST_F(GroundingFileTest, RefusesACountThatIsNone) {
  ASSERT_TRUE(OutcomeFile::Begin(path_, run_)->Append(outcomes_));
  std::string text = Text();
  const std::string count = "\"computed_tokens\":300";
  for (std::size_t at = 0; (at = text.find(count)) != std::string::npos;) {
    text.replace(at, count.size(), "\"computed_tokens\":1e300");
  }
  std::ofstream(path_) << text;
  const auto file = Resume();
  ASSERT_FALSE(file);
  EXPECT_EQ(file.error().code(), StatusCode::kInvalidInput);
}

TEST_F(GroundingFileTest, GoesOnBehindTheLastWholeLine) {
  ASSERT_TRUE(OutcomeFile::Begin(path_, run_)->Append(std::span(outcomes_).first(2)));
  const std::string whole = Text();
  std::ofstream(path_, std::ios::app) << "{\"id\": \"c\", \"spa";
  auto file = Resume();
  ASSERT_TRUE(file) << file.error().message();
  EXPECT_EQ(Text(), whole);
  ASSERT_EQ(done_.size(), 2U);
  const GroundingOutcome& first = done_.front();
  EXPECT_EQ(first.question, questions_.data());
  EXPECT_EQ(first.reading.text, "Paris");
  EXPECT_EQ(first.reading.signals.gate, 1.0 / 3);
  EXPECT_EQ(first.reading.signals.span, -4);
  EXPECT_EQ(first.reading.state, outcomes_[0].reading.state);
  EXPECT_EQ(first.coverage, 0.3);
  EXPECT_EQ(first.quote, "It is Paris.");
  EXPECT_EQ(first.score.exact, 1);
  ASSERT_TRUE(first.plain);
  EXPECT_EQ(first.plain->text, "in Paris");
  EXPECT_NEAR(first.plain->score.f1, 2.0 / 3, 1e-12);
  EXPECT_FALSE(first.closed_book);
  EXPECT_EQ(first.cost.machine_ms, 1234.5);
  EXPECT_EQ(first.cost.joules, 55.5);
  EXPECT_EQ(first.cost.computed_tokens, 300);
  ASSERT_TRUE(file->Append(std::span(outcomes_).last(1)));
  ASSERT_TRUE(Resume());
  EXPECT_EQ(done_.size(), 3U);
}

TEST_F(GroundingFileTest, BeginsWhereThereIsNothing) {
  ASSERT_TRUE(Resume());
  EXPECT_TRUE(done_.empty());
  const std::string begun = Text();
  EXPECT_EQ(std::ranges::count(begun, '\n'), 1);
  for (const std::size_t left : {std::size_t{0}, begun.size() - 1}) {
    std::filesystem::resize_file(path_, left);
    ASSERT_TRUE(Resume());
    EXPECT_EQ(Text(), begun);
  }
}

TEST_F(GroundingFileTest, RefusesWhatIsOfAnotherRun) {
  ASSERT_TRUE(OutcomeFile::Begin(path_, run_)->Append(outcomes_));
  const std::string before = Text();
  run_.passages = "retrieved";
  const auto other = Resume();
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code(), StatusCode::kInvalidInput);
  EXPECT_TRUE(other.error().message().ends_with(
      "line 1: \"passages\" is \"given\" there, \"retrieved\" in this run"))
      << other.error().message();
  run_.passages = "given";
  run_.asked = "a digest of other passages";
  EXPECT_FALSE(Resume());
  run_.asked.clear();
  questions_[1].id = "x";
  EXPECT_FALSE(Resume());
  EXPECT_EQ(Text(), before);
  ASSERT_TRUE(WriteFileAtomic(path_, "my diary"));
  EXPECT_FALSE(Resume());
  EXPECT_EQ(Text(), "my diary");
}

TEST_F(GroundingFileTest, GivesTheScoresOfARunThatWasFinished) {
  auto file = OutcomeFile::Begin(path_, run_);
  ASSERT_TRUE(file->Append(outcomes_));
  EXPECT_FALSE(ReadScores(path_, "d", questions_)) << "not finished";
  const std::vector<SystemScores> scores = {{"kinglet", {{1, 1}, {0, 0.5}, {0, 0}}},
                                            {"plain", {{0, 0}, {0, 0}, {1, 1}}}};
  ASSERT_TRUE(file->Finish(outcomes_, {{0.1, 0.2, 0.3}, {0.4, 0.5, 0.6}, {0.4, 0.5, 0.6}}, scores));
  const auto read = ReadScores(path_, "d", questions_);
  ASSERT_TRUE(read) << read.error().message();
  ASSERT_EQ(read->size(), 2U);
  EXPECT_EQ(read->at(0).system, "kinglet");
  EXPECT_EQ(read->at(0).scores[1].f1, 0.5);
  EXPECT_EQ(read->at(1).scores[2].exact, 1);
  EXPECT_FALSE(ReadScores(path_, "other", questions_));
  EXPECT_FALSE(ReadScores(path_, "d", std::span(questions_).first(2)));
  ASSERT_TRUE(Resume());
  EXPECT_EQ(done_.size(), 3U) << "what is finished is done";
  questions_.push_back({.id = "d"});
  EXPECT_FALSE(ReadScores(path_, "d", questions_));
}

}  // namespace
}  // namespace kinglet
