// SPDX-License-Identifier: Apache-2.0
// AVX-512 with VNNI: the primitives that the generic bodies are written in, on one register of 16
// lanes. No standard library in here: an instantiation could replace the baseline program's.
#include "kernels/avx512.h"

#include <immintrin.h>

#include "kernels/quant_blocks.h"
#include "kernels/scalar.h"

namespace kinglet {
namespace {

using F = __m512;   // 16 f32 lanes
using I = __m512i;  // 16 i32 lanes, or 64 bytes

// Columns a tile: 8 integer and 8 float accumulators leave half of the 32 registers for operands.
constexpr int kTileColumns = 8;
constexpr int kFloatTileColumns = 4;
constexpr int kExpandedColumns = 8;

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
inline void StoreHalf(void* p, F v) {
  _mm256_storeu_si256(static_cast<__m256i*>(p),
                      _mm512_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
}
inline F Bf16ToF(const void* p) {
  const __m256i halves = _mm256_loadu_si256(static_cast<const __m256i*>(p));
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(halves), 16));
}
// The f16 in the low half of each 32-bit lane.
inline F LowHalfToF(I v) { return _mm512_cvtph_ps(_mm512_cvtepi32_epi16(v)); }

inline I LoadI(const void* p) { return _mm512_loadu_si512(p); }
inline void StoreI(void* p, I v) { _mm512_storeu_si512(p, v); }
inline I SetI(int x) { return _mm512_set1_epi32(x); }
inline I AddI(I a, I b) { return _mm512_add_epi32(a, b); }
inline I MulI(I a, I b) { return _mm512_mullo_epi32(a, b); }
inline I MaxI(I a, I b) { return _mm512_max_epi32(a, b); }
inline I AndI(I a, I b) { return _mm512_and_si512(a, b); }
inline I OrI(I a, I b) { return _mm512_or_si512(a, b); }
inline I XorI(I a, I b) { return _mm512_xor_si512(a, b); }
inline I ShiftLeft(I v, int n) { return _mm512_slli_epi32(v, static_cast<unsigned>(n)); }
inline I ShiftRight(I v, int n) { return _mm512_srli_epi32(v, static_cast<unsigned>(n)); }
inline I ShiftRightSigned(I v, int n) { return _mm512_srai_epi32(v, static_cast<unsigned>(n)); }
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

// In each lane: sum + the four products of its unsigned and signed bytes.
template <bool kSmallCodes>
inline I DotBytes(I sum, I codes, I activations) {
  return _mm512_dpbusd_epi32(sum, codes, activations);
}

// 16 bytes of each of 16 rows -> out[q] lane r = bytes 4q..4q+3 of row r.
inline void TransposeQuads(const std::uint8_t* rows, std::ptrdiff_t stride, I out[4]) {
  I t[4];  // 128-bit lane g of t[j] is row 4g + j
  for (int j = 0; j < 4; ++j) {
    const std::uint8_t* p = rows + j * stride;
    const auto load = [p, stride](int g) {
      return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p + 4 * g * stride));
    };
    t[j] = _mm512_castsi128_si512(load(0));
    t[j] = _mm512_inserti32x4(t[j], load(1), 1);
    t[j] = _mm512_inserti32x4(t[j], load(2), 2);
    t[j] = _mm512_inserti32x4(t[j], load(3), 3);
  }
  const I a = _mm512_unpacklo_epi32(t[0], t[1]);
  const I b = _mm512_unpackhi_epi32(t[0], t[1]);
  const I c = _mm512_unpacklo_epi32(t[2], t[3]);
  const I d = _mm512_unpackhi_epi32(t[2], t[3]);
  out[0] = _mm512_unpacklo_epi64(a, c);
  out[1] = _mm512_unpackhi_epi64(a, c);
  out[2] = _mm512_unpacklo_epi64(b, d);
  out[3] = _mm512_unpackhi_epi64(b, d);
}

#include "kernels/expanded-inl.h"
#include "kernels/quantised-inl.h"
#include "kernels/vector-inl.h"

}  // namespace

const Ops kAvx512Ops = {
    .name = "avx512",
    .quantise = Quantise,
    .matmul = Matmul,
    .dequantise_row = DequantiseRow,
    .rms_norm = RmsNorm,
    .add = Add,
    .add_scaled = AddScaled,
    .silu_mul = SiluMul,
    .attend = Attend,
    .to_half = ToHalf,
};

}  // namespace kinglet
