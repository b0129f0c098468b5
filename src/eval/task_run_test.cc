// SPDX-License-Identifier: Apache-2.0
// A run with a model from a script: what is asked of it, what is kept, what it comes to.
#include "eval/task_run.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "text/language_model_for_test.h"

namespace kinglet {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// A token a byte; a byte's likelihood is its number by -1/100. It says the last byte of a prompt.
class EchoModel : public SilentModel {
 public:
  int context_tokens() const override { return 20; }
  std::vector<TokenId> EncodeText(std::string_view text) const override {
    return {text.begin(), text.end()};
  }
  Result<std::vector<GenerationResult>> GenerateAll(std::span<const GenerationRequest> requests,
                                                    const BatchSink& on_event) override {
    std::vector<GenerationResult> results;
    for (const GenerationRequest& request : requests) {
      if (request.interrupted && request.interrupted()) break;
      ++asked;
      GenerationResult& result = results.emplace_back();
      for (const TokenId candidate : request.candidates) {
        result.candidate_logprobs.push_back(-static_cast<float>(candidate) / 100);
      }
      if (request.candidates.empty()) result.text = static_cast<char>(request.prompt.back());
      if (on_event && !on_event(results.size() - 1, "", &result)) break;
    }
    return results;
  }

  int asked = 0;
};

class TaskRunTest : public testing::Test {
 protected:
  TaskRunTest() {
    const char* const temporary = std::getenv("TEST_TMPDIR");
    file_ = std::filesystem::path(temporary == nullptr ? testing::TempDir() : temporary) /
            "replies.sqlite";
    ClearReplyCache(file_);
  }
  ~TaskRunTest() override { ClearReplyCache(file_); }

  TaskRun Run(ReplyCache* cache = nullptr) {
    return {.system = "echo",
            .cache = cache,
            .open = [this]() -> Result<std::unique_ptr<TaskSystem>> {
              return MakeLocalSystem(model_, {1}, nullptr);
            },
            .progress = [this](std::size_t done) { done_ = done; }};
  }
  static TaskQuestion Text(const std::string& text, const std::string& answer) {
    return {.id = text, .ask = {.text = text, .max_tokens = 1}, .gold = {.answers = {answer}}};
  }
  static Task TaskOf(const char* scorer, std::vector<TaskQuestion> questions) {
    Task task{.questions = std::move(questions)};
    task.spec.name = "t";
    task.spec.scorer = FindScorer(scorer);
    return task;
  }

