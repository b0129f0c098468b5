// SPDX-License-Identifier: Apache-2.0
// An encoder out of a GGUF file: the tokens of texts in, a vector of length 1 for each out. Near
// vectors mean near texts.
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
#include "model/kv_pages.h"
#include "model/packed_weights.h"
#include "model/step.h"
#include "tensor/gguf.h"
#include "text/vocabulary.h"

namespace kinglet {

struct EncoderOptions {
  int thread_count = 1;
  bool exact = false;  // for audits, slower: nothing is rounded below f32
};

// Owns the file, the threads and the buffers. One caller at a time.
class Encoder {
 public:
  // kInvalidInput for an architecture that makes no vectors, or a tensor or shape that is not
  // supported, by name.
  static Result<std::unique_ptr<Encoder>> Load(GgufFile file, const EncoderOptions& options);

  const GgufFile& file() const { return file_; }
  const ModelConfig& config() const { return config_; }
  std::size_t width() const { return config_.embedding_length; }
  std::size_t max_tokens() const;  // of a text

  // out [texts][width()]. Texts go through the model a few at a time, and touch no bit of one
  // another's vectors. kUsage, before any is computed, for a text of no tokens, of more than
  // max_tokens() or with an id that is not in the vocabulary.
  Result<void> Embed(std::span<const std::vector<TokenId>> texts, std::span<float> out);

 private:
  Encoder(GgufFile file, ModelConfig config, const Ops& ops, int thread_count);
  Result<void> Bind(bool exact);
  Result<void> Check(std::span<const TokenId> tokens) const;
  // The texts of a step, which are in step_texts_.
  Result<void> RunStep(std::span<const std::vector<TokenId>> texts, std::span<float> out);
  void Pool(const SequenceRun& run, std::span<float> out);

  GgufFile file_;
  ModelConfig config_;
  const Ops& ops_;
  ThreadPool pool_;
  std::optional<PackedWeights> packed_;  // where the table of operations wants it
  std::unique_ptr<EncoderLayers> layers_;
  std::unique_ptr<KvPages> pages_;
  std::vector<KvSequence> sequences_;    // empty between steps
  std::vector<std::size_t> step_texts_;  // which of those that Embed was given
  std::unique_ptr<StepBuffers> buffers_;
  std::vector<SequenceRun> runs_;
  std::vector<TokenPlace> places_;
  std::vector<TokenId> tokens_;
};

}  // namespace kinglet
