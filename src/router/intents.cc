// SPDX-License-Identifier: Apache-2.0
// From tables to intents, then what only the whole can be asked.
#include "router/intents.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "base/display.h"
#include "base/file.h"
#include "base/json.h"
#include "router/labelled_texts.h"
#include "router/text_features.h"
#include "router/toml_fields.h"

namespace kinglet {
namespace {

constexpr std::size_t kMaxFileBytes = std::size_t{256} << 20U;
constexpr std::size_t kMaxNameBytes = 100;

// What a mode needs, and what else an intent of it may say. Any other key would have no effect.
struct ModeRow {
  IntentMode mode;
  std::string_view name;
  std::string_view needs;  // a key; empty: none
  bool model, library, risk;
  bool then = false;
};
constexpr auto kModes = std::to_array<ModeRow>({
    {IntentMode::kQuote, "quote", "", false, true, false},
    {IntentMode::kCite, "cite", "", true, true, true, true},
    {IntentMode::kChat, "chat", "", true, true, false, true},
    {IntentMode::kExtract, "extract", "schema", true, false, false, true},
    {IntentMode::kTool, "tool", "tool", true, false, false},
    {IntentMode::kRefuse, "refuse", "message", false, false, false},
    {IntentMode::kHandOver, "hand_over", "endpoint", false, false, false},
});

const ModeRow& RowOf(IntentMode mode) { return *std::ranges::find(kModes, mode, &ModeRow::mode); }

std::string ModeNames() {
  std::string names;
  for (const ModeRow& row : kModes) names += (names.empty() ? "" : ", ") + std::string(row.name);
  return names;
}

// A name is shown in lines and compared by eye.
void CheckName(TomlFields& fields, const std::string& name) {
  if (name.size() > kMaxNameBytes || EscapeForDisplay(name) != name) {
    fields.Fail(fields.LineOf("name"),
                fmt::format("a name has at most {} bytes, and no controls", kMaxNameBytes));
  }
}

Result<IntentSampling> ReadSampling(const toml::table& table, const std::string& file) {
  constexpr std::int64_t kMany = 1 << 30;
  TomlFields fields(table, file, "sampling");
  IntentSampling sampling;
  sampling.temperature = fields.Number("temperature", 0, 10);
  sampling.top_p = fields.Number("top_p", 0, 1);
  sampling.min_p = fields.Number("min_p", 0, 1);
  sampling.top_k = fields.Whole("top_k", 0, kMany);
  sampling.max_tokens = fields.Whole("max_tokens", 1, kMany);
  sampling.seed = fields.Whole("seed", 0, INT64_MAX);
  TRY(fields.Finish());
  return sampling;
}

IntentMode ReadMode(TomlFields& fields) {
  const auto name = fields.Text("mode");
  if (!name) return IntentMode::kCite;
  const auto* const row = std::ranges::find(kModes, *name, &ModeRow::name);
  if (row != kModes.end()) return row->mode;
  fields.Fail(fields.LineOf("mode"),
              fmt::format("there is no mode {}: {} are", Quoted(*name), ModeNames()));
  return IntentMode::kCite;
}

// Fails for a key that an intent of this mode may not have, or must.
void CheckKeys(TomlFields& fields, const toml::table& table, IntentMode mode) {
  const ModeRow& row = RowOf(mode);
  if (!row.needs.empty() && !table.contains(row.needs)) {
    fields.Fail(fields.LineOf("mode"),
                fmt::format("mode {} needs the key {}", row.name, row.needs));
  }
  const auto check = [&](std::string_view key, bool allowed) {
    if (allowed || !table.contains(key)) return;
    fields.Fail(fields.LineOf(key), fmt::format("{} says nothing in mode {}", key, row.name));
  };
  for (const ModeRow& other : kModes) {
    if (!other.needs.empty()) check(other.needs, other.needs == row.needs);
  }
  check("model", row.model);
  check("sampling", row.model);
  check("library", row.library);
  check("risk", row.risk);
  check("then", row.then);
  check("accept", row.then && mode != IntentMode::kExtract);
  if (mode == IntentMode::kChat && table.contains("then") && !table.contains("library")) {
    fields.Fail(fields.LineOf("then"),
                "then needs the key library in mode chat: nobody knows how sure a model's own "
                "words are");
  }
  if (table.contains("accept") && !table.contains("then")) {
    fields.Fail(fields.LineOf("accept"), "accept says nothing without then");
  }
}

std::vector<std::string> ReadExamples(TomlFields& fields) {
  std::vector<std::string> examples = fields.Texts("examples");
  if (std::ranges::any_of(examples, IsBlank)) {
    fields.Fail(fields.LineOf("examples"), "examples must hold texts that are not blank");
  }
  return examples;
}

struct ReadIntent {
  Intent intent;
  std::vector<std::string> examples;
};

Result<ReadIntent> ReadIntentTable(const toml::table& table, const std::string& file) {
  TomlFields fields(table, file, "an intent");
  ReadIntent read;
  Intent& intent = read.intent;
  intent.line = static_cast<int>(table.source().begin.line);
  intent.name = fields.RequiredText("name");
  CheckName(fields, intent.name);
  intent.description = fields.Text("description").value_or("");
  read.examples = ReadExamples(fields);
  intent.mode = ReadMode(fields);
  CheckKeys(fields, table, intent.mode);
  intent.model = fields.Text("model").value_or("");
  intent.library = fields.Text("library").value_or("");
  intent.schema = fields.Text("schema").value_or("");
  intent.tool = fields.Text("tool").value_or("");
  intent.message = fields.Text("message").value_or("");
  intent.endpoint = fields.Text("endpoint").value_or("");
  intent.first_byte_budget_ms = fields.Number("first_byte_budget_ms", 1, 3'600'000);
  intent.risk = fields.Number("risk", 0, 1);
  intent.then = fields.Text("then").value_or("");
  intent.accept = fields.Number("accept", 0, 1);
  if (!intent.then.empty() && intent.then == intent.model) {
    fields.Fail(fields.LineOf("then"), "then is the model that answers first: it must be another");
  }
  const toml::table* const sampling = fields.Table("sampling");
  TRY(fields.Finish());
  if (sampling != nullptr) intent.sampling = TRY(ReadSampling(*sampling, file));
  return read;
}

// All of them or none: half a price would be a wrong one.
std::optional<EndpointPrices> ReadPrices(TomlFields& fields) {
  constexpr double kMost = 1e9;
  const auto prompt = fields.Number("prompt_per_million", 0, kMost);
  const auto cached = fields.Number("cached_per_million", 0, kMost);
  const auto completion = fields.Number("completion_per_million", 0, kMost);
  const auto currency = fields.Text("currency");
  if (prompt && completion && currency) {
    return EndpointPrices{*prompt, cached.value_or(*prompt), *completion, *currency};
  }
  if (prompt || cached || completion || currency) {
    fields.Fail(fields.LineOf("name"),
                "prices are prompt_per_million, completion_per_million and currency, all three");
  }
  return std::nullopt;
}

Result<IntentEndpoint> ReadEndpoint(const toml::table& table, const std::string& file) {
  TomlFields fields(table, file, "an endpoint");
  IntentEndpoint endpoint;
  endpoint.name = fields.RequiredText("name");
  CheckName(fields, endpoint.name);
  endpoint.url = fields.RequiredText("url");
  endpoint.model = fields.Text("model").value_or("");
  endpoint.api_key_env = fields.Text("api_key_env").value_or("");
  endpoint.prices = ReadPrices(fields);
  if (!endpoint.url.starts_with("http://") && !endpoint.url.starts_with("https://")) {
    fields.Fail(fields.LineOf("url"), "a url begins with http:// or https://");
  }
  TRY(fields.Finish());
  return endpoint;
}

// What out of scope is: examples, and how much may be taken for it by mistake.
Result<void> ReadOutOfScope(const toml::table& table, const std::string& file, Intents& intents) {
  TomlFields fields(table, file, "out_of_scope");
  intents.rejection = fields.Number("rejection", 0, 0.5).value_or(intents.rejection);
  for (std::string& text : ReadExamples(fields)) {
    intents.examples.push_back({std::move(text), std::nullopt});
  }
  return fields.Finish();
}

Result<void> ReadEndpoints(TomlFields& fields, const std::string& file, Intents& intents) {
  for (const toml::table* table : fields.Tables("endpoint")) {
    IntentEndpoint endpoint = TRY(ReadEndpoint(*table, file));
    if (intents.FindEndpoint(endpoint.name) != nullptr) {
      fields.Fail(static_cast<int>(table->source().begin.line),
                  fmt::format("there are two endpoints {}", endpoint.name));
    }
    intents.endpoints.push_back(std::move(endpoint));
  }
  return {};
}

Result<void> ReadIntentTables(TomlFields& fields, const std::string& file, Intents& intents) {
  const std::vector<const toml::table*> tables = fields.Tables("intent");
  if (tables.size() > kMaxIntents) {
    fields.Fail(fields.LineOf("intent"), fmt::format("more than {} intents", kMaxIntents));
  }
  for (const toml::table* table : tables) {
    auto [intent, examples] = TRY(ReadIntentTable(*table, file));
    if (const Intent* const before = intents.FindIntent(intent.name); before != nullptr) {
      fields.Fail(intent.line, fmt::format("there is an intent {} in line {} already", intent.name,
                                           before->line));
    }
    if (!intent.endpoint.empty() && intents.FindEndpoint(intent.endpoint) == nullptr) {
      fields.Fail(intent.line, fmt::format("there is no endpoint {}", Quoted(intent.endpoint)));
    }
    for (std::string& text : examples) {
      intents.examples.push_back({std::move(text), intents.intents.size()});
    }
    intents.intents.push_back(std::move(intent));
  }
  return {};
}

Result<Intents> ReadFileTable(const toml::table& table, const std::string& file) {
  TomlFields fields(table, file, "the file");
  Intents intents;
  intents.examples_file = fields.Text("examples").value_or("");
  intents.embedder = fields.Text("embedder").value_or("");
  intents.seed = static_cast<std::uint64_t>(fields.Whole("seed", 0, INT64_MAX).value_or(1));
  const auto default_name = fields.Text("default");
  if (const toml::table* const out = fields.Table("out_of_scope"); out != nullptr) {
    TRY(ReadOutOfScope(*out, file, intents));
  }
  TRY(ReadEndpoints(fields, file, intents));
  TRY(ReadIntentTables(fields, file, intents));
  if (default_name) {
    const Intent* const intent = intents.FindIntent(*default_name);
    if (intent == nullptr) {
      fields.Fail(fields.LineOf("default"),
                  fmt::format("there is no intent {}", Quoted(*default_name)));
    } else {
      intents.default_intent = static_cast<std::size_t>(intent - intents.intents.data());
    }
  }
  TRY(fields.Finish());
  return intents;
}

// No text may stand twice, and those that the classifier sees as one are of one intent.
class ExampleCheck {
 public:
  explicit ExampleCheck(const Intents& intents) : intents_(intents) {}

