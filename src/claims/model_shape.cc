// SPDX-License-Identifier: Apache-2.0
// By the names that GGUF gives tensors.
#include "claims/model_shape.h"

#include <algorithm>

#include <fmt/format.h>

#include "claims/plot.h"
#include "model/bert_safetensors.h"

namespace kinglet {

ModelShape ShapeOf(std::span<const Tensor> tensors, const ModelConfig& config) {
  const bool has_output = std::ranges::count(tensors, "output.weight", &Tensor::name) > 0;
  ModelShape shape;
  for (const Tensor& tensor : tensors) {
    const double count = static_cast<double>(tensor.rows()) * static_cast<double>(tensor.columns());
    shape.total += count;
    shape.bytes += static_cast<double>(tensor.data.size());
    if (tensor.name == "output.weight" || (tensor.name == "token_embd.weight" && !has_output)) {
      shape.output += count;
    } else if (tensor.name.find("_exps.") != std::string_view::npos) {
      shape.body += count * static_cast<double>(config.expert_used_count) /
                    static_cast<double>(config.expert_count);
    } else if (tensor.name != "token_embd.weight") {  // of which a row is looked up
      shape.body += count;
    }
  }
  return shape;
}

Result<ModelShape> ReadShape(const std::filesystem::path& path) {
  const GgufFile file = TRY(OpenModelFile(path));
  const ModelConfig config = TRY(ReadModelConfig(file));
  return ShapeOf(file.tensors(), config);
}

ModelShape ShapeOf(const DenseShape& dense, double bytes_per_weight) {
  const double layer = 2 * dense.width * dense.width + 2 * dense.width * dense.kv_width +
                       3 * dense.width * dense.feed_forward;
  ModelShape shape;
  shape.body = layer * dense.layers;
  shape.output = dense.vocabulary * dense.width;
  shape.total = shape.body + 2 * shape.output;  // embeddings are a matrix of their own
  shape.bytes = shape.total * bytes_per_weight;
  return shape;
}

std::string ShowCount(double weights) {
  return weights >= 1e9 ? ShowNumber(weights / 1e9) + " B" : ShowNumber(weights / 1e6) + " M";
}

}  // namespace kinglet
