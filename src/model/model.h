// SPDX-License-Identifier: Apache-2.0
// A causal language model out of a GGUF file: tokens in, logits out.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/status.h"
#include "base/thread_pool.h"
#include "model/architecture.h"
#include "model/config.h"
#include "model/kv_pages.h"
#include "model/packed_cache.h"
#include "model/step.h"
#include "model/weights.h"
#include "tensor/gguf.h"
#include "text/vocabulary.h"

namespace kinglet {

struct ModelOptions {
  int thread_count = 1;
  std::size_t context_tokens = 0;  // 0: the model's own, at most kDefaultContextTokens
  bool count_experts = false;      // of a mixture: which were asked, for reports
  std::string isa;                 // of the kernels, as ChooseOps has it
  bool exact = false;              // for audits, slow: nothing is rounded below f32
  KvType kv_type = KvType::kF16;
  // For keys and values of all sequences; 0: of so many as long as the context.
  std::size_t kv_bytes = 0;
  std::size_t kv_contexts = 1;
  PackedCacheOptions packed_cache;  // without a folder weights are packed in memory
};

// What one sequence adds to a step.
struct BatchItem {
  KvSequence* sequence = nullptr;
  std::span<const TokenId> tokens;  // at least one
  std::size_t logit_count = 1;      // the last so many of the tokens get logits
  // What a layer leaves of the last token goes here, [D]; null: nobody asks.
  float* state = nullptr;
  std::size_t state_layer = 0;
};

inline constexpr std::size_t kDefaultContextTokens = 8192;

// Owns the file, the threads, the pages of all sequences and the buffers of a step. One caller at a
// time.
class Model {
 public:
  // kInvalidInput for an architecture, a tensor or a shape that is not supported, by name; kUsage
  // for a context beyond the model's own, or for too little memory for one page of the cache.
  static Result<std::unique_ptr<Model>> Load(GgufFile file, const ModelOptions& options);

  const GgufFile& file() const { return file_; }
  const ModelConfig& config() const { return config_; }
  const Ops& ops() const { return ops_; }
  int thread_count() const { return pool_.thread_count(); }
  std::size_t context_tokens() const { return context_tokens_; }
  // The weights as the kernels read them; null where they are read as they lie in the file.
  const PackedWeights* packed() const { return packed_ ? &*packed_ : nullptr; }
  // Not while a Forward runs.
  ThreadPool& pool() { return pool_; }
  // A line for the user about how it was loaded, or empty.
  const std::string& warning() const { return warning_; }
  // [layers][experts]: how many tokens each has had since the model was loaded. For a span of
  // tokens, subtract what was before. Empty unless options.count_experts and the model is a
  // mixture.
  std::span<const std::uint64_t> expert_counts() const { return buffers_->mixture.counts; }

  bool is_exact() const { return exact_; }
  const KvPages& pages() const { return *pages_; }
  KvPages& pages() { return *pages_; }  // not while a Forward runs

  // An empty sequence. Must not outlive the model.
  KvSequence NewSequence() { return {*pages_, context_tokens_}; }

  // Appends tokens, 1..kStepTokens in all, to sequences, each of which occurs once and has room for
  // them. Whatever else is in the batch, a token's result has the same bits. kUsage for an id that
  // is not in the vocabulary, kLimitExceeded where the pages run out: then all is as before.
  Result<void> Forward(std::span<const BatchItem> batch);
  Result<void> Forward(std::span<const TokenId> tokens, KvSequence& sequence,
                       std::size_t logit_count = 1) {
    const BatchItem item{&sequence, tokens, logit_count};
    return Forward(std::span(&item, 1));
  }

  // What follows token `index` of the last Forward, counted through its batch, which asked for it:
  // [vocabulary], until the next call.
  std::span<const float> Logits(std::size_t index) const;

 private:
  Model(GgufFile file, ModelConfig config, const Ops& ops, const ModelOptions& options);
  Result<void> Bind(const ModelOptions& options);
  Result<void> CheckBatch(std::span<const BatchItem> batch) const;
  // Pages for all items, or for none.
  static Result<void> Reserve(std::span<const BatchItem> batch);
  // Sets up runs_, places_ and tokens_.
  void LayOut(std::span<const BatchItem> batch);
  void ComputeLogits(std::span<const BatchItem> batch);
  // Logits of `count` rows, the first of which is logit_tokens_[first].
  void ProjectLogits(std::size_t first, std::size_t count);

  GgufFile file_;
  ModelConfig config_;
  const Ops& ops_;
  std::size_t context_tokens_;
  bool count_experts_;
  bool exact_;
  ThreadPool pool_;
  std::string warning_;
  std::optional<PackedWeights> packed_;  // where the table of operations wants it
  std::unique_ptr<Decoder> decoder_;
  std::span<const float> output_norm_;  // [D]
  Linear output_;                       // [vocabulary][D]
  std::unique_ptr<KvPages> pages_;
  std::unique_ptr<StepBuffers> buffers_;
  // Of the last Forward.
  std::vector<SequenceRun> runs_;
  std::vector<TokenPlace> places_;  // [T]
  std::vector<TokenId> tokens_;     // [T]
  std::vector<KeptState> kept_states_;
  std::vector<std::size_t> logit_tokens_;  // which of the tokens have logits
  std::unique_ptr<float[]> logits_;        // [kStepTokens and some][vocabulary], backed as used
};

}  // namespace kinglet
