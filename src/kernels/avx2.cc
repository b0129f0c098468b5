// SPDX-License-Identifier: Apache-2.0
// AVX2 with FMA and F16C: the primitives that the generic bodies are written in, on two registers
// of 8 lanes. No standard library in here: an instantiation could replace the baseline program's.
#include "kernels/avx2.h"

#include <immintrin.h>

#include "kernels/panels.h"
#include "kernels/scalar.h"

namespace kinglet {
namespace {

struct F {  // 16 f32 lanes
  __m256 a, b;
};
struct I {  // 16 i32 lanes, or 64 bytes
  __m256i a, b;
};

// A tile of 16 rows by 4 columns has 8 integer accumulators; with two registers of weights, one of
// activations, one of products and ones that is what 16 registers hold. The float ones are kept in
// the first cache.
constexpr int kTilePanels = 1;
constexpr int kTileColumns = 4;
constexpr int kDirectColumns = 4;  // up to so many columns read the weights straight from memory
constexpr int kNarrowPanels = 1;
constexpr int kWidePanels = 1;
constexpr int kFloatPanels = 4;  // of weights that are floats, with one column
constexpr int kExpandedColumns = 4;
// Attention's tile: 4 rows x 1 pair of registers.
constexpr int kAttendTileRows = 4;
constexpr int kScoreGroups = 1;

inline F LoadF(const float* p) { return {_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)}; }
inline void StoreF(float* p, F v) {
  _mm256_storeu_ps(p, v.a);
  _mm256_storeu_ps(p + 8, v.b);
}
inline F LoadPartF(const float* p, int n) {
  alignas(32) float whole[16] = {};
  for (int i = 0; i < n; ++i) whole[i] = p[i];
  return LoadF(whole);
}
inline void StorePartF(float* p, F v, int n) {
  alignas(32) float whole[16];
  StoreF(whole, v);
  for (int i = 0; i < n; ++i) p[i] = whole[i];
}
inline F SetF(float x) { return {_mm256_set1_ps(x), _mm256_set1_ps(x)}; }
inline F AddF(F x, F y) { return {_mm256_add_ps(x.a, y.a), _mm256_add_ps(x.b, y.b)}; }
inline F SubF(F x, F y) { return {_mm256_sub_ps(x.a, y.a), _mm256_sub_ps(x.b, y.b)}; }
inline F MulF(F x, F y) { return {_mm256_mul_ps(x.a, y.a), _mm256_mul_ps(x.b, y.b)}; }
inline F DivF(F x, F y) { return {_mm256_div_ps(x.a, y.a), _mm256_div_ps(x.b, y.b)}; }
inline F MaxF(F x, F y) {  // y where one is NaN
  return {_mm256_max_ps(x.a, y.a), _mm256_max_ps(x.b, y.b)};
}
inline F MinF(F x, F y) { return {_mm256_min_ps(x.a, y.a), _mm256_min_ps(x.b, y.b)}; }
inline F FmaF(F x, F y, F z) {  // x * y + z
  return {_mm256_fmadd_ps(x.a, y.a, z.a), _mm256_fmadd_ps(x.b, y.b, z.b)};
}
inline F FnmaF(F x, F y, F z) {  // z - x * y
  return {_mm256_fnmadd_ps(x.a, y.a, z.a), _mm256_fnmadd_ps(x.b, y.b, z.b)};
}
inline F ToF(I v) { return {_mm256_cvtepi32_ps(v.a), _mm256_cvtepi32_ps(v.b)}; }
inline I RoundToI(F v) { return {_mm256_cvtps_epi32(v.a), _mm256_cvtps_epi32(v.b)}; }
inline F CastToF(I v) { return {_mm256_castsi256_ps(v.a), _mm256_castsi256_ps(v.b)}; }
inline I CastToI(F v) { return {_mm256_castps_si256(v.a), _mm256_castps_si256(v.b)}; }

inline F HalfToF(const void* p) {
  const auto* halves = static_cast<const __m128i*>(p);
  return {_mm256_cvtph_ps(_mm_loadu_si128(halves)), _mm256_cvtph_ps(_mm_loadu_si128(halves + 1))};
}
inline float HalfLane(const std::uint8_t* p) {
  return _mm_cvtss_f32(_mm_cvtph_ps(_mm_cvtsi32_si128(p[0] | (p[1] << 8))));
}
inline void StoreHalf(void* p, F v) {
  auto* halves = static_cast<__m128i*>(p);
  _mm_storeu_si128(halves, _mm256_cvtps_ph(v.a, _MM_FROUND_TO_NEAREST_INT));
  _mm_storeu_si128(halves + 1, _mm256_cvtps_ph(v.b, _MM_FROUND_TO_NEAREST_INT));
}
inline __m256 Bf16ToF8(const __m128i* p) {
  return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(_mm_loadu_si128(p)), 16));
}
inline F Bf16ToF(const void* p) {
  const auto* halves = static_cast<const __m128i*>(p);
  return {Bf16ToF8(halves), Bf16ToF8(halves + 1)};
}
inline I LoadI(const void* p) {
  const auto* words = static_cast<const __m256i*>(p);
  return {_mm256_loadu_si256(words), _mm256_loadu_si256(words + 1)};
}
inline void StoreI(void* p, I v) {
  auto* words = static_cast<__m256i*>(p);
  _mm256_storeu_si256(words, v.a);
  _mm256_storeu_si256(words + 1, v.b);
}
inline I SetI(int x) { return {_mm256_set1_epi32(x), _mm256_set1_epi32(x)}; }
inline I AddI(I x, I y) { return {_mm256_add_epi32(x.a, y.a), _mm256_add_epi32(x.b, y.b)}; }
inline I MaxI(I x, I y) { return {_mm256_max_epi32(x.a, y.a), _mm256_max_epi32(x.b, y.b)}; }
inline I AndI(I x, I y) { return {_mm256_and_si256(x.a, y.a), _mm256_and_si256(x.b, y.b)}; }
inline I OrI(I x, I y) { return {_mm256_or_si256(x.a, y.a), _mm256_or_si256(x.b, y.b)}; }
inline I ShiftLeft(I v, int n) { return {_mm256_slli_epi32(v.a, n), _mm256_slli_epi32(v.b, n)}; }
inline I ShiftRight(I v, int n) { return {_mm256_srli_epi32(v.a, n), _mm256_srli_epi32(v.b, n)}; }
// 16 signed bytes.
inline I BytesToI(const void* p) {
  const __m128i bytes = _mm_loadu_si128(static_cast<const __m128i*>(p));
  return {_mm256_cvtepi8_epi32(bytes), _mm256_cvtepi8_epi32(_mm_srli_si128(bytes, 8))};
}
inline void StoreBytes(void* p, I v) {
  const __m256i words = _mm256_permute4x64_epi64(_mm256_packs_epi32(v.a, v.b), 0xd8);
  _mm_storeu_si128(static_cast<__m128i*>(p), _mm_packs_epi16(_mm256_castsi256_si128(words),
                                                             _mm256_extracti128_si256(words, 1)));
}

