// SPDX-License-Identifier: Apache-2.0
// By the names that GGUF gives tensors.
#include "claims/active_parameters.h"

#include <algorithm>

#include "model/bert_safetensors.h"
#include "model/config.h"

namespace kinglet {

double ActiveParameters(std::span<const Tensor> tensors, ExpertCounts experts) {
  const bool has_output = std::ranges::count(tensors, "output.weight", &Tensor::name) > 0;
  double count = 0;
  for (const Tensor& tensor : tensors) {
    if (tensor.name == "token_embd.weight" && has_output) continue;
    double part = static_cast<double>(tensor.rows()) * static_cast<double>(tensor.columns());
    if (experts.all > 0 && tensor.name.find("_exps.") != std::string_view::npos) {
      part *= static_cast<double>(experts.used) / static_cast<double>(experts.all);
    }
    count += part;
  }
  return count;
}

Result<double> ActiveParametersOf(const std::filesystem::path& path) {
  const GgufFile file = TRY(OpenModelFile(path));
  const ModelConfig config = TRY(ReadModelConfig(file));
  return ActiveParameters(file.tensors(),
                          {.used = config.expert_used_count, .all = config.expert_count});
}

}  // namespace kinglet
