// SPDX-License-Identifier: Apache-2.0
// A vocabulary out of a file's keys.
#include "model/vocabulary_from_gguf.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/model_for_test.h"

namespace kinglet {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Result<Vocabulary> VocabularyOf(const GgufForTest& file) {
  const std::string bytes = file.Bytes();
  return ReadVocabulary(GgufFile::Parse(std::as_bytes(std::span(bytes))).value());
}

TEST(VocabularyFromGguf, CopiesEachKey) {
  GgufForTest file = ModelForTest();
  file.Text("tokenizer.ggml.pre", "smollm");
  file.Texts("tokenizer.ggml.merges", std::vector<std::string>{"a b"});
  file.Key<std::uint8_t>("tokenizer.ggml.add_space_prefix", GgufType::kBool, 0);
  const Vocabulary vocabulary = VocabularyOf(file).value();
  EXPECT_EQ(vocabulary.model, "llama");
  EXPECT_EQ(vocabulary.pre, "smollm");
  EXPECT_EQ(vocabulary.tokens.size(), 6U);
  EXPECT_EQ(vocabulary.tokens[5], "a");
  EXPECT_EQ(vocabulary.scores[4], -1.0F);
  EXPECT_EQ(vocabulary.kinds[3], TokenKind::kByte);
  EXPECT_THAT(vocabulary.merges, ElementsAre("a b"));
  EXPECT_EQ(vocabulary.bos, 1);
  EXPECT_EQ(vocabulary.eos, 2);
  EXPECT_EQ(vocabulary.eot, std::nullopt);
  EXPECT_EQ(vocabulary.add_bos, true);
  EXPECT_EQ(vocabulary.add_eos, std::nullopt);
  EXPECT_EQ(vocabulary.add_space_prefix, false);
}

TEST(VocabularyFromGguf, LeavesIdsUnsetThatNameNoToken) {
  GgufForTest file = ModelForTest();
  file.Uint32("tokenizer.ggml.padding_token_id", 6);
  file.Uint32("tokenizer.ggml.eot_token_id", 0xffffffff);
  file.Key<std::int32_t>("tokenizer.ggml.mask_token_id", GgufType::kInt32, -1);
  file.Uint32("tokenizer.ggml.seperator_token_id", 5);
  const Vocabulary vocabulary = VocabularyOf(file).value();
  EXPECT_EQ(vocabulary.padding, std::nullopt);
  EXPECT_EQ(vocabulary.eot, std::nullopt);
  EXPECT_EQ(vocabulary.mask, std::nullopt);
  EXPECT_EQ(vocabulary.separator, 5);
}

TEST(VocabularyFromGguf, NamesTheKeyThatIsWrong) {
  const auto error_with = [](auto&& change) {
    GgufForTest file;
    file.Text("tokenizer.ggml.model", "llama");
    change(file);
    return VocabularyOf(file).error().message();
  };
  const std::vector<std::string> two = {"a", "b"};
  EXPECT_EQ(VocabularyOf(GgufForTest()).error().message(),
            "key \"tokenizer.ggml.model\" is missing");
  EXPECT_EQ(error_with([](auto&) {}), "key \"tokenizer.ggml.tokens\" is missing");
  EXPECT_THAT(error_with([](auto& f) { f.Texts("tokenizer.ggml.tokens", {}); }),
              HasSubstr("has no tokens"));
  EXPECT_THAT(error_with([](auto& f) { f.Uint32("tokenizer.ggml.tokens", 1); }),
              HasSubstr("is of type uint32, not an array of strings"));
  EXPECT_THAT(error_with([&](auto& f) {
                f.Texts("tokenizer.ggml.tokens", two);
                f.template Array<float>("tokenizer.ggml.scores", GgufType::kFloat32, {0});
              }),
              HasSubstr("\"tokenizer.ggml.scores\" has 1 elements for 2 tokens"));
  EXPECT_THAT(error_with([&](auto& f) {
                f.Texts("tokenizer.ggml.tokens", two);
                f.template Array<std::int32_t>("tokenizer.ggml.token_type", GgufType::kInt32, {1});
              }),
              HasSubstr("\"tokenizer.ggml.token_type\" has 1 elements for 2 tokens"));
  EXPECT_THAT(error_with([&](auto& f) {
                f.Texts("tokenizer.ggml.tokens", two);
                f.template Array<std::int32_t>("tokenizer.ggml.token_type", GgufType::kInt32,
                                               {1, 7});
              }),
              HasSubstr("token 1 is of kind 7, not 1 to 6"));
  EXPECT_THAT(error_with([&](auto& f) {
                f.Texts("tokenizer.ggml.tokens", two).Text("tokenizer.ggml.bos_token_id", "a");
              }),
              HasSubstr("\"tokenizer.ggml.bos_token_id\" is of type string"));
}

}  // namespace
}  // namespace kinglet
