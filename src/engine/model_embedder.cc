// SPDX-License-Identifier: Apache-2.0
// Tokens by the file's vocabulary, vectors by its weights.
#include "engine/model_embedder.h"

#include "base/display.h"
#include "base/thread_pool.h"
#include "model/bert_safetensors.h"
#include "model/vocabulary_from_gguf.h"

namespace kinglet {

Result<std::unique_ptr<ModelEmbedder>> ModelEmbedder::Open(const std::filesystem::path& path,
                                                           EncoderOptions options) {
  GgufFile file = TRY(OpenModelFile(path));
  const auto in_file = [&](const Status& status) {
    return std::unexpected(status.WithContext(EscapeForDisplay(path.string())));
  };
  Result<Vocabulary> vocabulary = ReadVocabulary(file);
  if (!vocabulary) return in_file(vocabulary.error());
  Result<std::unique_ptr<Tokenizer>> tokenizer = Tokenizer::Create(*std::move(vocabulary));
  if (!tokenizer) return in_file(tokenizer.error());
  const auto query_prefix = file.Get<std::string_view>(kQueryPrefixKey, {});
  if (!query_prefix) return in_file(query_prefix.error());
  const auto passage_prefix = file.Get<std::string_view>(kPassagePrefixKey, {});
  if (!passage_prefix) return in_file(passage_prefix.error());
  std::string prefixes[] = {std::string(*query_prefix), std::string(*passage_prefix)};
  if (options.thread_count <= 0) options.thread_count = AvailableCpus();
  Result<std::unique_ptr<Encoder>> encoder = Encoder::Load(std::move(file), options);
  if (!encoder) return in_file(encoder.error());
  std::unique_ptr<ModelEmbedder> embedder(
      new ModelEmbedder(*std::move(encoder), *std::move(tokenizer)));
  embedder->query_prefix_ = std::move(prefixes[0]);
  embedder->passage_prefix_ = std::move(prefixes[1]);
  return embedder;
}

std::vector<TokenId> ModelEmbedder::Encode(std::string_view text) const {
  EncodeOptions options;
  options.add_special = true;
  std::vector<TokenId> tokens = tokenizer_->Encode(text, options);
  if (tokens.size() > encoder_->max_tokens()) {
    tokens[encoder_->max_tokens() - 1] = tokens.back();  // the one that ends a text
    tokens.resize(encoder_->max_tokens());
  }
  return tokens;
}

Result<std::vector<float>> ModelEmbedder::Embed(std::span<const std::string> texts) {
  std::vector<std::vector<TokenId>> tokens;
  tokens.reserve(texts.size());
  for (const std::string& text : texts) tokens.push_back(Encode(text));
  std::vector<float> vectors(texts.size() * width());
  TRY(encoder_->Embed(tokens, vectors));
  return vectors;
}

}  // namespace kinglet
