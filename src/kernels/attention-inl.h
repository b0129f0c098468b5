// SPDX-License-Identifier: Apache-2.0
// Attention over one segment of positions, for any instruction set. Included by an ISA file inside
// its namespace, after vector-inl.h. Keys and values are widened to f32 once for all rows, exactly;
// then the work is two matrix products in registers, with an exp between them.
//
// A row adds up its own keys, each in the order of positions, and skips the others: neighbours in a
// tile change no bit, not even where they hold values that are not finite.

constexpr int kScoreKeys = 16 * kScoreGroups;  // keys that are scored together
constexpr int kMixKeys = 32;                   // values that are widened at a time
static_assert(kPageTokens % kScoreKeys == 0 && kScoreKeys <= kMixKeys);

inline KeyRange Visible(const AttendArgs& a, int row) {
  const int begin = a.rows[row].begin - a.first_position;
  const int end = a.rows[row].end - a.first_position;
  return {begin > 0 ? begin : 0, end < kSegmentTokens ? end : kSegmentTokens};
}

// 16 codes and one scale for all, or one for each lane.
inline F WidenCodes(const std::uint8_t* codes, F scale) {
  return MulF(ToF(BytesToI(codes)), scale);
}

// The keys at [first, first + kScoreKeys) of the segment: [kScoreGroups][head_dim][16].
inline const float* WidenKeys(const AttendArgs& a, int first, float* out) {
  const KvBlockLayout& layout = *a.layout;
  const std::uint8_t* block = a.blocks[first / kPageTokens];
  const int group = first % kPageTokens / 16;
  const std::ptrdiff_t at = static_cast<std::ptrdiff_t>(group) * layout.head_dim * 16;
  if (layout.type == KvType::kF32) return reinterpret_cast<const float*>(block) + at;
  const int count = kScoreGroups * layout.head_dim;
  if (layout.type == KvType::kF16) {
    const std::uint8_t* halves = block + at * 2;
    for (std::ptrdiff_t i = 0; i < count; ++i) StoreF(out + i * 16, HalfToF(halves + i * 32));
    return out;
  }
  const std::uint8_t* codes = block + at;
  const std::uint8_t* scales =
      block + layout.key_scales + static_cast<std::ptrdiff_t>(group) * layout.spans * 32;
  for (int g = 0; g < kScoreGroups; ++g) {
    for (int d = 0; d < layout.head_dim; ++d, codes += 16, out += 16) {
      StoreF(out, WidenCodes(codes, HalfToF(scales + (g * layout.spans + d / kKvSpan) * 32)));
    }
  }
  return out - static_cast<std::ptrdiff_t>(count) * 16;
}

// The values at [first, first + kMixKeys) of the segment: [kMixKeys][value_stride].
inline const float* WidenValues(const AttendArgs& a, int first, float* out) {
  const KvBlockLayout& layout = *a.layout;
  const std::uint8_t* block = a.blocks[first / kPageTokens];
  const int slot = first % kPageTokens;
  const std::ptrdiff_t at = static_cast<std::ptrdiff_t>(slot) * layout.value_stride;
  const std::uint8_t* values = block + layout.values;
  if (layout.type == KvType::kF32) return reinterpret_cast<const float*>(values) + at;
  if (layout.type == KvType::kF16) {
    const std::ptrdiff_t count = static_cast<std::ptrdiff_t>(kMixKeys) * layout.value_stride;
    for (std::ptrdiff_t i = 0; i < count; i += 16) StoreF(out + i, HalfToF(values + (at + i) * 2));
    return out;
  }
  float* to = out;
  for (int j = slot; j < slot + kMixKeys; ++j) {
    const std::uint8_t* scales = block + layout.value_scales + j * layout.spans * 2;
    for (int d = 0; d < layout.value_stride; d += 16, to += 16) {
      const std::uint8_t* codes = values + static_cast<std::ptrdiff_t>(j) * layout.value_stride + d;
      StoreF(to, WidenCodes(codes, SetF(HalfLane(scales + d / kKvSpan * 2))));
    }
  }
  return out;
}

