// SPDX-License-Identifier: Apache-2.0
// Keys to numbers. The limits are far above every published model, and low enough that the buffers
// of a step, which a file of a few megabytes can ask for, stay below two gigabytes.
#include "model/config.h"

#include <algorithm>
#include <cmath>
#include <string_view>
#include <utility>
#include <vector>

#include "base/display.h"

namespace kinglet {
namespace {

constexpr Family kFamilies[] = {
    // Its files have the rows of query and key permuted, so that neighbours rotate together.
    {.name = "llama", .rope_pairs = RopePairs::kNeighbours, .has_experts = true},
    {.name = "qwen2"},
    {.name = "qwen3", .head_norms = HeadNorms::kEachHead},
    {.name = "qwen3moe", .head_norms = HeadNorms::kEachHead, .has_experts = true},
    {.name = "olmoe",
     .head_norms = HeadNorms::kAllHeads,
     .has_experts = true,
     .shares_add_up = false},
    {.name = "gemma3",
     .head_norms = HeadNorms::kEachHead,
     .output_norms = true,
     .sliding_period = 6},
    {.name = "bert", .encoder = true},
};

struct Limits {
  std::int64_t min;
  std::int64_t max;
};
constexpr Limits kBlocks = {1, 1024};
constexpr Limits kContext = {1, std::int64_t{1} << 30};
constexpr Limits kWidth = {1, std::int64_t{1} << 18};
constexpr Limits kFeedForward = {1, std::int64_t{1} << 19};
constexpr Limits kHeads = {1, 4096};
constexpr Limits kHeadDim = {1, 4096};
constexpr std::size_t kMaxQueryWidth = std::size_t{1} << 18;   // all heads together
constexpr std::size_t kMaxExpertWidth = std::size_t{1} << 17;  // all experts of a token together
constexpr Limits kVocabulary = {1, std::int64_t{1} << 24};
constexpr Limits kWindow = {0, std::int64_t{1} << 30};
constexpr Limits kExperts = {0, 4096};

// The keys of one architecture in one file.
class Keys {
 public:
  Keys(const GgufFile& file, std::string_view architecture)
      : file_(file), architecture_(architecture) {}

  std::string Name(std::string_view key) const { return fmt::format("{}.{}", architecture_, key); }

  Result<std::size_t> Size(std::string_view key, Limits limits) const {
    return Checked(key, TRY(file_.Require<std::int64_t>(Name(key))), limits);
  }

  Result<std::size_t> Size(std::string_view key, Limits limits, std::size_t fallback) const {
    const auto value = TRY(file_.Optional<std::int64_t>(Name(key)));
    return value ? Checked(key, *value, limits) : fallback;
  }

  // A number that some files give layer by layer. Then all must be the same.
  Result<std::size_t> LayerSize(std::string_view key, Limits limits, std::size_t block_count,
                                std::optional<std::size_t> fallback) const {
    const GgufValue* value = file_.Find(Name(key));
    if (value == nullptr && fallback) return *fallback;
    if (value == nullptr || !value->is_array()) return Size(key, limits);
    const auto layers = TRY(file_.Require<std::vector<std::int64_t>>(Name(key)));
    if (layers.size() != block_count) {
      return Error(StatusCode::kInvalidInput, "key \"{}\" has {} elements for {} layers", Name(key),
                   layers.size(), block_count);
    }
    if (std::ranges::adjacent_find(layers, std::not_equal_to()) != layers.end()) {
      return Error(StatusCode::kInvalidInput,
                   "key \"{}\" differs from layer to layer, which is not supported", Name(key));
    }
    return Checked(key, layers[0], limits);
  }

  // Above min and below max, thus finite.
  Result<double> Number(std::string_view key, double min, double max,
                        std::optional<double> fallback) const {
    const auto value = TRY(file_.Optional<double>(Name(key)));
    if (!value && fallback) return *fallback;
    const double number = value ? *value : TRY(file_.Require<double>(Name(key)));
    if (!(number > min && number < max)) {
      return Error(StatusCode::kInvalidInput, "key \"{}\" is {}, not between {} and {}", Name(key),
                   number, min, max);
    }
    return number;
  }

  Result<std::string_view> Text(std::string_view key, std::string_view fallback) const {
    return file_.Get<std::string_view>(Name(key), fallback);
  }

 private:
  Result<std::size_t> Checked(std::string_view key, std::int64_t value, Limits limits) const {
    if (value < limits.min || value > limits.max) {
      return Error(StatusCode::kInvalidInput, "key \"{}\" is {}, not {} to {}", Name(key), value,
                   limits.min, limits.max);
    }
    return static_cast<std::size_t>(value);
  }

