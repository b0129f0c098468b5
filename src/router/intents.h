// SPDX-License-Identifier: Apache-2.0
// intents.toml: the kinds of questions that there are, examples of each, and what answers it. The
// format stands in docs/routing.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "router/classifier.h"

namespace kinglet {

enum class IntentMode : std::uint8_t {
  kQuote,    // the best quotes of a library, no model
  kCite,     // an answer, each sentence carried by a quote
  kChat,     // what the model says, from a library where one is named
  kExtract,  // JSON that satisfies a schema
  kTool,     // a call of a function, by name
  kRefuse,   // a message, always the same
  kHandOver  // an endpoint elsewhere answers
};
std::string_view NameOf(IntentMode mode);

// Of what the model writes. Unset: what the program does otherwise.
struct IntentSampling {
  std::optional<double> temperature, top_p, min_p;
  std::optional<std::int64_t> top_k, max_tokens, seed;
};

// Of a million tokens each, at an endpoint.
struct EndpointPrices {
  double prompt = 0;
  double cached = 0;  // of a prompt, not computed again
  double completion = 0;
  std::string currency;
};

// Where questions are handed over to: a server of OpenAI's API.
struct IntentEndpoint {
  std::string name;
  std::string url;
  std::string model;
  std::string api_key_env;  // the variable of the environment that holds its key; empty: none
  std::optional<EndpointPrices> prices;
};

struct Intent {
  std::string name;
  std::string description;
  IntentMode mode = IntentMode::kCite;
  std::string model;     // empty: the one that is used otherwise
  std::string library;   // likewise
  std::string schema;    // path, of kExtract alone
  std::string tool;      // of kTool alone
  std::string message;   // of kRefuse alone
  std::string endpoint;  // name, of kHandOver alone
  IntentSampling sampling;
  std::optional<double> first_byte_budget_ms;
  std::optional<double> risk;  // of a wrong answer, as `ask --risk` has it
  int line = 0;                // of the file
};

struct IntentExample {
  std::string text;
  std::optional<std::size_t> intent;  // index; unset: out of scope
};

struct Intents {
  std::vector<Intent> intents;
  std::vector<IntentEndpoint> endpoints;
  std::vector<IntentExample> examples;
  std::string examples_file;  // JSONL beside the file; empty: none
  std::string embedder;       // MODEL; empty: by words alone
  double rejection = 0.05;    // TrainingSet's
  std::uint64_t seed = 1;
  std::optional<std::size_t> default_intent;  // what answers out of scope; unset: nothing does

  // Null where there is none of this name.
  const Intent* FindIntent(std::string_view name) const;
  const IntentEndpoint* FindEndpoint(std::string_view name) const;
  // Of the intents that have examples: the default may live without.
  TrainingSet ToTrainingSet() const;
};

inline constexpr std::size_t kMinExamples = 5;
inline constexpr std::size_t kMaxExamples = 10'000;  // of an intent
inline constexpr std::size_t kMaxIntents = 1000;

// The file's own text; `name` is for errors. Every error is kInvalidInput and names file and line.
// What the file refers to is not looked at.
Result<Intents> ParseIntents(std::string_view toml, const std::string& name);
// Adds the examples of a text of {"text", "intent"} lines. kInvalidInput names file and line.
Result<void> AddExamples(std::string_view jsonl, const std::string& name, Intents& intents);
// What can be said of the whole alone: that each intent has its examples, and each example one
// intent.
Result<void> CheckExamples(const Intents& intents, const std::string& name);

// All three, and that the schemas are there and are JSON. Paths of the result are absolute.
Result<Intents> ReadIntents(const std::filesystem::path& file);

}  // namespace kinglet
