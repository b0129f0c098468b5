// SPDX-License-Identifier: Apache-2.0
// Tasks as people write them, and what is wrong with those that are refused.
#include "eval/task.h"

#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"

namespace kinglet {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

constexpr const char* kChoose = R"(name = "capitals"
data = "capitals.jsonl"
format = "raw"
prompt = "The capital of {land} is"
choices = "towns"
answer = "right"
group = "part"
id = "land"
[examples]
data = "examples.jsonl"
count = 1
[scorer]
name = "choice"
)";

constexpr const char* kWrite = R"(name = "sums"
data = "sums.jsonl"
system = "You add."
prompt = "{a} and {b}? {{a number}}"
answer = ["sum", "others"]
stop = ["\n"]
max_tokens = 8
[examples]
data = "examples.jsonl"
[scorer]
name = "exact_match"
ignore = ["^It is "]
ignore_case = true
)";

std::string Replaced(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

std::string FaultOf(const std::string& toml) {
  const auto spec = ParseTaskSpec(toml, "t.toml");
  EXPECT_FALSE(spec) << toml;
  if (spec) return {};
  EXPECT_EQ(spec.error().code(), StatusCode::kInvalidInput);
  const std::string prefix = "t.toml: line ";
  EXPECT_THAT(spec.error().message(), StartsWith(prefix));
  return spec.error().message().substr(prefix.size());
}

TEST(TaskTest, ShowsExamplesBeforeARawPrompt) {
  const auto spec = ParseTaskSpec(kChoose, "t.toml");
  ASSERT_TRUE(spec) << spec.error().message();
  const auto questions = MakeTaskQuestions(
      *spec, "{\"land\":\"Japan\",\"towns\":[\"Kyoto\",\"Tokyo\"],\"right\":1,\"part\":\"Asia\"}\n",
      "{\"land\":\"Peru\",\"towns\":[\"Lima\",\"Cusco\"],\"right\":\"Lima\"}\n"
      "{\"land\":\"Cuba\"}\n");
  ASSERT_TRUE(questions) << questions.error().message();
  ASSERT_EQ(questions->size(), 1U);
  const TaskQuestion& question = questions->front();
  EXPECT_EQ(question.id, "Japan");
  EXPECT_EQ(question.group, "Asia");
  EXPECT_EQ(question.ask.text, "The capital of Peru is Lima\n\nThe capital of Japan is");
  EXPECT_THAT(question.ask.choices, ElementsAre(" Kyoto", " Tokyo"));
  EXPECT_THAT(question.gold.right, ElementsAre(1U));
  EXPECT_TRUE(question.ask.messages.empty());
}

TEST(TaskTest, MakesAConversation) {
  const auto spec = ParseTaskSpec(kWrite, "t.toml");
  ASSERT_TRUE(spec) << spec.error().message();
  const auto questions =
      MakeTaskQuestions(*spec, "{\"a\":1,\"b\":2,\"sum\":3,\"others\":[\"three\",\"III\"]}\n\n",
                        "{\"a\":1,\"b\":1,\"sum\":2,\"others\":[]}\n");
  ASSERT_TRUE(questions) << questions.error().message();
  const TaskQuestion& question = questions->front();
  EXPECT_EQ(question.id, "1");
  EXPECT_EQ(question.group, "");
  const std::vector<ChatMessage>& messages = question.ask.messages;
  ASSERT_EQ(messages.size(), 4U);
  EXPECT_EQ(messages[0].content, "You add.");
  EXPECT_EQ(messages[1].content, "1 and 1? {a number}");
  EXPECT_EQ(messages[2].role, "assistant");
  EXPECT_EQ(messages[2].content, "2");
  EXPECT_EQ(messages[3].content, "1 and 2? {a number}");
  EXPECT_THAT(question.gold.answers, ElementsAre("3", "three", "III"));
  EXPECT_EQ(question.ask.max_tokens, 8);
  EXPECT_THAT(question.ask.stop, ElementsAre("\n"));
}

TEST(TaskTest, SaysWhichLineOfTheTaskIsWrong) {
  const std::string choose = kChoose;
  const std::string write = kWrite;
  EXPECT_EQ(FaultOf(Replaced(choose, "format = \"raw\"", "format = raw")).substr(0, 2), "3:");
  EXPECT_THAT(FaultOf(Replaced(choose, "group = ", "grupo = ")),
              StartsWith("7: the task has no key \"grupo\""));
  EXPECT_THAT(FaultOf(Replaced(choose, "count = 1", "count = 0")), StartsWith("11: count must be"));
  EXPECT_THAT(FaultOf(Replaced(choose, "count = 1", "count = \"1\"")), StartsWith("11: count"));
  EXPECT_THAT(FaultOf(Replaced(choose, "{land}", "{land")), StartsWith("4: prompt: a { begins"));
  EXPECT_THAT(FaultOf(Replaced(choose, "{land}", "land}")), StartsWith("4: prompt: a } ends"));
  EXPECT_THAT(FaultOf(Replaced(choose, "\"choice\"", "\"choose\"")),
              StartsWith("13: the scorer's name must be one of exact_match, squad"));
  EXPECT_THAT(FaultOf(Replaced(choose, "\"raw\"", "\"rough\"")), StartsWith("3: format must be"));
  EXPECT_THAT(FaultOf(Replaced(choose, "choices = \"towns\"\n", "")),
              HasSubstr("the scorer choice needs choices"));
  EXPECT_THAT(FaultOf(choose + "ignore_case = true\n"), StartsWith("14: [scorer] has no key"));
  EXPECT_THAT(FaultOf(Replaced(write, "^It is ", "(")), StartsWith("12: ignore: the pattern"));
  EXPECT_THAT(FaultOf(Replaced(write, "ignore_case = true", "ignore_case = 1")),
              StartsWith("13: ignore_case must be true or false"));
  EXPECT_THAT(FaultOf(Replaced(write, "answer = ", "choices = ")), StartsWith("5: choices are"));
  EXPECT_THAT(FaultOf(Replaced(write, "[\"\\n\"]", "[\"\"]")), StartsWith("6: stop must hold"));
  EXPECT_THAT(FaultOf(Replaced(write, "[\"\\n\"]", "[1]")), StartsWith("6: stop must hold"));
  EXPECT_THAT(FaultOf("name = \"a\"\n"), HasSubstr("the task needs a data"));
}

TEST(TaskTest, SaysWhichLineOfTheDataIsWrong) {
  const auto spec = ParseTaskSpec(kChoose, "t.toml");
  ASSERT_TRUE(spec);
  const std::string example =
      "{\"land\":\"Peru\",\"towns\":[\"Lima\",\"Cusco\"],\"right\":0,\"part\":\"America\"}\n";
  const auto fault = [&](const std::string& data, const std::string& examples) {
    const auto questions = MakeTaskQuestions(*spec, data, examples);
    return questions ? "none" : questions.error().message();
  };
  EXPECT_EQ(fault(example, example), "none");
  EXPECT_THAT(fault(example + "{}", example), StartsWith("capitals.jsonl: line 2: there is no"));
  EXPECT_THAT(fault(Replaced(example, "0", "2"), example), HasSubstr("is none of the 2 choices"));
  EXPECT_THAT(fault(Replaced(example, "0", "[]"), example), HasSubstr("there is no answer"));
  EXPECT_THAT(fault(Replaced(example, "\"Cusco\"", "\"\""), example), HasSubstr("none empty"));
  EXPECT_EQ(fault(Replaced(example, "\"Cusco\"", "\"Lima\""), example), "none");
  EXPECT_EQ(fault(example + Replaced(example, "Peru", "Cuba"), example), "none");
  EXPECT_EQ(fault(example + "\n" + example, example),
            "capitals.jsonl: line 3: the id \"Peru\" is that of a line above");
  EXPECT_THAT(fault(example, ""), StartsWith("examples.jsonl: it has 0 examples"));
  EXPECT_THAT(fault(example, "{"), StartsWith("examples.jsonl: line 1"));
  EXPECT_THAT(fault("", example), StartsWith("capitals.jsonl: there is no question"));
}

TEST(TaskTest, ANumberIsScoredAgainstNumbers) {
  const auto spec = ParseTaskSpec(Replaced(Replaced(kWrite, "\"exact_match\"\n", "\"number\"\n"),
                                           "ignore = [\"^It is \"]\nignore_case = true\n", ""),
                                  "t.toml");
  ASSERT_TRUE(spec) << spec.error().message();
  const std::string example = "{\"a\":1,\"b\":1,\"sum\":2,\"others\":[\"2 apples\"]}\n";
  EXPECT_TRUE(MakeTaskQuestions(*spec, example, example));
  const auto questions =
      MakeTaskQuestions(*spec, example + Replaced(example, "2 apples", "two"), example);
  ASSERT_FALSE(questions);
  EXPECT_EQ(questions.error().message(), "sums.jsonl: line 2: the answer \"two\" holds no number");
}

class TaskFilesTest : public testing::Test {
 protected:
  TaskFilesTest() {
    const char* const temporary = std::getenv("TEST_TMPDIR");
    folder_ = std::filesystem::path(temporary == nullptr ? testing::TempDir() : temporary) / "task";
    std::filesystem::create_directories(folder_);
    std::string lines;
    for (int i = 0; i < 50; ++i) {
      lines += fmt::format("{{\"q\":\"{}\",\"a\":\"{}\"}}\n", i, i + 1);
    }
    Write("lines.jsonl", lines);
    Write("task.toml", kToml);
  }
  ~TaskFilesTest() override { std::filesystem::remove_all(folder_); }

  void Write(const char* name, std::string_view text) const {
    EXPECT_TRUE(WriteFileAtomic(folder_ / name, text));
  }
  Task Read(std::size_t limit = 0, std::uint64_t seed = 1) const {
    auto task = ReadTask(folder_ / "task.toml", limit, seed);
    EXPECT_TRUE(task) << task.error().message();
    return task ? *std::move(task) : Task();
  }

  static constexpr const char* kToml =
      "name = \"t\"\ndata = \"lines.jsonl\"\nprompt = \"{q}?\"\nanswer = \"a\"\n"
      "[scorer]\nname = \"number\"\n";
  std::filesystem::path folder_;
};

TEST_F(TaskFilesTest, DrawsBySeedInOrder) {
  const Task all = Read();
  EXPECT_EQ(all.questions.size(), 50U);
  const Task some = Read(10, 1);
  ASSERT_EQ(some.questions.size(), 10U);
  std::vector<int> ids;
  for (const TaskQuestion& question : some.questions) ids.push_back(std::stoi(question.id));
  EXPECT_TRUE(std::ranges::is_sorted(ids));
  EXPECT_NE(some.questions.front().id + some.questions.back().id,
            Read(10, 2).questions.front().id + Read(10, 2).questions.back().id);
}

TEST_F(TaskFilesTest, PassesOverByteOrderMarks) {
  Write("task.toml", "\uFEFF" + std::string(kToml));
  Write("lines.jsonl", "\uFEFF{\"q\":\"0\",\"a\":\"2\"}\n");
  EXPECT_EQ(Read().questions.size(), 1U);
}

TEST_F(TaskFilesTest, DigestsTellWhatMayBeCompared) {
  const Task task = Read();
  Write("task.toml", Replaced(kToml, "{q}?", "{q}!"));
  EXPECT_NE(Read().prompt_digest, task.prompt_digest);
  EXPECT_EQ(Read().scorer_digest, task.scorer_digest);
  Write("task.toml", std::string(kToml) + "tolerance = 0.5\n");
  EXPECT_EQ(Read().prompt_digest, task.prompt_digest);
  EXPECT_NE(Read().scorer_digest, task.scorer_digest);
  Write("task.toml", "# a remark\n" + std::string(kToml));
  EXPECT_EQ(Read().prompt_digest, task.prompt_digest);
  Write("lines.jsonl", "{\"q\":\"0\",\"a\":\"2\"}\n");
  EXPECT_NE(Read().data_digest, task.data_digest);
}

TEST_F(TaskFilesTest, NamesFileAndLine) {
  Write("task.toml", Replaced(kToml, "number", "numbers"));
  const auto task = ReadTask(folder_ / "task.toml", 0, 1);
  ASSERT_FALSE(task);
  EXPECT_THAT(task.error().message(), HasSubstr("task.toml: line 6: "));
  Write("task.toml", Replaced(kToml, "\"number\"", "\"json\"\nschema = \"s.json\""));
  Write("s.json", "{\"type\": \"fish\", \"$ref\": \"#/nowhere\"}");
  const auto schema = ReadTask(folder_ / "task.toml", 0, 1);
  ASSERT_FALSE(schema);
  EXPECT_THAT(schema.error().message(), HasSubstr("s.json: "));
}

}  // namespace
}  // namespace kinglet
