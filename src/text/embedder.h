// SPDX-License-Identifier: Apache-2.0
// The door through which retrieval and routing ask for vectors of texts: near vectors mean near
// texts. engine/ fulfils it with real weights, tests with a hash.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace kinglet {

class Embedder {
 public:
  virtual ~Embedder() = default;

  virtual std::size_t width() const = 0;

  // [texts][width()]: a vector of length 1 for each. What is beyond the model's longest text is cut
  // off. A text's vector does not depend on the others.
  virtual Result<std::vector<float>> Embed(std::span<const std::string> texts) = 0;

  // What the model was trained to see before a query, and before a text that queries look for: of
  // most models nothing. Embed adds neither.
  virtual std::string_view query_prefix() const { return {}; }
  virtual std::string_view passage_prefix() const { return {}; }
};

}  // namespace kinglet
