// SPDX-License-Identifier: Apache-2.0
// Names and numbers of a BERT of the transformers library, as llama.cpp's converter maps them.
#include "model/bert_safetensors.h"

#include <charconv>
#include <cstring>
#include <deque>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/display.h"
#include "base/file.h"
#include "base/json.h"
#include "tensor/safetensors.h"

namespace kinglet {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxConfigBytes = std::size_t{1} << 20;
constexpr std::size_t kMaxVocabularyBytes = std::size_t{64} << 20;
constexpr std::size_t kMaxPrefixBytes = 1000;
constexpr std::int32_t kNormalToken = 1;  // of tokenizer.ggml.token_type
constexpr std::int32_t kControlToken = 3;
constexpr std::uint32_t kMeanPooling = 1;  // of bert.pooling_type
constexpr std::uint32_t kClsPooling = 2;

using Names = std::pair<std::string_view, std::string_view>;  // of transformers, of GGUF

constexpr Names kParts[] = {{"embeddings.word_embeddings", "token_embd"},
                            {"embeddings.position_embeddings", "position_embd"},
                            {"embeddings.token_type_embeddings", "token_types"},
                            {"embeddings.LayerNorm", "token_embd_norm"}};
constexpr Names kLayerParts[] = {{"attention.self.query", "attn_q"},
                                 {"attention.self.key", "attn_k"},
                                 {"attention.self.value", "attn_v"},
                                 {"attention.output.dense", "attn_output"},
                                 {"attention.output.LayerNorm", "attn_output_norm"},
                                 {"intermediate.dense", "ffn_up"},
                                 {"output.dense", "ffn_down"},
                                 {"output.LayerNorm", "layer_output_norm"}};
constexpr std::string_view kLayer = "encoder.layer.";

struct Special {
  std::string_view token;
  std::string_view key;  // empty: the token alone
};
constexpr Special kSpecials[] = {{"[UNK]", "tokenizer.ggml.unknown_token_id"},
                                 {"[SEP]", "tokenizer.ggml.seperator_token_id"},
                                 {"[PAD]", "tokenizer.ggml.padding_token_id"},
                                 {"[CLS]", "tokenizer.ggml.bos_token_id"},
                                 {"[MASK]", "tokenizer.ggml.mask_token_id"}};

std::optional<std::string_view> NameOf(std::string_view name, std::span<const Names> known) {
  for (const auto& [theirs, ours] : known) {
    if (name == theirs) return ours;
  }
  return std::nullopt;
}

// "encoder.layer.3.output.dense.bias" is "blk.3.ffn_down.bias"; nothing for what vectors do not
// need, as the pooler.
std::optional<std::string> GgufName(std::string_view name) {
  if (name.starts_with("bert.")) name.remove_prefix(5);
  const std::size_t dot = name.rfind('.');
  if (dot == std::string_view::npos) return std::nullopt;
  const std::string_view kind = name.substr(dot);
  std::string_view stem = name.substr(0, dot);
  if (!stem.starts_with(kLayer)) {
    const auto part = NameOf(stem, kParts);
    return part ? std::optional(fmt::format("{}{}", *part, kind)) : std::nullopt;
  }
  stem.remove_prefix(kLayer.size());
  const std::size_t end = stem.find('.');
  if (end == std::string_view::npos) return std::nullopt;
  const auto part = NameOf(stem.substr(end + 1), kLayerParts);
  if (!part) return std::nullopt;
  return fmt::format("blk.{}.{}{}", stem.substr(0, end), *part, kind);
}

// All that the keys and tensors of the file view.
struct Content {
  explicit Content(SafetensorsFile file) : weights(std::move(file)) {}

  SafetensorsFile weights;
  std::deque<std::string> bytes;  // names and values
  std::vector<GgufKey> keys;
  std::vector<Tensor> tensors;

  std::string_view Keep(std::string text) { return bytes.emplace_back(std::move(text)); }

