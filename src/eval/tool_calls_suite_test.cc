// SPDX-License-Identifier: Apache-2.0
#include "eval/tool_calls_suite.h"

#include <cstdlib>

#include <gtest/gtest.h>

#include "eval/tool_calls_judge.h"
#include "grammar/json_validator.h"

namespace kinglet {
namespace {

json::value Json(std::string_view text) { return *ParseJson(text); }

constexpr std::string_view kLine =
    R"({"id": "a", "question": [[{"role": "user", "content": "?"}]], "function": [{"name": "f"}]})";

TEST(ToolCallsSuite, JoinsQuestionsAndAnswersById) {
  const auto read = ParseToolQuestions(
      fmt::format("{}\n\n", kLine),
      "{\"id\": \"b\", \"ground_truth\": []}\n{\"id\": \"a\", \"ground_truth\": [{\"f\": {}}]}",
      true);
  ASSERT_TRUE(read) << read.error().message();
  ASSERT_EQ(read->size(), 1);
  EXPECT_EQ(read->front().id, "a");
  EXPECT_EQ(read->front().messages, Json(R"([{"role": "user", "content": "?"}])"));
  EXPECT_EQ(read->front().expected, Json(R"([{"f": {}}])"));
}

TEST(ToolCallsSuite, ExpectsNoCallWhereTheCategoryHasNone) {
  const auto read = ParseToolQuestions(kLine, "", false);
  ASSERT_TRUE(read);
  EXPECT_TRUE(read->front().expected.empty());
}

TEST(ToolCallsSuite, NamesTheLineThatIsNone) {
  const auto error_of = [](std::string_view questions, std::string_view answers) {
    return ParseToolQuestions(questions, answers, true).error().message();
  };
  EXPECT_EQ(error_of(kLine, ""), "line 1: \"a\" has no answer");
  EXPECT_TRUE(error_of("\n{]", "").starts_with("line 2: "));
  EXPECT_EQ(error_of("{}", ""), "line 1: no \"id\"");
  EXPECT_EQ(error_of(R"({"id": "a", "function": [], "question": []})", ""),
            "line 1: \"question\" is not one turn");
  EXPECT_EQ(error_of(R"({"id": "a"})", ""), "line 1: \"function\" is no array");
  EXPECT_TRUE(error_of(kLine, "5").starts_with("answers: line 1: "));
}

TEST(ToolCallsSuite, SendsSchemasInJsonsTypes) {
  const json::value functions = Json(R"([{"name": "a.b.c", "description": "does", "parameters": {
      "type": "dict", "required": ["x"], "properties": {
        "x": {"type": "float", "description": "the x", "default": 1.5},
        "type": {"type": "any", "optional": true},
        "l": {"type": "tuple", "items": {"type": "dict", "properties": {"n": {"type": "integer"}}}},
        "e": {"type": "integer", "enum": [1, "2"]}}}}])");
  EXPECT_EQ(ToTools(functions.get_array()),
            Json(R"([{"type": "function", "function": {"name": "a_b_c", "description": "does",
      "parameters": {
      "type": "object", "required": ["x"], "properties": {
        "x": {"type": "number", "description": "the x", "default": 1.5},
        "type": {"type": "string"},
        "l": {"type": "array", "items": {"type": "object",
                                         "properties": {"n": {"type": "integer"}}}},
        "e": {"type": "integer", "enum": [1, "2"]}}}}}])"));
}

TEST(ToolCallsSuite, LeavesOutAnEnumThatNoValueOfTheTypeIsIn) {
  const json::value functions = Json(R"([{"name": "f", "parameters": {
      "properties": {"a": {"type": "boolean", "enum": ["True", "False", "dontcare"]},
                     "b": {"type": "array", "enum": ["x"], "items": {"type": "string"}},
                     "c": {"type": "string", "enum": ["x"]}}}}])");
  EXPECT_EQ(ToTools(functions.get_array()).at(0).at("function").at("parameters"),
            Json(R"({"properties": {"a": {"type": "boolean"},
                                    "b": {"type": "array", "items": {"type": "string"}},
                                    "c": {"type": "string", "enum": ["x"]}}})"));
}

// Of values that are right, the first that is one; of a dict, whose members have such lists of
// their own, and of a list of dicts, too.
json::value FirstRight(const json::value& values) {
  for (const json::value& value : values.get_array()) {
    if (value == json::value("")) continue;
    if (value.is_array() && !value.get_array().empty() && value.get_array()[0].is_object()) {
      json::array dicts;
      for (const json::value& one : value.get_array())
        dicts.push_back(FirstRight(json::array{one}));
      return dicts;
    }
    if (!value.is_object()) return value;
    json::object dict;
    for (const auto& [name, member] : value.get_object()) {
      const json::value first = FirstRight(member);
      if (!first.is_null()) dict[name] = first;
    }
    return dict;
  }
  return nullptr;
}

std::vector<MadeCall> RightCalls(const json::array& expected) {
  std::vector<MadeCall> calls;
  for (const json::value& one : expected) {
    const auto& [name, allowed] = *one.get_object().begin();
    calls.push_back({.name = SentName(name), .arguments = {}});
    for (const auto& [argument, values] : allowed.get_object()) {
      const json::value first = FirstRight(values);
      if (!first.is_null()) calls.back().arguments[argument] = first;
    }
  }
  return calls;
}

// Of the public data: what is expected is judged right, and its schemas can be read.
TEST(ToolCallsSuite, HoldsExpectedCallsForRight) {
  const char* const shared = std::getenv("KINGLET_SHARED");
  if (shared == nullptr) GTEST_SKIP() << "KINGLET_SHARED is not set";
  const std::filesystem::path folder = std::filesystem::path(shared) / "data/bfcl-v4";
  for (const std::string_view category : ToolCategories()) {
    const auto questions = ReadToolQuestions(folder, category, 0, 1);
    ASSERT_TRUE(questions) << questions.error().message();
    EXPECT_GE(questions->size(), 8U);
    std::string faults;
    std::size_t fault_count = 0;
    for (const ToolQuestion& question : *questions) {
      for (const json::value& tool : ToTools(question.functions)) {
        EXPECT_TRUE(JsonValidator::Create(tool.at("function").at("parameters"))) << question.id;
      }
      const std::string fault =
          Fault(question.functions, question.expected, RightCalls(question.expected));
      if (fault.empty()) continue;
      faults += fmt::format("{}: {}\n", question.id, fault);
      ++fault_count;
    }
    // Some answers contradict their functions: an argument that is required may be left out.
    EXPECT_LE(fault_count, 4U) << category << '\n' << faults;
  }
}

TEST(ToolCallsSuite, DrawsTheSameBySeed) {
  const char* const shared = std::getenv("KINGLET_SHARED");
  if (shared == nullptr) GTEST_SKIP() << "KINGLET_SHARED is not set";
  const std::filesystem::path folder = std::filesystem::path(shared) / "data/bfcl-v4";
  const auto ids = [&](std::size_t limit, std::uint64_t seed) {
    std::vector<std::string> all;
    const auto questions = ReadToolQuestions(folder, "simple", limit, seed);
    for (const ToolQuestion& question : *questions) all.push_back(question.id);
    return all;
  };
  EXPECT_EQ(ids(20, 1).size(), 20U);
  EXPECT_EQ(ids(20, 1), ids(20, 1));
  EXPECT_NE(ids(20, 1), ids(20, 2));
  EXPECT_EQ(ids(10'000, 1), ids(0, 2));
}

}  // namespace
}  // namespace kinglet
