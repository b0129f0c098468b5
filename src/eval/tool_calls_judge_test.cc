// SPDX-License-Identifier: Apache-2.0
#include "eval/tool_calls_judge.h"

#include <gtest/gtest.h>

namespace kinglet {
namespace {

json::value Json(std::string_view text) { return *ParseJson(text); }

// Of a function with one argument "x" of this type, the values allowed and the one that is given.
std::string FaultOf(std::string_view type, std::string_view allowed, std::string_view given,
                    std::string_view required = "[\"x\"]") {
  const json::value functions = Json(fmt::format(
      R"([{{"name": "f", "parameters": {{"type": "dict", "properties": {{"x": {}, "y": {}}},
           "required": {}}}}}])",
      type, type, required));
  const json::value expected = Json(fmt::format(R"([{{"f": {{"x": {}}}}}])", allowed));
  const json::value arguments = Json(given);
  return Fault(functions.get_array(), expected.get_array(),
               {{.name = "f", .arguments = arguments.get_object()}});
}

constexpr std::string_view kString = R"({"type": "string"})";
constexpr std::string_view kInteger = R"({"type": "integer"})";
constexpr std::string_view kFloat = R"({"type": "float"})";
constexpr std::string_view kFloats = R"({"type": "array", "items": {"type": "float"}})";
constexpr std::string_view kStrings = R"({"type": "array", "items": {"type": "string"}})";
constexpr std::string_view kDict = R"({"type": "dict", "properties": {}})";
constexpr std::string_view kDicts = R"({"type": "array", "items": {"type": "dict"}})";

