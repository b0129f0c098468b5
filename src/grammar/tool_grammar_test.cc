// SPDX-License-Identifier: Apache-2.0
// What the grammar lets through is what the splitter finds: random texts of it, read a second way.
#include "grammar/tool_grammar.h"

#include <algorithm>
#include <initializer_list>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <boost/json/stream_parser.hpp>
#include <gtest/gtest.h>

#include "base/json.h"
#include "grammar/json_validator.h"
#include "grammar/matcher.h"
#include "text/tool_calls_for_test.h"

namespace kinglet {
namespace {

using enum ToolFormat;
using Kind = ToolChoice::Kind;

constexpr ToolFormat kFormats[] = {kHermes, kLlama, kMistral, kMistralArgs, kJson};

json::value Parsed(std::string_view text) {
  auto value = ParseJson(text);
  EXPECT_TRUE(value) << text;
  return value ? *std::move(value) : json::value();
}

std::vector<ToolSpec> Tools() {
  return {
      {.name = "now"},
      {.name = "weather", .parameters = Parsed(R"({"type":"object","properties":{
           "city":{"type":"string","maxLength":12},
           "days":{"type":"integer","minimum":1,"maximum":14},
           "unit":{"enum":["C","F","\"}\u00e9\n"]}},
         "required":["city"],"additionalProperties":false})")},
      {.name = "tree",
       .parameters = Parsed(R"({"$ref":"#/$defs/node","$defs":{"node":{"type":"object",
         "properties":{"label":{"type":"string","maxLength":4},
           "parts":{"type":"array","maxItems":2,"items":{"$ref":"#/$defs/node"}}},
         "required":["label"],"additionalProperties":false}}})")},
      {.name = "note", .parameters = Parsed(R"({"maxProperties":2,
         "additionalProperties":{"type":["string","boolean","object"],"maxProperties":0}})")},
  };
}

bool Matches(Matcher& matcher, std::string_view text) {
  return matcher.MayEnd(matcher.Next(matcher.start(), text));
}