  void AddKey(std::string_view name, GgufType type, bool is_array, std::uint64_t count,
              std::string value) {
    const std::string_view kept = Keep(std::move(value));
    keys.push_back(
        {Keep(std::string(name)),
         GgufValue(type, is_array, count, std::as_bytes(std::span(kept.data(), kept.size())))});
  }
  template <typename T>
  void Add(std::string_view name, GgufType type, T value) {
    AddKey(name, type, false, 1, BytesOf(value));
  }
  void AddText(std::string_view name, std::string_view text) {
    AddKey(name, GgufType::kString, false, 1, std::string(text));
  }

  template <typename T>
  static std::string BytesOf(T value) {
    std::string text(sizeof(value), '\0');
    std::memcpy(text.data(), &value, sizeof(value));
    return text;
  }
  static std::string StringBytes(std::string_view text) {
    return BytesOf(std::uint64_t{text.size()}).append(text);
  }
};

Result<json::value> ReadConfig(const fs::path& path) {
  const std::string text = TRY(ReadFile(path, kMaxConfigBytes));
  Result<json::value> config = ParseJson(text);
  if (!config) return std::unexpected(config.error().WithContext(EscapeForDisplay(path.string())));
  return config;
}

std::string_view TextOf(const json::value& config, std::string_view key,
                        std::string_view otherwise) {
  const json::value* const value = Find(config, key);
  return value != nullptr && value->is_string() ? std::string_view(value->get_string()) : otherwise;
}

// The config's numbers, as the keys of GGUF. What is beyond a key's range is its reader's to
// refuse.
Result<void> AddNumbers(const json::value& config, Content& content) {
  constexpr Names kNumbers[] = {{"max_position_embeddings", "bert.context_length"},
                                {"hidden_size", "bert.embedding_length"},
                                {"num_hidden_layers", "bert.block_count"},
                                {"intermediate_size", "bert.feed_forward_length"},
                                {"num_attention_heads", "bert.attention.head_count"}};
  for (const auto& [theirs, ours] : kNumbers) {
    const json::value* const value = Find(config, theirs);
    if (value == nullptr || !value->is_int64()) {
      return Error(StatusCode::kInvalidInput, "{} is missing or no whole number", theirs);
    }
    content.Add(ours, GgufType::kInt64, value->get_int64());
  }
  const json::value* const epsilon = Find(config, "layer_norm_eps");
  if (epsilon == nullptr || !epsilon->is_double()) {
    return Error(StatusCode::kInvalidInput, "layer_norm_eps is missing or no number");
  }
  content.Add("bert.attention.layer_norm_epsilon", GgufType::kFloat64, epsilon->get_double());
  return {};
}

// What a BERT of another kind would have, which would give other vectors.
Result<void> CheckKind(const json::value& config) {
  constexpr Names kMust[] = {
      {"model_type", "bert"}, {"hidden_act", "gelu"}, {"position_embedding_type", "absolute"}};
  for (const auto& [key, value] : kMust) {
    if (const std::string_view found = TextOf(config, key, value); found != value) {
      return Error(StatusCode::kInvalidInput, "{} is {}; {} is what is supported", key,
                   Quoted(found), Quoted(value));
    }
  }
  return {};
}

// Mean, where the file is not there.
Result<std::uint32_t> ReadPooling(const fs::path& folder) {
  const fs::path path = folder / "1_Pooling" / "config.json";
  std::error_code error;
  if (!fs::exists(path, error)) return kMeanPooling;
  const json::value config = TRY(ReadConfig(path));
  const auto is = [&config](std::string_view mode) {
    const json::value* const value = Find(config, mode);
    return value != nullptr && value->is_bool() && value->get_bool();
  };
  if (is("pooling_mode_mean_tokens")) return kMeanPooling;
  if (is("pooling_mode_cls_token")) return kClsPooling;
  return Error(StatusCode::kInvalidInput, "{}: neither mean nor CLS pooling",
               EscapeForDisplay(path.string()));
}

// What goes before a text, where the file names it: sentence-transformers looks for a text's under
// these names, one after the other.
Result<void> AddPrefixes(const fs::path& folder, Content& content) {
  const fs::path path = folder / "config_sentence_transformers.json";
  std::error_code error;
  if (!fs::exists(path, error)) return {};
  const json::value config = TRY(ReadConfig(path));
  const json::value* const prompts = Find(config, "prompts");
  if (prompts == nullptr) return {};
  const auto first_of = [&](std::initializer_list<std::string_view> names) {
    for (const std::string_view name : names) {
      if (const auto text = TextOf(*prompts, name, {}); !text.empty()) return text;
    }
    return std::string_view();
  };
  for (const auto& [key, prefix] :
       {Names{kQueryPrefixKey, first_of({"query"})},
        Names{kPassagePrefixKey, first_of({"document", "passage", "corpus"})}}) {
    if (prefix.size() > kMaxPrefixBytes) {
      return Error(StatusCode::kInvalidInput, "{}: a prompt of {} bytes; {} are supported",
                   EscapeForDisplay(path.string()), prefix.size(), kMaxPrefixBytes);
    }
    if (!prefix.empty()) content.AddText(key, prefix);
  }
  return {};
}

// GGUF marks where a word begins, vocab.txt where it goes on.
std::string Mark(std::string_view token) {
  if (token.starts_with("##")) return std::string(token.substr(2));
  const bool is_special = token.starts_with("[") && token.ends_with("]");
  return is_special ? std::string(token) : "\u2581" + std::string(token);
}

void AddVocabulary(std::string_view lines, Content& content) {
  std::string tokens;
  std::string types;
  std::uint64_t count = 0;
  for (; !lines.empty(); ++count) {
    const std::size_t end = std::min(lines.find('\n'), lines.size());
    std::string_view token = lines.substr(0, end);
    lines.remove_prefix(std::min(end + 1, lines.size()));
    if (token.ends_with('\r')) token.remove_suffix(1);
    tokens += Content::StringBytes(Mark(token));
    std::int32_t type = kNormalToken;
    for (const Special& special : kSpecials) {
      if (token != special.token) continue;
      type = kControlToken;
      content.Add(special.key, GgufType::kUint32, static_cast<std::uint32_t>(count));
    }
    types += Content::BytesOf(type);
  }
  content.AddText("tokenizer.ggml.model", "bert");
  content.AddKey("tokenizer.ggml.tokens", GgufType::kString, true, count, std::move(tokens));
  content.AddKey("tokenizer.ggml.token_type", GgufType::kInt32, true, count, std::move(types));
}

Result<GgufFile> OpenSafetensors(const fs::path& path) {
  const auto content = std::make_shared<Content>(TRY(SafetensorsFile::Open(path)));
  const fs::path folder = path.parent_path();
  const json::value config = TRY(ReadConfig(folder / "config.json"));
  content->AddText("general.architecture", "bert");
  Result<void> read = CheckKind(config);
  if (read) read = AddNumbers(config, *content);
  if (!read) {
    const std::string name = (folder / "config.json").string();
    return std::unexpected(read.error().WithContext(EscapeForDisplay(name)));
  }
  content->Add("bert.pooling_type", GgufType::kUint32, TRY(ReadPooling(folder)));
  TRY(AddPrefixes(folder, *content));
  AddVocabulary(TRY(ReadFile(folder / "vocab.txt", kMaxVocabularyBytes)), *content);
  std::uint64_t bytes = 0;
  for (const Tensor& tensor : content->weights.tensors()) {
    const auto name = GgufName(tensor.name);
    if (!name) continue;
    if (reinterpret_cast<std::uintptr_t>(tensor.data.data()) % alignof(float) != 0) {
      return Error(StatusCode::kInvalidInput, "{}: tensor {} is not aligned",
                   EscapeForDisplay(path.string()), Quoted(tensor.name));
    }
    bytes += tensor.data.size();
    content->tensors.push_back(tensor);
    content->tensors.back().name = content->Keep(*name);
  }
  return GgufFile::Of(content->keys, content->tensors, path, bytes, content);
}

}  // namespace

Result<GgufFile> OpenModelFile(const fs::path& path) {
  std::error_code error;
  if (fs::is_directory(path, error)) return OpenSafetensors(path / "model.safetensors");
  return path.extension() == ".safetensors" ? OpenSafetensors(path) : GgufFile::Open(path);
}

}  // namespace kinglet
