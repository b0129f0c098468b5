// SPDX-License-Identifier: Apache-2.0
// kinglet inspect FILE: what a model file holds, after all checks that loading it would run.
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "base/display.h"
#include "base/json.h"
#include "cli/commands.h"
#include "model/bert_safetensors.h"
#include "model/config.h"
#include "model/tensors.h"
#include "model/vocabulary_from_gguf.h"
#include "tensor/gguf.h"
#include "text/tokenizer.h"

namespace kinglet {
namespace {

constexpr std::size_t kShownElements = 4;    // of an array
constexpr std::size_t kShownTextBytes = 64;  // of a string, for people

struct Options {
  std::string file;
  bool json = false;
  bool tensors = false;
};

struct TypeShare {
  std::size_t tensor_count = 0;
  std::uint64_t parameters = 0;
  std::uint64_t bytes = 0;
};

struct TokenizerFacts {
  std::string model;
  std::string pre;
  std::size_t token_count = 0;
  std::size_t merge_count = 0;
};

// What the checks and the counting found.
struct Inspection {
  GgufFile file;
  std::optional<ModelConfig> config;        // nothing where the file holds no tensors
  std::optional<TokenizerFacts> tokenizer;  // nothing where the file names no tokenizer
  std::vector<std::string_view> checks;     // passed
  std::map<DType, TypeShare> types;
  TypeShare all;