// A text of the grammar. Calls are likelier than chance would have them, and after so many bytes
// all that is open is closed.
std::string Walk(Matcher& matcher, const ToolNotation& notation, std::mt19937& random) {
  constexpr std::size_t kLong = 120;
  constexpr std::string_view kClosing = "\"}]{:0,e";
  std::string text;
  Matcher::StateId state = matcher.start();
  const auto chance = [&](unsigned one_in) { return random() % one_in == 0; };
  const auto open = [&] {
    std::string_view whole = notation.opens[random() % notation.opens.size()];
    if (notation.unmarked != nullptr && text.empty() && chance(6)) {
      whole = chance(2) ? "```json\n{\n  \"name\": \"now\",\n  \"arguments\": {"
                        : "{\"name\": \"note\", \"arguments\": {";
    }
    return std::string(whole.substr(0, chance(4) ? random() % whole.size() : whole.size()));
  };
  std::string likely = chance(3) ? open() : "";
  while (!matcher.MayEnd(state) || (text.size() < kLong && !chance(12))) {
    if (likely.empty() && chance(8)) likely = chance(3) ? "\\\"" : open();
    const ByteSet next = matcher.NextBytes(state);
    std::vector<std::uint8_t> bytes;
    for (unsigned byte = 0; byte < 256; ++byte) {
      if (next.Has(static_cast<std::uint8_t>(byte)))
        bytes.push_back(static_cast<std::uint8_t>(byte));
    }
    if (bytes.empty()) break;
    std::uint8_t byte = bytes[random() % bytes.size()];
    if (!likely.empty()) {
      const auto wanted = static_cast<std::uint8_t>(likely[0]);
      likely.erase(0, 1);
      if (next.Has(wanted)) byte = wanted;
    } else if (text.size() > kLong || chance(2)) {
      for (const char c : kClosing) {
        if (!next.Has(static_cast<std::uint8_t>(c))) continue;
        byte = static_cast<std::uint8_t>(c);
        break;
      }
    }
    text += static_cast<char>(byte);
    state = matcher.Next(state, byte);
    if (text.size() > 20'000) break;
  }
  return text;
}

// The bytes of the JSON value that the text begins with.
std::size_t ValueBytes(std::string_view text) {
  json::stream_parser parser;
  boost::system::error_code error;
  for (std::size_t bytes = 0; bytes < text.size(); ++bytes) {
    parser.write(&text[bytes], 1, error);
    if (error) return 0;
    if (parser.done()) return bytes + 1;
  }
  return 0;
}

struct ReadCall {
  std::string name;
  json::value arguments;
};
struct Read {
  std::string content;
  std::vector<ReadCall> calls;
};

void AddCall(const json::value& call, std::string_view key, Read& read) {
  const json::value* const name = Find(call, "name");
  const json::value* const arguments = Find(call, key);
  if (name == nullptr || !name->is_string() || arguments == nullptr) {
    ADD_FAILURE() << ToJson(call);
    return;
  }
  read.calls.push_back({std::string(name->get_string()), *arguments});
}

// Calls without a marker; none where the text is no such reply.
Read ReadUnmarked(std::string_view text) {
  Read read;
  if (text.starts_with("```json")) text.remove_prefix(7);
  if (text.starts_with("```")) text.remove_prefix(3);
  for (;;) {
    const std::size_t begin = text.find_first_not_of(" \n\r\t,");
    if (begin == std::string_view::npos || text[begin] != '{') return read;
    text.remove_prefix(begin);
    const std::size_t bytes = ValueBytes(text);
    if (bytes == 0) return read;
    const json::value call = Parsed(text.substr(0, bytes));
    const json::value* const arguments = Find(call, "arguments");
    if (Find(call, "name") == nullptr || arguments == nullptr || !arguments->is_object())
      return read;
    AddCall(call, "arguments", read);
    text.remove_prefix(bytes);
  }
}

// The same notations, whole texts at a time and by another JSON parser.
Read ReadWhole(ToolFormat format, std::string_view text) {
  if (NotationOf(format).unmarked != nullptr) {
    Read unmarked =
        ReadUnmarked(text.substr(std::min(text.find_first_not_of(" \n\r\t"), text.size())));
    if (!unmarked.calls.empty()) return unmarked;
  }
  Read read;
  const std::string_view marker = NotationOf(format).marker;
  const bool is_bare = format == kLlama && text.starts_with('{');
  const std::size_t at = is_bare ? 0 : text.find(marker);
  read.content = text.substr(0, at);
  if (at == std::string_view::npos) return read;
  read.content.erase(read.content.find_last_not_of(kToolBlanks) + 1);
  text.remove_prefix(at);
  if (format == kJson || format == kMistral) {
    const json::value whole = Parsed(text.substr(format == kMistral ? marker.size() : 0));
    const json::value* const calls = format == kMistral ? &whole : Find(whole, "tool_calls");
    if (calls == nullptr || !calls->is_array()) {
      ADD_FAILURE() << text;
      return read;
    }
    for (const json::value& call : calls->get_array()) AddCall(call, "arguments", read);
    return read;
  }
  while (!text.empty()) {
    if (text.starts_with(marker)) text.remove_prefix(marker.size());
    std::string name;
    if (format == kMistralArgs) {
      name = text.substr(0, text.find("[ARGS]"));
      text.remove_prefix(name.size() + 6);
    }
    const std::size_t begin = std::min(text.find('{'), text.size());
    const std::size_t bytes = ValueBytes(text.substr(begin));
    EXPECT_GT(bytes, 0U) << text;
    const json::value call = Parsed(text.substr(begin, bytes));
    if (bytes == 0) break;
    if (format == kMistralArgs) {
      read.calls.push_back({name, call});
    } else {
      AddCall(call, format == kLlama ? "parameters" : "arguments", read);
    }
    text.remove_prefix(begin + bytes);
    if (format == kHermes) text.remove_prefix(std::string_view("\n</tool_call>").size());
    if (format == kHermes && text.starts_with('\n')) text.remove_prefix(1);
  }
  return read;
}

void ExpectSchemasHold(const SaidReply& reply) {
  for (const SaidCall& call : reply.calls) {
    const std::vector<ToolSpec> tools = Tools();
    const auto tool =
        std::ranges::find_if(tools, [&](const ToolSpec& of) { return of.name == call.name; });
    ASSERT_NE(tool, tools.end()) << call.name;
    if (tool->parameters.is_null()) {
      EXPECT_EQ(call.arguments, "{}");
      continue;
    }
    const auto validator = JsonValidator::Create(tool->parameters);
    ASSERT_TRUE(validator);
    const auto valid = (*validator)->Validate(Parsed(call.arguments));
    EXPECT_TRUE(valid) << call.arguments << ": " << (valid ? "" : valid.error().message());
  }
}

// What the splitter finds in a text of the grammar.
SaidReply CheckedReply(ToolFormat format, const std::string& text) {
  const std::vector<ToolDelta> deltas = SplitToolCalls(format, text, 0, 1);
  for (std::size_t first = 1; first <= text.size(); ++first) {
    EXPECT_EQ(SplitToolCalls(format, text, first, text.size()), deltas) << first << text;
  }
  SaidReply reply = ReplyOf(deltas);
  const Read wanted = ReadWhole(format, text);
  EXPECT_EQ(reply.content, wanted.content) << text;
  EXPECT_EQ(reply.calls.size(), wanted.calls.size()) << text;
  for (std::size_t i = 0; i < std::min(reply.calls.size(), wanted.calls.size()); ++i) {
    EXPECT_EQ(reply.calls[i].name, wanted.calls[i].name) << text;
    EXPECT_EQ(Parsed(reply.calls[i].arguments), wanted.calls[i].arguments) << text;
    EXPECT_NE(text.find(reply.calls[i].arguments), std::string::npos) << text;
    EXPECT_TRUE(reply.calls[i].is_whole) << text;
  }
  ExpectSchemasHold(reply);
  return reply;
}

constexpr unsigned kWalks = 200;

struct Seen {
  std::size_t calls = 0, with_content = 0, with_many = 0, with_neither = 0;
};

Seen CheckWalks(ToolFormat format, const ToolChoice& choice, bool has_many) {
  Seen seen;
  auto grammar = ToolGrammar(Tools(), format, choice, has_many);
  EXPECT_TRUE(grammar) << grammar.error().message();
  Matcher matcher(*std::move(grammar));
  std::mt19937 random(7);
  for (unsigned i = 0; i < kWalks; ++i) {
    const std::string text = Walk(matcher, NotationOf(format), random);
    EXPECT_TRUE(Matches(matcher, text)) << text;
    const SaidReply reply = CheckedReply(format, text);
    seen.calls += reply.calls.size();
    if (!reply.content.empty() && !reply.calls.empty()) ++seen.with_content;
    if (reply.calls.size() > 1) ++seen.with_many;
    if (reply.calls.empty()) ++seen.with_neither;
    if (choice.kind != Kind::kNamed) continue;
    for (const SaidCall& call : reply.calls) EXPECT_EQ(call.name, choice.name);
  }
  EXPECT_FALSE(matcher.is_exhausted());
  return seen;
}

class ToolGrammarWalkTest : public testing::TestWithParam<ToolFormat> {};

TEST_P(ToolGrammarWalkTest, TheSplitterFindsWhatTheGrammarLetThrough) {
  const Seen any = CheckWalks(GetParam(), {}, true);
  EXPECT_GT(any.calls, 30U);
  EXPECT_GT(any.with_content, 5U);
  EXPECT_GT(any.with_many, 5U);
  EXPECT_GT(any.with_neither, 5U);

  const Seen one = CheckWalks(GetParam(), {}, false);
  EXPECT_GT(one.calls, 30U);
  EXPECT_EQ(one.with_many, 0U);

  const Seen required = CheckWalks(GetParam(), {.kind = Kind::kRequired}, true);
  EXPECT_GT(required.with_many, 10U);
  EXPECT_EQ(required.with_content, 0U);
  EXPECT_EQ(required.with_neither, 0U);

  const Seen named = CheckWalks(GetParam(), {.kind = Kind::kNamed, .name = "weather"}, false);
  EXPECT_EQ(named.calls, kWalks);

  EXPECT_EQ(CheckWalks(GetParam(), {.kind = Kind::kNone}, true).calls, 0U);
}

INSTANTIATE_TEST_SUITE_P(AllFormats, ToolGrammarWalkTest, testing::ValuesIn(kFormats));

using TextList = std::initializer_list<std::string_view>;

void ExpectTexts(ToolFormat format, const ToolChoice& choice, bool has_many, TextList allowed,
                 TextList refused) {
  auto grammar = ToolGrammar(Tools(), format, choice, has_many);
  ASSERT_TRUE(grammar);
  Matcher matcher(*std::move(grammar));
  for (const std::string_view text : allowed) EXPECT_TRUE(Matches(matcher, text)) << text;
  for (const std::string_view text : refused) EXPECT_FALSE(Matches(matcher, text)) << text;
}

TEST(ToolGrammarTest, WritesHermesCallsInOneWay) {
  constexpr std::string_view kCall =
      "<tool_call>\n{\"name\": \"now\", \"arguments\": {}}\n</tool_call>";
  constexpr std::string_view kCallBehindText =
      "So <tool_call>\n{\"name\": \"now\", \"arguments\": {}}\n</tool_call>";
  constexpr std::string_view kTwoCalls =
      "<tool_call>\n{\"name\": \"now\", \"arguments\": {}}\n</tool_call>\n"
      "<tool_call>\n{\"name\": \"weather\", \"arguments\": {\"city\":\"X\"}}\n</tool_call>";
  ExpectTexts(kHermes, {}, true,
              {"", "a <tool_cal> <tool_<tool_call \xFF", kCall, kCallBehindText, kTwoCalls},
              {"<tool_call>", "<tool_call>{\"name\": \"now\", \"arguments\": {}}</tool_call>",
               "<tool_call>\n{\"name\":\"now\",\"arguments\":{}}\n</tool_call>",
               "<tool_call>\n{\"name\": \"now\", \"arguments\": {}}\n</tool_call> so",
               "<tool_call>\n{\"name\": \"now\", \"arguments\": {\"a\":1}}\n</tool_call>",
               "<tool_call>\n{\"name\": \"then\", \"arguments\": {}}\n</tool_call>",
               "<tool_call>\n{\"name\": \"weather\", \"arguments\": {}}\n</tool_call>"});
  ExpectTexts(kHermes, {}, false, {"a", kCall, kCallBehindText}, {kTwoCalls});
  ExpectTexts(kHermes, {.kind = Kind::kNone}, true, {"", "a <tool_cal> b"},
              {kCall, kCallBehindText, "a <tool_call> b"});
  ExpectTexts(kHermes, {.kind = Kind::kRequired}, true, {kCall, kTwoCalls},
              {"", "a", kCallBehindText});
  ExpectTexts(kHermes, {.kind = Kind::kNamed, .name = "now"}, true, {kCall}, {"", kTwoCalls});
}

TEST(ToolGrammarTest, WritesHermesCallsWithoutTheirMarker) {
  constexpr std::string_view kBare = R"({"name": "now", "arguments": {}})";
  constexpr std::string_view kFenced =
      "```json\n{\n  \"name\": \"weather\",\n  \"arguments\": {\"city\":\"X\"}\n}\n```";
  constexpr std::string_view kTwo =
      "{\"name\":\"now\",\"arguments\":{}}\n{\"name\":\"now\",\"arguments\":{}}";
  ExpectTexts(
      kHermes, {}, true,
      {kBare, kFenced, kTwo, "```json\n{}\n```", "```json\n{\"name\": \"no\"}\n```",
       R"({"name": "Ada", "born": 1815})", R"({"type": "object", "name": "now"})",
       R"({"type": "object", "parameters": {"a": 1}})", R"(So {"name": "then", "arguments": {}})"},
      {R"({"name": "then", "arguments": {}})", R"({"name": "now", "arguments": {"a":1}})",
       R"({"name": "now", "parameters": {}})", R"({"name": "now", "arguments": {})",
       R"({"name": "now"})", "```\n{ \"name\":\"now\", \"arguments\": [1]}",
       R"({"name": "now", "arguments": {}} so)", R"({"name": "weather", "arguments": {}})",
       "\n{\"type\": \"function\", \"name\": \"now\", \"arguments\": {}}"});
  ExpectTexts(kHermes, {}, false, {kBare, kFenced}, {kTwo});
  ExpectTexts(kHermes, {.kind = Kind::kNone}, true, {R"({"name": "now"})"}, {kBare, kFenced});
  ExpectTexts(kHermes, {.kind = Kind::kRequired}, true, {}, {kBare, kFenced});
}

TEST(ToolGrammarTest, WritesLlamaCallsInOneWay) {
  constexpr std::string_view kCall = R"({"name": "now", "parameters": {}})";
  constexpr std::string_view kTwoCalls =
      R"({"name": "now", "parameters": {}}; {"name": "now", "parameters": {}})";
  ExpectTexts(kLlama, {}, true,
              {"\n ", R"(So {"answer": 42})", kCall, kTwoCalls,
               R"(<|python_tag|>{"name": "now", "parameters": {}})",
               R"(So <|python_tag|>{"name": "now", "parameters": {}})",
               "{\"name\": \"now\", \"parameters\": {}}\n{\"name\": \"now\", \"parameters\": {}}"},
              {R"({"name": "now", "arguments": {}})", R"({"answer": 42})", "{", "\n {"});
  ExpectTexts(kLlama, {}, false, {"a", kCall}, {kTwoCalls});
  ExpectTexts(kLlama, {.kind = Kind::kNone}, true, {"", " a {"}, {" {", kCall});
}

TEST(ToolGrammarTest, WritesMistralCallsInOneWay) {
  constexpr std::string_view kTwoCalls =
      R"([TOOL_CALLS][{"name": "now", "arguments": {}}, {"name": "now", "arguments": {}}])";
  ExpectTexts(kMistral, {}, true,
              {R"([TOOL_CALLS] [{"name": "now", "arguments": {}}])", kTwoCalls, "[TOOL_CALL]"},
              {R"([TOOL_CALLS][])", R"([TOOL_CALLS]now[ARGS]{})"});
  ExpectTexts(kMistral, {}, false, {R"([TOOL_CALLS][{"name": "now", "arguments": {}}])"},
              {kTwoCalls});
  ExpectTexts(kMistralArgs, {}, true,
              {R"([TOOL_CALLS]now[ARGS]{}[TOOL_CALLS]weather[ARGS]{"city":"X"})", "[ARGS]"},
              {R"([TOOL_CALLS]now{})", R"([TOOL_CALLS][{"name": "now", "arguments": {}}])"});
}

TEST(ToolGrammarTest, WritesItsOwnCallsInOneWay) {
  ExpectTexts(kJson, {}, true,
              {R"(So {"tool_calls": [{"name": "now", "arguments": {}}]})", R"({"tool_call": [1]})"},
              {R"({"tool_calls": []})", R"({"tool_calls": [{"name": "now", "arguments": {}}])"});
  ExpectTexts(kJson, {.kind = Kind::kRequired}, true,
              {R"({"tool_calls": [{"name": "now", "arguments": {}}]})"}, {R"({"answer": 42})", ""});
}

TEST(ToolGrammarTest, TextCostsFewStates) {
  for (const ToolFormat format : kFormats) {
    auto grammar = ToolGrammar(Tools(), format, {}, true);
    ASSERT_TRUE(grammar);
    Matcher matcher(*std::move(grammar));
    std::mt19937 random(3);
    std::string text = "x";
    for (int i = 0; i < 20'000; ++i) text += static_cast<char>(random() % 256);
    const std::string_view marker = NotationOf(format).marker;
    for (std::size_t bytes = 0; bytes < marker.size(); ++bytes) text += marker.substr(0, bytes);
    ASSERT_TRUE(Matches(matcher, text));
    EXPECT_LE(matcher.state_count(), 2 * marker.size() + 4);
  }
}

TEST(ToolGrammarTest, SaysWhichToolItCannotBeOf) {
  const auto error = [](const std::vector<ToolSpec>& tools, const ToolChoice& choice = {}) {
    const auto grammar = ToolGrammar(tools, kHermes, choice, true);
    return grammar ? "none" : grammar.error().message();
  };
  EXPECT_EQ(error({}), "none");
  EXPECT_EQ(error({}, {.kind = Kind::kRequired}), "a call is required, but there is no tool");
  EXPECT_EQ(error({{.name = "f"}, {.name = "f"}}), "two tools have the name \"f\"");
  EXPECT_EQ(error({{.name = "f"}}, {.kind = Kind::kNamed, .name = "g"}),
            "no tool has the name \"g\"");
  EXPECT_EQ(error({{.name = "f g"}}),
            "\"f g\" is no name of a tool: 1 to 128 letters, digits and _-.:/");
  EXPECT_EQ(error({{.name = "f", .parameters = {{"type", "string"}}}}),
            "the tool \"f\": its schema allows no object");
  EXPECT_EQ(error({{.name = "f", .parameters = Parsed(R"({"required":["a"],"maxProperties":0})")}},
                  {.kind = Kind::kRequired}),
            "the tool \"f\": its schema allows no object");
  const std::string unenforced =
      error({{.name = "g"},
             {.name = "f", .parameters = Parsed(R"({"properties":{"a":{"uniqueItems":true}}})")}});
  EXPECT_TRUE(unenforced.starts_with("the tool \"f\": ")) << unenforced;
  EXPECT_NE(unenforced.find("/properties/a"), std::string::npos) << unenforced;
}

TEST(ToolGrammarTest, LoosensASchemaOnlyWhereItIsToldTo) {
  const ToolSpec tool = {.name = "f",
                         .parameters = Parsed(R"({"properties":{"a":{"uniqueItems":true}}})"),
                         .strict = false};
  const ToolSpec enforceable = {
      .name = "g", .parameters = Parsed(R"({"required":["a"]})"), .strict = false};
  auto grammar = ToolGrammar(std::vector{tool, enforceable}, kMistralArgs, {}, true);
  ASSERT_TRUE(grammar);
  Matcher matcher(*std::move(grammar));
  EXPECT_TRUE(Matches(matcher, R"([TOOL_CALLS]f[ARGS]{"b":[1,1]})"));
  EXPECT_FALSE(Matches(matcher, R"([TOOL_CALLS]f[ARGS][1])"));
  EXPECT_TRUE(Matches(matcher, R"([TOOL_CALLS]g[ARGS]{"a":1})"));
  EXPECT_FALSE(Matches(matcher, R"([TOOL_CALLS]g[ARGS]{})"));
}

// Of a schema that allows other values, too, and of one that is another's.
TEST(ToolGrammarTest, ArgumentsAreObjects) {
  const ToolSpec tools[] = {
      {.name = "f", .parameters = Parsed(R"({"type":["object","null"],"maxProperties":0})")},
      {.name = "g", .parameters = Parsed(R"({"$schema":"http://json-schema.org/draft-07/schema#",
         "$ref":"#/definitions/a",
         "definitions":{"a":{"type":"object","required":["x"]}}})")},
  };
  auto grammar = ToolGrammar(tools, kMistralArgs, {}, true);
  ASSERT_TRUE(grammar) << grammar.error().message();
  Matcher matcher(*std::move(grammar));
  EXPECT_TRUE(Matches(matcher, "[TOOL_CALLS]f[ARGS]{}"));
  EXPECT_FALSE(Matches(matcher, "[TOOL_CALLS]f[ARGS]null"));
  EXPECT_TRUE(Matches(matcher, R"([TOOL_CALLS]g[ARGS]{"x":1})"));
  EXPECT_FALSE(Matches(matcher, "[TOOL_CALLS]g[ARGS]{}"));
}

}  // namespace
}  // namespace kinglet
