// SPDX-License-Identifier: Apache-2.0
// A small model of each family with random weights, in memory, for tests.
#pragma once

#include <cmath>
#include <cstring>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "tensor/gguf_writer_for_test.h"

namespace kinglet {

inline constexpr const char* kFamilyModels[] = {"llama",    "mixtral", "qwen2", "qwen3",
                                                "qwen3moe", "olmoe",   "gemma3"};

enum class Weights { kF32, kQ8_0, kMixed };  // mixed: every other one

// A file with random weights.
class FamilyModel {
 public:
  FamilyModel(std::string family, bool mixture, Weights weights)
      : family_(std::move(family)), mixture_(mixture), weights_(weights) {
    if (mixture_) Size("expert_count", kExperts).Size("expert_used_count", 2);
    Size("context_length", 512)
        .Size("embedding_length", kWidth)
        .Size("feed_forward_length", kInner);
    Size("attention.head_count", 4).Size("attention.head_count_kv", 2);
    Size("attention.key_length", kHead).Size("attention.value_length", kHead);
    file_.Key(family_ + ".attention.layer_norm_rms_epsilon", GgufType::kFloat32, 1e-5F);
    file_.Text("general.architecture", family_);
    Matrix("token_embd.weight", {kWidth, kVocabulary});
    Vector("output_norm.weight", kWidth);
  }

  FamilyModel& Size(const std::string& key, std::uint32_t value) {
    file_.Uint32(family_ + "." + key, value);
    return *this;
  }
  FamilyModel& Yarn() {
    file_.Text(family_ + ".rope.scaling.type", "yarn");
    file_.Key(family_ + ".rope.scaling.factor", GgufType::kFloat32, 4.0F);
    return Size("rope.scaling.original_context_length", 128);
  }
  // Norms lie about 1, so that none can be forgotten.
  FamilyModel& Vector(const std::string& name, std::uint64_t size) {
    std::uniform_real_distribution<float> value(0.6F, 1.4F);
    file_.F32(name, {size}, 0);
    for (std::uint64_t i = 0; i < size; ++i) PutFloat(file_.data.size() - 4 * (size - i), value);
    return *this;
  }
  FamilyModel& Matrix(const std::string& name, const std::vector<std::uint64_t>& shape) {
    std::uint64_t count = 1;
    for (const std::uint64_t size : shape) count *= size;
    const float scale = std::sqrt(3.0F / static_cast<float>(shape[0]));  // keeps the variance
    const bool odd = matrix_count_++ % 2 == 1;
    if (weights_ == Weights::kF32 || (weights_ == Weights::kMixed && odd) ||
        name.find("gate_inp") != std::string::npos) {
      std::uniform_real_distribution<float> value(-scale, scale);
      file_.F32(name, shape, 0);
      for (std::uint64_t i = 0; i < count; ++i) {
        PutFloat(file_.data.size() - 4 * (count - i), value);
      }
      return *this;
    }
    file_.data.resize((file_.data.size() + 31) / 32 * 32);
    file_.tensors.push_back(
        {name, shape, static_cast<std::uint32_t>(DType::kQ8_0), file_.data.size()});
    std::uniform_int_distribution<int> code(-127, 127);
    for (std::uint64_t block = 0; block < count / 32; ++block) {
      file_.data += ByteWriter().Number(std::uint16_t{0x1400}).bytes();  // 2^-10, about scale / 127
      for (int i = 0; i < 32; ++i) file_.data += static_cast<char>(code(random_));
    }
    return *this;
  }
  FamilyModel& Layers(std::uint32_t count) {
    Size("block_count", count);
    for (std::uint32_t layer = 0; layer < count; ++layer) {
      const std::string blk = "blk." + std::to_string(layer) + ".";
      Vector(blk + "attn_norm.weight", kWidth).Vector(blk + "ffn_norm.weight", kWidth);
      Matrix(blk + "attn_q.weight", {kWidth, 4 * kHead});
      Matrix(blk + "attn_k.weight", {kWidth, 2 * kHead});
      Matrix(blk + "attn_v.weight", {kWidth, 2 * kHead});
      Matrix(blk + "attn_output.weight", {4 * kHead, kWidth});
      AddFamilyParts(blk);
    }
    return *this;
  }
  GgufForTest Done() { return std::move(file_); }

  static constexpr std::uint64_t kWidth = 64;
  static constexpr std::uint64_t kInner = 160;
  static constexpr std::uint64_t kHead = 32;
  static constexpr std::uint64_t kVocabulary = 48;
  static constexpr std::uint64_t kExperts = 5;

 private:
  void PutFloat(std::size_t at, std::uniform_real_distribution<float>& distribution) {
    const float value = distribution(random_);
    std::memcpy(&file_.data[at], &value, sizeof(value));
  }

  void AddFamilyParts(const std::string& blk) {
    if (family_ == "qwen2") {
      Vector(blk + "attn_q.bias", 4 * kHead).Vector(blk + "attn_k.bias", 2 * kHead);
      Vector(blk + "attn_v.bias", 2 * kHead);
    }
    if (family_ == "qwen3" || family_ == "qwen3moe" || family_ == "gemma3") {
      Vector(blk + "attn_q_norm.weight", kHead).Vector(blk + "attn_k_norm.weight", kHead);
    }
    if (family_ == "gemma3") {
      Vector(blk + "post_attention_norm.weight", kWidth);
      Vector(blk + "post_ffw_norm.weight", kWidth);
    }
    if (family_ == "olmoe") {
      Vector(blk + "attn_q_norm.weight", 4 * kHead).Vector(blk + "attn_k_norm.weight", 2 * kHead);
    }
    if (mixture_) {
      Matrix(blk + "ffn_gate_inp.weight", {kWidth, kExperts});
      Matrix(blk + "ffn_gate_exps.weight", {kWidth, kInner, kExperts});
      Matrix(blk + "ffn_up_exps.weight", {kWidth, kInner, kExperts});
      Matrix(blk + "ffn_down_exps.weight", {kInner, kWidth, kExperts});
    } else {
      Matrix(blk + "ffn_gate.weight", {kWidth, kInner})
          .Matrix(blk + "ffn_up.weight", {kWidth, kInner});
      Matrix(blk + "ffn_down.weight", {kInner, kWidth});
    }
  }

  std::string family_;
  bool mixture_;
  Weights weights_;
  int matrix_count_ = 0;
  std::mt19937 random_{1};
  GgufForTest file_;
};

// Mixtral is a llama with experts.
inline GgufForTest MakeFamilyModel(const std::string& name, Weights weights) {
  const std::string family = name == "mixtral" ? "llama" : name;
  FamilyModel model(family, name == "mixtral" || name == "qwen3moe" || name == "olmoe", weights);
  if (family == "llama" || family == "gemma3") model.Size("attention.sliding_window", 7);
  if (family == "gemma3") model.Size("attention.sliding_window_pattern", 2);  // of two layers, one
  if (family == "qwen2") model.Yarn();
  return model.Layers(2).Done();
}

}  // namespace kinglet
