// SPDX-License-Identifier: Apache-2.0
// A BERT as safetensors is the same model as the GGUF of its tensors, and what is missing is named.
#include "model/bert_safetensors.h"

#include <cstdlib>
#include <map>

#include <gmock/gmock.h>

#include "base/file.h"
#include "base/json.h"
#include "model/config.h"
#include "model/encoder.h"
#include "model/encoder_for_test.h"
#include "model/vocabulary_from_gguf.h"

namespace kinglet {
namespace {

using testing::HasSubstr;

constexpr char kConfig[] =
    R"({"model_type": "bert", "hidden_act": "gelu", "max_position_embeddings": 40, "hidden_size": 32,
        "num_hidden_layers": 2, "intermediate_size": 48, "num_attention_heads": 2,
        "layer_norm_eps": 1e-12})";
constexpr char kVocabulary[] = "[PAD]\n[UNK]\n[CLS]\n[SEP]\nthe\ncat\nsat\n##s\ndog\non\nmat\n.\n";

// "blk.1.ffn_up.bias" as transformers has it.
std::string TheirName(std::string name) {
  const std::map<std::string, std::string> parts = {
      {"token_embd", "embeddings.word_embeddings"},
      {"position_embd", "embeddings.position_embeddings"},
      {"token_types", "embeddings.token_type_embeddings"},
      {"token_embd_norm", "embeddings.LayerNorm"},
      {"attn_q", "attention.self.query"},
      {"attn_k", "attention.self.key"},
      {"attn_v", "attention.self.value"},
      {"attn_output", "attention.output.dense"},
      {"attn_output_norm", "attention.output.LayerNorm"},
      {"ffn_up", "intermediate.dense"},
      {"ffn_down", "output.dense"},
      {"layer_output_norm", "output.LayerNorm"}};
  std::string layer;
  if (name.starts_with("blk.")) {
    layer = "encoder.layer." + name.substr(4, 2);
    name = name.substr(6);
  }
  const std::size_t dot = name.find('.');
  return layer + parts.at(name.substr(0, dot)) + name.substr(dot);
}

// The bytes of a safetensors file with these tensors, and one that vectors do not need.
std::string Safetensors(const GgufFile& file) {
  json::object header;
  std::string data(8, '\0');
  header["pooler.dense.bias"] = {{"dtype", "F32"}, {"shape", {2}}, {"data_offsets", {0, 8}}};
  for (const Tensor& tensor : file.tensors()) {
    json::array shape;
    for (auto size = tensor.shape.rbegin(); size != tensor.shape.rend(); ++size) {
      shape.push_back(*size);
    }
    const std::size_t begin = data.size();
    data.append(reinterpret_cast<const char*>(tensor.data.data()), tensor.data.size());
    header[TheirName(std::string(tensor.name))] = {
        {"dtype", "F32"}, {"shape", shape}, {"data_offsets", {begin, data.size()}}};
  }
  std::string text = ToJson(header);
  text.resize((text.size() + 7) / 8 * 8, ' ');
  return ByteWriter().String(text).bytes() + data;
}

class BertSafetensorsTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "bertXXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
    Write("bert.gguf", BertForTest().Bytes());
    const auto file = GgufFile::Open(folder_ / "bert.gguf");
    ASSERT_TRUE(file);
    Write("model.safetensors", Safetensors(*file));
    Write("config.json", kConfig);
    Write("vocab.txt", kVocabulary);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  void Write(const std::string& name, std::string_view content) const {
    std::filesystem::create_directories((folder_ / name).parent_path());
    ASSERT_TRUE(WriteFileAtomic(folder_ / name, content));
  }
  std::string Refusal() const {
    const auto file = OpenModelFile(folder_);
    return file ? "none" : file.error().message();
  }
  static std::vector<float> Embed(GgufFile file) {
    auto encoder = Encoder::Load(std::move(file), {.thread_count = 1});
    EXPECT_TRUE(encoder) << encoder.error().message();
    const std::vector<std::vector<TokenId>> texts = {{2, 4, 5, 6, 7, 3}, {2, 8, 3}};
    std::vector<float> vectors(texts.size() * (*encoder)->width());
    EXPECT_TRUE((*encoder)->Embed(texts, vectors));
    return vectors;
  }

  std::filesystem::path folder_;
};

