// SPDX-License-Identifier: Apache-2.0
// Text and calls come apart the same, however the text is cut; what is no call stays text.
#include "text/tool_calls.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <iterator>
#include <utility>

#include <gtest/gtest.h>

#include "base/file.h"
#include "text/tool_calls_for_test.h"

namespace kinglet {
namespace {

using enum ToolFormat;

struct Case {
  ToolFormat format;
  std::string_view said;
  std::string_view content;
  std::vector<SaidCall> calls = {};
};

void Check(const Case& wanted) {
  const std::size_t size = wanted.said.size();
  const std::vector<ToolDelta> deltas = SplitToolCalls(wanted.format, wanted.said, size, size);
  const SaidReply reply = ReplyOf(deltas);
  EXPECT_EQ(reply.content, wanted.content) << wanted.said;
  EXPECT_EQ(reply.calls, wanted.calls) << wanted.said;
  for (std::size_t bytes = 1; bytes < size; ++bytes) {
    EXPECT_EQ(SplitToolCalls(wanted.format, wanted.said, bytes, size), deltas) << bytes;
    EXPECT_EQ(SplitToolCalls(wanted.format, wanted.said, bytes, bytes), deltas) << bytes;
  }
}

TEST(ToolCallSplitterTest, TakesCallsOutOfTheText) {
  const std::vector<SaidCall> one = {{"f", R"({"a": 1})"}};
  const std::vector<SaidCall> two = {{"f", "{}"}, {"g.h", R"({"b":[2]})"}};
  const std::vector<Case> cases = {
      {kHermes, "<tool_call>\n{\"name\": \"f\", \"arguments\": {\"a\": 1}}\n</tool_call>", "", one},
      {kHermes,
       "I look.\n\n<tool_call>\n{\"name\": \"f\", \"arguments\": {}}\n</tool_call>\n<tool_call>\n"
       "{\"name\": \"g.h\", \"arguments\": {\"b\":[2]}}\n</tool_call>\n",
       "I look.", two},
      {kHermes, R"({"name": "f", "arguments": {"a": 1}})", "", one},
      {kHermes, "```json\n{\n  \"name\": \"f\",\n  \"arguments\": {\"a\": 1}\n}\n```", "", one},
      {kHermes,
       "```\n{\"name\": \"f\", \"arguments\": {}},\n{\"name\": \"g.h\", \"arguments\": "
       "{\"b\":[2]}}",
       "", two},
      {kLlama, R"({"name": "f", "parameters": {"a": 1}})", "", one},
      {kLlama, R"(<|python_tag|>{"name": "f", "parameters": {"a": 1}})", "", one},
      {kLlama, R"(Well: <|python_tag|>{"name": "f", "parameters": {"a": 1}})", "Well:", one},
      {kLlama,
       "{\"name\": \"f\", \"parameters\": {}}; {\"name\": \"g.h\", \"parameters\": {\"b\":[2]}}",
       "", two},
      {kLlama,
       "{\"name\": \"f\", \"parameters\": {}}\n{\"name\": \"g.h\", \"parameters\": {\"b\":[2]}}",
       "", two},
      {kMistral, R"([TOOL_CALLS][{"name": "f", "arguments": {"a": 1}}])", "", one},
      {kMistral,
       R"(Ja. [TOOL_CALLS] [{"name": "f", "arguments": {}}, {"name": "g.h", "arguments": {"b":[2]}}])",
       "Ja.", two},
      {kMistralArgs, R"([TOOL_CALLS]f[ARGS]{"a": 1})", "", one},
      {kMistralArgs, R"([TOOL_CALLS]f[CALL_ID]Ab3456789[ARGS]{"a": 1})", "", one},
      {kMistralArgs, R"(So.[TOOL_CALLS]f[ARGS]{}[TOOL_CALLS]g.h[ARGS]{"b":[2]})", "So.", two},
      {kJson, R"({"tool_calls": [{"name": "f", "arguments": {"a": 1}}]})", "", one},
      {kJson,
       "Let me see.\n{\"tool_calls\": [{\"name\": \"f\", \"arguments\": {}}, "
       "{\"name\": \"g.h\", \"arguments\": {\"b\":[2]}}]}",
       "Let me see.", two},
  };
  for (const Case& wanted : cases) Check(wanted);
}

// Not at the begin, or not a call: it is JSON that somebody asked for.
TEST(ToolCallSplitterTest, LeavesOtherJsonToTheText) {
  for (const std::string_view text :
       {R"(So: {"name": "f", "arguments": {}})", R"({"name": "f"})", "```json\n{\"a\": {}}\n```",
        "```json\n[1]\n```", R"({"name": "f", "arguments": [1]})", "```python\nf()\n```", "{",
        "``"}) {
    Check({kHermes, text, text});
  }
}

TEST(ToolCallSplitterTest, FollowsBracesAndStringsOfArguments) {
  for (const std::string_view arguments :
       {R"({})", R"({"a":{"b":{"c":[{},{"d":{}}]}}})", R"({"}":"{","\"}":"\\"})",
        R"({"a":"</tool_call> [TOOL_CALLS] <|python_tag|>"})", R"({"a":"\\\"}"})",
        "{\"gr\u00FC\u00DFe\":\"\u4F60\u597D \U0001F600\"}", "{ \"a\" : 1 ,\n \"b\" : 2 }"}) {
    for (const ToolFormat format : {kHermes, kLlama, kMistral, kMistralArgs, kJson}) {
      const ToolNotation& notation = NotationOf(format);
      std::string said(notation.opens[0]);
      for (const std::string_view name : {"f", "g"}) {
        if (name == "g") said += notation.betweens[0];
        said += notation.before_name;
        said += name;
        said += notation.before_arguments;
        said += arguments;
        said += notation.after_call;
      }
      said += notation.close;
      Check({format, said, "", {{"f", std::string(arguments)}, {"g", std::string(arguments)}}});
    }
  }
}