// Scores of kRows rows with kScoreKeys keys; a lane adds up the dimensions in their order.
template <int kRows>
inline void ScoreTile(const float* keys, std::ptrdiff_t head_dim, const AttendRow* rows, F scale,
                      float* scores) {
  F sums[kRows][kScoreGroups];
  const float* queries[kRows];
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r) {
    queries[r] = rows[r].query;
#pragma GCC unroll 8
    for (int g = 0; g < kScoreGroups; ++g) sums[r][g] = SetF(0);
  }
  for (std::ptrdiff_t d = 0; d < head_dim; ++d) {
    F key[kScoreGroups];
#pragma GCC unroll 8
    for (int g = 0; g < kScoreGroups; ++g) key[g] = LoadF(keys + (g * head_dim + d) * 16);
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) {
      const F query = SetF(queries[r][d]);
#pragma GCC unroll 8
      for (int g = 0; g < kScoreGroups; ++g) sums[r][g] = FmaF(key[g], query, sums[r][g]);
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 8
    for (int g = 0; g < kScoreGroups; ++g) {
      StoreF(scores + r * kSegmentTokens + g * 16, MulF(sums[r][g], scale));
    }
  }
}

template <int kRows>
inline void ScoreUpTo(int count, const float* keys, std::ptrdiff_t head_dim, const AttendRow* rows,
                      F scale, float* scores) {
  if (count >= kRows) {
    ScoreTile<kRows>(keys, head_dim, rows, scale, scores);
  } else if constexpr (kRows > 1) {
    ScoreUpTo<kRows - 1>(count, keys, head_dim, rows, scale, scores);
  }
}

// scores = exp(score - greatest) of the visible keys, 0 for the others that share their lanes;
// summary = the greatest and the sum.
inline void ExpScores(KeyRange visible, float* scores, float* summary) {
  const int first = visible.begin / 16 * 16;
  const int last = (visible.end + 15) / 16 * 16;
  for (int j = first; j < visible.begin; ++j) scores[j] = -__builtin_inff();
  for (int j = visible.end; j < last; ++j) scores[j] = -__builtin_inff();
  F top = LoadF(scores + first);
  for (int j = first + 16; j < last; j += 16) top = MaxF(top, LoadF(scores + j));
  const float greatest = ReduceMaxF(top);
  const F base = SetF(greatest);
  F total = SetF(0);
  for (int j = first; j < last; j += 16) {
    StoreF(scores + j, Exp(SubF(LoadF(scores + j), base)));
    for (int i = j; i < visible.begin; ++i) scores[i] = 0;
    for (int i = visible.end > j ? visible.end : j; i < j + 16; ++i) scores[i] = 0;
    total = AddF(total, LoadF(scores + j));
  }
  summary[0] = greatest;
  summary[1] = ReduceAddF(total);
}

// out[r] += sum over n keys of weights[r][j] * values[j], in 16 * kVectors dimensions.
template <int kRows, int kVectors>
inline void MixTile(const float* values, std::ptrdiff_t value_stride, int n, const float* weights,
                    float* out, std::ptrdiff_t out_stride) {
  F sums[kRows][kVectors];
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v) sums[r][v] = LoadF(out + r * out_stride + v * 16);
  }
  for (int j = 0; j < n; ++j, values += value_stride) {
    F value[kVectors];
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v) value[v] = LoadF(values + v * 16);
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) {
      const F weight = SetF(weights[r * kSegmentTokens + j]);
#pragma GCC unroll 8
      for (int v = 0; v < kVectors; ++v) sums[r][v] = FmaF(value[v], weight, sums[r][v]);
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v) StoreF(out + r * out_stride + v * 16, sums[r][v]);
  }
}

template <int kRows>
inline void MixRows(const float* values, std::ptrdiff_t value_stride, int n, const float* weights,
                    float* out, std::ptrdiff_t out_stride) {
  std::ptrdiff_t d = 0;
  for (; d + 16 * kScoreGroups <= value_stride; d += 16 * kScoreGroups) {
    MixTile<kRows, kScoreGroups>(values + d, value_stride, n, weights, out + d, out_stride);
  }
  for (; d < value_stride; d += 16) {
    MixTile<kRows, 1>(values + d, value_stride, n, weights, out + d, out_stride);
  }
}

template <int kRows>
inline void MixUpTo(int count, const float* values, std::ptrdiff_t value_stride, int n,
                    const float* weights, float* out, std::ptrdiff_t out_stride) {
  if (count >= kRows) {
    MixRows<kRows>(values, value_stride, n, weights, out, out_stride);
  } else if constexpr (kRows > 1) {
    MixUpTo<kRows - 1>(count, values, value_stride, n, weights, out, out_stride);
  }
}

