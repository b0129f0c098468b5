// SPDX-License-Identifier: Apache-2.0
// Every table against the scalar one on odd shapes, with tolerances made of the operands' norms;
// and one arithmetic in every shape of batch, bit for bit.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "kernels/backend.h"
#include "kernels/half.h"
#include "kernels/scalar.h"

namespace kinglet {
namespace {

constexpr DType kTypes[] = {DType::kF32,  DType::kF16,  DType::kBF16, DType::kQ4_0,
                            DType::kQ4_1, DType::kQ5_0, DType::kQ5_1, DType::kQ8_0,
                            DType::kQ4_K, DType::kQ5_K, DType::kQ6_K};

std::vector<float> RandomFloats(std::size_t count, std::mt19937& random) {
  std::normal_distribution<float> normal;
  std::vector<float> values(count);
  for (float& value : values) value = normal(random);
  return values;
}

// A weight matrix of random bytes: every code and sub-scale occurs. The half-precision scales alone
// are chosen, so that sums stay finite.
struct RandomMatrix {
  RandomMatrix(DType dtype, int rows, int columns, std::mt19937& random) {
    const DTypeInfo& info = Info(dtype);
    const std::size_t blocks = static_cast<std::size_t>(columns) / info.block_values;
    view = {dtype, nullptr, blocks * info.block_bytes, rows, columns};
    bytes.resize(static_cast<std::size_t>(rows) * view.row_bytes);
    for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random());
    for (std::size_t at = 0; at < bytes.size(); at += info.block_bytes) {
      SetScales(dtype, &bytes[at], random);
    }
    view.data = bytes.data();
  }

  static void SetHalf(std::uint8_t* at, std::mt19937& random) {
    const float value = std::uniform_real_distribution<float>(-0.02F, 0.02F)(random);
    const std::uint16_t half = FloatToHalf(value);
    std::memcpy(at, &half, sizeof(half));
  }

  static void SetScales(DType dtype, std::uint8_t* block, std::mt19937& random) {
    switch (dtype) {
      case DType::kF32: {
        const float value = std::normal_distribution<float>()(random);
        std::memcpy(block, &value, sizeof(value));
        break;
      }
      case DType::kF16:
        SetHalf(block, random);
        break;
      case DType::kBF16: {
        const float value = std::normal_distribution<float>()(random);
        std::memcpy(block, reinterpret_cast<const char*>(&value) + 2, 2);
        break;
      }
      case DType::kQ6_K:
        SetHalf(block + 208, random);
        break;
      case DType::kQ3_K:
        SetHalf(block + 108, random);
        break;
      case DType::kTQ1_0:
        SetHalf(block + 52, random);
        break;
      case DType::kTQ2_0:
        SetHalf(block + 64, random);
        break;
      case DType::kIQ1_M:  // the first nibble of four words: 2^-9
        for (int i = 0; i < 4; ++i) block[49 + 2 * i] &= 15;
        block[53] |= 0x80;
        block[55] |= 0x10;
        break;
      case DType::kQ2_K:
        SetHalf(block + 80, random);
        SetHalf(block + 82, random);
        break;
      case DType::kMXFP4:
        *block = static_cast<std::uint8_t>(118 + random() % 8);
        break;
      case DType::kQ4_0:
      case DType::kQ5_0:
      case DType::kQ8_0:
      case DType::kIQ4_NL:
      case DType::kIQ4_XS:
      case DType::kIQ1_S:
      case DType::kIQ2_XXS:
      case DType::kIQ2_XS:
      case DType::kIQ2_S:
      case DType::kIQ3_XXS:
      case DType::kIQ3_S:
        SetHalf(block, random);
        break;
      default:
        SetHalf(block, random);
        SetHalf(block + 2, random);
    }
  }