inline float ReduceAddF(F v) {
  const __m256 half = _mm256_add_ps(v.a, v.b);
  __m128 sum = _mm_add_ps(_mm256_castps256_ps128(half), _mm256_extractf128_ps(half, 1));
  sum = _mm_add_ps(sum, _mm_movehl_ps(sum, sum));
  return _mm_cvtss_f32(_mm_add_ss(sum, _mm_movehdup_ps(sum)));
}
inline float ReduceMaxF(F v) {
  const __m256 half = _mm256_max_ps(v.a, v.b);
  __m128 top = _mm_max_ps(_mm256_castps256_ps128(half), _mm256_extractf128_ps(half, 1));
  top = _mm_max_ps(top, _mm_movehl_ps(top, top));
  return _mm_cvtss_f32(_mm_max_ss(top, _mm_movehdup_ps(top)));
}
inline int ReduceAddI(I v) {
  const __m256i half = _mm256_add_epi32(v.a, v.b);
  __m128i sum = _mm_add_epi32(_mm256_castsi256_si128(half), _mm256_extracti128_si256(half, 1));
  sum = _mm_add_epi32(sum, _mm_shuffle_epi32(sum, 0x4e));
  return _mm_cvtsi128_si32(_mm_add_epi32(sum, _mm_shuffle_epi32(sum, 0xb1)));
}
inline int ReduceMaxI(I v) {
  const __m256i half = _mm256_max_epi32(v.a, v.b);
  __m128i top = _mm_max_epi32(_mm256_castsi256_si128(half), _mm256_extracti128_si256(half, 1));
  top = _mm_max_epi32(top, _mm_shuffle_epi32(top, 0x4e));
  return _mm_cvtsi128_si32(_mm_max_epi32(top, _mm_shuffle_epi32(top, 0xb1)));
}

inline I MultiplyPairs(I x, I y) {  // of 16 bits; a lane adds up two products
  return {_mm256_madd_epi16(x.a, y.a), _mm256_madd_epi16(x.b, y.b)};
}
inline I EvenBytes(I v) {
  const __m256i low = _mm256_set1_epi16(0xff);
  return {_mm256_and_si256(v.a, low), _mm256_and_si256(v.b, low)};
}
inline I OddBytes(I v) { return {_mm256_srli_epi16(v.a, 8), _mm256_srli_epi16(v.b, 8)}; }

// Sums of the products of codes (unsigned bytes) with activations (signed ones), of a span or of
// half of it: in each lane of four a quad. vpmaddubsw adds two products in 16 bits, which hold the
// sum of so many quads as kTogether says; for codes of 8 bits not even of one, so even and odd
// bytes of these are multiplied as words.
template <int kMaxCode>
struct QuadProducts {
  static constexpr int kTogether = 32767 / (2 * 127 * kMaxCode);
  I pairs = {_mm256_setzero_si256(), _mm256_setzero_si256()};  // of 16 bits
  I sums = {_mm256_setzero_si256(), _mm256_setzero_si256()};