inline KeyRange Intersect(KeyRange a, KeyRange b) {
  const int begin = a.begin > b.begin ? a.begin : b.begin;
  const int end = a.end < b.end ? a.end : b.end;
  return {begin, end > begin ? end : begin};
}

// Adds the values at `piece` of the segment to rows [row, row + count): the keys that all of them
// see together, those that some see before and after that row by row.
inline void MixPiece(const AttendArgs& a, KeyRange piece, const float* values, int row, int count) {
  const std::ptrdiff_t stride = a.layout->value_stride;
  const std::ptrdiff_t out_stride = stride + 16;
  const float* weights = a.scratch + row * kSegmentTokens;
  float* out = a.out + row * out_stride;
  KeyRange common = piece;
  for (int r = 0; r < count; ++r) common = Intersect(common, Visible(a, row + r));
  const auto mix_alone = [&](int r, KeyRange keys) {
    MixRows<1>(values + (keys.begin - piece.begin) * stride, stride, keys.end - keys.begin,
               weights + r * kSegmentTokens + keys.begin, out + r * out_stride, out_stride);
  };
  const bool shared = common.begin < common.end;
  for (int r = 0; r < count; ++r) {
    KeyRange own = Intersect(piece, Visible(a, row + r));
    if (shared) own.end = common.begin;
    if (own.begin < own.end) mix_alone(r, own);
  }
  if (!shared) return;
  MixUpTo<kAttendTileRows>(count, values + (common.begin - piece.begin) * stride, stride,
                           common.end - common.begin, weights + common.begin, out, out_stride);
  for (int r = 0; r < count; ++r) {
    KeyRange own = Intersect(piece, Visible(a, row + r));
    own.begin = common.end;
    if (own.begin < own.end) mix_alone(r, own);
  }
}

void Attend(const AttendArgs& a) {
  const std::ptrdiff_t head_dim = a.layout->head_dim;
  const std::ptrdiff_t stride = a.layout->value_stride;
  float* const scores = a.scratch;
  float* const widened = a.scratch + kAttendRows * kSegmentTokens;
  KeyRange seen = {kSegmentTokens, 0};
  for (int r = 0; r < a.count; ++r) {
    const KeyRange visible = Visible(a, r);
    if (visible.begin >= visible.end) continue;
    seen.begin = visible.begin < seen.begin ? visible.begin : seen.begin;
    seen.end = visible.end > seen.end ? visible.end : seen.end;
  }
  for (int first = seen.begin / kScoreKeys * kScoreKeys; first < seen.end; first += kScoreKeys) {
    const float* keys = WidenKeys(a, first, widened);
    for (int row = 0; row < a.count; row += kAttendTileRows) {
      ScoreUpTo<kAttendTileRows>(a.count - row, keys, head_dim, a.rows + row, SetF(a.scale),
                                 scores + row * kSegmentTokens + first);
    }
  }
  for (int r = 0; r < a.count; ++r) {
    float* out = a.out + r * (stride + 16);
    for (std::ptrdiff_t d = 0; d < stride + 16; d += 16) StoreF(out + d, SetF(0));
    const KeyRange visible = Visible(a, r);
    if (visible.begin < visible.end) ExpScores(visible, scores + r * kSegmentTokens, out + stride);
  }
  for (int first = seen.begin / kMixKeys * kMixKeys; first < seen.end; first += kMixKeys) {
    const float* values = WidenValues(a, first, widened);
    for (int row = 0; row < a.count; row += kAttendTileRows) {
      const int rest = a.count - row;
      MixPiece(a, {first, first + kMixKeys}, values, row,
               rest < kAttendTileRows ? rest : kAttendTileRows);
    }
  }
}

void MergePartial(const float* partial, int value_stride, float* inout) {
  const float before = inout[value_stride];
  const float here = partial[value_stride];
  const float top = before > here ? before : here;
  const F old_share = Exp(SetF(before - top));
  const F new_share = Exp(SetF(here - top));
  for (int d = 0; d < value_stride + 16; d += 16) {
    StoreF(inout + d, FmaF(LoadF(inout + d), old_share, MulF(LoadF(partial + d), new_share)));
  }
  inout[value_stride] = top;
}