  MatrixView view;
  std::vector<std::uint8_t> bytes;
};

struct Columns {
  Columns(const Ops& ops, const std::vector<float>& x, int count, int k)
      : codes(x.size()), scales(x.size() / 32), sums(x.size() / 32), half_sums(x.size() / 16) {
    view = {codes.data(), scales.data(), sums.data(), half_sums.data()};
    if (k % kSpan != 0) return;
    for (int c = 0; c < count; ++c) {
      ops.quantise(x.data() + static_cast<std::ptrdiff_t>(c) * k, k, view, c, nullptr);
    }
  }
  std::vector<std::int8_t> codes;
  std::vector<float> scales, sums, half_sums;
  QuantisedColumns view;
};

std::vector<float> Multiply(const Ops& ops, const MatrixView& weights,
                            const QuantisedColumns& quantised, const std::vector<float>& x,
                            int count, const float* bias) {
  std::vector<float> out(static_cast<std::size_t>(count) * static_cast<std::size_t>(weights.rows),
                         -1.0F);
  MatmulArgs args;
  args.weights = weights;
  args.quantised = quantised;
  args.floats = x.data();
  args.count = count;
  args.bias = bias;
  args.out = out.data();
  args.out_stride = static_cast<std::size_t>(weights.rows);
  args.row_end = weights.rows;
  ops.matmul(args);
  return out;
}

// With activations as the type takes them.
std::vector<float> Multiply(const Ops& ops, const MatrixView& weights, const Columns& columns,
                            const std::vector<float>& x, int count, const float* bias) {
  return Multiply(ops, weights, IsQuantised(weights.dtype) ? columns.view : QuantisedColumns(), x,
                  count, bias);
}

// What f32 rounding may do to row . column: each span's largest weight stands for its codes, its
// offset and its minimum alike, since either can be that large and cancel.
float Tolerance(const MatrixView& weights, int row, const float* x) {
  std::vector<float> values(static_cast<std::size_t>(weights.columns));
  DequantiseRow(weights.dtype, weights.data + static_cast<std::size_t>(row) * weights.row_bytes,
                weights.columns, values.data());
  double norm = 0;
  for (std::size_t begin = 0; begin < values.size(); begin += kSpan) {
    float largest = 0;
    double activations = 0;
    for (std::size_t i = begin; i < std::min(begin + kSpan, values.size()); ++i) {
      largest = std::max(largest, std::fabs(values[i]));
      activations += std::fabs(x[i]);
    }
    norm += 4.0 * largest * activations;
  }
  const double additions = weights.columns / 16.0 + 8;
  return static_cast<float>(norm * std::sqrt(additions) * 0x1p-23 + 1e-20);
}

class KernelsTest : public testing::TestWithParam<const Ops*> {};

TEST_P(KernelsTest, ProductsAgreeWithTheScalarTable) {
  const Ops& ops = *GetParam();
  std::mt19937 random(1);
  for (const DType dtype : kTypes) {
    for (const int k : {32, 172, 256, 576, 896, 1536}) {
      if (k % static_cast<int>(Info(dtype).block_values) != 0) continue;
      for (const int rows : {1, 16, 19, 35}) {
        const RandomMatrix weights(dtype, rows, k, random);
        const std::vector<float> bias = RandomFloats(static_cast<std::size_t>(rows), random);
        for (const int count : {1, 2, 7, 8, 33}) {
          const auto x = RandomFloats(static_cast<std::size_t>(count * k), random);
          const Columns columns(kScalarOps, x, count, k);
          const auto truth = Multiply(kScalarOps, weights.view, columns, x, count, bias.data());
          const auto got = Multiply(ops, weights.view, columns, x, count, bias.data());
          for (int c = 0; c < count; ++c) {
            for (int r = 0; r < rows; ++r) {
              const auto at = static_cast<std::size_t>(c * rows + r);
              ASSERT_NEAR(truth[at], got[at],
                          Tolerance(weights.view, r, &x[static_cast<std::size_t>(c * k)]))
                  << Info(dtype).name << " k " << k << " row " << r << "/" << rows << " column "
                  << c;
            }
          }
        }
      }
    }
  }
}

TEST_P(KernelsTest, LongRowsAgreeWithTheScalarTable) {
  const Ops& ops = *GetParam();
  std::mt19937 random(2);
  for (const DType dtype : kTypes) {
    const int k = 4864;
    const RandomMatrix weights(dtype, 17, k, random);
    const auto x = RandomFloats(3 * k, random);
    const Columns columns(kScalarOps, x, 3, k);
    const auto truth = Multiply(kScalarOps, weights.view, columns, x, 3, nullptr);
    const auto got = Multiply(ops, weights.view, columns, x, 3, nullptr);
    for (std::size_t at = 0; at < truth.size(); ++at) {
      ASSERT_NEAR(truth[at], got[at],
                  Tolerance(weights.view, static_cast<int>(at % 17), &x[at / 17 * k]))
          << Info(dtype).name;
    }
  }
}

TEST_P(KernelsTest, ARowsBitsDoNotDependOnTheBatch) {
  const Ops& ops = *GetParam();
  std::mt19937 random(3);
  for (const DType dtype : kTypes) {
    for (const int k : {64, 160, 576, 768}) {
      if (k % static_cast<int>(Info(dtype).block_values) != 0) continue;
      const int rows = 37;
      const int count = 21;
      const RandomMatrix weights(dtype, rows, k, random);
      const auto x = RandomFloats(static_cast<std::size_t>(count * k), random);
      const auto together =
          Multiply(ops, weights.view, Columns(ops, x, count, k), x, count, nullptr);
      for (int c = 0; c < count; ++c) {
        const std::vector<float> one(x.begin() + c * k, x.begin() + (c + 1) * k);
        const auto alone = Multiply(ops, weights.view, Columns(ops, one, 1, k), one, 1, nullptr);
        ASSERT_EQ(0, std::memcmp(alone.data(), &together[static_cast<std::size_t>(c * rows)],
                                 alone.size() * sizeof(float)))
            << Info(dtype).name << " column " << c;
      }
    }
  }
}

TEST_P(KernelsTest, ProductsByExpansionAreThoseOfTheStoredNumbers) {
  const Ops& ops = *GetParam();
  std::mt19937 random(11);
  for (const DTypeInfo& info : AllDTypes()) {
    if (!IsSupported(info.dtype)) continue;
    for (const int k : {32, 576, 768}) {
      if (k % static_cast<int>(info.block_values) != 0) continue;
      const int rows = 19;
      const int count = 13;
      const RandomMatrix weights(info.dtype, rows, k, random);
      const auto x = RandomFloats(static_cast<std::size_t>(count * k), random);
      const auto bias = RandomFloats(rows, random);
      const auto got = Multiply(ops, weights.view, QuantisedColumns(), x, count, bias.data());
      std::vector<float> row(static_cast<std::size_t>(k));
      for (int r = 0; r < rows; ++r) {
        DequantiseRow(info.dtype,
                      weights.view.data + static_cast<std::size_t>(r) * weights.view.row_bytes, k,
                      row.data());
        for (int c = 0; c < count; ++c) {
          double sum = bias[static_cast<std::size_t>(r)];
          double norm = std::fabs(sum);
          for (std::size_t i = 0; i < row.size(); ++i) {
            const double product =
                static_cast<double>(row[i]) * x[static_cast<std::size_t>(c * k) + i];
            sum += product;
            norm += std::fabs(product);
          }
          ASSERT_NEAR(got[static_cast<std::size_t>(c * rows + r)], sum, norm * 0x1p-21)
              << info.name << " k " << k << " row " << r << " column " << c;
        }
      }
      for (int c = 0; c < count; ++c) {  // and the bits are those of a column alone
        const std::vector<float> one(x.begin() + c * k, x.begin() + (c + 1) * k);
        const auto alone = Multiply(ops, weights.view, QuantisedColumns(), one, 1, bias.data());
        ASSERT_EQ(0, std::memcmp(alone.data(), &got[static_cast<std::size_t>(c * rows)],
                                 alone.size() * sizeof(float)))
            << info.name << " column " << c;
      }
    }
  }
}

TEST_P(KernelsTest, ARangeOfRowsWritesThatRangeAlone) {
  const Ops& ops = *GetParam();
  std::mt19937 random(4);
  for (const DType dtype : {DType::kF32, DType::kQ4_0, DType::kIQ4_NL}) {
    const RandomMatrix weights(dtype, 40, 64, random);
    const auto x = RandomFloats(64, random);
    const Columns columns(ops, x, 1, 64);
    const auto whole = Multiply(ops, weights.view, columns, x, 1, nullptr);
    std::vector<float> out(40, -1.0F);
    MatmulArgs args;
    args.weights = weights.view;
    if (IsQuantised(dtype)) args.quantised = columns.view;
    args.floats = x.data();
    args.count = 1;
    args.out = out.data();
    args.out_stride = 40;
    args.row_begin = 16;
    args.row_end = 35;
    ops.matmul(args);
    for (std::size_t r = 0; r < 40; ++r) {
      EXPECT_EQ(out[r], r >= 16 && r < 35 ? whole[r] : -1.0F) << r;
    }
  }
}

TEST_P(KernelsTest, RoundsActivationsLikeTheScalarTable) {
  const Ops& ops = *GetParam();
  std::mt19937 random(5);
  auto x = RandomFloats(8 * 32, random);
  for (std::size_t i = 32; i < 64; ++i) x[i] = 0;
  for (std::size_t i = 64; i < 96; ++i) x[i] *= 1e-36F;  // a reciprocal would overflow
  for (std::size_t i = 96; i < 128; ++i) x[i] *= 1e30F;
  std::vector<float> true_residual(x.size());
  std::vector<float> residual(x.size());
  Columns truth(kScalarOps, x, 1, 256);
  Columns got(ops, x, 1, 256);
  kScalarOps.quantise(x.data(), 256, truth.view, 0, true_residual.data());
  ops.quantise(x.data(), 256, got.view, 0, residual.data());
  EXPECT_EQ(truth.codes, got.codes);
  EXPECT_EQ(truth.scales, got.scales);
  EXPECT_EQ(truth.sums, got.sums);
  EXPECT_EQ(truth.half_sums, got.half_sums);
  for (std::size_t i = 0; i < x.size(); ++i) {
    EXPECT_NEAR(true_residual[i], residual[i], std::fabs(x[i]) * 0x1p-22F) << i;
    EXPECT_LE(std::fabs(residual[i]), std::max(got.scales[i / 32] * 0.5001F, 1e-30F)) << i;
  }
}

TEST_P(KernelsTest, ANumberThatIsNotFiniteSpoilsItsOwnColumnOnly) {
  const Ops& ops = *GetParam();
  std::mt19937 random(6);
  for (const float bad : {NAN, -NAN, INFINITY, -INFINITY}) {
    auto x = RandomFloats(2 * 64, random);
    x[70] = bad;
    const RandomMatrix weights(DType::kQ8_0, 16, 64, random);
    const auto out = Multiply(ops, weights.view, Columns(ops, x, 2, 64), x, 2, nullptr);
    for (std::size_t r = 0; r < 16; ++r) {
      EXPECT_TRUE(std::isfinite(out[r]));
      EXPECT_TRUE(std::isnan(out[16 + r]));
    }
  }
}

TEST_P(KernelsTest, VectorOperationsAgreeWithTheScalarTable) {
  const Ops& ops = *GetParam();
  std::mt19937 random(7);
  for (const int n : {1, 8, 15, 16, 17, 64, 172, 576}) {
    const auto size = static_cast<std::size_t>(n);
    const auto x = RandomFloats(size, random);
    const auto weight = RandomFloats(size, random);
    std::vector<float> truth(size);
    std::vector<float> got(size);
    kScalarOps.rms_norm(x.data(), weight.data(), n, 1e-5F, truth.data());
    ops.rms_norm(x.data(), weight.data(), n, 1e-5F, got.data());
    for (std::size_t i = 0; i < size; ++i) {
      ASSERT_NEAR(truth[i], got[i], std::fabs(truth[i]) * 0x1p-20F) << n;
    }
    truth = got = weight;
    kScalarOps.add(x.data(), n, truth.data());
    ops.add(x.data(), n, got.data());
    EXPECT_EQ(truth, got);
    for (std::size_t i = 0; i < size; ++i) truth[i] = got[i] = 20 * weight[i];
    kScalarOps.silu_mul(x.data(), n, truth.data());
    ops.silu_mul(x.data(), n, got.data());
    for (std::size_t i = 0; i < size; ++i) {
      ASSERT_NEAR(truth[i], got[i], std::fabs(truth[i]) * 0x1p-20F + 1e-30F) << n;
    }
    std::vector<std::uint16_t> true_halves(size);
    std::vector<std::uint16_t> halves(size);
    kScalarOps.to_half(x.data(), n, true_halves.data());
    ops.to_half(x.data(), n, halves.data());
    EXPECT_EQ(true_halves, halves);
  }
}

// A cache of `keys` tokens of one head, in the layout of AttendArgs.
struct RandomCache {
  RandomCache(int keys, int head_dim, std::mt19937& random)
      : value_stride((head_dim + 15) / 16 * 16),
        key_halves(static_cast<std::size_t>((keys + 15) / 16 * 16 * head_dim)),
        value_halves(static_cast<std::size_t>(keys * value_stride)) {
    for (std::uint16_t& half : key_halves) half = FloatToHalf(RandomFloats(1, random)[0]);
    for (int j = 0; j < keys; ++j) {
      for (int d = 0; d < head_dim; ++d) {
        value_halves[static_cast<std::size_t>(j * value_stride + d)] =
            FloatToHalf(RandomFloats(1, random)[0]);
      }
    }
  }
  // The same with NaN for all later tokens: what a query does not see must not matter.
  RandomCache UpTo(int keys, int head_dim) const {
    RandomCache seen = *this;
    for (std::size_t at = 0; at < seen.key_halves.size(); ++at) {
      const auto lane = static_cast<int>(at % 16);
      const int group = static_cast<int>(at) / (16 * head_dim);
      if (group * 16 + lane >= keys) seen.key_halves[at] = 0x7e00;
    }
    const auto end = static_cast<std::size_t>(keys * value_stride);
    for (std::size_t at = end; at < seen.value_halves.size(); ++at) seen.value_halves[at] = 0x7e00;
    return seen;
  }

