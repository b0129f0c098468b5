// SPDX-License-Identifier: Apache-2.0
// An encoder's vectors: of length 1, the same bits for every number of threads, and with a part of
// each tensor in them. Random weights, made here.
#include "model/encoder.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/encoder_for_test.h"
#include "model/model.h"
#include "model/model_for_test.h"

namespace kinglet {
namespace {

using testing::HasSubstr;
using Texts = std::vector<std::vector<TokenId>>;

std::vector<float> Embed(const GgufForTest& file, const std::vector<TokenId>& tokens,
                         int threads = 1, bool exact = false) {
  const std::string bytes = file.Bytes();
  auto encoder = Encoder::Load(GgufFile::Parse(std::as_bytes(std::span(bytes))).value(),
                               {.thread_count = threads, .exact = exact});
  EXPECT_TRUE(encoder.has_value()) << encoder.error().message();
  std::vector<float> out((*encoder)->width());
  EXPECT_TRUE((*encoder)->Embed(Texts{tokens}, out));
  return out;
}

const std::vector<TokenId> kText = {2, 5, 6, 7, 5, 11, 8, 9, 1, 0, 4, 4, 10, 6, 7, 7, 8, 3};

TEST(EncoderTest, VectorsHaveLengthOne) {
  for (const auto& tokens : {kText, std::vector<TokenId>{2}}) {
    double squares = 0;
    for (const float value : Embed(BertForTest(), tokens)) squares += std::pow(value, 2);
    EXPECT_NEAR(squares, 1, 1e-6);
  }
}

TEST(EncoderTest, ThreadsTouchNoBit) {
  const std::vector<float> alone = Embed(BertForTest(), kText);
  for (const int threads : {2, 3, 8}) EXPECT_EQ(Embed(BertForTest(), kText, threads), alone);
}

// More texts than fit a step together, of all lengths, in two orders.
TEST(EncoderTest, TextsTouchNoBitOfOneAnother) {
  const std::string bytes = BertForTest().Bytes();
  const auto encoder =
      Encoder::Load(GgufFile::Parse(std::as_bytes(std::span(bytes))).value(), {.thread_count = 2})
          .value();
  std::vector<std::vector<TokenId>> texts;
  for (TokenId i = 0; i < 70; ++i) {
    std::vector<TokenId> text(static_cast<std::size_t>(i % 40 + 1), (i * 5) % 12);
    text[0] = i % 12;
    texts.push_back(std::move(text));
  }
  const std::size_t width = encoder->width();
  std::vector<float> forward(texts.size() * width);
  ASSERT_TRUE(encoder->Embed(texts, forward));
  std::ranges::reverse(texts);
  std::vector<float> backward(texts.size() * width);
  ASSERT_TRUE(encoder->Embed(texts, backward));
  std::ranges::reverse(texts);
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const std::vector<float> alone = Embed(BertForTest(), texts[i]);
    EXPECT_EQ(0, std::memcmp(&forward[i * width], alone.data(), width * sizeof(float))) << i;
    EXPECT_EQ(0, std::memcmp(&backward[(69 - i) * width], alone.data(), width * sizeof(float)));
  }
}

TEST(EncoderTest, RoundingStaysNearTheExactVector) {
  const std::vector<TokenId> is_long(30, 6);
  for (const std::vector<TokenId>& text : {kText, std::vector<TokenId>{2, 5, 3}, is_long}) {
    const std::vector<float> truth = Embed(BertForTest(), text, 1, /*exact=*/true);
    const std::vector<float> rounded = Embed(BertForTest(), text);
    EXPECT_NEAR(std::inner_product(truth.begin(), truth.end(), rounded.begin(), 0.0), 1, 1e-3);
  }
}

TEST(EncoderTest, EachTokenSeesThoseAfterIt) {
  GgufForTest file = BertForTest();
  file.Uint32("bert.pooling_type", 2);  // the first state alone
  std::vector<TokenId> other = kText;
  other.back() = 4;
  EXPECT_NE(Embed(file, kText), Embed(file, other));
  EXPECT_NE(Embed(file, kText), Embed(BertForTest(), kText));
}

TEST(EncoderTest, EachTensorHasItsPart) {
  const GgufForTest file = BertForTest();
  const std::vector<float> truth = Embed(file, kText);
  for (const TensorForTest& tensor : file.tensors) {
    if (tensor.name.ends_with("attn_k.bias")) continue;  // the same for all keys: softmax drops it
    GgufForTest changed = file;
    std::uint64_t count = 1;
    for (const std::uint64_t size : tensor.shape) count *= size;
    for (std::uint64_t i = 0; i < count; i += 2) {
      changed.data[tensor.offset + 4 * i + 3] ^= '\x80';  // the sign
    }
    EXPECT_NE(Embed(changed, kText), truth) << tensor.name;
  }
}

TEST(EncoderTest, RefusesWhatItCannotRead) {
  const std::string bytes = BertForTest().Bytes();
  const auto parse = [](const std::string& from) {
    return GgufFile::Parse(std::as_bytes(std::span(from))).value();
  };
  const auto encoder = Encoder::Load(parse(bytes), {.thread_count = 1}).value();
  std::vector<float> out(64);
  for (const std::vector<TokenId>& tokens :
       {std::vector<TokenId>{}, std::vector<TokenId>(41, 1), {1, 12}, {-1}}) {
    EXPECT_EQ(encoder->Embed(Texts{kText, tokens}, out).error().code(), StatusCode::kUsage);
  }
  EXPECT_THAT(Model::Load(parse(bytes), {}).error().message(),
              HasSubstr("a bert model makes vectors of texts, and no text"));
  const std::string decoder = ModelForTest().Bytes();
  EXPECT_THAT(Encoder::Load(parse(decoder), {.thread_count = 1}).error().message(),
              HasSubstr("a llama model makes text, and no vectors of texts"));
  GgufForTest file = BertForTest();
  file.Find("token_types.weight").name = "types";
  const std::string broken = file.Bytes();
  EXPECT_THAT(Encoder::Load(parse(broken), {.thread_count = 1}).error().message(),
              HasSubstr("tensor \"token_types.weight\" is missing"));
  file = BertForTest();
  file.Uint32("bert.pooling_type", 4);
  const std::string ranking = file.Bytes();
  EXPECT_THAT(Encoder::Load(parse(ranking), {.thread_count = 1}).error().message(),
              HasSubstr("\"bert.pooling_type\" is 4, not 1 to 2"));
}

}  // namespace
}  // namespace kinglet
