// SPDX-License-Identifier: Apache-2.0
// Attention over one segment of positions, for any instruction set. Included by an ISA file inside
// its namespace, after vector-inl.h. Keys and values are widened to f32 once for all rows, exactly;
// then the work is two matrix products in registers, with an exp between them.
//
// A row adds up its own keys, each in the order of positions, and skips the others: neighbours in a
// tile change no bit, not even where they hold values that are not finite.

static_assert(kPageTokens % (16 * kScoreGroups) == 0 && kAttendRows % kAttendTileRows == 0);

// What lies so far ahead is asked for early: a page is no stream that the hardware follows across
// the system's own pages.
constexpr std::ptrdiff_t kPagePrefetchBytes = 4096;

inline KeyRange Visible(const AttendArgs& a, int row) {
  const int begin = a.rows[row].begin - a.first_position;
  const int end = a.rows[row].end - a.first_position;
  return {begin > 0 ? begin : 0, end < kSegmentTokens ? end : kSegmentTokens};
}

// 16 codes and one scale for all, or one for each lane.
inline F WidenCodes(const std::uint8_t* codes, F scale) {
  return MulF(ToF(BytesToI(codes)), scale);
}

inline const float* WidenHalves(const std::uint8_t* halves, std::ptrdiff_t count, float* out) {
  for (std::ptrdiff_t i = 0; i < count; i += 32) {
    __builtin_prefetch(halves + i * 2 + kPagePrefetchBytes);
    StoreF(out + i, HalfToF(halves + i * 2));
    StoreF(out + i + 16, HalfToF(halves + i * 2 + 32));
  }
  return out;
}

// The keys of a page: [kPageTokens / 16][head_dim][16].
inline const float* WidenKeys(const KvBlockLayout& layout, const std::uint8_t* block, float* out) {
  const std::ptrdiff_t dims = layout.head_dim;
  if (layout.type == KvType::kF32) return reinterpret_cast<const float*>(block);
  if (layout.type == KvType::kF16) return WidenHalves(block, kPageTokens * dims, out);
  const std::uint8_t* scales = block + layout.key_scales;
  float* to = out;
  for (int group = 0; group < kPageTokens / 16; ++group, scales += layout.spans * 32) {
    for (int d = 0; d < layout.head_dim; ++d, block += 16, to += 16) {
      StoreF(to, WidenCodes(block, HalfToF(scales + d / kKvSpan * 32)));
    }
  }
  return out;
}

// The values of a page: [kPageTokens][value_stride].
inline const float* WidenValues(const KvBlockLayout& layout, const std::uint8_t* block,
                                float* out) {
  const std::ptrdiff_t stride = layout.value_stride;
  const std::uint8_t* values = block + layout.values;
  if (layout.type == KvType::kF32) return reinterpret_cast<const float*>(values);
  if (layout.type == KvType::kF16) return WidenHalves(values, kPageTokens * stride, out);
  const std::uint8_t* scales = block + layout.value_scales;
  float* to = out;
  for (int j = 0; j < kPageTokens; ++j, scales += layout.spans * 2) {
    for (int d = 0; d < layout.value_stride; d += 16, values += 16, to += 16) {
      StoreF(to, WidenCodes(values, SetF(HalfLane(scales + d / kKvSpan * 2))));
    }
  }
  return out;
}

// Queries as tiles take them, [count / kAttendTileRows][pieces][kAttendTileRows][16] with pieces of
// 16 dimensions: one pointer walks through all rows of a tile.
inline void PackQueries(const AttendArgs& a, float* out) {
  const int dims = a.layout->head_dim;
  for (int row = 0; row < a.count; row += kAttendTileRows) {
    const int rows = a.count - row < kAttendTileRows ? a.count - row : kAttendTileRows;
    for (int d = 0; d < dims; d += 16, out += kAttendTileRows * 16) {
      for (int r = 0; r < rows; ++r) {
        StoreF(out + r * 16, LoadUpTo(a.rows[row + r].query + d, dims - d));
      }
    }
  }
}