  // Quad number q, from 0 on in their order.
  void Add(int q, I codes, I activations) {
    if (q > 0 && q % kTogether == 0) {
      sums = Total();
      pairs = SetI(0);
    }
    pairs.a = _mm256_add_epi16(pairs.a, _mm256_maddubs_epi16(codes.a, activations.a));
    pairs.b = _mm256_add_epi16(pairs.b, _mm256_maddubs_epi16(codes.b, activations.b));
  }
  I Total() const {
    const __m256i ones = _mm256_set1_epi16(1);
    return AddI(sums, MultiplyPairs(pairs, {ones, ones}));
  }
};
template <>
struct QuadProducts<255> {
  I sums = {_mm256_setzero_si256(), _mm256_setzero_si256()};

  void Add(int /*q*/, I codes, I activations) {  // the same four activations in all lanes
    const __m256i even = _mm256_srai_epi16(_mm256_slli_epi16(activations.a, 8), 8);
    const __m256i odd = _mm256_srai_epi16(activations.a, 8);
    sums = AddI(sums, MultiplyPairs(EvenBytes(codes), {even, even}));
    sums = AddI(sums, MultiplyPairs(OddBytes(codes), {odd, odd}));
  }
  I Total() const { return sums; }
};

// The same of codes that were expanded for a tile: as they are, or the even ones of a quad and then
// the odd ones as words, with activations that were widened to words in the same order.
template <int kMaxCode>
struct TileProducts : QuadProducts<kMaxCode> {
  static constexpr int kCodeBytes = 1;
  static void StoreQuad(std::uint8_t* to, I codes) { StoreI(to, codes); }
};
template <>
struct TileProducts<255> {
  static constexpr int kCodeBytes = 2;
  I sums = {_mm256_setzero_si256(), _mm256_setzero_si256()};

  static void StoreQuad(std::uint8_t* to, I codes) {
    StoreI(to, EvenBytes(codes));
    StoreI(to + 64, OddBytes(codes));
  }
  // `count` codes, a multiple of 16.
  static void WidenActivations(const std::int8_t* codes, int count, std::int16_t* to) {
    for (int i = 0; i < count; i += 16) {
      __m256i words =
          _mm256_cvtepi8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(codes + i)));
      words = _mm256_shufflehi_epi16(_mm256_shufflelo_epi16(words, 0xd8), 0xd8);
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(to + i), words);
    }
  }
  void Add(int /*q*/, I codes, I activations) {
    sums = AddI(sums, MultiplyPairs(codes, activations));
  }
  I Total() const { return sums; }
};

// 16 bytes, one to a lane.
inline I LoadUnsignedBytes(const void* p) {
  const __m128i bytes = _mm_loadu_si128(static_cast<const __m128i*>(p));
  return {_mm256_cvtepu8_epi32(bytes), _mm256_cvtepu8_epi32(_mm_srli_si128(bytes, 8))};
}
inline I LoadSignedBytes(const void* p) {
  const __m128i bytes = _mm_loadu_si128(static_cast<const __m128i*>(p));
  return {_mm256_cvtepi8_epi32(bytes), _mm256_cvtepi8_epi32(_mm_srli_si128(bytes, 8))};
}
// Each byte of `indices`, 0..15, by the entry of the table.
inline I LookUp(const std::uint8_t (&table)[16], I indices) {
  const __m256i entries =
      _mm256_broadcastsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(table)));
  return {_mm256_shuffle_epi8(entries, indices.a), _mm256_shuffle_epi8(entries, indices.b)};
}

// Products of signed bytes, four to a lane. vpmaddubsw wants one side unsigned: the codes give
// their signs to the query. Two products of 127 * 127 fit 16 bits.
constexpr int kDotOffset = 0;
inline __m256i AddDot8(__m256i sums, __m256i codes, __m256i query) {
  const __m256i pairs =
      _mm256_maddubs_epi16(_mm256_abs_epi8(codes), _mm256_sign_epi8(query, codes));
  return _mm256_add_epi32(sums, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
}
inline I AddDot(I sums, I codes, I query) {
  return {AddDot8(sums.a, codes.a, query.a), AddDot8(sums.b, codes.b, query.b)};
}

// clang-format off: in the order of need
#include "kernels/quantise-inl.h"
#include "kernels/panel_types-inl.h"
#include "kernels/tile-inl.h"
#include "kernels/expanded-inl.h"
#include "kernels/matmul-inl.h"
#include "kernels/vector-inl.h"
#include "kernels/attention-inl.h"
// clang-format on

}  // namespace

const Ops kAvx2Ops = {
    .name = "avx2",
    .takes_panels = true,
    .quantise = Quantise,
    .matmul = Matmul,
    .dequantise_row = DequantiseRow,
    .rms_norm = RmsNorm,
    .layer_norm = LayerNorm,
    .add = Add,
    .add_scaled = AddScaled,
    .silu_mul = SiluMul,
    .gelu_mul = GeluMul,
    .gelu = Gelu,
    .store_kv = StoreKv,
    .attend = Attend,
    .merge_partial = MergePartial,
    .dot_codes = DotCodes,
};

}  // namespace kinglet
