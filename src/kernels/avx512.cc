// SPDX-License-Identifier: Apache-2.0
// AVX-512 with VNNI: the primitives that the generic bodies are written in, on one register of 16
// lanes. No standard library in here: an instantiation could replace the baseline program's.
#include "kernels/avx512.h"

#include <immintrin.h>

#include "kernels/panels.h"
#include "kernels/scalar.h"

namespace kinglet {
namespace {

using F = __m512;   // 16 f32 lanes
using I = __m512i;  // 16 i32 lanes, or 64 bytes

// A tile of 32 rows by 6 columns has 12 integer and 12 float accumulators; with two registers of
// weights and one of activations that is what 32 registers hold without spilling.
constexpr int kTilePanels = 2;
constexpr int kTileColumns = 6;
constexpr int kDirectColumns = 8;  // up to so many columns read the weights straight from memory
// Panels at once, of one or two columns and of more: then registers and time go to the sums.
constexpr int kNarrowPanels = 3;
constexpr int kWidePanels = 2;
constexpr int kFloatPanels = 2;  // of weights that are floats, with one column
constexpr int kExpandedColumns = 8;
// Attention's tile: 6 rows x 4 vectors of accumulators, with 10 loads for 24 multiply-adds.
constexpr int kAttendTileRows = 6;
constexpr int kScoreGroups = 4;

inline F LoadF(const float* p) { return _mm512_loadu_ps(p); }
inline void StoreF(float* p, F v) { _mm512_storeu_ps(p, v); }
inline F LoadPartF(const float* p, int n) {
  return _mm512_maskz_loadu_ps(static_cast<__mmask16>((1U << n) - 1), p);
}
inline void StorePartF(float* p, F v, int n) {
  _mm512_mask_storeu_ps(p, static_cast<__mmask16>((1U << n) - 1), v);
}
inline F SetF(float x) { return _mm512_set1_ps(x); }
inline F AddF(F a, F b) { return _mm512_add_ps(a, b); }
inline F SubF(F a, F b) { return _mm512_sub_ps(a, b); }
inline F MulF(F a, F b) { return _mm512_mul_ps(a, b); }
inline F DivF(F a, F b) { return _mm512_div_ps(a, b); }
inline F MaxF(F a, F b) { return _mm512_max_ps(a, b); }  // b where one is NaN
inline F MinF(F a, F b) { return _mm512_min_ps(a, b); }
inline F FmaF(F a, F b, F c) { return _mm512_fmadd_ps(a, b, c); }    // a * b + c
inline F FnmaF(F a, F b, F c) { return _mm512_fnmadd_ps(a, b, c); }  // c - a * b
inline F ToF(I v) { return _mm512_cvtepi32_ps(v); }
inline I RoundToI(F v) { return _mm512_cvtps_epi32(v); }
inline F CastToF(I v) { return _mm512_castsi512_ps(v); }
inline I CastToI(F v) { return _mm512_castps_si512(v); }

inline F HalfToF(const void* p) {
  return _mm512_cvtph_ps(_mm256_loadu_si256(static_cast<const __m256i*>(p)));
}
inline float HalfLane(const std::uint8_t* p) {
  return _mm_cvtss_f32(_mm_cvtph_ps(_mm_cvtsi32_si128(p[0] | (p[1] << 8))));
}
inline void StoreHalf(void* p, F v) {
  _mm256_storeu_si256(static_cast<__m256i*>(p),
                      _mm512_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
}
inline F Bf16ToF(const void* p) {
  const __m256i halves = _mm256_loadu_si256(static_cast<const __m256i*>(p));
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(halves), 16));
}
inline I LoadI(const void* p) { return _mm512_loadu_si512(p); }
inline void StoreI(void* p, I v) { _mm512_storeu_si512(p, v); }
inline I SetI(int x) { return _mm512_set1_epi32(x); }
inline I AddI(I a, I b) { return _mm512_add_epi32(a, b); }
inline I MaxI(I a, I b) { return _mm512_max_epi32(a, b); }
inline I AndI(I a, I b) { return _mm512_and_si512(a, b); }
inline I OrI(I a, I b) { return _mm512_or_si512(a, b); }
inline I ShiftLeft(I v, int n) { return _mm512_slli_epi32(v, static_cast<unsigned>(n)); }
inline I ShiftRight(I v, int n) { return _mm512_srli_epi32(v, static_cast<unsigned>(n)); }
// 16 signed bytes.
inline I BytesToI(const void* p) {
  return _mm512_cvtepi8_epi32(_mm_loadu_si128(static_cast<const __m128i*>(p)));
}
inline void StoreBytes(void* p, I v) {
  _mm_storeu_si128(static_cast<__m128i*>(p), _mm512_cvtepi32_epi8(v));
}

// In the same order as AVX2's, so that both tables add up alike.
inline float ReduceAddF(F v) {
  const __m256 high = _mm256_castsi256_ps(_mm512_extracti64x4_epi64(_mm512_castps_si512(v), 1));
  const __m256 half = _mm256_add_ps(_mm512_castps512_ps256(v), high);
  __m128 sum = _mm_add_ps(_mm256_castps256_ps128(half), _mm256_extractf128_ps(half, 1));
  sum = _mm_add_ps(sum, _mm_movehl_ps(sum, sum));
  return _mm_cvtss_f32(_mm_add_ss(sum, _mm_movehdup_ps(sum)));
}
inline float ReduceMaxF(F v) { return _mm512_reduce_max_ps(v); }
inline int ReduceAddI(I v) { return _mm512_reduce_add_epi32(v); }
inline int ReduceMaxI(I v) { return _mm512_reduce_max_epi32(v); }

// Sums of the products of codes (unsigned bytes) with activations (signed ones), of a span or of
// half of it: in each lane of four a quad. vpdpbusd adds in 32 bits, whatever the codes.
template <int kMaxCode>
struct QuadProducts {
  I sums = _mm512_setzero_si512();

  // Quad number q, from 0 on in their order.
  void Add(int /*q*/, I codes, I activations) {
    sums = _mm512_dpbusd_epi32(sums, codes, activations);
  }
  I Total() const { return sums; }
};

// The same of codes that were expanded for a tile: as they are.
template <int kMaxCode>
struct TileProducts : QuadProducts<kMaxCode> {
  static constexpr int kCodeBytes = 1;
  static void StoreQuad(std::uint8_t* to, I codes) { StoreI(to, codes); }
};

// 16 bytes, one to a lane.
inline I LoadUnsignedBytes(const void* p) {
  return _mm512_cvtepu8_epi32(_mm_loadu_si128(static_cast<const __m128i*>(p)));
}
inline I LoadSignedBytes(const void* p) {
  return _mm512_cvtepi8_epi32(_mm_loadu_si128(static_cast<const __m128i*>(p)));
}
// Each byte of `indices`, 0..15, by the entry of the table.
inline I LookUp(const std::uint8_t (&table)[16], I indices) {
  const __m128i entries = _mm_loadu_si128(reinterpret_cast<const __m128i*>(table));
  return _mm512_shuffle_epi8(_mm512_broadcast_i32x4(entries), indices);
}

// Products of signed bytes, four to a lane. vpdpbusd wants one side unsigned: the codes are moved
// up by kDotOffset, which adds as many times the query's sum.
constexpr int kDotOffset = 128;
inline I AddDot(I sums, I codes, I query) {
  return _mm512_dpbusd_epi32(sums, _mm512_xor_si512(codes, _mm512_set1_epi8(-128)), query);
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

const Ops kAvx512Ops = {
    .name = "avx512",
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