// Scores of kRows rows with 16 * kScoreGroups keys; a lane adds up the dimensions in their order.
template <int kRows>
inline void ScoreTile(const float* keys, std::ptrdiff_t head_dim, const float* queries, F scale,
                      float* scores) {
  F sums[kRows][kScoreGroups];
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 8
    for (int g = 0; g < kScoreGroups; ++g) sums[r][g] = SetF(0);
  }
  const std::ptrdiff_t group = head_dim * 16;
  for (std::ptrdiff_t first = 0; first < head_dim; first += 16) {
    const std::ptrdiff_t n = head_dim - first < 16 ? head_dim - first : 16;
    for (std::ptrdiff_t d = 0; d < n; ++d, keys += 16) {
      F key[kScoreGroups];
#pragma GCC unroll 8
      for (int g = 0; g < kScoreGroups; ++g) key[g] = LoadF(keys + g * group);
#pragma GCC unroll 8
      for (int r = 0; r < kRows; ++r) {
        const F query = SetF(queries[r * 16 + d]);
#pragma GCC unroll 8
        for (int g = 0; g < kScoreGroups; ++g) sums[r][g] = FmaF(key[g], query, sums[r][g]);
      }
    }
    queries += kAttendTileRows * 16;
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
inline void ScoreUpTo(int count, const float* keys, std::ptrdiff_t head_dim, const float* queries,
                      F scale, float* scores) {
  if (count >= kRows) {
    for (int g = 0; g < kPageTokens / 16; g += kScoreGroups) {
      ScoreTile<kRows>(keys + g * head_dim * 16, head_dim, queries, scale, scores + g * 16);
    }
  } else if constexpr (kRows > 1) {
    ScoreUpTo<kRows - 1>(count, keys, head_dim, queries, scale, scores);
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
  // The narrow heads of encoders: one vector at a time would wait for its own sums.
  if constexpr (kScoreGroups > 2) {
    for (; d + 32 <= value_stride; d += 32) {
      MixTile<kRows, 2>(values + d, value_stride, n, weights, out + d, out_stride);
    }
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

// Adds the values at `page` of the segment to rows [row, row + count): the keys that all of them
// see together, those that some see before and after that row by row.
inline void MixPage(const AttendArgs& a, KeyRange page, const float* values, int row, int count) {
  const std::ptrdiff_t stride = a.layout->value_stride;
  const std::ptrdiff_t out_stride = stride + 16;
  const float* weights = a.scratch + row * kSegmentTokens;
  float* out = a.out + row * out_stride;
  KeyRange common = page;
  for (int r = 0; r < count; ++r) common = Intersect(common, Visible(a, row + r));
  const auto mix_alone = [&](int r, KeyRange keys) {
    MixRows<1>(values + (keys.begin - page.begin) * stride, stride, keys.end - keys.begin,
               weights + r * kSegmentTokens + keys.begin, out + r * out_stride, out_stride);
  };
  const bool shared = common.begin < common.end;
  for (int r = 0; r < count; ++r) {
    KeyRange own = Intersect(page, Visible(a, row + r));
    if (shared) own.end = common.begin;
    if (own.begin < own.end) mix_alone(r, own);
  }
  if (!shared) return;
  MixUpTo<kAttendTileRows>(count, values + (common.begin - page.begin) * stride, stride,
                           common.end - common.begin, weights + common.begin, out, out_stride);
  for (int r = 0; r < count; ++r) {
    KeyRange own = Intersect(page, Visible(a, row + r));
    own.begin = common.end;
    if (own.begin < own.end) mix_alone(r, own);
  }
}

void Attend(const AttendArgs& a) {
  const KvBlockLayout& layout = *a.layout;
  const std::ptrdiff_t stride = layout.value_stride;
  float* const scores = a.scratch;  // [count][kSegmentTokens]
  float* const widened = scores + kAttendRows * kSegmentTokens;
  float* const queries = widened + kPageTokens * stride;
  KeyRange seen = {kSegmentTokens, 0};
  for (int r = 0; r < a.count; ++r) {
    const KeyRange visible = Visible(a, r);
    if (visible.begin >= visible.end) continue;
    seen.begin = visible.begin < seen.begin ? visible.begin : seen.begin;
    seen.end = visible.end > seen.end ? visible.end : seen.end;
  }
  const int first_page = seen.begin / kPageTokens * kPageTokens;
  PackQueries(a, queries);
  for (int first = first_page; first < seen.end; first += kPageTokens) {
    const float* keys = WidenKeys(layout, a.blocks[first / kPageTokens], widened);
    for (int row = 0; row < a.count; row += kAttendTileRows) {
      ScoreUpTo<kAttendTileRows>(a.count - row, keys, layout.head_dim, queries + row * stride,
                                 SetF(a.scale), scores + row * kSegmentTokens + first);
    }
  }
  for (int r = 0; r < a.count; ++r) {
    float* out = a.out + r * (stride + 16);
    for (std::ptrdiff_t d = 0; d < stride + 16; d += 16) StoreF(out + d, SetF(0));
    const KeyRange visible = Visible(a, r);
    if (visible.begin < visible.end) ExpScores(visible, scores + r * kSegmentTokens, out + stride);
  }
  for (int first = first_page; first < seen.end; first += kPageTokens) {
    const float* values = WidenValues(layout, a.blocks[first / kPageTokens], widened);
    for (int row = 0; row < a.count; row += kAttendTileRows) {
      const int rest = a.count - row;
      MixPage(a, {first, first + kPageTokens}, values, row,
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