// Without a grammar, models vary what they were taught.
TEST(ToolCallSplitterTest, ReadsWhatModelsMakeOfANotation) {
  const std::vector<SaidCall> one = {{"f", R"({"a":1})"}};
  const std::vector<Case> cases = {
      {kHermes, R"(<tool_call>{"name":"f","arguments":{"a":1}}</tool_call>)", "", one},
      {kHermes, "<tool_call>\n\n { \"name\" : \"f\" ,\n\"arguments\" : {\"a\":1} } \n</tool_call>",
       "", one},
      {kLlama, R"({"type": "function", "name": "f", "parameters": {"a":1}})", "", one},
      {kLlama, "\n {\"name\": \"f\", \"arguments\": {\"a\":1}} ", "", one},
      {kMistral, R"([TOOL_CALLS][{"name": "f", "arguments": {"a":1}, "id": "abc456789"}])", "",
       one},
      {kMistral, R"([TOOL_CALLS][{"id": "abc456789", "name": "f", "arguments": {"a":1}}])", "",
       one},
      {kJson, R"({"tool_calls":[{"name":"f","arguments":{"a":1}}]})", "", one},
      // What is missing at the end, and text behind.
      {kHermes, R"(<tool_call>{"name": "f", "arguments": {"a":1})", "", one},
      {kHermes, R"(<tool_call>{"name": "f", "arguments": {"a":1}}</tool_)", "", one},
      {kMistral, R"([TOOL_CALLS][{"name": "f", "arguments": {"a":1}})", "", one},
      {kJson, R"({"tool_calls": [{"name": "f", "arguments": {"a":1}}])", "", one},
      {kHermes, "<tool_call>{\"name\": \"f\", \"arguments\": {\"a\":1}}</tool_call>\n\nDone. ",
       "Done. ", one},
      {kLlama, R"({"name": "f", "parameters": {"a":1}}; and)", "; and", one},
      {kMistral, R"([TOOL_CALLS][{"name": "f", "arguments": {"a":1}}] so)", "so", one},
      {kMistral, R"([TOOL_CALLS][{"name": "f", "arguments": {"a":1}}, {"name": 7}])",
       R"(, {"name": 7}])", one},
      // A member that is none, though a brace follows.
      {kMistral, "[TOOL_CALLS][{\"name\": \"f\", \"arguments\": {\"a\":1}, \"id\t}]", ", \"id\t}]",
       one},
      {kHermes, R"(<tool_call>{"name": "f", "arguments": {"a":1}}}</tool_call>)", "}</tool_call>",
       one},
      {kHermes, R"(<tool_call><tool_call>{"name": "f", "arguments": {"a":1}}</tool_call>)",
       "<tool_call>", one},
  };
  for (const Case& wanted : cases) Check(wanted);
}

