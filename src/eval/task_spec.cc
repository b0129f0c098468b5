// SPDX-License-Identifier: Apache-2.0
// The keys of a task's file: each is read once, by what type it has, and what is left over is an
// error.
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

namespace kinglet {
namespace {

// One table; the first fault is kept, so that reading goes on in a straight line.
class TomlFields {
 public:
  explicit TomlFields(const toml::table& table) : table_(table) {}

  template <typename T>
  std::optional<T> Get(std::string_view key, const char* kind) {
    const toml::node* const node = Take(key);
    if (node == nullptr) return std::nullopt;
    const std::optional<T> value = node->value_exact<T>();
    if (!value) Fail(node->source().begin.line, fmt::format("{} must be {}", key, kind));
    return value;
  }
  std::optional<std::string> Text(std::string_view key) {
    return Get<std::string>(key, "a string");
  }
  std::optional<bool> Flag(std::string_view key) { return Get<bool>(key, "true or false"); }
  std::optional<std::int64_t> Whole(std::string_view key, std::int64_t min, std::int64_t max) {
    const auto value = Get<std::int64_t>(key, "a whole number");
    if (value && (*value < min || *value > max)) {
      Fail(LineOf(key), fmt::format("{} must be from {} to {}", key, min, max));
      return std::nullopt;
    }
    return value;
  }
  // A string, or an array of them.
  std::vector<std::string> Texts(std::string_view key) {
    const toml::node* const node = Take(key);
    std::vector<std::string> texts;
    if (node == nullptr) return texts;
    const auto add = [&](const toml::node& one) {
      const auto text = one.value_exact<std::string>();
      if (!text) {
        Fail(one.source().begin.line, fmt::format("{} must be a string or an array of them", key));
      }
      texts.push_back(text.value_or(""));
    };
    if (const toml::array* const list = node->as_array()) {
      for (const toml::node& one : *list) add(one);
    } else {
      add(*node);
    }
    return texts;
  }
  const toml::table* Table(std::string_view key) {
    const toml::node* const node = Take(key);
    if (node != nullptr && !node->is_table()) {
      Fail(node->source().begin.line, fmt::format("{} must be a table", key));
      return nullptr;
    }
    return node == nullptr ? nullptr : node->as_table();
  }
  bool Has(std::string_view key) const { return table_.contains(key); }
  std::size_t LineOf(std::string_view key) const {
    const toml::node* const node = table_.get(key);
    return node == nullptr ? table_.source().begin.line : node->source().begin.line;
  }
  void Fail(std::size_t line, const std::string& message) {
    if (!fault_) fault_ = Status(StatusCode::kInvalidInput, fmt::format("{}: {}", line, message));
  }
  // Keys that nobody asked for are a fault, too.
  Result<void> Finish() {
    for (const auto& [key, node] : table_) {
      if (std::ranges::find(taken_, key.str()) == taken_.end()) {
        Fail(node.source().begin.line,
             fmt::format("there is no key {} here", EscapeForDisplay(key.str())));
      }
    }
    if (fault_) return std::unexpected(*fault_);
    return {};
  }

 private:
  const toml::node* Take(std::string_view key) {
    taken_.emplace_back(key);
    return table_.get(key);
  }