  EchoModel model_;
  std::filesystem::path file_;
  std::size_t done_ = 0;
};

TEST_F(TaskRunTest, CutsTheChoiceFromItsPrompt) {
  const std::vector<TaskQuestion> questions = {
      {.ask = {.text = "ab", .choices = {"!", "!!"}}},
      {.ask = {.text = "ab ", .choices = {"!"}}},  // the blank is the choice's
      {.ask = {.text = "", .choices = {"!"}}}};    // the prefix stands before it
  const auto replies = AskTask(questions, Run());
  ASSERT_TRUE(replies) << replies.error().message();
  EXPECT_THAT(replies->replies[0].logprobs, ElementsAre(-0.33F, -0.66F));
  EXPECT_THAT(replies->replies[1].logprobs, ElementsAre(-0.65F));
  EXPECT_THAT(replies->replies[2].logprobs, ElementsAre(-0.33F));
  EXPECT_EQ(model_.asked, 5) << "ab and ab!; ab and ab_; the prefix alone";
}

TEST_F(TaskRunTest, KnowsWhatItHasAsked) {
  auto cache = ReplyCache::Open(file_);
  ASSERT_TRUE(cache) << cache.error().message();
  std::vector<TaskQuestion> questions = {Text("a", "a"),
                                         {.ask = {.text = "b", .choices = {"x", "y"}}}};
  const auto first = AskTask(questions, Run(&*cache));
  ASSERT_TRUE(first);
  EXPECT_EQ(model_.asked, 2) << "both choices are one token";
  EXPECT_EQ(first->cached, 0U);
  questions.push_back(Text("c", "c"));
  const auto second = AskTask(questions, Run(&*cache));
  ASSERT_TRUE(second);
  EXPECT_EQ(model_.asked, 3) << "the new one alone";
  EXPECT_EQ(second->cached, 2U);
  EXPECT_EQ(done_, 3U);
  EXPECT_EQ(second->replies[0].text, "a");
  EXPECT_EQ(second->replies[1].logprobs, first->replies[1].logprobs);
  EXPECT_EQ(MeasureReplyCache(file_).replies, 3U);
  // Another system's, and another way to ask, are not taken.
  TaskRun other = Run(&*cache);
  other.system = "other";
  EXPECT_EQ(AskTask(questions, other)->cached, 0U);
  questions[0].ask.max_tokens = 2;
  EXPECT_EQ(AskTask(questions, Run(&*cache))->cached, 2U);
}

TEST_F(TaskRunTest, AQuestionThatCannotBeAskedIsAnErrorOfItsOwn) {
  auto cache = ReplyCache::Open(file_);
  ASSERT_TRUE(cache);
  const Task task =
      TaskOf("exact_match", {Text("a", "a"), Text(std::string(40, 'x'), "x"), Text("b", "c")});
  const auto replies = AskTask(task.questions, Run(&*cache));
  ASSERT_TRUE(replies) << replies.error().message();
  EXPECT_THAT(replies->replies[1].error, HasSubstr("the prompt has 41 tokens and the context 20"));
  EXPECT_EQ(MeasureReplyCache(file_).replies, 2U) << "an error is not kept";
  const auto scores = ScoreTask(task, replies->replies);
  EXPECT_THAT(scores, ElementsAre(ElementsAre(1), ElementsAre(0), ElementsAre(0)));
  const json::object figures = MeasureTask(task, replies->replies, scores);
  EXPECT_NEAR(figures.at("exact_match").to_number<double>(), 1.0 / 3, 1e-12);
  EXPECT_EQ(figures.at("errors").to_number<int>(), 1);
  EXPECT_EQ(figures.at("groups").to_number<int>(), 3);
}

TEST_F(TaskRunTest, KeepsWhatCameBeforeItWasInterrupted) {
  auto cache = ReplyCache::Open(file_);
  ASSERT_TRUE(cache);
  int left = 2;
  TaskRun run = Run(&*cache);
  run.open = [&]() -> Result<std::unique_ptr<TaskSystem>> {
    return MakeLocalSystem(model_, {1}, [&] { return left-- == 0; });  // true once
  };
  const std::vector<TaskQuestion> questions = {Text("a", "a"), Text("b", "b"), Text("c", "c")};
  const auto replies = AskTask(questions, run);
  ASSERT_FALSE(replies);
  EXPECT_EQ(replies.error().code(), StatusCode::kCancelled);
  EXPECT_EQ(MeasureReplyCache(file_).replies, 2U);
  EXPECT_EQ(AskTask(questions, Run(&*cache))->cached, 2U);
}

TEST_F(TaskRunTest, TellsALineAQuestion) {
  Task task = TaskOf("exact_match", {Text("a", "a"), Text("b", "c")});
  task.questions[1].group = "g";
  const auto replies = AskTask(task.questions, Run());
  ASSERT_TRUE(replies);
  const auto outcomes = std::filesystem::path(file_.string() + ".outcomes");
  ASSERT_TRUE(WriteTaskOutcomes(outcomes, task, "m", 2, 7, replies->replies,
                                ScoreTask(task, replies->replies)));
  std::ifstream file(outcomes);
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  ASSERT_EQ(lines.size(), 3U);
  EXPECT_EQ(lines[0],
            R"({"task":"t","model":"m","data":"","prompt":"","scorer":"","limit":2,"seed":7})");
  EXPECT_EQ(lines[2], R"({"id":"b","group":"g","text":"b","scores":{"exact_match":0.0}})");
  std::filesystem::remove(outcomes);
}

TEST(EndpointReplyTest, FindsTheLikelihoodOfWhatStandsLast) {
  // "<s>", "ab", " é", and one token more; BOS is counted by the endpoint, not by us.
  const std::string body =
      R"({"choices": [{"text": "<s>ab é!", "logprobs": {"tokens": ["<s>", "ab", " é", "!"],
          "token_logprobs": [null, -1.5, -2.25, -9], "text_offset": [0, 3, 5, 7]}}],
          "usage": {"prompt_tokens": 3}})";
  EXPECT_EQ(EchoedLogprob(body, 2), -2.25);
  EXPECT_EQ(EchoedLogprob(body, 4), -3.75);
  EXPECT_FALSE(EchoedLogprob(body, 1)) << "no token begins there";
  EXPECT_FALSE(EchoedLogprob(R"({"choices": [{"text": "ab"}], "usage": {"prompt_tokens": 3}})", 1));
  EXPECT_FALSE(EchoedLogprob("{", 1));
}

TEST(EndpointReplyTest, FindsTheText) {
  EXPECT_EQ(RepliedText(R"({"choices": [{"message": {"content": "a"}}]})"), "a");
  EXPECT_EQ(RepliedText(R"({"choices": [{"message": {"content": null}}]})"), "");
  EXPECT_EQ(RepliedText(R"({"choices": [{"text": "b"}]})"), "b");
  EXPECT_FALSE(RepliedText(R"({"choices": []})"));
  EXPECT_FALSE(RepliedText(R"({"choices": [{"text": 1}]})"));
}

}  // namespace
}  // namespace kinglet
