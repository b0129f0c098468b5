// SPDX-License-Identifier: Apache-2.0
// A causal language model out of a GGUF file: tokens in, logits out.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/status.h"
#include "base/thread_pool.h"
#include "model/architecture.h"
#include "model/config.h"
#include "model/kv_cache.h"
#include "model/step.h"
#include "model/weights.h"
#include "tensor/gguf.h"
#include "text/vocabulary.h"

namespace kinglet {

struct ModelOptions {
  int thread_count = 1;
  std::size_t context_tokens = 0;  // 0: the model's own, at most kDefaultContextTokens
  bool count_experts = false;      // of a mixture: which were asked, for reports
  bool exact = false;              // for audits, slow: no activation is rounded to 8 bits
};

inline constexpr std::size_t kDefaultContextTokens = 8192;

// Owns the file, the threads and the buffers of a step. One caller at a time.
class Model {
 public:
  // kInvalidInput for an architecture, a tensor or a shape that is not supported, by name; kUsage
  // for a context beyond the model's own.
  static Result<std::unique_ptr<Model>> Load(GgufFile file, const ModelOptions& options);

  const GgufFile& file() const { return file_; }
  const ModelConfig& config() const { return config_; }
  const Ops& ops() const { return ops_; }
  int thread_count() const { return pool_.thread_count(); }
  std::size_t context_tokens() const { return context_tokens_; }
  // [layers][experts]: how many tokens each has had since the model was loaded. For a span of
  // tokens, subtract what was before. Empty unless options.count_experts and the model is a
  // mixture.
  std::span<const std::uint64_t> expert_counts() const { return buffers_->mixture.counts; }

  Result<KvCache> NewCache() const { return KvCache::Create(config_, context_tokens_); }

  // Appends 1..kStepTokens tokens to the sequence in the cache, which has room for them. kUsage
  // for an id that is not in the vocabulary: then the cache is as before.
  Result<void> Forward(std::span<const TokenId> tokens, KvCache& cache);

  // What follows token `index` of the last Forward: [vocabulary], until the next call.
  std::span<const float> Logits(std::size_t index);

 private:
  Model(GgufFile file, ModelConfig config, const Ops& ops, const ModelOptions& options);
  Result<void> Bind();

  GgufFile file_;
  ModelConfig config_;
  const Ops& ops_;
  std::size_t context_tokens_;
  bool count_experts_;
  bool exact_;
  ThreadPool pool_;
  std::optional<PackedWeights> packed_;  // where the table of operations wants it
  std::unique_ptr<Decoder> decoder_;
  std::span<const float> output_norm_;  // [D]
  Linear output_;                       // [vocabulary][D]
  std::unique_ptr<StepBuffers> buffers_;
  std::size_t last_count_ = 0;  // tokens of the last Forward
  std::vector<float> logits_;   // [2][vocabulary]
};

}  // namespace kinglet