  const GgufFile& file_;
  std::string_view architecture_;
};

Result<void> ReadAttention(const Keys& keys, ModelConfig& config) {
  config.head_count =
      TRY(keys.LayerSize("attention.head_count", kHeads, config.block_count, std::nullopt));
  config.kv_head_count =
      TRY(keys.LayerSize("attention.head_count_kv", kHeads, config.block_count, config.head_count));
  if (config.head_count % config.kv_head_count != 0) {
    return Error(StatusCode::kInvalidInput, "key \"{}\" is {}, which does not divide the {} heads",
                 keys.Name("attention.head_count_kv"), config.kv_head_count, config.head_count);
  }
  const std::size_t share = config.embedding_length / config.head_count;
  if (share * config.head_count != config.embedding_length || share > kHeadDim.max) {
    // Then the width of a head must be told, not derived.
    config.head_dim = TRY(keys.Size("attention.key_length", kHeadDim));
    config.value_dim = TRY(keys.Size("attention.value_length", kHeadDim));
  } else {
    config.head_dim = TRY(keys.Size("attention.key_length", kHeadDim, share));
    config.value_dim = TRY(keys.Size("attention.value_length", kHeadDim, share));
  }
  if (config.head_count * std::max(config.head_dim, config.value_dim) > kMaxQueryWidth) {
    return Error(StatusCode::kInvalidInput, "key \"{}\": {} heads of {} are wider than {} together",
                 keys.Name("attention.head_count"), config.head_count,
                 std::max(config.head_dim, config.value_dim), kMaxQueryWidth);
  }
  config.attention_scale = 1 / std::sqrt(static_cast<double>(config.head_dim));
  if (config.architecture == "gemma3" && config.block_count == 62) {
    // Gemma 3 27B alone was trained with the width of a head that its hidden width asks for.
    config.attention_scale = 1 / std::sqrt(static_cast<double>(share));
  }
  config.sliding_period =
      TRY(keys.Size("attention.sliding_window_pattern", kBlocks, config.family.sliding_period));
  config.sliding_window = TRY(keys.Size("attention.sliding_window", kWindow, 0));
  const std::string_view epsilon =
      config.family.encoder ? "attention.layer_norm_epsilon" : "attention.layer_norm_rms_epsilon";
  double& value = config.family.encoder ? config.layer_norm_epsilon : config.rms_epsilon;
  value = TRY(keys.Number(epsilon, 0.0, 1.0, std::nullopt));
  return {};
}

Result<void> ReadYarn(const Keys& keys, ModelConfig& config) {
  config.rope_original_context =
      TRY(keys.Size("rope.scaling.original_context_length", kContext, config.context_length));
  config.rope_attention_factor = TRY(keys.Number("rope.scaling.attn_factor", 0.0, 1e3, 1.0));
  config.rope_beta_fast = TRY(keys.Number("rope.scaling.yarn_beta_fast", 0.0, 1e6, 32.0));
  config.rope_beta_slow = TRY(keys.Number("rope.scaling.yarn_beta_slow", 0.0, 1e6, 1.0));
  if (config.rope_base <= 1.0) {
    return Error(StatusCode::kInvalidInput, "key \"{}\" is {}, which YaRN cannot scale",
                 keys.Name("rope.freq_base"), config.rope_base);
  }
  return {};
}

Result<void> ReadRope(const Keys& keys, ModelConfig& config) {
  config.rope_dim = TRY(keys.Size("rope.dimension_count", kHeadDim, config.head_dim));
  if (config.rope_dim > config.head_dim || config.rope_dim % 2 != 0) {
    return Error(
        StatusCode::kInvalidInput,
        "key \"{}\": {} dimensions of a head of {} rotate; an even number of at most {} can",
        keys.Name("rope.dimension_count"), config.rope_dim, config.head_dim, config.head_dim);
  }
  config.rope_base_sliding = TRY(keys.Number("rope.freq_base_swa", 0.0, 1e15, 10000.0));
  config.rope_base = TRY(keys.Number("rope.freq_base", 0.0, 1e15, 10000.0));
  // rope.scale_linear is how files named it before rope.scaling.*.
  const double old_scale = TRY(keys.Number("rope.scale_linear", 0.0, 1e6, 1.0));
  const double scale = TRY(keys.Number("rope.scaling.factor", 0.0, 1e6, old_scale));
  const std::string_view type =
      TRY(keys.Text("rope.scaling.type", scale == 1.0 ? "none" : "linear"));
  constexpr std::pair<std::string_view, RopeScaling> kTypes[] = {
      {"none", RopeScaling::kNone}, {"linear", RopeScaling::kLinear}, {"yarn", RopeScaling::kYarn}};
  const auto* known =
      std::ranges::find(kTypes, type, &std::pair<std::string_view, RopeScaling>::first);
  if (known == std::end(kTypes)) {
    return Error(StatusCode::kInvalidInput, "key \"{}\" is {}; none, linear and yarn are supported",
                 keys.Name("rope.scaling.type"), Quoted(type));
  }
  config.rope_scaling = known->second;
  if (config.rope_scaling != RopeScaling::kNone) config.rope_scale = scale;
  if (config.rope_scaling == RopeScaling::kYarn) TRY(ReadYarn(keys, config));
  return {};
}

Result<void> ReadEncoder(const Keys& keys, ModelConfig& config) {
  constexpr Limits kPoolings = {1, 2};
  const std::size_t pooling = TRY(keys.Size("pooling_type", kPoolings, 1));
  config.pooling = pooling == 1 ? Pooling::kMean : Pooling::kFirst;
  return {};
}

Result<void> ReadExperts(const Keys& keys, ModelConfig& config) {
  config.expert_count = TRY(keys.Size("expert_count", kExperts, 0));
  config.expert_used_count = TRY(keys.Size("expert_used_count", kExperts, 0));
  if (config.expert_used_count > config.expert_count ||
      (config.expert_count > 0 && config.expert_used_count == 0)) {
    return Error(StatusCode::kInvalidInput, "key \"{}\" is {} of {} experts",
                 keys.Name("expert_used_count"), config.expert_used_count, config.expert_count);
  }
  if (config.expert_count == 0) return {};
  if (!config.family.has_experts) {
    return Error(StatusCode::kInvalidInput, "key \"{}\" is {}; a {} model has no experts",
                 keys.Name("expert_count"), config.expert_count, config.architecture);
  }
  config.feed_forward_length = TRY(keys.LayerSize("expert_feed_forward_length", kFeedForward,
                                                  config.block_count, config.feed_forward_length));
  const std::size_t width = std::max(config.embedding_length, config.feed_forward_length);
  if (config.expert_used_count * width > kMaxExpertWidth) {
    return Error(StatusCode::kInvalidInput,
                 "key \"{}\": {} experts of {} are wider than {} together",
                 keys.Name("expert_used_count"), config.expert_used_count, width, kMaxExpertWidth);
  }
  return {};
}

// The embedding says how many tokens there are; the keys must agree.
Result<std::size_t> ReadVocabSize(const GgufFile& file, const Keys& keys) {
  const Tensor* embedding = file.FindTensor("token_embd.weight");
  if (embedding == nullptr) {
    return Error(StatusCode::kInvalidInput, "tensor \"token_embd.weight\" is missing");
  }
  const std::uint64_t rows = embedding->rows();
  if (rows > static_cast<std::uint64_t>(kVocabulary.max)) {
    return Error(StatusCode::kInvalidInput, "tensor \"token_embd.weight\" has {} rows, over {}",
                 rows, kVocabulary.max);
  }
  const std::size_t claimed = TRY(keys.Size("vocab_size", kVocabulary, rows));
  if (claimed != rows) {
    return Error(StatusCode::kInvalidInput,
                 "key \"{}\" is {}, but tensor \"token_embd.weight\" has {} rows",
                 keys.Name("vocab_size"), claimed, rows);
  }
  const GgufValue* tokens = file.Find("tokenizer.ggml.tokens");
  if (tokens != nullptr && tokens->is_array() && tokens->count() != rows) {
    return Error(
        StatusCode::kInvalidInput,
        "key \"tokenizer.ggml.tokens\" has {} tokens, but tensor \"token_embd.weight\" has "
        "{} rows",
        tokens->count(), rows);
  }
  return rows;
}

}  // namespace

Result<ModelConfig> ReadModelConfig(const GgufFile& file) {
  ModelConfig config;
  config.architecture = TRY(file.Require<std::string_view>("general.architecture"));
  const auto* family = std::ranges::find(kFamilies, config.architecture, &Family::name);
  if (family == std::end(kFamilies)) {
    std::vector<std::string_view> names;
    for (const Family& known : kFamilies) names.push_back(known.name);
    return Error(StatusCode::kInvalidInput,
                 "key \"general.architecture\" is {}, which is not known; known: {}",
                 Quoted(config.architecture), fmt::join(names, ", "));
  }
  config.family = *family;
  const Keys keys(file, config.architecture);
  config.block_count = TRY(keys.Size("block_count", kBlocks));
  config.context_length = TRY(keys.Size("context_length", kContext));
  config.embedding_length = TRY(keys.Size("embedding_length", kWidth));
  config.feed_forward_length =
      TRY(keys.LayerSize("feed_forward_length", kFeedForward, config.block_count, std::nullopt));
  TRY(ReadAttention(keys, config));
  TRY(config.family.encoder ? ReadEncoder(keys, config) : ReadRope(keys, config));
  TRY(ReadExperts(keys, config));
  config.vocab_size = TRY(ReadVocabSize(file, keys));
  return config;
}

}  // namespace kinglet
