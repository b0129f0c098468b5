// SPDX-License-Identifier: Apache-2.0
// Finds each tensor by its name in GGUF.
#include "model/tensors.h"

#include <algorithm>

#include "base/display.h"

namespace kinglet {
namespace {

using Shape = std::vector<std::uint64_t>;

bool IsIntegerType(DType dtype) {
  return dtype == DType::kI8 || dtype == DType::kI16 || dtype == DType::kI32 ||
         dtype == DType::kI64;
}

// Hands out tensors and remembers which.
class Binder {
 public:
  explicit Binder(const GgufFile& file) : file_(file) { bound_.reserve(file.tensors().size()); }

  // shape is innermost first, as in GGUF. One dimension means a vector of F32.
  Result<const Tensor*> Take(std::string_view name, const Shape& shape) {
    const Tensor* tensor = TRY(TakeIfThere(name, shape));
    if (tensor == nullptr) {
      return Error(StatusCode::kInvalidInput, "tensor {} is missing", Quoted(name));
    }
    return tensor;
  }

  Result<const Tensor*> TakeIfThere(std::string_view name, const Shape& shape) {
    const Tensor* tensor = file_.FindTensor(name);
    if (tensor == nullptr) return nullptr;
    if (tensor->shape != shape) {
      return Error(StatusCode::kInvalidInput, "tensor {} is {}, not {} as the keys have it",
                   Quoted(name), ShapeText(tensor->shape), ShapeText(shape));
    }
    const bool vector = shape.size() == 1;
    if (vector ? tensor->dtype != DType::kF32 : IsIntegerType(tensor->dtype)) {
      return Error(StatusCode::kInvalidInput, "tensor {} is of type {}, not {}", Quoted(name),
                   Info(tensor->dtype).name, vector ? "F32" : "a type of weights");
    }
    bound_.push_back(tensor);
    return tensor;
  }

  // A tensor that nothing has asked for would change the model's results, were it known.
  Result<void> CheckNoneLeft(std::string_view architecture) {
    if (bound_.size() == file_.tensors().size()) return {};
    std::ranges::sort(bound_);
    for (const Tensor& tensor : file_.tensors()) {
      if (!std::ranges::binary_search(bound_, &tensor)) {
        return Error(StatusCode::kInvalidInput, "tensor {} has no part in a {} model that is known",
                     Quoted(tensor.name), architecture);
      }
    }
    return {};
  }

