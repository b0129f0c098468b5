// SPDX-License-Identifier: Apache-2.0
// How many parameters a token is multiplied with: what FLOPs are counted by.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>

#include "base/status.h"
#include "tensor/gguf.h"

namespace kinglet {

struct ExpertCounts {
  std::size_t used = 0;  // by a token
  std::size_t all = 0;   // 0: no mixture
};

// A table of embeddings counts where it is the output's matrix, too; of experts those that a token
// goes to.
double ActiveParameters(std::span<const Tensor> tensors, ExpertCounts experts);

// Of a model's file, of which the header is read.
Result<double> ActiveParametersOf(const std::filesystem::path& path);

}  // namespace kinglet