TEST(ToolCallsJudge, ComparesStringsWithoutCaseBlanksAndPunctuation) {
  constexpr std::string_view kDay = R"(["April 1, 2024"])";
  EXPECT_EQ(FaultOf(kString, kDay, R"({"x": "April 1, 2024"})"), "");
  EXPECT_EQ(FaultOf(kString, kDay, R"({"x": "april 1 2024"})"), "");
  EXPECT_EQ(FaultOf(kString, kDay, R"({"x": "APRIL_1.2024"})"), "");
  EXPECT_EQ(FaultOf(kString, R"(["it's x^2*y/-"])", R"({"x": "IT\"S X2Y"})"), "");
  EXPECT_NE(FaultOf(kString, kDay, R"({"x": "April 2, 2024"})"), "");
  EXPECT_NE(FaultOf(kString, R"(["a b"])", R"({"x": "a\tb"})"), "");
  EXPECT_EQ(FaultOf(kString, R"(["a", "b"])", R"({"x": "b"})"), "");
}

TEST(ToolCallsJudge, WantsTheTypeThatIsDescribed) {
  EXPECT_EQ(FaultOf(kInteger, "[5]", R"({"x": 5})"), "");
  EXPECT_NE(FaultOf(kInteger, "[5]", R"({"x": 6})"), "");
  EXPECT_NE(FaultOf(kInteger, "[5]", R"({"x": "5"})"), "");
  EXPECT_NE(FaultOf(kInteger, "[5]", R"({"x": 5.0})"), "");
  EXPECT_NE(FaultOf(kInteger, "[1]", R"({"x": true})"), "");
  EXPECT_NE(FaultOf(kString, R"(["5"])", R"({"x": 5})"), "");
  EXPECT_EQ(FaultOf(R"({"type": "boolean"})", "[true]", R"({"x": true})"), "");
  EXPECT_NE(FaultOf(R"({"type": "boolean"})", "[true]", R"({"x": "true"})"), "");
  EXPECT_EQ(FaultOf(R"({"type": "any"})", R"(["5"])", R"({"x": "5"})"), "");
  EXPECT_NE(FaultOf(R"({"type": "unheard of"})", "[5]", R"({"x": 5})"), "");
}

TEST(ToolCallsJudge, TakesAnIntegerForAFloat) {
  EXPECT_EQ(FaultOf(kFloat, "[5.0]", R"({"x": 5})"), "");
  EXPECT_EQ(FaultOf(kFloat, "[5]", R"({"x": 5.0})"), "");
  EXPECT_EQ(FaultOf(kFloat, "[5]", R"({"x": 5})"), "");
  EXPECT_NE(FaultOf(kFloat, "[5.0]", R"({"x": 5.5})"), "");
}

TEST(ToolCallsJudge, TakesAVariableWhereTheValuesAllowedAreOfItsType) {
  EXPECT_EQ(FaultOf(kInteger, R"(["count"])", R"({"x": "count"})"), "");
  EXPECT_NE(FaultOf(kInteger, R"(["count"])", R"({"x": "Count"})"), "") << "as it is written";
  EXPECT_NE(FaultOf(kInteger, R"(["count"])", R"({"x": 3})"), "");
}

TEST(ToolCallsJudge, ComparesListsInTheirOrder) {
  EXPECT_EQ(
      FaultOf(kStrings, R"([["The Office", "Friends"]])", R"({"x": ["the office", "friends"]})"),
      "");
  EXPECT_NE(FaultOf(kStrings, R"([["a", "b"]])", R"({"x": ["b", "a"]})"), "");
  EXPECT_EQ(FaultOf(kStrings, R"([["a", "b"], ["b", "a"]])", R"({"x": ["b", "a"]})"), "");
  EXPECT_NE(FaultOf(kStrings, R"([["a", "b"]])", R"({"x": ["a"]})"), "");
  EXPECT_EQ(FaultOf(kStrings, R"(["", ["a"]])", R"({"x": []})"), "") << "as good as left out";
  EXPECT_EQ(FaultOf(kFloats, "[[1.5, 2.0]]", R"({"x": [1.5, 2.0]})"), "");
  EXPECT_NE(FaultOf(kFloats, "[[1.5, 2.0]]", R"({"x": [1.5, "2.0"]})"), "");
  EXPECT_EQ(
      FaultOf(R"({"type": "tuple", "items": {"type": "integer"}})", "[[1, 2]]", R"({"x": [1, 2]})"),
      "");
  EXPECT_NE(FaultOf(kStrings, R"([["a"]])", R"({"x": "a"})"), "");
}

TEST(ToolCallsJudge, ComparesDictsMemberByMember) {
  constexpr std::string_view kAllowed = R"([{"size": ["Large", "XL"], "milk": ["", "oat"]}])";
  EXPECT_EQ(FaultOf(kDict, kAllowed, R"({"x": {"size": "large", "milk": "Oat"}})"), "");
  EXPECT_EQ(FaultOf(kDict, kAllowed, R"({"x": {"size": "xl"}})"), "");
  EXPECT_NE(FaultOf(kDict, kAllowed, R"({"x": {"milk": "oat"}})"), "");
  EXPECT_NE(FaultOf(kDict, kAllowed, R"({"x": {"size": "large", "sugar": 1}})"), "");
  EXPECT_NE(FaultOf(kDict, kAllowed, R"({"x": {"size": "small"}})"), "");
}

TEST(ToolCallsJudge, ComparesListsOfDictsInTheirOrder) {
  constexpr std::string_view kAllowed =
      R"([[{"id": ["a"], "n": [5]}, {"id": ["b"], "n": [6, ""]}]])";
  EXPECT_EQ(FaultOf(kDicts, kAllowed, R"({"x": [{"id": "A", "n": 5}, {"id": "b"}]})"), "");
  EXPECT_NE(FaultOf(kDicts, kAllowed, R"({"x": [{"id": "b"}, {"id": "A", "n": 5}]})"), "");
  EXPECT_NE(FaultOf(kDicts, kAllowed, R"({"x": [{"id": "a", "n": 5}]})"), "");
  EXPECT_NE(FaultOf(kDicts, kAllowed, R"({"x": ["a", "b"]})"), "");
}

TEST(ToolCallsJudge, LetsAnArgumentBeLeftOutWhereNothingIsAllowed) {
  EXPECT_NE(FaultOf(kString, R"(["", "a"])", "{}"), "") << "it is required";
  EXPECT_EQ(FaultOf(kString, R"(["", "a"])", "{}", "[]"), "");
  EXPECT_NE(FaultOf(kString, R"(["a"])", "{}", "[]"), "");
}

TEST(ToolCallsJudge, WantsNoArgumentThatWasNotDescribed) {
  EXPECT_NE(FaultOf(kString, R"(["a"])", R"({"x": "a", "z": "a"})"), "");
  EXPECT_NE(FaultOf(kString, R"(["a"])", R"({"x": "a", "y": "a"})"), "")
      << "described, not allowed";
}

constexpr std::string_view kTwo = R"([
    {"name": "m.add",
     "parameters": {"properties": {"a": {"type": "integer"}}, "required": ["a"]}},
    {"name": "m.sub",
     "parameters": {"properties": {"a": {"type": "integer"}}, "required": ["a"]}}])";