TEST(ToolCallSplitterTest, LeavesWhatIsNoCall) {
  const std::string blanks(2000, ' ');
  for (const auto& [format, said] : std::vector<std::pair<ToolFormat, std::string>>{
           {kHermes, ""},
           {kHermes, " \n"},
           {kHermes, "  a < b, </tool_call> and <tool_calls> \n"},
           {kHermes, "<tool_call"},
           {kHermes, "<tool_call>"},
           {kHermes, R"(So {"name": "f", "arguments": {}})"},
           {kHermes, R"(<tool_call>{"name": "f"}</tool_call>)"},
           {kHermes, R"(<tool_call>{"name": "f", "arguments": [1]}</tool_call>)"},
           {kHermes, R"(<tool_call>{"name": "f f", "arguments": {}}</tool_call>)"},
           {kHermes, R"(<tool_call>{"arguments": {}, "name": "f"}</tool_call>)"},
           {kHermes, "<tool_call>\n<function=f>\n</function>\n</tool_call>"},
           {kHermes, "<tool_call>" + blanks + R"({"name": "f", "arguments": {}}</tool_call>)"},
           {kLlama, R"(Like {"name": "f", "parameters": {}})"},
           {kLlama, R"({"name": "Ann Lee", "age": 3, "parameters": {}} )"},
           {kLlama, R"({"answer": 42})"},
           {kLlama, "{"},
           {kLlama, R"(<|python_tag|>f.call(query="x"))"},
           {kMistral, R"([TOOL_CALLS]f[ARGS]{})"},
           {kMistral, R"([{"name": "f", "arguments": {}}])"},
           {kMistralArgs, R"([TOOL_CALLS][{"name": "f", "arguments": {}}])"},
           {kMistralArgs, R"([TOOL_CALLS]f g[ARGS]{})"},
           {kMistralArgs, R"([TOOL_CALLS][ARGS]{})"},
           {kMistralArgs, R"([TOOL_CALLS]f[ARGS])"},
           {kJson, R"({"name": "f", "arguments": {}})"},
           {kJson, R"({"tool_calls": []})"},
           {kJson, R"({"tool_call": [{"name": "f", "arguments": {}}]})"},
       }) {
    Check({format, said, said});
  }
}

// The text, and the parts of calls in brackets.
std::string Shown(const std::vector<ToolDelta>& deltas) {
  std::string shown;
  for (const ToolDelta& delta : deltas) {
    switch (delta.kind) {
      case ToolDelta::Kind::kText:
        shown += delta.text;
        break;
      case ToolDelta::Kind::kEnd:
        shown += delta.is_whole ? "[end]" : "[cut]";
        break;
      case ToolDelta::Kind::kCall:
      case ToolDelta::Kind::kArguments:
        shown += "[" + delta.text + "]";
        break;
    }
  }
  return shown;
}

TEST(ToolCallSplitterTest, SendsAllAtOnceThatIsClear) {
  ToolCallSplitter splitter(kHermes);
  const auto push = [&](std::string_view piece) { return Shown(splitter.Push(piece)); };
  EXPECT_EQ(push("a < b \n"), "a < b");
  EXPECT_EQ(push("<"), "");
  EXPECT_EQ(push("tool"), "");
  EXPECT_EQ(push("s>"), " \n<tools>");
  EXPECT_EQ(push("\n<tool_call>"), "");
  EXPECT_EQ(push("\n{\"name\": \"f\", \"argum"), "");
  EXPECT_EQ(push("ents\": "), "");
  EXPECT_EQ(push("{"), "[f][{]");
  EXPECT_EQ(push("\"a"), "[\"a]");
  EXPECT_EQ(push("\": \"}\""), "[\": \"}\"]");
  EXPECT_EQ(push("}}\n</tool"), "[}][end]");
  EXPECT_EQ(push("_call>\n"), "");
  EXPECT_EQ(push("<tool_call>{\"name\": \"g\", \"arguments\": {\"b\""), "[g][{\"b\"]");
  EXPECT_EQ(splitter.calls(), 2);
  EXPECT_EQ(Shown(splitter.Finish()), "[cut]");
}

