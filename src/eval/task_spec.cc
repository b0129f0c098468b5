// SPDX-License-Identifier: Apache-2.0
// The keys of a task's file, table by table, then what does not go together.
#include <algorithm>
#include <optional>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <toml++/toml.h>

#include "base/display.h"
#include "base/json.h"
#include "eval/task.h"
#include "router/toml_fields.h"

namespace kinglet {
namespace {

// A text, or a list of them.
std::vector<std::string> OneOrMore(const toml::table& table, TomlFields& fields,
                                   std::string_view name) {
  const toml::node* const node = table.get(name);
  if (node == nullptr || !node->is_string()) return fields.Texts(name);
  return {fields.Text(name).value_or("")};
}

PromptTemplate TemplateOf(TomlFields& fields, std::string_view key, const std::string& text) {
  auto parsed = PromptTemplate::Parse(text);
  if (parsed) return *std::move(parsed);
  fields.Fail(fields.LineOf(key), fmt::format("{}: {}", key, parsed.error().message()));
  return {};
}

std::optional<TextPattern> PatternOf(TomlFields& fields, std::string_view key,
                                     const std::string& text) {
  const auto pattern = TextPattern::Compile(text);
  if (pattern) return *pattern;
  fields.Fail(fields.LineOf(key), fmt::format("{}: {}", key, pattern.error().message()));
  return std::nullopt;
}

Result<void> ReadScorer(const toml::table& table, const std::string& file, TaskSpec& spec) {
  TomlFields fields(table, file, "[scorer]");
  const std::string name = fields.RequiredText("name");
  spec.scorer = FindScorer(name);
  if (spec.scorer == nullptr) {
    std::string names;
    for (const Scorer& scorer : Scorers()) {
      names += fmt::format("{}{}", names.empty() ? "" : ", ", scorer.name);
    }
    // Its other keys are nobody's, so this comes first.
    return std::unexpected(TomlError(file, fields.LineOf("name"),
                                     fmt::format("the scorer's name must be one of {}", names)));
  }
  json::object text = {{"name", name}};
  ScorerOptions& options = spec.scoring;
  const auto reads = [&](std::string_view option) {
    return std::ranges::find(spec.scorer->options, option) != spec.scorer->options.end();
  };
  const auto flag = [&](const char* key, bool& value) {
    if (!reads(key)) return;
    value = fields.Flag(key).value_or(value);
    text[key] = value;
  };
  flag("strip", options.strip);
  flag("ignore_case", options.ignore_case);
  flag("ignore_punctuation", options.ignore_punctuation);
  flag("ignore_numbers", options.ignore_numbers);
  if (reads("ignore")) {
    for (const std::string& one : fields.Texts("ignore")) {
      if (auto pattern = PatternOf(fields, "ignore", one)) options.ignore.push_back(*pattern);
      text["ignore " + std::to_string(options.ignore.size())] = one;
    }
  }
  if (reads("pattern")) {
    if (const auto pattern = fields.Text("pattern")) {
      options.pattern = PatternOf(fields, "pattern", *pattern);
      text["pattern"] = *pattern;
    }
  }
  if (reads("tolerance")) {
    options.tolerance = fields.Number("tolerance", 0, 1e300).value_or(0);
    text["tolerance"] = options.tolerance;
  }
  if (reads("schema")) spec.schema = fields.Text("schema").value_or("");
  spec.scorer_text = ToJson(text);
  return fields.Finish();
}

Result<void> ReadExamples(const toml::table& table, const std::string& file, TaskSpec& spec) {
  TomlFields fields(table, file, "[examples]");
  spec.examples = fields.RequiredText("data");
  spec.example_count = static_cast<std::size_t>(fields.Whole("count", 1, 1000).value_or(0));
  if (spec.is_chat && table.contains("separator")) {
    fields.Fail(fields.LineOf("separator"), "separator is for format = \"raw\"");
  }
  spec.separator = fields.TextOrEmpty("separator").value_or(spec.separator);
  return fields.Finish();
}

// A string names a field with the choices; an array has them.
void ReadChoices(const toml::table& table, TomlFields& fields, TaskSpec& spec) {
  const std::vector<std::string> texts = OneOrMore(table, fields, "choices");
  if (table.contains("choices") && table.get("choices")->is_string()) {
    spec.choices_field = texts.front();
    return;
  }
  for (const std::string& text : texts) {
    spec.choices.push_back(TemplateOf(fields, "choices", text));
  }
}

// What does not go together.
void CheckKeys(const toml::table& table, TomlFields& fields, const TaskSpec& spec) {
  const bool has_choices = table.contains("choices");
  const auto refuse = [&](bool wrong, const char* key, const std::string& message) {
    if (wrong) fields.Fail(fields.LineOf(key), message);
  };
  refuse(!spec.is_chat && table.contains("system"), "system", "system is for format = \"chat\"");
  refuse(spec.is_chat && table.contains("delimiter"), "delimiter",
         "delimiter is for format = \"raw\"");
  refuse(has_choices && !spec.scorer->chooses, "choices", "choices are for the scorer choice");
  refuse(!has_choices && spec.scorer->chooses, "scorer", "the scorer choice needs choices");
  refuse(spec.scorer->chooses && table.contains("max_tokens"), "max_tokens",
         "no text is written where likelihoods of choices are asked for");
  refuse(spec.scorer->chooses && table.contains("stop"), "stop",
         "no text is written where likelihoods of choices are asked for");
  const bool needs_answer = spec.scorer->needs_answer || spec.scorer->name == "squad" ||
                            (spec.scorer->name == "regex" && !spec.scoring.pattern);
  refuse(needs_answer && spec.answer_fields.empty(), "scorer",
         fmt::format("the scorer {} needs the key answer", spec.scorer->name));
}

// The prompt's part in what may be compared: all but the names of files, whose bytes count.
std::string PromptText(const toml::table& table) {
  toml::table of_prompt = table;
  for (const char* const key : {"name", "data", "id", "group", "scorer"}) of_prompt.erase(key);
  std::ostringstream text;
  text << toml::json_formatter(of_prompt);
  return text.str();
}

}  // namespace

Result<TaskSpec> ParseTaskSpec(std::string_view text, const std::string& file) {
  toml::table table;
  try {
    table = toml::parse(text);
  } catch (const toml::parse_error& error) {
    return std::unexpected(TomlError(file, static_cast<int>(error.source().begin.line),
                                     EscapeForDisplay(error.description())));
  }
  TomlFields fields(table, file, "the task");
  TaskSpec spec;
  spec.name = fields.RequiredText("name");
  spec.data = fields.RequiredText("data");
  const std::string format = fields.Text("format").value_or("chat");
  if (format != "chat" && format != "raw") {
    fields.Fail(fields.LineOf("format"), "format must be \"chat\" or \"raw\"");
  }
  spec.is_chat = format == "chat";
  spec.system = fields.Text("system").value_or("");
  spec.prompt = TemplateOf(fields, "prompt", fields.RequiredText("prompt"));
  ReadChoices(table, fields, spec);
  spec.answer_fields = OneOrMore(table, fields, "answer");
  spec.id_field = fields.Text("id").value_or("");
  spec.group_field = fields.Text("group").value_or("");
  spec.delimiter = fields.TextOrEmpty("delimiter").value_or(spec.delimiter);
  constexpr int kMaxTokens = 1'000'000;
  spec.max_tokens = static_cast<int>(fields.Whole("max_tokens", 1, kMaxTokens).value_or(64));
  spec.stop = fields.Texts("stop");
  if (const toml::table* const examples = fields.Table("examples")) {
    TRY(ReadExamples(*examples, file, spec));
  }
  const toml::table* const scorer = fields.Table("scorer");
  if (scorer == nullptr) {
    fields.Fail(1, "there must be a table [scorer]");
    const auto fault = fields.Finish();
    return std::unexpected(fault.error());
  }
  TRY(ReadScorer(*scorer, file, spec));
  CheckKeys(table, fields, spec);
  TRY(fields.Finish());
  spec.prompt_text = PromptText(table);
  return spec;
}

}  // namespace kinglet