// ---- the cache's side ----

// Two vectors of a span as codes: scale in half precision -> *scale. A span with a value that is
// not finite becomes NaN.
inline void RoundSpan(F x[2], std::uint8_t codes[kKvSpan], std::uint16_t* scale) {
  const F zero = SetF(0);
  const F magnitude = MaxF(MaxF(x[0], SubF(zero, x[0])), MaxF(x[1], SubF(zero, x[1])));
  const float finite = ReduceAddF(AddF(SubF(x[0], x[0]), SubF(x[1], x[1])));  // 0, else NaN
  std::uint16_t halves[16];
  StoreHalf(halves, SetF(ReduceMaxF(magnitude) / 127.0F + finite));
  *scale = halves[0];
  const float rounded = HalfLane(reinterpret_cast<const std::uint8_t*>(halves));
  const F inverse = SetF(rounded > 0 ? 1.0F / rounded : 0.0F);
  for (int i = 0; i < 2; ++i) {
    const F code = MaxF(SetF(-127.0F), MinF(SetF(127.0F), MulF(x[i], inverse)));
    StoreBytes(codes + i * 16, RoundToI(code));
  }
}

inline void StoreKvCodes(const KvBlockLayout& layout, const float* x, bool is_key, int slot,
                         std::uint8_t* block) {
  const std::ptrdiff_t group = slot / 16;
  for (std::ptrdiff_t span = 0; span < layout.spans; ++span) {
    const std::ptrdiff_t first = span * kKvSpan;
    const std::ptrdiff_t rest = layout.head_dim - first;
    const int n = rest < kKvSpan ? static_cast<int>(rest) : kKvSpan;
    F values[2] = {LoadUpTo(x + first, n), n > 16 ? LoadUpTo(x + first + 16, n - 16) : SetF(0)};
    std::uint8_t codes[kKvSpan];
    std::uint16_t scale = 0;
    RoundSpan(values, codes, &scale);
    std::uint8_t* to_scale;
    if (is_key) {
      std::uint8_t* lanes = block + (group * layout.head_dim + first) * 16 + slot % 16;
      for (int i = 0; i < n; ++i) lanes[i * 16] = codes[i];
      to_scale = block + layout.key_scales + ((group * layout.spans + span) * 16 + slot % 16) * 2;
    } else {
      std::uint8_t* to = block + layout.values + slot * layout.value_stride + first;
      for (int i = 0; i < n; ++i) to[i] = codes[i];
      to_scale = block + layout.value_scales + (slot * layout.spans + span) * 2;
    }
    __builtin_memcpy(to_scale, &scale, sizeof(scale));
  }
}

void StoreKv(const KvBlockLayout& layout, const float* key, const float* value, int slot,
             std::uint8_t* block) {
  if (layout.type == KvType::kQ8_0) {
    StoreKvCodes(layout, key, true, slot, block);
    StoreKvCodes(layout, value, false, slot, block);
    return;
  }
  const std::ptrdiff_t dims = layout.head_dim;
  const std::ptrdiff_t key_at = slot / 16 * dims * 16 + slot % 16;
  const std::ptrdiff_t value_at = static_cast<std::ptrdiff_t>(slot) * layout.value_stride;
  if (layout.type == KvType::kF32) {
    float* keys = reinterpret_cast<float*>(block) + key_at;
    float* values = reinterpret_cast<float*>(block + layout.values) + value_at;
    for (std::ptrdiff_t d = 0; d < dims; ++d) keys[d * 16] = key[d];
    for (std::ptrdiff_t d = 0; d < dims; ++d) values[d] = value[d];
    return;
  }
  auto* keys = reinterpret_cast<std::uint16_t*>(block) + key_at;
  auto* values = reinterpret_cast<std::uint16_t*>(block + layout.values) + value_at;
  for (std::ptrdiff_t d = 0; d < dims; d += 16) {
    const int n = dims - d < 16 ? static_cast<int>(dims - d) : 16;
    std::uint16_t halves[16];
    StoreHalf(halves, LoadUpTo(key + d, n));
    for (int i = 0; i < n; ++i) keys[(d + i) * 16] = halves[i];
    StoreHalf(values + d, LoadUpTo(value + d, n));  // the stride has room for whole vectors
  }
}