TEST(ToolCallSplitterTest, WaitsForNoEndlessHead) {
  for (const ToolFormat format : {kHermes, kLlama, kMistral, kMistralArgs, kJson}) {
    ToolCallSplitter splitter(format);
    std::string shown = Shown(splitter.Push(NotationOf(format).opens[0]));
    EXPECT_EQ(shown, "");
    for (int i = 0; i < 2000; ++i) shown += Shown(splitter.Push(" "));
    shown += Shown(splitter.Push("x"));
    EXPECT_TRUE(shown.ends_with(" x")) << shown.size();
    EXPECT_EQ(Shown(splitter.Finish()), "");
  }
}

TEST(ToolFormatTest, IsWhatTheTemplateTeaches) {
  EXPECT_EQ(ToolFormatOf(""), kJson);
  EXPECT_EQ(ToolFormatOf("{{ '<tool_call>\\n{\"name\": \"' }}{{ call.name }}"), kHermes);
  EXPECT_EQ(ToolFormatOf("{{ '<tool_call>' + name }}{{ '<arg_key>' }}"), kJson);
  EXPECT_EQ(ToolFormatOf("{{ '<tool_call>\\n<function=' + name }}"), kJson);
  EXPECT_EQ(ToolFormatOf("{{ '[TOOL_CALLS][' }}{{ call | tojson }}"), kMistral);
  EXPECT_EQ(ToolFormatOf("{{ '[TOOL_CALLS]' + name + '[ARGS]' }}"), kMistralArgs);
}

// By the parts of their names; all others teach none of our notations.
constexpr std::pair<std::string_view, ToolFormat> kTemplates[] = {
    {"Bielik-11B", kHermes},       {"MiMo-VL", kHermes},
    {"Hermes-2-Pro", kHermes},     {"Hermes-3", kHermes},
    {"QwQ-32B", kHermes},          {"Qwen2.5-7B", kHermes},
    {"Qwen3-0.6B", kHermes},       {"Reka-Edge", kHermes},
    {"granite-4.", kHermes},       {"Llama-3.1-8B-Instruct", kLlama},
    {"Llama-3.2-3B", kLlama},      {"Llama-3.3-70B", kLlama},
    {"Mistral-Nemo", kMistral},    {"Mistral-Small-3.2", kMistralArgs},
    {"Ministral-3", kMistralArgs}, {"Devstral-Small-2507", kMistralArgs},
};

int CheckTemplates(const std::filesystem::path& folder) {
  int count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() != ".jinja") continue;
    const std::string name = entry.path().filename().string();
    const auto* const row = std::ranges::find_if(
        kTemplates, [&](const auto& of) { return name.find(of.first) != std::string::npos; });
    const ToolFormat wanted = row == std::end(kTemplates) ? kJson : row->second;
    const auto source = ReadFile(entry.path(), std::size_t{1} << 20);
    EXPECT_TRUE(source && ToolFormatOf(*source) == wanted) << name;
    ++count;
  }
  return count;
}

TEST(ToolFormatTest, OfKeptTemplates) {
  EXPECT_EQ(CheckTemplates(std::filesystem::path(KINGLET_TEST_DATA) / "chat-templates"), 4);
}

TEST(ToolFormatTest, OfAllRealTemplates) {
  const char* const root = std::getenv("KINGLET_SHARED");
  if (root == nullptr) GTEST_SKIP() << "KINGLET_SHARED is not set";
  EXPECT_GT(CheckTemplates(std::filesystem::path(root) / "data" / "chat-templates"), 60);
}

TEST(ToolInstructionsTest, ShowTheToolsAndTheNotation) {
  const std::string text = ToolInstructions({{{"type", "function"}}, 7});
  EXPECT_NE(text.find("\n{\"type\":\"function\"}\n7\n"), std::string::npos) << text;
  EXPECT_NE(text.find(NotationOf(kJson).opens[0]), std::string::npos) << text;
}

TEST(ToolNameTest, NeedsNoEscapes) {
  for (const std::string_view name : {"f", "get_weather-2", "a.b/c:D", "0"}) {
    EXPECT_TRUE(IsToolName(name)) << name;
  }
  for (const std::string& name :
       {std::string(), std::string("a b"), std::string("a\"b"), std::string("[f]"),
        std::string("\u00FC"), std::string(129, 'f')}) {
    EXPECT_FALSE(IsToolName(name)) << name;
  }
}

}  // namespace
}  // namespace kinglet
