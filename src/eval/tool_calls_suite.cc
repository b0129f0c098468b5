// SPDX-License-Identifier: Apache-2.0
// BFCL's types are those of Python; each has one of JSON.
#include "eval/tool_calls_suite.h"

#include <algorithm>
#include <array>
#include <map>
#include <random>
#include <utility>

#include "base/display.h"
#include "base/file.h"
#include "base/json_lines.h"
#include "eval/tool_calls_judge.h"

namespace kinglet {
namespace {

constexpr std::size_t kMaxFileBytes = std::size_t{64} << 20;
constexpr std::array<std::string_view, 10> kCategories = {
    "simple",      "multiple",      "parallel",      "parallel_multiple",      "irrelevance",
    "live_simple", "live_multiple", "live_parallel", "live_parallel_multiple", "live_irrelevance"};

std::string_view JsonType(std::string_view type) {
  if (type == "dict") return "object";
  if (type == "float") return "number";
  if (type == "tuple") return "array";
  if (type == "any") return "string";
  return type;
}

bool IsOfType(const json::value& value, std::string_view type) {
  if (type == "string") return value.is_string();
  if (type == "integer") return value.is_int64() || value.is_uint64();
  if (type == "number") return value.is_number();
  if (type == "boolean") return value.is_bool();
  if (type == "array") return value.is_array();
  return type == "object" && value.is_object();
}

json::object ToSchema(const json::object& description) {
  json::object schema;
  std::string type;
  for (const auto& [keyword, value] : description) {
    if (keyword == "optional") continue;  // no keyword of JSON Schema
    if (keyword == "type" && value.is_string()) {
      type = JsonType(value.get_string());
      schema["type"] = type;
    } else if (keyword == "items" && value.is_object()) {
      schema["items"] = ToSchema(value.get_object());
    } else if (keyword == "properties" && value.is_object()) {
      json::object properties;
      for (const auto& [name, member] : value.get_object()) {
        properties[name] = member.is_object() ? json::value(ToSchema(member.get_object())) : member;
      }
      schema["properties"] = std::move(properties);
    } else {
      schema[keyword] = value;
    }
  }
  const json::value* const allowed = schema.if_contains("enum");
  if (allowed != nullptr && allowed->is_array() && !type.empty() &&
      std::ranges::none_of(allowed->get_array(),
                           [&](const json::value& one) { return IsOfType(one, type); })) {
    schema.erase("enum");
  }
  return schema;
}

Result<std::string> IdOf(const json::value& line) {
  const json::value* const id = Find(line, "id");
  if (id == nullptr || !id->is_string()) return Error(StatusCode::kInvalidInput, "no \"id\"");
  return std::string(id->get_string());
}

Result<json::array> ArrayOf(const json::value& line, std::string_view name) {
  const json::value* const value = Find(line, name);
  if (value == nullptr || !value->is_array())
    return Error(StatusCode::kInvalidInput, "{} is no array", Quoted(name));
  return value->get_array();
}

// Each draw of so many is as likely as any other; their order stays.
void Draw(std::vector<ToolQuestion>& questions, std::size_t limit, std::uint64_t seed) {
  if (limit == 0 || limit >= questions.size()) return;
  std::mt19937_64 random(seed);
  std::vector<ToolQuestion> drawn;
  for (std::size_t left = questions.size(), at = 0; drawn.size() < limit; ++at, --left) {
    if (random() % left < limit - drawn.size()) drawn.push_back(std::move(questions[at]));
  }
  questions = std::move(drawn);
}

}  // namespace

std::span<const std::string_view> ToolCategories() { return kCategories; }

Result<std::vector<ToolQuestion>> ParseToolQuestions(std::string_view questions,
                                                     std::string_view answers, bool must_call) {
  std::map<std::string, json::array, std::less<>> expected;
  const auto read_answer = [&](const json::value& line) -> Result<void> {
    expected[TRY(IdOf(line))] = TRY(ArrayOf(line, "ground_truth"));
    return {};
  };
  const auto answers_read = ForEachJsonLine(answers, {}, read_answer);
  if (!answers_read) return std::unexpected(answers_read.error().WithContext("answers"));
  std::vector<ToolQuestion> read;
  TRY(ForEachJsonLine(questions, {}, [&](const json::value& line) -> Result<void> {
    ToolQuestion question{.id = TRY(IdOf(line)),
                          .messages = {},
                          .functions = TRY(ArrayOf(line, "function")),
                          .expected = {}};
    const json::array turns = TRY(ArrayOf(line, "question"));
    if (turns.size() != 1 || !turns[0].is_array())
      return Error(StatusCode::kInvalidInput, "\"question\" is not one turn");
    question.messages = turns[0].get_array();
    if (must_call) {
      const auto found = expected.find(question.id);
      if (found == expected.end() || found->second.empty())
        return Error(StatusCode::kInvalidInput, "{} has no answer", Quoted(question.id));
      question.expected = found->second;
    }
    read.push_back(std::move(question));
    return {};
  }));
  return read;
}

std::string ToolFile(std::string_view category) {
  // Simple ones are in a file a language.
  return fmt::format("BFCL_v4_{}.json", category == "simple" ? "simple_python" : category);
}

Result<std::vector<ToolQuestion>> ReadToolQuestions(const std::filesystem::path& folder,
                                                    std::string_view category, std::size_t limit,
                                                    std::uint64_t seed) {
  const std::string name = ToolFile(category);
  const bool must_call = !category.ends_with("irrelevance");
  const std::string questions = TRY(ReadFile(folder / name, kMaxFileBytes));
  const std::string answers =
      must_call ? TRY(ReadFile(folder / "possible_answer" / name, kMaxFileBytes)) : "";
  auto all = ParseToolQuestions(questions, answers, must_call);
  if (!all) return std::unexpected(all.error().WithContext(name));
  if (all->empty()) return Error(StatusCode::kInvalidInput, "{} has no questions", name);
  Draw(*all, limit, seed);
  return all;
}

json::array ToTools(const json::array& functions) {
  json::array tools;
  for (const json::value& function : functions) {
    if (!function.is_object()) continue;
    json::object tool = function.get_object();
    if (const json::value* const name = tool.if_contains("name"); name && name->is_string())
      tool["name"] = SentName(name->get_string());
    if (const json::value* const of = tool.if_contains("parameters"); of && of->is_object())
      tool["parameters"] = ToSchema(of->get_object());
    tools.push_back(json::object{{"type", "function"}, {"function", std::move(tool)}});
  }
  return tools;
}

}  // namespace kinglet
