// SPDX-License-Identifier: Apache-2.0
// The truth of attention and of the cache's types: formulas in plain loops and double precision.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "kernels/half.h"
#include "kernels/scalar.h"

namespace kinglet {
namespace {

template <typename T>
T Load(const std::uint8_t* bytes) {
  T value;
  std::memcpy(&value, bytes, sizeof(value));
  return value;
}

// Where a token's dimension lies: element and scale of a key or of a value.
struct Place {
  std::size_t element = 0;  // of the array that begins at `array`
  std::size_t array = 0;    // bytes
  std::size_t scale = 0;    // bytes, where there are scales
};

Place KeyPlace(const KvBlockLayout& layout, int slot, int d) {
  const std::size_t group = static_cast<std::size_t>(slot / kKeyLanes);
  const std::size_t lane = static_cast<std::size_t>(slot % kKeyLanes);
  const auto dims = static_cast<std::size_t>(layout.head_dim);
  const auto spans = static_cast<std::size_t>(layout.spans);
  const auto span = static_cast<std::size_t>(d / kKvSpan);
  return {(group * dims + static_cast<std::size_t>(d)) * kKeyLanes + lane, 0,
          layout.key_scales + ((group * spans + span) * kKeyLanes + lane) * 2};
}

Place ValuePlace(const KvBlockLayout& layout, int slot, int d) {
  const auto at = static_cast<std::size_t>(slot);
  return {at * static_cast<std::size_t>(layout.value_stride) + static_cast<std::size_t>(d),
          layout.values,
          layout.value_scales + (at * static_cast<std::size_t>(layout.spans) +
                                 static_cast<std::size_t>(d / kKvSpan)) *
                                    2};
}

float Read(const KvBlockLayout& layout, const std::uint8_t* block, const Place& place) {
  const std::uint8_t* array = block + place.array;
  if (layout.type == KvType::kF32) return Load<float>(array + place.element * 4);
  if (layout.type == KvType::kF16) {
    return HalfToFloat(Load<std::uint16_t>(array + place.element * 2));
  }
  return HalfToFloat(Load<std::uint16_t>(block + place.scale)) *
         static_cast<float>(static_cast<std::int8_t>(array[place.element]));
}

// One span of kQ8_0.
struct Rounded {
  Rounded(const float* x, int n) {
    float largest = 0;
    bool finite = true;
    for (int i = 0; i < n; ++i) {
      largest = std::max(largest, std::fabs(x[i]));
      finite = finite && std::isfinite(x[i]);
    }
    scale = finite ? FloatToHalf(largest / 127.0F) : std::uint16_t{0x7e00};
    const float rounded = HalfToFloat(scale);
    const float inverse = rounded > 0 ? 1.0F / rounded : 0.0F;
    for (int i = 0; i < n; ++i) {
      const float code = finite ? std::clamp(x[i] * inverse, -127.0F, 127.0F) : 0.0F;
      codes[i] = static_cast<std::int8_t>(std::nearbyint(code));
    }
  }
  std::uint16_t scale;
  std::int8_t codes[kKvSpan] = {};
};

void Store(const KvBlockLayout& layout, const float* x,
           Place (*place_of)(const KvBlockLayout&, int, int), int slot, std::uint8_t* block) {
  for (int first = 0; first < layout.head_dim; first += kKvSpan) {
    const int n = std::min(kKvSpan, layout.head_dim - first);
    const Rounded span(x + first, n);
    for (int i = 0; i < n; ++i) {
      const Place place = place_of(layout, slot, first + i);
      std::uint8_t* array = block + place.array;
      if (layout.type == KvType::kF32) {
        std::memcpy(array + place.element * 4, &x[first + i], 4);
      } else if (layout.type == KvType::kF16) {
        const std::uint16_t half = FloatToHalf(x[first + i]);
        std::memcpy(array + place.element * 2, &half, 2);
      } else {
        array[place.element] = static_cast<std::uint8_t>(span.codes[i]);
        std::memcpy(block + place.scale, &span.scale, 2);
      }
    }
  }
}

void AttendOne(const AttendArgs& a, const AttendRow& row, float* scores, float* out) {
  const KvBlockLayout& layout = *a.layout;
  const int begin = std::max(row.begin - a.first_position, 0);
  const int end = std::min(row.end - a.first_position, kSegmentTokens);
  if (begin >= end) return;
  float top = -HUGE_VALF;
  for (int j = begin; j < end; ++j) {
    double score = 0;
    for (int d = 0; d < layout.head_dim; ++d) {
      score += static_cast<double>(row.query[d]) *
               Read(layout, a.blocks[j / kPageTokens], KeyPlace(layout, j % kPageTokens, d));
    }
    scores[j] = static_cast<float>(score * a.scale);
    top = std::max(top, scores[j]);
  }
  double total = 0;
  for (int j = begin; j < end; ++j) {
    scores[j] = std::exp(scores[j] - top);
    total += scores[j];
  }
  for (int d = 0; d < layout.head_dim; ++d) {
    double mixed = 0;
    for (int j = begin; j < end; ++j) {
      mixed += static_cast<double>(scores[j]) *
               Read(layout, a.blocks[j / kPageTokens], ValuePlace(layout, j % kPageTokens, d));
    }
    out[d] = static_cast<float>(mixed);
  }
  out[layout.value_stride] = top;
  out[layout.value_stride + 1] = static_cast<float>(total);
}

}  // namespace

void ScalarStoreKv(const KvBlockLayout& layout, const float* key, const float* value, int slot,
                   std::uint8_t* block) {
  Store(layout, key, KeyPlace, slot, block);
  Store(layout, value, ValuePlace, slot, block);
}

void ScalarAttend(const AttendArgs& a) {
  for (int r = 0; r < a.count; ++r) {
    AttendOne(a, a.rows[r], a.scratch,
              a.out + static_cast<std::size_t>(r) * PartialFloats(*a.layout));
  }
}

void ScalarMergePartial(const float* partial, int value_stride, float* inout) {
  const float top = std::max(inout[value_stride], partial[value_stride]);
  const double old_share = std::exp(static_cast<double>(inout[value_stride]) - top);
  const double new_share = std::exp(static_cast<double>(partial[value_stride]) - top);
  const auto merge = [&](int i) {
    inout[i] = static_cast<float>(inout[i] * old_share + partial[i] * new_share);
  };
  for (int d = 0; d < value_stride; ++d) merge(d);
  merge(value_stride + 1);
  inout[value_stride] = top;
}

}  // namespace kinglet