std::string FaultOfTwo(std::string_view expected, const std::vector<MadeCall>& calls) {
  return Fault(Json(kTwo).get_array(), Json(expected).get_array(), calls);
}

MadeCall Call(std::string_view name, int a) {
  return {.name = std::string(name), .arguments = {{"a", a}}};
}

TEST(ToolCallsJudge, KnowsFunctionsByTheirNameWithoutDots) {
  EXPECT_EQ(SentName("a.b.c_d"), "a_b_c_d");
  EXPECT_EQ(FaultOfTwo(R"([{"m.sub": {"a": [1]}}])", {Call("m_sub", 1)}), "");
  EXPECT_NE(FaultOfTwo(R"([{"m.sub": {"a": [1]}}])", {Call("m_add", 1)}), "");
  EXPECT_NE(FaultOfTwo(R"([{"m.mul": {"a": [1]}}])", {Call("m_mul", 1)}), "");
}

TEST(ToolCallsJudge, MatchesSeveralCallsInAnyOrder) {
  constexpr std::string_view kExpected = R"([{"m.sub": {"a": [1, 2]}}, {"m.add": {"a": [2]}},
                                             {"m.sub": {"a": [1]}}])";
  EXPECT_EQ(FaultOfTwo(kExpected, {Call("m_add", 2), Call("m_sub", 2), Call("m_sub", 1)}), "");
  EXPECT_NE(FaultOfTwo(kExpected, {Call("m_add", 2), Call("m_sub", 2), Call("m_sub", 2)}), "");
  EXPECT_NE(FaultOfTwo(kExpected, {Call("m_add", 2), Call("m_sub", 2)}), "");
  EXPECT_NE(FaultOfTwo(kExpected,
                       {Call("m_add", 2), Call("m_sub", 2), Call("m_sub", 1), Call("m_sub", 1)}),
            "");
}

TEST(ToolCallsJudge, WantsNoCallWhereNoneIsExpected) {
  EXPECT_EQ(FaultOfTwo("[]", {}), "");
  EXPECT_EQ(FaultOfTwo("[]", {Call("m_add", 1)}), "1 calls, where 0 are expected");
}

TEST(ToolCallsJudge, SaysWhatIsWrong) {
  EXPECT_EQ(FaultOf(kInteger, "[5, \"\"]", R"({"x": 6})"), "\"x\": \"6\" is not one of [5,\"\"]");
  EXPECT_EQ(FaultOf(kInteger, "[5]", "{}"), "\"x\" is missing");
}

TEST(ToolCallsJudge, SurvivesDataThatIsNone) {
  EXPECT_NE(FaultOfTwo("[5]", {Call("m_add", 1)}), "");
  EXPECT_NE(FaultOfTwo(R"([{"m.add": 5}])", {Call("m_add", 1)}), "");
  EXPECT_NE(FaultOfTwo(R"([{"m.add": {"a": 1}}])", {Call("m_add", 1)}), "");
  EXPECT_NE(Fault(Json("[5, {}]").get_array(), Json(R"([{"f": {}}])").get_array(),
                  {{.name = "f", .arguments = {}}}),
            "");
}

}  // namespace
}  // namespace kinglet