TEST_F(BertSafetensorsTest, IsTheSameModel) {
  const std::vector<float> expected = Embed(GgufFile::Open(folder_ / "bert.gguf").value());
  EXPECT_EQ(Embed(OpenModelFile(folder_).value()), expected);
  EXPECT_EQ(Embed(OpenModelFile(folder_ / "model.safetensors").value()), expected);
  EXPECT_EQ(Embed(OpenModelFile(folder_ / "bert.gguf").value()), expected);
  const auto theirs = ReadVocabulary(OpenModelFile(folder_).value()).value();
  const auto ours = ReadVocabulary(OpenModelFile(folder_ / "bert.gguf").value()).value();
  EXPECT_EQ(theirs.tokens, ours.tokens);
  EXPECT_EQ(theirs.unknown, ours.unknown);
  EXPECT_EQ(theirs.separator, ours.separator);
}

TEST_F(BertSafetensorsTest, TakesThePoolingBesideIt) {
  const auto pooling = [this] { return ReadModelConfig(OpenModelFile(folder_).value())->pooling; };
  EXPECT_EQ(pooling(), Pooling::kMean);
  Write("1_Pooling/config.json", R"({"pooling_mode_cls_token": true})");
  EXPECT_EQ(pooling(), Pooling::kFirst);
  Write("1_Pooling/config.json", R"({"pooling_mode_mean_tokens": true})");
  EXPECT_EQ(pooling(), Pooling::kMean);
  Write("1_Pooling/config.json", R"({"pooling_mode_max_tokens": true})");
  EXPECT_THAT(Refusal(), HasSubstr("1_Pooling/config.json: neither mean nor CLS pooling"));
}

TEST_F(BertSafetensorsTest, TakesThePrefixesBesideIt) {
  const auto prefix = [this](std::string_view key) {
    const GgufFile file = OpenModelFile(folder_).value();
    return std::string(file.Get<std::string_view>(key, "none").value());
  };
  const auto write = [this](std::string_view config) {
    Write("config_sentence_transformers.json", config);
  };
  EXPECT_EQ(prefix(kQueryPrefixKey), "none");
  write(R"({"prompts": {"query": "query: ", "passage": "passage: "}})");
  EXPECT_EQ(prefix(kQueryPrefixKey), "query: ");
  EXPECT_EQ(prefix(kPassagePrefixKey), "passage: ");
  write(R"({"prompts": {"query": "Find: ", "document": "", "corpus": "text: "}})");
  EXPECT_EQ(prefix(kQueryPrefixKey), "Find: ");
  EXPECT_EQ(prefix(kPassagePrefixKey), "text: ");
  for (const char* without : {"{}", R"({"prompts": {}})", R"({"prompts": null})",
                              R"({"prompts": {"query": 1, "document": ""}})"}) {
    write(without);
    EXPECT_EQ(prefix(kQueryPrefixKey), "none") << without;
    EXPECT_EQ(prefix(kPassagePrefixKey), "none") << without;
  }
  write("{");
  EXPECT_THAT(Refusal(), HasSubstr("config_sentence_transformers.json"));
  write(R"({"prompts": {"query": ")" + std::string(2000, 'a') + R"("}})");
  EXPECT_THAT(Refusal(), HasSubstr("a prompt of 2000 bytes; 1000 are supported"));
}

TEST_F(BertSafetensorsTest, NamesWhatIsWrong) {
  const auto with = [](std::string_view from, std::string_view to) {
    std::string config = kConfig;
    return config.replace(config.find(from), from.size(), to);
  };
  Write("config.json", with("\"bert\"", "\"roberta\""));
  EXPECT_THAT(Refusal(), HasSubstr("config.json: model_type is \"roberta\""));
  Write("config.json", with("\"gelu\"", "\"relu\""));
  EXPECT_THAT(Refusal(), HasSubstr("hidden_act is \"relu\""));
  Write("config.json", with("\"hidden_size\"", "\"size\""));
  EXPECT_THAT(Refusal(), HasSubstr("hidden_size is missing"));
  Write("config.json", with("1e-12", "\"small\""));
  EXPECT_THAT(Refusal(), HasSubstr("layer_norm_eps is missing or no number"));
  Write("config.json", "{");
  EXPECT_THAT(Refusal(), HasSubstr("config.json"));
  Write("config.json", kConfig);
  EXPECT_EQ(Refusal(), "none");
  std::filesystem::remove(folder_ / "vocab.txt");
  EXPECT_THAT(Refusal(), HasSubstr("vocab.txt"));
  EXPECT_EQ(OpenModelFile(folder_ / "none" / "model.safetensors").error().code(),
            StatusCode::kNotFound);
}

}  // namespace
}  // namespace kinglet
