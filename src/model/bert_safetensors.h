// SPDX-License-Identifier: Apache-2.0
// Files of models that are opened: GGUF, and the encoders that sentence-transformers publishes as
// safetensors.
#pragma once

#include <filesystem>

#include "base/status.h"
#include "tensor/gguf.h"

namespace kinglet {

// A .gguf file; or a BERT as a model.safetensors, or the folder it lies in, with config.json and
// vocab.txt beside it, and 1_Pooling/config.json where vectors are not the mean of all tokens'.
// Such a one is a GgufFile too, under the names that GGUF gives keys and tensors of a "bert".
// kNotFound or kInvalidInput, naming the file.
Result<GgufFile> OpenModelFile(const std::filesystem::path& path);

}  // namespace kinglet
