// SPDX-License-Identifier: Apache-2.0
// The table of architectures, and what all of them share: the ends of the pass.
#include "model/model.h"

#include <algorithm>

#include "base/check.h"
#include "base/display.h"
#include "kernels/backend.h"
#include "model/blocks.h"
#include "model/tensors.h"

namespace kinglet {
namespace {

constexpr Architecture kArchitectures[] = {
    {"llama", BindLlama},   {"qwen2", BindQwen},  {"qwen3", BindQwen},
    {"qwen3moe", BindQwen}, {"olmoe", BindOlmoe}, {"gemma3", BindGemma},
};

// What the config reader understands but no decoder computes yet.
Result<void> CheckComputable(const ModelConfig& config) {
  if (config.value_dim != config.head_dim) {
    return Error(StatusCode::kInvalidInput, "keys of {} values with values of {} are not supported",
                 config.head_dim, config.value_dim);
  }
  return {};
}

// Of attention scores: each thread holds those of kQueryTile queries with all keys.
constexpr std::size_t kMaxScoreBytes = std::size_t{4} << 30;

Result<std::size_t> ChooseContext(const ModelConfig& config, const ModelOptions& options) {
  const std::size_t asked = options.context_tokens;
  if (asked == 0) return std::min(config.context_length, kDefaultContextTokens);
  if (asked > config.context_length) {
    return Error(StatusCode::kUsage, "a context of {} tokens was asked for; the model has {}",
                 asked, config.context_length);
  }
  const std::size_t token_bytes =
      static_cast<std::size_t>(options.thread_count) * kQueryTile * sizeof(float);
  if (asked > kMaxScoreBytes / token_bytes) {
    return Error(StatusCode::kUsage,
                 "a context of {} tokens was asked for; with {} threads the limit is {}", asked,
                 options.thread_count, kMaxScoreBytes / token_bytes);
  }
  return asked;
}

bool HasQuantisedMatrix(const GgufFile& file) {
  return std::ranges::any_of(file.tensors(), [](const Tensor& t) { return IsQuantised(t.dtype); });
}

}  // namespace

Result<std::unique_ptr<Model>> Model::Load(GgufFile file, const ModelOptions& options) {
  const Ops* ops = TRY(ChooseOps());
  ModelConfig config = TRY(ReadModelConfig(file));
  ModelOptions settled = options;
  settled.context_tokens = TRY(ChooseContext(config, options));
  TRY(CheckComputable(config));
  std::unique_ptr<Model> model(new Model(std::move(file), std::move(config), *ops, settled));
  TRY(model->Bind());
  return model;
}

Model::Model(GgufFile file, ModelConfig config, const Ops& ops, const ModelOptions& options)
    : file_(std::move(file)),
      config_(std::move(config)),
      ops_(ops),
      context_tokens_(options.context_tokens),
      count_experts_(options.count_experts),
      exact_(options.exact),
      pool_(options.thread_count) {}

Result<void> Model::Bind() {
  ModelTensors tensors = TRY(BindTensors(file_, config_));
  if (ops_.takes_panels) {
    std::vector<const Tensor*> matrices = Matrices(file_, tensors);
    if (exact_) std::erase_if(matrices, [](const Tensor* t) { return IsQuantised(t->dtype); });
    packed_ = TRY(PackedWeights::InMemory(PlanPacking(matrices), pool_));
    tensors.packed = &*packed_;
  }
  const auto* row = std::ranges::find(kArchitectures, config_.architecture, &Architecture::name);
  KINGLET_CHECK(row != std::end(kArchitectures), "no decoder for {}", config_.architecture);
  decoder_ = TRY(row->bind(config_, tensors));
  output_norm_ = Floats(tensors.output_norm);
  output_ = TRY(BindLinear(tensors, *tensors.output, nullptr));
  const bool rounds = !exact_ && HasQuantisedMatrix(file_);
  buffers_ = std::make_unique<StepBuffers>(config_, rounds, context_tokens_, pool_.thread_count());
  if (count_experts_) {
    buffers_->mixture.counts.resize(config_.block_count * config_.expert_count);
  }
  logits_.resize(2 * config_.vocab_size);
  return {};
}

Result<void> Model::Forward(std::span<const TokenId> tokens, KvCache& cache) {
  KINGLET_CHECK(!tokens.empty() && tokens.size() <= kStepTokens, "{} tokens", tokens.size());
  KINGLET_CHECK(cache.length() + tokens.size() <= std::min(cache.capacity(), context_tokens_),
                "{} + {} tokens in a context of {}", cache.length(), tokens.size(),
                context_tokens_);
  for (const TokenId token : tokens) {
    if (token < 0 || static_cast<std::size_t>(token) >= config_.vocab_size) {
      return Error(StatusCode::kUsage, "token {} is not in a vocabulary of {}", token,
                   config_.vocab_size);
    }
  }
  Step step{ops_, pool_, config_, cache, *buffers_, tokens.size(), cache.length()};
  decoder_->Run(step, tokens);
  cache.Extend(tokens.size());
  last_count_ = tokens.size();
  return {};
}

std::span<const float> Model::Logits(std::size_t index) {
  KINGLET_CHECK(index < last_count_, "token {} of {}", index, last_count_);
  const std::size_t width = config_.embedding_length;
  const auto k = static_cast<int>(width);
  const std::span logits = std::span(logits_).first(config_.vocab_size);
  Activations& normed = buffers_->normed;
  ops_.rms_norm(&buffers_->hidden[index * width], output_norm_.data(), k,
                static_cast<float>(config_.rms_epsilon), normed.row(0));
  if (!normed.rounds() || !IsQuantised(output_.weights.dtype)) {
    Project(ops_, pool_, normed, 1, {{output_, logits}});
    return logits;
  }
  // Rounding hurts most here, where nothing averages it out: the input goes in as two columns of
  // 8 bits, the second of which holds what the first has lost.
  ops_.quantise(normed.row(0), k, normed.quantised(), 0, normed.row(1));
  ops_.quantise(normed.row(1), k, normed.quantised(), 1, nullptr);
  Project(ops_, pool_, normed, 2, {{output_, logits_}});
  ops_.add(&logits_[config_.vocab_size], static_cast<int>(config_.vocab_size), logits.data());
  return logits;
}

}  // namespace kinglet