 private:
  const GgufFile& file_;
  std::vector<const Tensor*> bound_;
};

Result<LayerTensors> BindLayer(Binder& binder, const ModelConfig& config, std::size_t layer) {
  const auto name = [&](std::string_view part) {
    return fmt::format("blk.{}.{}.weight", layer, part);
  };
  const std::uint64_t width = config.embedding_length;
  LayerTensors tensors;
  tensors.attn_norm = TRY(binder.Take(name("attn_norm"), {width}));
  tensors.attn_q = TRY(binder.Take(name("attn_q"), {width, config.query_width()}));
  tensors.attn_k = TRY(binder.Take(name("attn_k"), {width, config.key_width()}));
  tensors.attn_v = TRY(binder.Take(name("attn_v"), {width, config.value_width()}));
  tensors.attn_output =
      TRY(binder.Take(name("attn_output"), {config.head_count * config.value_dim, width}));
  const auto bias = [&](std::string_view part) {
    return fmt::format("blk.{}.{}.bias", layer, part);
  };
  tensors.attn_q_bias = TRY(binder.TakeIfThere(bias("attn_q"), {config.query_width()}));
  tensors.attn_k_bias = TRY(binder.TakeIfThere(bias("attn_k"), {config.key_width()}));
  tensors.attn_v_bias = TRY(binder.TakeIfThere(bias("attn_v"), {config.value_width()}));
  if (config.family.head_norms != HeadNorms::kNone) {
    const bool each = config.family.head_norms == HeadNorms::kEachHead;
    tensors.attn_q_norm =
        TRY(binder.Take(name("attn_q_norm"), {each ? config.head_dim : config.query_width()}));
    tensors.attn_k_norm =
        TRY(binder.Take(name("attn_k_norm"), {each ? config.head_dim : config.key_width()}));
  }
  if (config.family.output_norms) {
    tensors.attn_output_norm = TRY(binder.Take(name("post_attention_norm"), {width}));
    tensors.ffn_output_norm = TRY(binder.Take(name("post_ffw_norm"), {width}));
  }
  tensors.ffn_norm = TRY(binder.Take(name("ffn_norm"), {width}));
  Shape inward = {width, config.feed_forward_length};
  Shape outward = {config.feed_forward_length, width};
  std::string_view suffix;
  if (config.expert_count > 0) {
    tensors.ffn_router = TRY(binder.Take(name("ffn_gate_inp"), {width, config.expert_count}));
    inward.push_back(config.expert_count);
    outward.push_back(config.expert_count);
    suffix = "_exps";
  }
  tensors.ffn_gate = TRY(binder.Take(name(fmt::format("ffn_gate{}", suffix)), inward));
  tensors.ffn_up = TRY(binder.Take(name(fmt::format("ffn_up{}", suffix)), inward));
  tensors.ffn_down = TRY(binder.Take(name(fmt::format("ffn_down{}", suffix)), outward));
  return tensors;
}

Result<LayerTensors> BindEncoderLayer(Binder& binder, const ModelConfig& config,
                                      std::size_t layer) {
  const auto name = [&](std::string_view part) { return fmt::format("blk.{}.{}", layer, part); };
  const std::uint64_t width = config.embedding_length;
  const std::uint64_t inner = config.feed_forward_length;
  LayerTensors t;
  t.attn_q = TRY(binder.Take(name("attn_q.weight"), {width, config.query_width()}));
  t.attn_q_bias = TRY(binder.Take(name("attn_q.bias"), {config.query_width()}));
  t.attn_k = TRY(binder.Take(name("attn_k.weight"), {width, config.key_width()}));
  t.attn_k_bias = TRY(binder.Take(name("attn_k.bias"), {config.key_width()}));
  t.attn_v = TRY(binder.Take(name("attn_v.weight"), {width, config.value_width()}));
  t.attn_v_bias = TRY(binder.Take(name("attn_v.bias"), {config.value_width()}));
  t.attn_output = TRY(binder.Take(name("attn_output.weight"), {config.query_width(), width}));
  t.attn_output_bias = TRY(binder.Take(name("attn_output.bias"), {width}));
  t.attn_output_norm = TRY(binder.Take(name("attn_output_norm.weight"), {width}));
  t.attn_output_norm_bias = TRY(binder.Take(name("attn_output_norm.bias"), {width}));
  t.ffn_up = TRY(binder.Take(name("ffn_up.weight"), {width, inner}));
  t.ffn_up_bias = TRY(binder.Take(name("ffn_up.bias"), {inner}));
  t.ffn_down = TRY(binder.Take(name("ffn_down.weight"), {inner, width}));
  t.ffn_down_bias = TRY(binder.Take(name("ffn_down.bias"), {width}));
  t.ffn_output_norm = TRY(binder.Take(name("layer_output_norm.weight"), {width}));
  t.ffn_output_norm_bias = TRY(binder.Take(name("layer_output_norm.bias"), {width}));
  return t;
}

Result<void> BindEncoderEnds(Binder& binder, const ModelConfig& config, const GgufFile& file,
                             ModelTensors& tensors) {
  const std::uint64_t width = config.embedding_length;
  tensors.position_embd = TRY(binder.Take("position_embd.weight", {width, config.context_length}));
  // As many kinds as the file has; a text's tokens are all of the first.
  const Tensor* types = file.FindTensor("token_types.weight");
  const std::uint64_t kinds = types == nullptr ? 1 : types->rows();
  tensors.token_types = TRY(binder.Take("token_types.weight", {width, kinds}));
  tensors.token_embd_norm = TRY(binder.Take("token_embd_norm.weight", {width}));
  tensors.token_embd_norm_bias = TRY(binder.Take("token_embd_norm.bias", {width}));
  return {};
}

Result<void> BindDecoderEnds(Binder& binder, const ModelConfig& config, ModelTensors& tensors) {
  const std::uint64_t width = config.embedding_length;
  tensors.output_norm = TRY(binder.Take("output_norm.weight", {width}));
  tensors.output = TRY(binder.TakeIfThere("output.weight", {width, config.vocab_size}));
  if (tensors.output == nullptr) tensors.output = tensors.token_embd;
  tensors.rope_freqs = TRY(binder.TakeIfThere("rope_freqs.weight", {config.rope_dim / 2}));
  return {};
}

}  // namespace

Result<ModelTensors> BindTensors(const GgufFile& file, const ModelConfig& config) {
  Binder binder(file);
  ModelTensors tensors;
  tensors.token_embd =
      TRY(binder.Take("token_embd.weight", {config.embedding_length, config.vocab_size}));
  const bool encoder = config.family.encoder;
  TRY(encoder ? BindEncoderEnds(binder, config, file, tensors)
              : BindDecoderEnds(binder, config, tensors));
  for (std::size_t layer = 0; layer < config.block_count; ++layer) {
    tensors.layers.push_back(
        TRY(encoder ? BindEncoderLayer(binder, config, layer) : BindLayer(binder, config, layer)));
  }
  TRY(binder.CheckNoneLeft(config.architecture));
  return tensors;
}

std::vector<const Tensor*> Matrices(const GgufFile& file, const ModelTensors& tensors) {
  std::vector<const Tensor*> matrices;
  for (const Tensor& tensor : file.tensors()) {
    const bool looked_up = (&tensor == tensors.token_embd && &tensor != tensors.output) ||
                           &tensor == tensors.position_embd || &tensor == tensors.token_types;
    if (tensor.shape.size() >= 2 && !looked_up) matrices.push_back(&tensor);
  }
  return matrices;
}

}  // namespace kinglet
