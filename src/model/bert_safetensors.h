// SPDX-License-Identifier: Apache-2.0
// Files of models that are opened: GGUF, and the encoders that sentence-transformers publishes as
// safetensors.
#pragma once

#include <filesystem>
#include <string_view>

#include "base/status.h"
#include "tensor/gguf.h"

namespace kinglet {

// Strings that no format but that of sentence-transformers has: what goes before a query, and
// before a text that queries look for.
inline constexpr std::string_view kQueryPrefixKey = "kinglet.prefix.query";
inline constexpr std::string_view kPassagePrefixKey = "kinglet.prefix.passage";

// A .gguf file; or a BERT as a model.safetensors, or the folder it lies in, with config.json and
// vocab.txt beside it, 1_Pooling/config.json where vectors are not the mean of all tokens', and
// config_sentence_transformers.json where something goes before a text (the keys above).
// Such a one is a GgufFile too, under the names that GGUF gives keys and tensors of a "bert".
// kNotFound or kInvalidInput, naming the file.
Result<GgufFile> OpenModelFile(const std::filesystem::path& path);

}  // namespace kinglet