  const toml::table& table_;
  std::vector<std::string> taken_;
  std::optional<Status> fault_;
};

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

Result<void> ReadScorer(const toml::table& table, TaskSpec& spec) {
  TomlFields fields(table);
  const std::string name = fields.Text("name").value_or("");
  spec.scorer = FindScorer(name);
  if (spec.scorer == nullptr) {
    std::string names;
    for (const Scorer& scorer : Scorers()) {
      names += fmt::format("{}{}", names.empty() ? "" : ", ", scorer.name);
    }
    fields.Fail(fields.LineOf("name"), fmt::format("the scorer's name must be one of {}", names));
    return fields.Finish();
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
    options.tolerance = fields.Get<double>("tolerance", "a number like 0.01").value_or(0);
    if (!(options.tolerance >= 0)) fields.Fail(fields.LineOf("tolerance"), "tolerance is below 0");
    text["tolerance"] = options.tolerance;
  }
  if (reads("schema")) spec.schema = fields.Text("schema").value_or("");
  spec.scorer_text = ToJson(text);
  return fields.Finish();
}

Result<void> ReadExamples(const toml::table& table, TaskSpec& spec) {
  TomlFields fields(table);
  spec.examples = fields.Text("data").value_or("");
  if (spec.examples.empty()) fields.Fail(fields.LineOf("data"), "data must name a file");
  spec.example_count = static_cast<std::size_t>(fields.Whole("count", 1, 1000).value_or(0));
  if (spec.is_chat && fields.Has("separator")) {
    fields.Fail(fields.LineOf("separator"), "separator is for format = \"raw\"");
  }
  spec.separator = fields.Text("separator").value_or(spec.separator);
  return fields.Finish();
}

// A string names a field with the choices; an array has them.
void ReadChoices(const toml::table& table, TomlFields& fields, TaskSpec& spec) {
  const std::vector<std::string> texts = fields.Texts("choices");
  if (table.contains("choices") && table.get("choices")->is_string()) {
    spec.choices_field = texts.front();
    return;
  }
  for (const std::string& text : texts) {
    spec.choices.push_back(TemplateOf(fields, "choices", text));
  }
}

// What does not go together.
void CheckKeys(TomlFields& fields, const TaskSpec& spec) {
  const bool has_choices = fields.Has("choices");
  const auto refuse = [&](bool wrong, const char* key, const std::string& message) {
    if (wrong) fields.Fail(fields.LineOf(key), message);
  };
  refuse(!spec.is_chat && fields.Has("system"), "system", "system is for format = \"chat\"");
  refuse(spec.is_chat && fields.Has("delimiter"), "delimiter", "delimiter is for format = \"raw\"");
  refuse(has_choices && !spec.scorer->chooses, "choices", "choices are for the scorer choice");
  refuse(!has_choices && spec.scorer->chooses, "scorer", "the scorer choice needs choices");
  refuse(spec.scorer->chooses && fields.Has("max_tokens"), "max_tokens",
         "no text is written where likelihoods of choices are asked for");
  refuse(spec.scorer->chooses && fields.Has("stop"), "stop",
         "no text is written where likelihoods of choices are asked for");
  const bool needs_answer = spec.scorer->needs_answer || spec.scorer->name == "squad" ||
                            (spec.scorer->name == "regex" && !spec.scoring.pattern);
  refuse(needs_answer && spec.answer_fields.empty(), "scorer",
         fmt::format("the scorer {} needs the key answer", spec.scorer->name));
}

std::string Required(TomlFields& fields, const char* key) {
  const std::string text = fields.Text(key).value_or("");
  if (text.empty()) fields.Fail(fields.LineOf(key), fmt::format("there must be a {}", key));
  return text;
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

Result<TaskSpec> ParseTaskSpec(std::string_view text) {
  toml::table table;
  try {
    table = toml::parse(text);
  } catch (const toml::parse_error& error) {
    return Error(StatusCode::kInvalidInput, "{}: {}", error.source().begin.line,
                 EscapeForDisplay(error.description()));
  }
  TomlFields fields(table);
  TaskSpec spec;
  spec.name = Required(fields, "name");
  spec.data = Required(fields, "data");
  const std::string format = fields.Text("format").value_or("chat");
  if (format != "chat" && format != "raw") {
    fields.Fail(fields.LineOf("format"), "format must be \"chat\" or \"raw\"");
  }
  spec.is_chat = format == "chat";
  spec.system = fields.Text("system").value_or("");
  spec.prompt = TemplateOf(fields, "prompt", Required(fields, "prompt"));
  ReadChoices(table, fields, spec);
  spec.answer_fields = fields.Texts("answer");
  spec.id_field = fields.Text("id").value_or("");
  spec.group_field = fields.Text("group").value_or("");
  spec.delimiter = fields.Text("delimiter").value_or(spec.delimiter);
  constexpr int kMaxTokens = 1'000'000;
  spec.max_tokens = static_cast<int>(fields.Whole("max_tokens", 1, kMaxTokens).value_or(64));
  spec.stop = fields.Texts("stop");
  if (std::ranges::find(spec.stop, "") != spec.stop.end()) {
    fields.Fail(fields.LineOf("stop"), "an empty string stops nothing");
  }
  if (const toml::table* const examples = fields.Table("examples")) {
    TRY(ReadExamples(*examples, spec));
  }
  const toml::table* const scorer = fields.Table("scorer");
  if (scorer == nullptr) {
    fields.Fail(1, "there must be a table [scorer]");
    const auto fault = fields.Finish();
    return std::unexpected(fault.error());
  }
  TRY(ReadScorer(*scorer, spec));
  CheckKeys(fields, spec);
  TRY(fields.Finish());
  spec.prompt_text = PromptText(table);
  return spec;
}

}  // namespace kinglet
