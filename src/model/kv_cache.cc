// SPDX-License-Identifier: Apache-2.0
// Keys are stored 16 tokens side by side, so that a score needs no sum across lanes.
#include "model/kv_cache.h"

#include <cstdlib>
#include <cstring>

#include "base/check.h"
#include "kernels/ops.h"

namespace kinglet {
namespace {

constexpr std::size_t RoundUp(std::size_t n, std::size_t step) {
  return (n + step - 1) / step * step;
}

}  // namespace

void KvCache::Free::operator()(std::uint16_t* memory) const { std::free(memory); }

std::size_t KvCache::BytesOf(std::size_t layers, std::size_t kv_heads, std::size_t capacity,
                             std::size_t head_dim) {
  const std::size_t halves = RoundUp(capacity, kKeyLanes) * (head_dim + RoundUp(head_dim, 16));
  return layers * kv_heads * halves * sizeof(std::uint16_t);
}

std::size_t KvCache::BytesFor(const ModelConfig& config, std::size_t capacity) {
  return BytesOf(config.block_count, config.kv_head_count, capacity, config.head_dim);
}

Result<KvCache> KvCache::Create(const ModelConfig& config, std::size_t capacity) {
  KvCache cache;
  cache.layers_ = config.block_count;
  cache.kv_heads_ = config.kv_head_count;
  cache.head_dim_ = config.head_dim;
  cache.value_stride_ = RoundUp(config.head_dim, 16);
  cache.capacity_ = RoundUp(capacity, kKeyLanes);
  // calloc: zero pages that cost nothing until they are written, and a lane that no token has
  // written yet is a number.
  cache.memory_.reset(static_cast<std::uint16_t*>(std::calloc(cache.bytes(), 1)));
  if (cache.memory_ == nullptr) {
    return Error(StatusCode::kLimitExceeded,
                 "no memory for a context of {} tokens ({} bytes); ask for a shorter one", capacity,
                 cache.bytes());
  }
  return cache;
}

void KvCache::Truncate(std::size_t length) {
  KINGLET_CHECK(length <= length_, "{} of {} tokens", length, length_);
  length_ = length;
}

std::uint16_t* KvCache::Keys(std::size_t layer, std::size_t kv_head) {
  const std::size_t head_halves = capacity_ * (head_dim_ + value_stride_);
  return memory_.get() + (layer * kv_heads_ + kv_head) * head_halves;
}

std::uint16_t* KvCache::Values(std::size_t layer, std::size_t kv_head) {
  return Keys(layer, kv_head) + capacity_ * head_dim_;
}

void KvCache::Store(std::size_t layer, std::size_t position, const std::uint16_t* keys,
                    const std::uint16_t* values) {
  KINGLET_CHECK(position < capacity_, "position {} of {}", position, capacity_);
  for (std::size_t head = 0; head < kv_heads_; ++head) {
    std::uint16_t* lanes =
        Keys(layer, head) + position / kKeyLanes * kKeyLanes * head_dim_ + position % kKeyLanes;
    for (std::size_t d = 0; d < head_dim_; ++d) lanes[d * kKeyLanes] = keys[head * head_dim_ + d];
    std::memcpy(Values(layer, head) + position * value_stride_, values + head * head_dim_,
                head_dim_ * sizeof(std::uint16_t));
  }
}

}  // namespace kinglet
