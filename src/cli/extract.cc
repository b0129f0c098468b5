// SPDX-License-Identifier: Apache-2.0
// kinglet extract --schema FILE [TEXT]: what a text says, as JSON that satisfies a schema; or
// nothing.
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <CLI/CLI.hpp>

#include "base/display.h"
#include "base/file.h"
#include "base/json.h"
#include "cli/commands.h"
#include "cli/interrupt.h"
#include "cli/model_account.h"
#include "cli/open_engine.h"
#include "cli/sampling_flags.h"
#include "cli/standard_input.h"
#include "grammar/json_schema.h"
#include "grammar/json_validator.h"
#include "router/text_features.h"

namespace kinglet {
namespace {

constexpr std::size_t kMaxSchemaBytes = std::size_t{16} << 20;
constexpr std::size_t kMaxTextBytes = std::size_t{64} << 20;
constexpr JsonLimits kLimits{.max_depth = 500};

struct ExtractFlags {
  std::string schema;
  std::string model, then;
  std::optional<std::string> text;
  SamplingFlags sampling;
};

// The schema is shown as well as enforced: a grammar knows no descriptions.
std::vector<ChatMessage> Ask(std::string_view schema, std::string_view text) {
  return {{"system", fmt::format("Write down what the user's text says as one JSON value that "
                                 "satisfies this JSON Schema, and nothing else:\n{}",
                                 schema)},
          {"user", std::string(text)}};
}

// What each model is asked for.
struct Extraction {
  json::value schema;
  std::unique_ptr<JsonValidator> validator;
  std::string text;
};

// That it is finished, and satisfies the schema.
Result<void> Check(const GenerationResult& result, const JsonValidator& validator) {
  if (!result.is_whole || result.finish_reason != FinishReason::kStop) {
    return Error(StatusCode::kFailed,
                 "the JSON was not finished after {} tokens; nothing is printed",
                 result.tokens.size());
  }
  const json::value value = TRY(ParseJson(result.text, kLimits));
  if (const Result<void> valid = validator.Validate(value); !valid) {
    return Error(StatusCode::kFailed, "a defect: what was written breaks the schema: {}",
                 valid.error().message());
  }
  return {};
}

// grammar: of the schema.
Result<GenerationResult> AskModel(Engine& engine, const Extraction& extraction, Grammar grammar,
                                  const SamplingFlags& sampling) {
  const auto messages = Ask(ToJson(extraction.schema), extraction.text);
  GenerationRequest request{.prompt = TRY(engine.EncodeChat(messages)),
                            .sampling = sampling.options};
  request.max_tokens = sampling.max_tokens.value_or(engine.context_tokens());
  request.stop = sampling.stop;
  request.interrupted = TakeInterrupt;
  request.constraint =
      TRY(engine.grammars().Get("", [&] { return Result<Grammar>(std::move(grammar)); }));
  return engine.Generate(request, nullptr);
}

// From --model, or, where what it wrote will not do, from --then.
Result<void> AskInTurn(const ExtractFlags& flags, const Environment& environment,
                       const Extraction& extraction, Grammar grammar) {
  const SamplingFlags& sampling = flags.sampling;
  const std::filesystem::path path = TRY(FindModelFile(flags.model, environment));
  ModelAccount account(environment, path, "extract");
  std::optional<std::filesystem::path> next;
  if (!flags.then.empty()) {
    next = TRY(FindLargerModelFile(flags.then, path, environment));
    account.StandsBefore(*next);
  }
  std::unique_ptr<Engine> engine = TRY(OpenEngine(path, sampling.engine, environment));
  account.Begin(extraction.text);
  GenerationResult result = TRY(AskModel(*engine, extraction, std::move(grammar), sampling));
  Result<void> valid = Check(result, *extraction.validator);
  if (!valid && next && result.finish_reason != FinishReason::kCancelled) {
    account.GiveUp(result);
    engine.reset();  // there may be room for one alone
    engine = TRY(OpenEngine(*next, sampling.engine, environment));
    grammar = TRY(CompileJsonSchema(extraction.schema));
    result = TRY(AskModel(*engine, extraction, std::move(grammar), sampling));
    valid = Check(result, *extraction.validator);
  }
  account.Close(*engine, result, valid.has_value());
  if (!valid) return valid;
  fmt::print("{}\n", result.text);
  return {};
}

Result<void> Extract(const ExtractFlags& flags, const Environment& environment) {
  if (flags.model.empty()) {
    return Error(StatusCode::kUsage, "no model: name one with --model, or in the configuration");
  }
  const std::string shown = EscapeForDisplay(flags.schema);
  Result<json::value> schema = ParseJson(TRY(ReadFile(flags.schema, kMaxSchemaBytes)), kLimits);
  if (!schema) return std::unexpected(schema.error().WithContext(shown));
  Result<Grammar> grammar = CompileJsonSchema(*schema);
  if (!grammar) return std::unexpected(grammar.error().WithContext(shown));
  auto validator = JsonValidator::Create(*schema);
  if (!validator) return std::unexpected(validator.error().WithContext(shown));
  const Extraction extraction{
      .schema = *std::move(schema),
      .validator = *std::move(validator),
      .text = flags.text ? *flags.text : TRY(ReadStandardInput(kMaxTextBytes))};
  // Of nothing a model would invent something.
  if (IsBlank(extraction.text)) return Error(StatusCode::kInvalidInput, "there is no text to read");
  return AskInTurn(flags, environment, extraction, *std::move(grammar));
}

}  // namespace

CommandRun SetUpExtract(CLI::App& app, const Environment& environment) {
  app.option_defaults()->always_capture_default();
  auto flags = std::make_shared<ExtractFlags>();
  flags->model = environment.settings.model.value_or("");
  app.add_option("TEXT", flags->text, "what is read; absent: standard input");
  app.add_option("--schema", flags->schema, "a file with a JSON Schema")->required();
  app.add_option("--model", flags->model, "path, catalog name or hf:user/repo:quant");
  app.add_option(
      "--then", flags->then,
      "a larger model, which is asked where --model's JSON is not finished or not valid");
  AddSamplingFlags(app, flags->sampling);
  return [flags, environment] {
    HandleInterrupts();
    return Extract(*flags, environment);
  };
}

}  // namespace kinglet
