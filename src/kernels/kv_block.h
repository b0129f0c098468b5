// SPDX-License-Identifier: Apache-2.0
// How a page of the cache keeps its 64 tokens' keys and values of one head of one layer: a block of
// bytes. Keys lie 16 tokens side by side, so that a score needs no sum across lanes; a value's
// dimensions lie side by side, so that a mix needs none either.
//
//   keys          [kPageTokens / 16][head_dim][16]
//   key scales    [kPageTokens / 16][spans][16]        f16, of kQ8_0 alone
//   values        [kPageTokens][value_stride]
//   value scales  [kPageTokens][spans]                 f16, of kQ8_0 alone
//
// Plain numbers only, so that a file compiled for a newer CPU can include it.
#pragma once

#include <cstddef>
#include <cstdint>

namespace kinglet {

inline constexpr int kPageTokens = 64;
inline constexpr int kKeyLanes = 16;  // keys that lie side by side
inline constexpr int kKvSpan = 32;    // dimensions of a token's head that share a scale in kQ8_0

enum class KvType : std::uint8_t {
  kF16,
  kQ8_0,  // codes of 8 bits in -127..127 and a scale in half precision per token, head and span
  kF32,
};

// Offsets and sizes in bytes, strides in values.
struct KvBlockLayout {
  KvType type = KvType::kF16;
  int head_dim = 0;
  int value_stride = 0;  // head_dim rounded up to 16; what the rest holds matters to nobody
  int spans = 0;         // of kKvSpan dimensions in a head
  std::size_t key_scales = 0;
  std::size_t values = 0;
  std::size_t value_scales = 0;
  std::size_t bytes = 0;  // of the block, a multiple of 64
};

constexpr KvBlockLayout MakeKvBlockLayout(KvType type, std::size_t head_dim) {
  const std::size_t value_bytes = type == KvType::kF32 ? 4 : type == KvType::kF16 ? 2 : 1;
  const std::size_t stride = (head_dim + 15) / 16 * 16;
  const std::size_t spans = (head_dim + kKvSpan - 1) / kKvSpan;
  const std::size_t scale_bytes = type == KvType::kQ8_0 ? kPageTokens * spans * 2 : 0;
  KvBlockLayout layout;
  layout.type = type;
  layout.head_dim = static_cast<int>(head_dim);
  layout.value_stride = static_cast<int>(stride);
  layout.spans = static_cast<int>(spans);
  layout.key_scales = kPageTokens * head_dim * value_bytes;
  layout.values = layout.key_scales + scale_bytes;
  layout.value_scales = layout.values + kPageTokens * stride * value_bytes;
  layout.bytes = (layout.value_scales + scale_bytes + 63) / 64 * 64;
  return layout;
}

}  // namespace kinglet
