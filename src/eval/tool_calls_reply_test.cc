// SPDX-License-Identifier: Apache-2.0
#include "eval/tool_calls_reply.h"

#include <gtest/gtest.h>

namespace kinglet {
namespace {

const json::array& Functions() {
  static const json::value functions = *ParseJson(R"([{"name": "f.g", "parameters": {
      "type": "dict", "properties": {"x": {"type": "integer"}}, "required": ["x"]}}])");
  return functions.get_array();
}

ToolReply Read(std::string_view message, int status = 200) {
  return ReadToolReply(status, fmt::format(R"({{"choices": [{{"message": {}}}]}})", message),
                       ToTools(Functions()));
}

std::string CallsOf(std::string_view name, std::string_view arguments) {
  return fmt::format(R"({{"content": null, "tool_calls": [{{"id": "1", "type": "function",
                          "function": {{"name": "{}", "arguments": "{}"}}}}]}})",
                     name, arguments);
}

TEST(ToolCallsReply, ReadsCalls) {
  const ToolReply reply = Read(CallsOf("f_g", R"({\"x\": 5})"));
  EXPECT_EQ(reply.error, "");
  ASSERT_EQ(reply.calls.size(), 1U);
  EXPECT_EQ(reply.calls[0].name, "f_g");
  EXPECT_EQ(reply.calls[0].arguments, (json::object{{"x", 5}}));
  EXPECT_EQ(reply.unparsed + reply.invalid, 0U);
  EXPECT_EQ(reply.raw_calls.size(), 1U);
}

TEST(ToolCallsReply, CountsCallsThatDoNotParse) {
  EXPECT_EQ(Read(CallsOf("f_g", R"({\"x\": )")).unparsed, 1U);
  EXPECT_EQ(Read(CallsOf("f_g", "5")).unparsed, 1U);
  EXPECT_EQ(Read(R"({"tool_calls": [5, {"function": {"name": "f_g", "arguments": {}}}]})").unparsed,
            2U);
}

TEST(ToolCallsReply, CountsCallsThatTheSchemaDoesNotAllow) {
  EXPECT_EQ(Read(CallsOf("f_g", R"({\"x\": \"5\"})")).invalid, 1U);
  EXPECT_EQ(Read(CallsOf("f_g", "{}")).invalid, 1U);
  EXPECT_EQ(Read(CallsOf("f.g", R"({\"x\": 5})")).invalid, 1U);
}

TEST(ToolCallsReply, ReadsArgumentsAlone) {
  const auto read = [](std::string_view message, int status = 200) {
    return ReadArgumentsReply(status, fmt::format(R"({{"choices": [{{"message": {}}}]}})", message),
                              ToTools(Functions()));
  };
  const ToolReply reply = read(R"({"content": "{\"x\":5}"})");
  ASSERT_EQ(reply.calls.size(), 1U);
  EXPECT_EQ(reply.calls[0].name, "f_g");
  EXPECT_EQ(reply.calls[0].arguments, (json::object{{"x", 5}}));
  EXPECT_EQ(reply.unparsed + reply.invalid, 0U);
  EXPECT_EQ(read(R"({"content": "{\"x\":"})").unparsed, 1U);
  EXPECT_EQ(read(R"({"content": "{\"x\":true}"})").invalid, 1U);
  EXPECT_NE(read(R"({"content": "{}"})", 400).error, "");
}

TEST(ToolCallsReply, TakesTextForNoCall) {
  const ToolReply reply = Read(R"({"content": "No."})");
  EXPECT_EQ(reply.text, "No.");
  EXPECT_TRUE(reply.calls.empty());
  EXPECT_TRUE(Read(R"({"content": null, "tool_calls": null})").error.empty());
}

TEST(ToolCallsReply, KeepsWhatIsNoAnswer) {
  EXPECT_NE(Read(R"({"content": "No."})", 400).error, "");
  EXPECT_NE(Read("5").error, "");
  for (const std::string_view body : {"", "{", "{\"choices\": []}", "[]"}) {
    EXPECT_NE(ReadToolReply(200, body, {}).error, "") << body;
  }
}

TEST(ToolCallsReply, IsRightWithTheCallsThatAreExpected) {
  ToolQuestion question{.id = "a",
                        .messages = {},
                        .functions = Functions(),
                        .expected = ParseJson(R"([{"f.g": {"x": [5]}}])")->get_array()};
  EXPECT_EQ(JudgeReply(question, Read(CallsOf("f_g", R"({\"x\": 5})"))).fault, "");
  EXPECT_NE(JudgeReply(question, Read(CallsOf("f_g", R"({\"x\": 6})"))).fault, "");
  EXPECT_NE(JudgeReply(question, Read(R"({"content": "5"})")).fault, "");
  question.expected.clear();
  EXPECT_EQ(JudgeReply(question, Read(R"({"content": "5"})")).fault, "");
  EXPECT_NE(JudgeReply(question, Read(CallsOf("f_g", "nonsense"))).fault, "") << "tried to call";
  EXPECT_NE(JudgeReply(question, Read("5")).fault, "") << "no answer is no right answer";
}

}  // namespace
}  // namespace kinglet
