// SPDX-License-Identifier: Apache-2.0
// The keys and values of one sequence, in half precision, laid out as Attend reads them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/status.h"
#include "model/config.h"

namespace kinglet {

class KvCache {
 public:
  // Memory for `capacity` tokens, taken at once; the system backs it with pages as they are
  // written. kLimitExceeded, with the bytes, where it is not to be had.
  static Result<KvCache> Create(const ModelConfig& config, std::size_t capacity);
  static std::size_t BytesFor(const ModelConfig& config, std::size_t capacity);

  std::size_t capacity() const { return capacity_; }
  std::size_t length() const { return length_; }  // tokens stored
  std::size_t bytes() const { return BytesOf(layers_, kv_heads_, capacity_, head_dim_); }

  // Tokens at positions length().. have been written.
  void Extend(std::size_t count) { length_ += count; }
  // Forgets the tokens from position `length` on.
  void Truncate(std::size_t length);

  std::uint16_t* Keys(std::size_t layer, std::size_t kv_head);    // [capacity / 16][head_dim][16]
  std::uint16_t* Values(std::size_t layer, std::size_t kv_head);  // [capacity][value_stride()]
  int value_stride() const { return static_cast<int>(value_stride_); }

  // Stores the token at `position`: keys and values [kv_heads][head_dim], f16.
  void Store(std::size_t layer, std::size_t position, const std::uint16_t* keys,
             const std::uint16_t* values);

 private:
  struct Free {
    void operator()(std::uint16_t* memory) const;
  };
  KvCache() = default;
  static std::size_t BytesOf(std::size_t layers, std::size_t kv_heads, std::size_t capacity,
                             std::size_t head_dim);

  std::size_t layers_ = 0;
  std::size_t kv_heads_ = 0;
  std::size_t head_dim_ = 0;
  std::size_t value_stride_ = 0;
  std::size_t capacity_ = 0;  // a multiple of 16
  std::size_t length_ = 0;
  std::unique_ptr<std::uint16_t[], Free> memory_;  // [layers][kv_heads][keys, then values]
};

}  // namespace kinglet