  int value_stride;
  std::vector<std::uint16_t> key_halves, value_halves;
};

std::vector<float> RunAttend(const Ops& ops, const RandomCache& cache, const std::vector<float>& q,
                             int first_query, int count, int first_position, int head_dim,
                             int window = 0, int key_count = 0) {
  const auto dim = static_cast<std::size_t>(head_dim);
  std::vector<float> out(static_cast<std::size_t>(count) * dim);
  const int keys = std::max(key_count, first_position + count);
  const auto stride = static_cast<std::size_t>((keys + 15) / 16 * 16);
  std::vector<float> scores(static_cast<std::size_t>(count) * stride, NAN);
  AttendArgs args;
  args.queries = q.data() + static_cast<std::size_t>(first_query) * dim;
  args.query_stride = dim;
  args.count = count;
  args.first_position = first_position;
  args.key_count = key_count;
  args.window = window;
  args.keys = cache.key_halves.data();
  args.values = cache.value_halves.data();
  args.head_dim = head_dim;
  args.value_stride = cache.value_stride;
  args.scale = 1 / std::sqrt(static_cast<float>(head_dim));
  args.scores = scores.data();
  args.score_stride = stride;
  args.out = out.data();
  args.out_stride = dim;
  ops.attend(args);
  return out;
}

TEST_P(KernelsTest, AttentionAgreesWithTheScalarTable) {
  const Ops& ops = *GetParam();
  std::mt19937 random(8);
  for (const int head_dim : {8, 16, 64, 80}) {
    for (const int first : {0, 1, 13, 16, 100}) {
      for (const int count : {1, 3, 8}) {
        const RandomCache cache(first + count, head_dim, random);
        const auto q = RandomFloats(static_cast<std::size_t>(count * head_dim), random);
        const auto truth = RunAttend(kScalarOps, cache, q, 0, count, first, head_dim);
        const auto got = RunAttend(ops, cache, q, 0, count, first, head_dim);
        for (std::size_t i = 0; i < truth.size(); ++i) {
          // Shares add up to 1 and values are a few units: errors of the scores dominate.
          ASSERT_NEAR(truth[i], got[i], 2e-5F) << head_dim << " " << first << " " << count;
        }
      }
    }
  }
}

// A key outside the span has no say: the same with it and with another in its place.
TEST_P(KernelsTest, AttentionSeesItsSpanAlone) {
  const Ops& ops = *GetParam();
  std::mt19937 random(10);
  const int head_dim = 16;
  const int first = 37;
  const int count = 5;
  const RandomCache cache(80, head_dim, random);
  const auto q = RandomFloats(static_cast<std::size_t>(count * head_dim), random);
  for (const int window : {0, 1, 16, 20, 100}) {
    for (const int key_count : {0, 42, 61}) {
      const auto truth =
          RunAttend(kScalarOps, cache, q, 0, count, first, head_dim, window, key_count);
      const auto got = RunAttend(ops, cache, q, 0, count, first, head_dim, window, key_count);
      for (std::size_t i = 0; i < truth.size(); ++i) {
        ASSERT_NEAR(truth[i], got[i], 2e-5F) << window << " " << key_count;
      }
      // Query 0 sees [begin, end): keys before and after may be anything.
      const int end = key_count > 0 ? key_count : first + 1;
      RandomCache other = cache;
      for (int j = 0; j < 80; ++j) {
        if (j < end && (window == 0 || j >= end - window)) continue;
        for (int d = 0; d < head_dim; ++d) {
          other.key_halves[static_cast<std::size_t>((j / 16 * head_dim + d) * 16 + j % 16)] =
              FloatToHalf(1000);
        }
      }
      const auto same = RunAttend(ops, other, q, 0, count, first, head_dim, window, key_count);
      EXPECT_EQ(0, std::memcmp(got.data(), same.data(), head_dim * sizeof(float)));
    }
  }
}

TEST_P(KernelsTest, AQuerysBitsDoNotDependOnItsNeighbours) {
  const Ops& ops = *GetParam();
  std::mt19937 random(9);
  for (const int head_dim : {8, 16, 64, 80}) {
    for (const int first : {0, 1, 4, 11, 40}) {
      for (const int count : {2, 3, 8}) {
        const RandomCache cache(first + count, head_dim, random);
        const auto q = RandomFloats(static_cast<std::size_t>(count * head_dim), random);
        const auto together = RunAttend(ops, cache, q, 0, count, first, head_dim);
        for (int i = 0; i < count; ++i) {
          const RandomCache seen = cache.UpTo(first + i + 1, head_dim);
          const auto alone = RunAttend(ops, seen, q, i, 1, first + i, head_dim);
          EXPECT_EQ(0, std::memcmp(alone.data(), &together[static_cast<std::size_t>(i * head_dim)],
                                   alone.size() * sizeof(float)))
              << head_dim << " " << first << " " << count << " " << i;
        }
      }
    }
  }
}

TEST(ScalarTest, KnownBlocksHaveKnownValues) {
  // d = 0.5 everywhere; codes count up. Values from the formulas of the format.
  std::uint8_t q4_0[18] = {0x00, 0x38};
  for (int i = 0; i < 16; ++i) q4_0[2 + i] = static_cast<std::uint8_t>(i | ((15 - i) << 4));
  float out[32];
  DequantiseRow(DType::kQ4_0, q4_0, 32, out);
  EXPECT_EQ(out[0], -4.0F);
  EXPECT_EQ(out[15], 3.5F);
  EXPECT_EQ(out[16], 3.5F);
  EXPECT_EQ(out[31], -4.0F);
  std::uint8_t q8_0[34] = {0x00, 0x38, 0x80, 0x7f};
  DequantiseRow(DType::kQ8_0, q8_0, 32, out);
  EXPECT_EQ(out[0], -64.0F);
  EXPECT_EQ(out[1], 63.5F);
}

TEST(ScalarTest, ProductsAreThoseOfTheDequantisedNumbers) {
  std::mt19937 random(10);
  for (const DType dtype : {DType::kQ4_0, DType::kQ4_1, DType::kQ5_0, DType::kQ5_1, DType::kQ8_0,
                            DType::kQ2_K, DType::kQ3_K, DType::kQ4_K, DType::kQ5_K, DType::kQ6_K,
                            DType::kIQ4_NL, DType::kIQ4_XS, DType::kMXFP4}) {
    const int k = 512;
    const RandomMatrix weights(dtype, 5, k, random);
    const auto x = RandomFloats(k, random);
    const Columns columns(kScalarOps, x, 1, k);
    const auto out = Multiply(kScalarOps, weights.view, columns.view, x, 1, nullptr);
    for (int r = 0; r < 5; ++r) {
      float values[k];
      DequantiseRow(dtype, weights.view.data + static_cast<std::size_t>(r) * weights.view.row_bytes,
                    k, values);
      double sum = 0;
      for (std::size_t i = 0; i < k; ++i) {
        sum += static_cast<double>(values[i]) * columns.codes[i] * columns.scales[i / kSpan];
      }
      ASSERT_NEAR(out[static_cast<std::size_t>(r)], sum, Tolerance(weights.view, r, x.data()))
          << Info(dtype).name << " row " << r;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Tables, KernelsTest,
                         testing::ValuesIn(AvailableOps().begin(), AvailableOps().end()),
                         [](const auto& table) { return std::string(table.param->name); });

}  // namespace
}  // namespace kinglet
