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
  if (config.family.encoder) {
    return Error(StatusCode::kInvalidInput, "a {} model makes vectors of texts, and no text",
                 config.architecture);
  }
  if (config.value_dim != config.head_dim) {
    return Error(StatusCode::kInvalidInput, "keys of {} values with values of {} are not supported",
                 config.head_dim, config.value_dim);
  }
  return {};
}

// Rows that share a pass over the output's weights: each may take two columns.
constexpr std::size_t kLogitRows = 64;

// Positions are 32-bit numbers in the kernels; this is far below their end, and above any model.
constexpr std::size_t kMaxContextTokens = std::size_t{1} << 26;

Result<std::size_t> ChooseContext(const ModelConfig& config, const ModelOptions& options) {
  const std::size_t asked = options.context_tokens;
  if (asked == 0) return std::min(config.context_length, kDefaultContextTokens);
  const std::size_t limit = std::min(config.context_length, kMaxContextTokens);
  if (asked > limit) {
    return Error(StatusCode::kUsage, "a context of {} tokens was asked for; the {} {}", asked,
                 limit == config.context_length ? "model has" : "limit is", limit);
  }
  return asked;
}

Result<std::size_t> ChoosePageCount(const ModelConfig& config, const ModelOptions& options) {
  if (options.kv_bytes == 0) {
    return options.kv_contexts * ((options.context_tokens + kPageTokens - 1) / kPageTokens);
  }
  const std::size_t page_bytes = KvPages::PageBytes(config, options.kv_type);
  if (options.kv_bytes < page_bytes) {
    return Error(StatusCode::kUsage, "{} bytes for keys and values are less than a page of {}",
                 options.kv_bytes, page_bytes);
  }
  return options.kv_bytes / page_bytes;
}

bool HasQuantisedMatrix(const GgufFile& file) {
  return std::ranges::any_of(file.tensors(), [](const Tensor& t) { return IsQuantised(t.dtype); });
}

}  // namespace

