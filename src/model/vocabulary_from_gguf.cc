// SPDX-License-Identifier: Apache-2.0
// Copies the vocabulary out of the mapping, key by key.
#include "model/vocabulary_from_gguf.h"

#include <string>
#include <string_view>
#include <vector>

namespace kinglet {
namespace {

template <typename T>
using List = std::vector<T>;

Result<void> CheckLength(std::string_view key, std::size_t length, std::size_t token_count) {
  if (length == token_count) return {};
  return Error(StatusCode::kInvalidInput, "key \"{}\" has {} elements for {} tokens", key, length,
               token_count);
}

Result<std::vector<std::string>> ReadTexts(const GgufFile& file, std::string_view key) {
  const auto texts = TRY(file.Get<List<std::string_view>>(key, {}));
  return std::vector<std::string>(texts.begin(), texts.end());
}

Result<std::vector<TokenKind>> ReadKinds(const GgufFile& file, std::size_t token_count) {
  constexpr std::string_view kKey = "tokenizer.ggml.token_type";
  const auto numbers = TRY(file.Optional<List<std::int64_t>>(kKey));
  if (!numbers) return std::vector<TokenKind>();
  TRY(CheckLength(kKey, numbers->size(), token_count));
  std::vector<TokenKind> kinds;
  kinds.reserve(numbers->size());
  for (const std::int64_t number : *numbers) {
    if (number < static_cast<int>(TokenKind::kNormal) ||
        number > static_cast<int>(TokenKind::kByte)) {
      return Error(StatusCode::kInvalidInput, "key \"{}\": token {} is of kind {}, not 1 to 6",
                   kKey, kinds.size(), number);
    }
    kinds.push_back(static_cast<TokenKind>(number));
  }
  return kinds;
}

Result<void> ReadSpecialIds(const GgufFile& file, Vocabulary& vocabulary) {
  struct Row {
    std::string_view key;
    std::optional<TokenId> Vocabulary::* id;
  };
  constexpr Row kRows[] = {
      {"tokenizer.ggml.bos_token_id", &Vocabulary::bos},
      {"tokenizer.ggml.eos_token_id", &Vocabulary::eos},
      {"tokenizer.ggml.eot_token_id", &Vocabulary::eot},
      {"tokenizer.ggml.eom_token_id", &Vocabulary::eom},
      {"tokenizer.ggml.unknown_token_id", &Vocabulary::unknown},
      {"tokenizer.ggml.seperator_token_id", &Vocabulary::separator},  // GGUF's spelling
      {"tokenizer.ggml.padding_token_id", &Vocabulary::padding},
      {"tokenizer.ggml.cls_token_id", &Vocabulary::cls},
      {"tokenizer.ggml.mask_token_id", &Vocabulary::mask},
  };
  const auto token_count = static_cast<std::int64_t>(vocabulary.tokens.size());
  for (const Row& row : kRows) {
    const auto id = TRY(file.Optional<std::int64_t>(row.key));
    if (id && *id >= 0 && *id < token_count) vocabulary.*row.id = static_cast<TokenId>(*id);
  }
  return {};
}

}  // namespace

Result<Vocabulary> ReadVocabulary(const GgufFile& file) {
  Vocabulary vocabulary;
  vocabulary.model = TRY(file.Require<std::string_view>("tokenizer.ggml.model"));
  vocabulary.pre = TRY(file.Get<std::string_view>("tokenizer.ggml.pre", ""));
  const auto tokens = TRY(file.Require<List<std::string_view>>("tokenizer.ggml.tokens"));
  if (tokens.empty()) {
    return Error(StatusCode::kInvalidInput, "key \"tokenizer.ggml.tokens\" has no tokens");
  }
  vocabulary.tokens.assign(tokens.begin(), tokens.end());
  if (auto scores = TRY(file.Optional<List<float>>("tokenizer.ggml.scores"))) {
    TRY(CheckLength("tokenizer.ggml.scores", scores->size(), tokens.size()));
    vocabulary.scores = *std::move(scores);
  }
  vocabulary.kinds = TRY(ReadKinds(file, tokens.size()));
  vocabulary.merges = TRY(ReadTexts(file, "tokenizer.ggml.merges"));
  TRY(ReadSpecialIds(file, vocabulary));
  vocabulary.add_bos = TRY(file.Optional<bool>("tokenizer.ggml.add_bos_token"));
  vocabulary.add_eos = TRY(file.Optional<bool>("tokenizer.ggml.add_eos_token"));
  vocabulary.add_space_prefix = TRY(file.Optional<bool>("tokenizer.ggml.add_space_prefix"));
  vocabulary.remove_extra_whitespaces =
      TRY(file.Get<bool>("tokenizer.ggml.remove_extra_whitespaces", false));
  return vocabulary;
}

}  // namespace kinglet
