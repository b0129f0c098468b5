// SPDX-License-Identifier: Apache-2.0
// A file's tokenizer.ggml.* keys as the plain vocabulary that tokenizers take.
#pragma once

#include "base/status.h"
#include "tensor/gguf.h"
#include "text/vocabulary.h"

namespace kinglet {

// kInvalidInput where a key is of the wrong type, a list has another length than the tokens, or a
// token's kind does not exist. An id that names no token (files write -1 for "none") is left unset.
Result<Vocabulary> ReadVocabulary(const GgufFile& file);

}  // namespace kinglet