Result<std::unique_ptr<Model>> Model::Load(GgufFile file, const ModelOptions& options) {
  const Ops* ops = TRY(ChooseOps(options.isa));
  ModelConfig config = TRY(ReadModelConfig(file));
  ModelOptions settled = options;
  settled.context_tokens = TRY(ChooseContext(config, options));
  if (options.exact) settled.kv_type = KvType::kF32;
  TRY(CheckComputable(config));
  std::unique_ptr<Model> model(new Model(std::move(file), std::move(config), *ops, settled));
  TRY(model->Bind(settled));
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

Result<void> Model::Bind(const ModelOptions& options) {
  ModelTensors tensors = TRY(BindTensors(file_, config_));
  if (ops_.takes_panels) {
    std::vector<const Tensor*> matrices = Matrices(file_, tensors);
    if (exact_) std::erase_if(matrices, [](const Tensor* t) { return IsQuantised(t->dtype); });
    // An audit packs other tensors: it would replace the file that all others use.
    LoadedWeights loaded = TRY(LoadPackedWeights(
        file_, PlanPacking(matrices), exact_ ? PackedCacheOptions() : options.packed_cache, pool_));
    warning_ = std::move(loaded.warning);
    packed_ = std::move(loaded.weights);
    tensors.packed = &*packed_;
  }
  const auto* row = std::ranges::find(kArchitectures, config_.architecture, &Architecture::name);
  KINGLET_CHECK(row != std::end(kArchitectures), "no decoder for {}", config_.architecture);
  decoder_ = TRY(row->bind(config_, tensors));
  output_norm_ = Floats(tensors.output_norm);
  output_ = TRY(BindLinear(tensors, *tensors.output, nullptr));
  const bool rounds = !exact_ && HasQuantisedMatrix(file_);
  pages_ = TRY(KvPages::Create(config_, options.kv_type, TRY(ChoosePageCount(config_, options))));
  buffers_ = std::make_unique<StepBuffers>(config_, pages_->layout(), rounds, context_tokens_,
                                           pool_.thread_count());
  if (count_experts_) {
    buffers_->mixture.counts.resize(config_.block_count * config_.expert_count);
  }
  runs_.reserve(kStepTokens);
  places_.reserve(kStepTokens);
  tokens_.reserve(kStepTokens);
  kept_states_.reserve(kStepTokens);
  logit_tokens_.reserve(kStepTokens);
  logits_ =
      std::make_unique_for_overwrite<float[]>((kStepTokens + kLogitRows) * config_.vocab_size);
  return {};
}

Result<void> Model::CheckBatch(std::span<const BatchItem> batch) const {
  std::size_t total = 0;
  for (std::size_t i = 0; i < batch.size(); ++i) {
    const BatchItem& item = batch[i];
    total += item.tokens.size();
    KINGLET_CHECK(!item.tokens.empty() && total <= kStepTokens, "{} tokens", total);
    KINGLET_CHECK(item.logit_count <= item.tokens.size(), "logits of {} tokens of {}",
                  item.logit_count, item.tokens.size());
    KINGLET_CHECK(std::ranges::count(batch.first(i), item.sequence, &BatchItem::sequence) == 0,
                  "a sequence is in the batch twice");
    for (const TokenId token : item.tokens) {
      if (token < 0 || static_cast<std::size_t>(token) >= config_.vocab_size) {
        return Error(StatusCode::kUsage, "token {} is not in a vocabulary of {}", token,
                     config_.vocab_size);
      }
    }
  }
  return {};
}

Result<void> Model::Reserve(std::span<const BatchItem> batch) {
  for (std::size_t i = 0; i < batch.size(); ++i) {
    const Result<void> reserved = batch[i].sequence->Reserve(batch[i].tokens.size());
    if (reserved) continue;
    for (const BatchItem& item : batch.first(i)) item.sequence->Truncate(item.sequence->length());
    return reserved;
  }
  return {};
}

void Model::LayOut(std::span<const BatchItem> batch) {
  runs_.clear();
  places_.clear();
  tokens_.clear();
  kept_states_.clear();
  for (const BatchItem& item : batch) {
    runs_.push_back({item.sequence, tokens_.size(), item.tokens.size(), item.sequence->length()});
    for (const TokenId token : item.tokens) {
      places_.push_back(
          {runs_.size() - 1, item.sequence->length() + tokens_.size() - runs_.back().first_token});
      tokens_.push_back(token);
    }
    if (item.state != nullptr) {
      kept_states_.push_back({tokens_.size() - 1, item.state_layer, item.state});
    }
  }
}

Result<void> Model::Forward(std::span<const BatchItem> batch) {
  TRY(CheckBatch(batch));
  TRY(Reserve(batch));
  LayOut(batch);
  Step step{ops_, pool_, config_, *pages_, *buffers_, runs_, places_, tokens_.size(), kept_states_};
  decoder_->Run(step, tokens_);
  for (const BatchItem& item : batch) item.sequence->Extend(item.tokens.size());
  ComputeLogits(batch);
  return {};
}

void Model::ComputeLogits(std::span<const BatchItem> batch) {
  logit_tokens_.clear();
  std::size_t end = 0;
  for (const BatchItem& item : batch) {
    end += item.tokens.size();
    for (std::size_t i = end - item.logit_count; i < end; ++i) logit_tokens_.push_back(i);
  }
  for (std::size_t first = 0; first < logit_tokens_.size(); first += kLogitRows) {
    ProjectLogits(first, std::min(kLogitRows, logit_tokens_.size() - first));
  }
}

void Model::ProjectLogits(std::size_t first, std::size_t count) {
  const std::size_t width = config_.embedding_length;
  const std::size_t vocabulary = config_.vocab_size;
  const auto k = static_cast<int>(width);
  Activations& normed = buffers_->normed;
  const bool rounds = normed.rounds() && IsQuantised(output_.weights.dtype);
  pool_.ParallelFor(count, 1, [&](std::size_t begin, std::size_t end, int) {
    for (std::size_t row = begin; row < end; ++row) {
      ops_.rms_norm(&buffers_->hidden[logit_tokens_[first + row] * width], output_norm_.data(), k,
                    static_cast<float>(config_.rms_epsilon), normed.row(row));
      if (!rounds) continue;
      // Rounding hurts most here, where nothing averages it out: the input goes in as two columns
      // of 8 bits, the second of which holds what the first has lost.
      const std::size_t rest = count + row;
      ops_.quantise(normed.row(row), k, normed.quantised(), static_cast<int>(row),
                    normed.row(rest));
      ops_.quantise(normed.row(rest), k, normed.quantised(), static_cast<int>(rest), nullptr);
    }
  });
  const std::size_t columns = rounds ? 2 * count : count;
  const std::span out(&logits_[first * vocabulary], columns * vocabulary);
  Project(ops_, pool_, normed, columns, {{output_, out}});
  if (!rounds) return;
  pool_.ParallelFor(count, 1, [&](std::size_t begin, std::size_t end, int) {
    for (std::size_t row = begin; row < end; ++row) {
      ops_.add(&out[(count + row) * vocabulary], static_cast<int>(vocabulary),
               &out[row * vocabulary]);
    }
  });
}

std::span<const float> Model::Logits(std::size_t index) const {
  const auto at = std::ranges::find(logit_tokens_, index);
  KINGLET_CHECK(at != logit_tokens_.end(), "nobody asked for the logits of token {}", index);
  const auto row = static_cast<std::size_t>(at - logit_tokens_.begin());
  return {&logits_[row * config_.vocab_size], config_.vocab_size};
}

}  // namespace kinglet
