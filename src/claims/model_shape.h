// SPDX-License-Identifier: Apache-2.0
// What a model's weights are by its file's header alone: how many there are, how many a token is
// multiplied with, and how many bytes they take. Speeds of a model that is not here are computed
// from these.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>

#include "base/status.h"
#include "model/config.h"
#include "tensor/gguf.h"

namespace kinglet {

struct ModelShape {
  double total = 0;   // weights
  double body = 0;    // those that each token is multiplied with: of experts the ones it goes to
  double output = 0;  // those that a token is multiplied with whose successor is asked for
  double bytes = 0;   // of all

  double active() const { return body + output; }
  // What reading so many tokens and writing the next one multiplies.
  double WorkOf(std::size_t tokens) const { return body * static_cast<double>(tokens) + output; }
};

ModelShape ShapeOf(std::span<const Tensor> tensors, const ModelConfig& config);
// Of a model's file, of which the header is read.
Result<ModelShape> ReadShape(const std::filesystem::path& path);

// A dense model of Llama's kind, `bytes_per_weight` each.
struct DenseShape {
  double layers = 0, width = 0, feed_forward = 0, kv_width = 0, vocabulary = 0;
};
ModelShape ShapeOf(const DenseShape& dense, double bytes_per_weight);

// "1.54 B", "494 M"
std::string ShowCount(double weights);

}  // namespace kinglet
