// SPDX-License-Identifier: Apache-2.0
// The perplexity of a text in windows, as llama.cpp's program of that name defines it.
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "base/status.h"
#include "eval/retrieval_metrics.h"
#include "text/language_model.h"

namespace kinglet {

struct PerplexityOptions {
  std::size_t context = 512;  // tokens of a window
  // 0: windows stand side by side, and the tokens past the middle of each are scored: of those with
  // an index above context / 2, counted from 0. Else a window begins so many tokens after the one
  // before it, and its last `stride` tokens are scored.
  std::size_t stride = 0;
  std::size_t max_windows = 0;  // 0: all that the text fills
  std::function<bool()> interrupted;
  std::function<void(std::size_t done, std::size_t total)> progress;
};

struct Perplexity {
  std::size_t tokens = 0;  // that were scored
  std::size_t bytes = 0;   // that they stand for
  std::size_t windows = 0;
  double nats = 0;  // a token, of negative log-likelihood
  // exp(nats), and nats as bits of each byte; intervals by the bootstrap over windows.
  Estimate perplexity;
  Estimate bits_per_byte;
};

// tokens: of the whole text, with whatever the model wants before it. bos: that stands in the place
// of each window's first token; empty: the model wants none. kUsage: the text does not fill a
// window. kInvalidInput: what is scored has no bytes.
Result<Perplexity> MeasurePerplexity(LanguageModel& model, std::span<const TokenId> tokens,
                                     std::span<const TokenId> bos,
                                     const PerplexityOptions& options);

}  // namespace kinglet
