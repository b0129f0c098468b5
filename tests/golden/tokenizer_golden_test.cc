// SPDX-License-Identifier: Apache-2.0
// Token ids against those of llama.cpp and of Hugging Face's tokenizers, id for id, and back.
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "base/json.h"
#include "model/vocabulary_from_gguf.h"
#include "tensor/gguf.h"
#include "text/tokenizer.h"

namespace kinglet {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxFileBytes = std::size_t{64} << 20U;

fs::path Shared(std::string_view below) {
  const char* const root = std::getenv("KINGLET_SHARED");
  return root == nullptr ? fs::path() : fs::path(root) / "data" / below;
}

std::unique_ptr<Tokenizer> Open(const fs::path& path) {
  const auto file = GgufFile::Open(path);
  if (!file) {
    ADD_FAILURE() << file.error().message();
    return nullptr;
  }
  auto vocabulary = ReadVocabulary(*file);
  if (!vocabulary) {
    ADD_FAILURE() << path << ": " << vocabulary.error().message();
    return nullptr;
  }
  auto tokenizer = Tokenizer::Create(*std::move(vocabulary));
  if (!tokenizer) {
    ADD_FAILURE() << path << ": " << tokenizer.error().message();
    return nullptr;
  }
  return *std::move(tokenizer);
}

std::vector<std::string> SplitTexts(std::string_view all) {
  constexpr std::string_view kSeparator = "\n__ggml_vocab_test__\n";
  std::vector<std::string> texts;
  for (std::size_t at; (at = all.find(kSeparator)) != std::string_view::npos;) {
    texts.emplace_back(all.substr(0, at));
    all.remove_prefix(at + kSeparator.size());
  }
  return texts;
}

std::vector<std::vector<TokenId>> ParseLines(std::string_view all) {
  std::vector<std::vector<TokenId>> lines;
  std::vector<TokenId> line;
  for (const char* at = all.data(); at != all.data() + all.size();) {
    if (*at == '\n') lines.push_back(std::exchange(line, {}));
    TokenId id = 0;
    const auto [end, error] = std::from_chars(at, all.data() + all.size(), id);
    if (error == std::errc()) line.push_back(id);
    at = error == std::errc() ? end : at + 1;
  }
  return lines;
}

std::vector<TokenId> Ids(const json::value& value) {
  std::vector<TokenId> ids;
  for (const json::value& id : value.as_array()) ids.push_back(id.to_number<TokenId>());
  return ids;
}

// rows: {text, special: ids with control tokens read, plain: ids without, hf: instead of special,
// where llama.cpp is wrong}.
void CheckRows(const Tokenizer& tokenizer, const json::array& rows, bool sentencepiece,
               std::string_view name) {
  int passed = 0;
  int total = 0;
  const auto check = [&](const json::value& row, std::string_view key,
                         const std::vector<TokenId>& ids) {
    const std::vector<TokenId> expected = Ids(*Find(row, key));
    EXPECT_EQ(ids, expected) << key << ": " << ToJson(*Find(row, "text"));
    passed += ids == expected ? 1 : 0;
    ++total;
  };
  for (const json::value& row : rows) {
    const std::string text(Find(row, "text")->as_string());
    const std::vector<TokenId> special = tokenizer.Encode(text, {.parse_special = true});
    if (Find(row, "hf") != nullptr) {
      check(row, "hf", special);
      continue;  // plain, which llama.cpp made, is wrong in the same way
    }
    const std::vector<TokenId> plain = tokenizer.Encode(text);
    check(row, "special", special);
    check(row, "plain", plain);
    // SentencePiece cannot tell its mark for a space from a space.
    if (sentencepiece && text.find("\u2581") != std::string::npos) continue;
    EXPECT_EQ(tokenizer.Decode(special, ControlTokens::kShow), text);
    EXPECT_EQ(tokenizer.Decode(plain), text);
  }
  fmt::print("{}: {} of {}\n", name, passed, total);
}

TEST(TokenizerGolden, StoriesVocabularyOfTheTestData) {
  const fs::path folder = fs::path(KINGLET_TEST_DATA) / "tokenizers";
  const auto tokenizer = Open(folder / "stories-vocabulary.gguf");
  ASSERT_NE(tokenizer, nullptr);
  const json::value rows =
      ParseJson(ReadFile(folder / "stories-tokens.json", kMaxFileBytes).value()).value();
  CheckRows(*tokenizer, rows.as_array(), true, "stories, short");
}

class VocabularyGolden : public testing::TestWithParam<const char*> {};

TEST_P(VocabularyGolden, TokenizesAsLlamaCpp) {
  const fs::path path = Shared("tokenizers") / (std::string("ggml-vocab-") + GetParam() + ".gguf");
  if (!fs::exists(path)) GTEST_SKIP() << "KINGLET_SHARED does not hold " << path.filename();
  const auto tokenizer = Open(path);
  ASSERT_NE(tokenizer, nullptr);
  const auto texts = SplitTexts(ReadFile(path.string() + ".inp", kMaxFileBytes).value());
  const auto lines = ParseLines(ReadFile(path.string() + ".out", kMaxFileBytes).value());
  ASSERT_EQ(texts.size(), lines.size());
  ASSERT_GT(texts.size(), 40U);
  const bool keeps_text = std::string_view(GetParam()) != "bert-bge";
  int passed = 0;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const auto ids = tokenizer->Encode(texts[i]);
    EXPECT_EQ(ids, lines[i]) << "text " << i << ": " << testing::PrintToString(texts[i]);
    passed += ids == lines[i] ? 1 : 0;
    if (keeps_text) {
      EXPECT_EQ(tokenizer->Decode(ids), texts[i]);
    }
  }
  fmt::print("{}: {} of {}\n", GetParam(), passed, texts.size());
}

