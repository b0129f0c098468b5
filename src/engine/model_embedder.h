// SPDX-License-Identifier: Apache-2.0
// An embedder with real weights: one GGUF file of an encoder.
#pragma once

#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "model/encoder.h"
#include "text/embedder.h"
#include "text/tokenizer.h"

namespace kinglet {

// One caller at a time. All memory of a text's way through the model is taken by Open.
class ModelEmbedder : public Embedder {
 public:
  // options.thread_count 0: one for each CPU. kNotFound or kInvalidInput, naming the file.
  static Result<std::unique_ptr<ModelEmbedder>> Open(const std::filesystem::path& path,
                                                     EncoderOptions options);

  std::size_t width() const override { return encoder_->width(); }
  Result<std::vector<float>> Embed(std::span<const std::string> texts) override;
  std::string_view query_prefix() const override { return query_prefix_; }
  std::string_view passage_prefix() const override { return passage_prefix_; }

  // The tokens of a text between those that the vocabulary wants around it, cut to what the model
  // reads.
  std::vector<TokenId> Encode(std::string_view text) const;

  Encoder& encoder() { return *encoder_; }
  const Tokenizer& tokenizer() const { return *tokenizer_; }

 private:
  ModelEmbedder(std::unique_ptr<Encoder> encoder, std::unique_ptr<Tokenizer> tokenizer)
      : encoder_(std::move(encoder)), tokenizer_(std::move(tokenizer)) {}

  std::unique_ptr<Encoder> encoder_;
  std::unique_ptr<Tokenizer> tokenizer_;
  std::string query_prefix_, passage_prefix_;
};

}  // namespace kinglet
