// SPDX-License-Identifier: Apache-2.0
// What a family of models adds: the story of its layers. One file in arch/ and one row in model.cc.
#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "base/status.h"
#include "model/step.h"
#include "model/tensors.h"

namespace kinglet {

// The layers of a causal language model, bound to a file's weights.
class Decoder {
 public:
  virtual ~Decoder() = default;
  // Fills step.buffers.hidden [T][D] with what the last layer leaves for each of the tokens, and
  // the cache with their keys and values. The ids are in range.
  virtual void Run(Step& step, std::span<const std::int32_t> tokens) const = 0;
};

// The layers of an encoder, whose tokens see each other both ways.
class EncoderLayers {
 public:
  virtual ~EncoderLayers() = default;
  // Fills step.buffers.hidden [T][D] with the last layer's states. Each run of the step is a whole
  // sequence. The ids are in range.
  virtual void Run(Step& step, std::span<const std::int32_t> tokens) const = 0;
};

struct Architecture {
  std::string_view name;  // general.architecture
  Result<std::unique_ptr<Decoder>> (*bind)(const ModelConfig& config, const ModelTensors& tensors);
};

// arch/llama.cc
Result<std::unique_ptr<Decoder>> BindLlama(const ModelConfig& config, const ModelTensors& tensors);
// arch/bert.cc
Result<std::unique_ptr<EncoderLayers>> BindBert(const ModelConfig& config,
                                                const ModelTensors& tensors, const Ops& ops);
// arch/gemma.cc
Result<std::unique_ptr<Decoder>> BindGemma(const ModelConfig& config, const ModelTensors& tensors);
// arch/qwen.cc
Result<std::unique_ptr<Decoder>> BindQwen(const ModelConfig& config, const ModelTensors& tensors);

// arch/olmoe.cc
Result<std::unique_ptr<Decoder>> BindOlmoe(const ModelConfig& config, const ModelTensors& tensors);

}  // namespace kinglet