INSTANTIATE_TEST_SUITE_P(All, VocabularyGolden,
                         testing::Values("bert-bge", "deepseek-llm", "falcon", "gpt-2", "llama-bpe",
                                         "llama-spm", "phi-3", "qwen2", "starcoder"));

struct ModelGoldenCase {
  const char* golden;
  const char* model;  // in KINGLET_TEST_MODELS, or of the tiny models
  bool sentencepiece;
};

class ModelGolden : public testing::TestWithParam<ModelGoldenCase> {};

TEST_P(ModelGolden, TokenizesAsTheReference) {
  const fs::path golden_path =
      Shared("goldens/tokens") / (std::string(GetParam().golden) + ".json");
  const char* const models = std::getenv("KINGLET_TEST_MODELS");
  fs::path model_path = Shared("tiny-models") / GetParam().model;
  if (!fs::exists(model_path) && models != nullptr)
    model_path = fs::path(models) / GetParam().model;
  if (!fs::exists(golden_path) || !fs::exists(model_path))
    GTEST_SKIP() << "KINGLET_SHARED or KINGLET_TEST_MODELS does not hold " << GetParam().model;
  const auto tokenizer = Open(model_path);
  ASSERT_NE(tokenizer, nullptr);
  const json::value golden = ParseJson(ReadFile(golden_path, kMaxFileBytes).value()).value();
  CheckRows(*tokenizer, Find(golden, "texts")->as_array(), GetParam().sentencepiece,
            GetParam().golden);
}

INSTANTIATE_TEST_SUITE_P(
    All, ModelGolden,
    testing::Values(ModelGoldenCase{"smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf", false},
                    ModelGoldenCase{"gemma3", "gemma-3-270m-q4_k_m.gguf", true},
                    ModelGoldenCase{"qwen2.5", "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf", false},
                    ModelGoldenCase{"stories", "stories260k-f32.gguf", true}),
    [](const auto& tested) {
      std::string name = tested.param.golden;
      std::erase(name, '.');
      return name;
    });

}  // namespace
}  // namespace kinglet