  double BitsPerWeight() const {
    return all.parameters == 0
               ? 0.0
               : 8.0 * static_cast<double>(all.bytes) / static_cast<double>(all.parameters);
  }
  std::string_view Text(std::string_view key) const {
    const GgufValue* value = file.Find(key);
    return value == nullptr ? "" : value->As<std::string_view>().value_or("");
  }
};

// A file without tensors is a vocabulary alone, and no broken model.
Result<void> RunChecks(Inspection& inspection) {
  const GgufFile& file = inspection.file;
  inspection.checks.emplace_back("file");
  if (!file.tensors().empty()) {
    inspection.config = TRY(ReadModelConfig(file));
    inspection.checks.emplace_back("config");
    TRY(BindTensors(file, *inspection.config));
    inspection.checks.emplace_back("tensors");
  }
  if (file.tensors().empty() || file.Find("tokenizer.ggml.model") != nullptr) {
    Vocabulary vocabulary = TRY(ReadVocabulary(file));
    inspection.tokenizer = {vocabulary.model, vocabulary.pre, vocabulary.tokens.size(),
                            vocabulary.merges.size()};
    inspection.checks.emplace_back("vocabulary");
    TRY(Tokenizer::Create(std::move(vocabulary)));
    inspection.checks.emplace_back("tokenizer");
  }
  return {};
}

Result<Inspection> InspectFile(const std::string& path) {
  Inspection inspection{.file = TRY(OpenModelFile(path))};
  if (const auto checked = RunChecks(inspection); !checked) {
    return std::unexpected(checked.error().WithContext(EscapeForDisplay(path)));
  }
  for (const Tensor& tensor : inspection.file.tensors()) {
    for (TypeShare* share : {&inspection.types[tensor.dtype], &inspection.all}) {
      ++share->tensor_count;
      share->parameters += tensor.rows() * tensor.columns();
      share->bytes += tensor.data.size();
    }
  }
  return inspection;
}

// A string of the file as JSON can hold it.
json::string JsonText(std::string_view text) {
  return json::string(IsUtf8(text) ? std::string(text) : EscapeForDisplay(text, Lines::kKeep));
}

json::value ToJsonValue(bool value) { return value; }
json::value ToJsonValue(std::int64_t value) { return value; }
json::value ToJsonValue(float value) { return value; }
json::value ToJsonValue(double value) { return value; }
json::value ToJsonValue(std::string_view value) { return JsonText(value); }

std::string ToText(bool value) { return value ? "true" : "false"; }
std::string ToText(std::int64_t value) { return fmt::format("{}", value); }
std::string ToText(float value) { return fmt::format("{}", value); }
std::string ToText(double value) { return fmt::format("{}", value); }
std::string ToText(std::string_view value) { return Quoted(value, kShownTextBytes); }

// Calls show with the value, or with each of an array's first elements, in its C++ type.
template <typename Show>
void VisitElements(const GgufValue& value, Show&& show) {
  const auto scalar = [&]<typename T>() {
    if (const auto found = value.As<T>()) show(*found);
  };
  const auto array = [&]<typename T>() {
    const auto found = value.As<std::vector<T>>();
    if (!found) return;
    for (std::size_t i = 0; i < found->size() && i < kShownElements; ++i) {
      show(T{(*found)[i]});
    }
  };
  if (value.is_array()) {
    array.template operator()<bool>();
    array.template operator()<std::int64_t>();
    array.template operator()<float>();
    array.template operator()<std::string_view>();
  } else {
    scalar.template operator()<bool>();
    scalar.template operator()<std::int64_t>();
    if (const auto found = value.As<double>()) {
      // A float32 reads better as what was meant: 1e-05.
      value.element_type() == GgufType::kFloat32 ? show(static_cast<float>(*found)) : show(*found);
    }
    scalar.template operator()<std::string_view>();
  }
}

json::object KeysJson(const GgufFile& file) {
  json::object keys;
  for (const GgufKey& key : file.keys()) {
    json::array elements;
    VisitElements(key.value, [&](auto value) { elements.push_back(ToJsonValue(value)); });
    json::object shown{{"type", key.value.TypeName()}};
    if (key.value.is_array()) {
      shown["count"] = key.value.count();
      shown["first"] = std::move(elements);
    } else {
      shown["value"] = elements.empty() ? json::value() : elements[0];
    }
    keys[key.name] = std::move(shown);
  }
  return keys;
}

json::object ConfigJson(const ModelConfig& config) {
  return {{"architecture", config.architecture},
          {"block_count", config.block_count},
          {"context_length", config.context_length},
          {"embedding_length", config.embedding_length},
          {"feed_forward_length", config.feed_forward_length},
          {"head_count", config.head_count},
          {"kv_head_count", config.kv_head_count},
          {"head_dim", config.head_dim},
          {"value_dim", config.value_dim},
          {"rope_dim", config.rope_dim},
          {"rope_base", config.rope_base},
          {"vocab_size", config.vocab_size},
          {"sliding_window", config.sliding_window},
          {"expert_count", config.expert_count},
          {"expert_used_count", config.expert_used_count}};
}

json::array TensorsJson(const GgufFile& file) {
  json::array tensors;
  for (const Tensor& tensor : file.tensors()) {
    tensors.push_back({{"name", tensor.name},
                       {"type", Info(tensor.dtype).name},
                       {"shape", json::array(tensor.shape.begin(), tensor.shape.end())},
                       {"bytes", tensor.data.size()}});
  }
  return tensors;
}

void PrintJson(const Inspection& inspection, const Options& options) {
  const GgufFile& file = inspection.file;
  json::object types;
  for (const auto& [dtype, share] : inspection.types) {
    types[Info(dtype).name] = {
        {"tensors", share.tensor_count}, {"parameters", share.parameters}, {"bytes", share.bytes}};
  }
  json::object out{{"file", JsonText(options.file)},
                   {"version", file.version()},
                   {"alignment_bytes", file.alignment()},
                   {"file_bytes", file.file_bytes()},
                   {"parts", file.part_count()},
                   {"name", JsonText(inspection.Text("general.name"))},
                   {"tensor_count", inspection.all.tensor_count},
                   {"parameters", inspection.all.parameters},
                   {"tensor_bytes", inspection.all.bytes},
                   {"bits_per_weight", inspection.BitsPerWeight()},
                   {"types", std::move(types)}};
  out["config"] = inspection.config ? json::value(ConfigJson(*inspection.config)) : json::value();
  if (const auto& tokenizer = inspection.tokenizer) {
    out["tokenizer"] = {{"model", JsonText(tokenizer->model)},
                        {"pre", JsonText(tokenizer->pre)},
                        {"tokens", tokenizer->token_count},
                        {"merges", tokenizer->merge_count}};
  } else {
    out["tokenizer"] = nullptr;
  }
  out["chat_template"] = !inspection.Text("tokenizer.chat_template").empty();
  out["checks"] = json::array(inspection.checks.begin(), inspection.checks.end());
  out["keys"] = KeysJson(file);
  if (options.tensors) out["tensors"] = TensorsJson(file);
  fmt::print("{}\n", ToJson(out));
}

void PrintKeys(const GgufFile& file) {
  fmt::print("\nkeys\n");
  for (const GgufKey& key : file.keys()) {
    std::vector<std::string> elements;
    VisitElements(key.value, [&](auto value) { elements.push_back(ToText(value)); });
    const bool more = key.value.is_array() && key.value.count() > elements.size();
    fmt::print("  {}  {}  {}{}\n", EscapeForDisplay(key.name), key.value.TypeName(),
               fmt::join(elements, " "), more ? " ..." : "");
  }
}

void PrintText(const Inspection& inspection, const Options& options) {
  const GgufFile& file = inspection.file;
  fmt::print("{}\n  GGUF version {}, {} bytes in {} file{}, {} keys, {} tensors\n",
             EscapeForDisplay(options.file), file.version(), file.file_bytes(), file.part_count(),
             file.part_count() == 1 ? "" : "s", file.keys().size(), file.tensors().size());
  if (const auto& config = inspection.config) {
    const std::string_view name = inspection.Text("general.name");
    fmt::print(
        "  {}{}{}: {} layers, width {}, feed-forward {}, {} heads of {} ({} of keys and "
        "values), context {} tokens\n",
        config->architecture, name.empty() ? "" : " ", name.empty() ? "" : Quoted(name),
        config->block_count, config->embedding_length, config->feed_forward_length,
        config->head_count, config->head_dim, config->kv_head_count, config->context_length);
    if (config->expert_count > 0) {
      fmt::print("  {} experts, {} used for a token\n", config->expert_count,
                 config->expert_used_count);
    }
    fmt::print("  {} parameters in {} bytes, {:.2f} bits each:", inspection.all.parameters,
               inspection.all.bytes, inspection.BitsPerWeight());
    for (const auto& [dtype, share] : inspection.types) {
      fmt::print(" {} x{}", Info(dtype).name, share.tensor_count);
    }
    fmt::print("\n");
  }
  if (const auto& tokenizer = inspection.tokenizer) {
    fmt::print("  tokenizer {}{}{}, {} tokens\n", EscapeForDisplay(tokenizer->model),
               tokenizer->pre.empty() ? "" : " with pre-tokenizer ",
               EscapeForDisplay(tokenizer->pre), tokenizer->token_count);
  }
  fmt::print("  chat template: {}\n  checks passed: {}\n",
             inspection.Text("tokenizer.chat_template").empty() ? "none" : "present",
             fmt::join(inspection.checks, ", "));
  PrintKeys(file);
  if (!options.tensors) return;
  fmt::print("\ntensors\n");
  for (const Tensor& tensor : file.tensors()) {
    fmt::print("  {}  {}  {}  {} bytes\n", EscapeForDisplay(tensor.name), Info(tensor.dtype).name,
               ShapeText(tensor.shape), tensor.data.size());
  }
}

Result<void> Inspect(const Options& options) {
  const Inspection inspection = TRY(InspectFile(options.file));
  if (options.json) {
    PrintJson(inspection, options);
  } else {
    PrintText(inspection, options);
  }
  return {};
}

}  // namespace

CommandRun SetUpInspect(CLI::App& app, const Environment&) {
  auto options = std::make_shared<Options>();
  app.add_option("FILE", options->file, "a .gguf file; of a split one the first part")->required();
  app.add_flag("--json", options->json, "one JSON object instead of text");
  app.add_flag("--tensors", options->tensors, "each tensor too: name, type, shape, bytes");
  return [options] { return Inspect(*options); };
}

}  // namespace kinglet