  // What is wrong with the example beside those before it; empty: nothing.
  std::string Wrong(const IntentExample& example) {
    const bool is_new = texts_.insert(example.text).second;
    const auto before = of_words_.try_emplace(SeenWords(example.text), example.intent).first;
    if (is_new && before->second == example.intent) return "";
    return fmt::format("{} is an example of {}, and one of {} already{}", Quoted(example.text),
                       NameOfIntent(example.intent), NameOfIntent(before->second),
                       is_new ? ", but for case, spaces and punctuation" : "");
  }

 private:
  std::string NameOfIntent(std::optional<std::size_t> intent) const {
    return intent ? intents_.intents[*intent].name : "out of scope";
  }

  const Intents& intents_;
  std::set<std::string> texts_;
  std::map<std::string, std::optional<std::size_t>> of_words_;
};

Result<void> CheckSchema(const Intent& intent, const std::string& file) {
  const auto text = ReadFile(intent.schema, kMaxFileBytes);
  const auto fail = [&](const Status& status) {
    return std::unexpected(TomlError(file, intent.line, status.message()));
  };
  if (!text) return fail(text.error());
  if (const auto value = ParseJson(*text); !value) {
    return fail(value.error().WithContext(intent.schema));
  }
  return {};
}

}  // namespace

std::string_view NameOf(IntentMode mode) { return RowOf(mode).name; }

const Intent* Intents::FindIntent(std::string_view name) const {
  const auto found = std::ranges::find(intents, name, &Intent::name);
  return found == intents.end() ? nullptr : &*found;
}

const IntentEndpoint* Intents::FindEndpoint(std::string_view name) const {
  const auto found = std::ranges::find(endpoints, name, &IntentEndpoint::name);
  return found == endpoints.end() ? nullptr : &*found;
}

TrainingSet Intents::ToTrainingSet() const {
  TrainingSet set{.rejection = rejection, .seed = seed};
  std::vector<int> labels(intents.size(), kNoLabel);
  for (const IntentExample& example : examples) {
    if (const auto intent = example.intent; intent) labels[*intent] = 0;
  }
  for (std::size_t i = 0; i < intents.size(); ++i) {
    if (labels[i] == kNoLabel) continue;
    labels[i] = static_cast<int>(set.labels.size());
    set.labels.push_back(intents[i].name);
  }
  for (const IntentExample& example : examples) {
    const auto intent = example.intent;
    set.texts.push_back({example.text, intent ? labels[*intent] : kNoLabel});
  }
  return set;
}

Result<Intents> ParseIntents(std::string_view toml, const std::string& name) {
  toml::table table;
  try {
    table = toml::parse(toml);
  } catch (const toml::parse_error& error) {
    return std::unexpected(TomlError(name, static_cast<int>(error.source().begin.line),
                                     EscapeForDisplay(error.description())));
  }
  return ReadFileTable(table, name);
}

Result<void> AddExamples(std::string_view jsonl, const std::string& name, Intents& intents) {
  std::map<std::string, std::size_t, std::less<>> indices;
  for (std::size_t i = 0; i < intents.intents.size(); ++i) indices[intents.intents[i].name] = i;
  ExampleCheck check(intents);
  for (const IntentExample& example : intents.examples) (void)check.Wrong(example);
  const auto added = ForEachIntentLine(jsonl, [&](IntentLine line) -> Result<void> {
    IntentExample example{.text = std::move(line.text)};
    if (const auto& intent = line.intent; intent) {
      const auto found = indices.find(*intent);
      if (found == indices.end()) {
        return Error(StatusCode::kInvalidInput, "there is no intent {}", Quoted(*intent));
      }
      example.intent = found->second;
    }
    if (const std::string wrong = check.Wrong(example); !wrong.empty()) {
      return Error(StatusCode::kInvalidInput, "{}", wrong);
    }
    intents.examples.push_back(std::move(example));
    return {};
  });
  if (!added) return std::unexpected(added.error().WithContext(name));
  return {};
}

Result<void> CheckExamples(const Intents& intents, const std::string& name) {
  std::vector<std::size_t> counts(intents.intents.size());
  ExampleCheck check(intents);
  for (const IntentExample& example : intents.examples) {
    const auto intent = example.intent;
    if (intent) ++counts[*intent];
    const std::string wrong = check.Wrong(example);
    if (wrong.empty()) continue;
    const int line = intent ? intents.intents[*intent].line : 1;
    return std::unexpected(TomlError(name, line, wrong));
  }
  std::size_t learnt = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    const Intent& intent = intents.intents[i];
    if (counts[i] == 0 && intents.default_intent == i) continue;
    ++learnt;
    if (counts[i] >= kMinExamples && counts[i] <= kMaxExamples) continue;
    return std::unexpected(
        TomlError(name, intent.line,
                  fmt::format("{} has {} examples: it takes {} to {}", intent.name, counts[i],
                              kMinExamples, kMaxExamples)));
  }
  if (learnt >= 2) return {};
  return std::unexpected(TomlError(name, 1, "it takes two intents with examples, or more"));
}

Result<Intents> ReadIntents(const std::filesystem::path& file) {
  const std::string name = file.string();
  Intents intents = TRY(ParseIntents(TRY(ReadFile(file, kMaxFileBytes)), name));
  const std::filesystem::path folder = std::filesystem::absolute(file).parent_path();
  if (!intents.examples_file.empty()) {
    intents.examples_file = (folder / intents.examples_file).string();
    const auto lines = ReadFile(intents.examples_file, kMaxFileBytes);
    if (!lines) return std::unexpected(lines.error().WithContext(name));
    TRY(AddExamples(*lines, intents.examples_file, intents));
  }
  TRY(CheckExamples(intents, name));
  for (Intent& intent : intents.intents) {
    if (intent.schema.empty()) continue;
    intent.schema = (folder / intent.schema).string();
    TRY(CheckSchema(intent, name));
  }
  return intents;
}

}  // namespace kinglet
