// SPDX-License-Identifier: Apache-2.0
// Products of every table against the scalar one on odd shapes, with tolerances made of the
// operands' norms; and one arithmetic in every shape of batch, bit for bit.
#include <cmath>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "kernels/matrix_for_test.h"

namespace kinglet {
namespace {

constexpr DType kTypes[] = {DType::kF32,  DType::kF16,    DType::kBF16,   DType::kQ4_0,
                            DType::kQ4_1, DType::kQ5_0,   DType::kQ5_1,   DType::kQ8_0,
                            DType::kQ2_K, DType::kQ3_K,   DType::kQ4_K,   DType::kQ5_K,
                            DType::kQ6_K, DType::kIQ4_NL, DType::kIQ4_XS, DType::kMXFP4};

class MatmulTest : public testing::TestWithParam<const Ops*> {};

TEST_P(MatmulTest, ProductsAgreeWithTheScalarTable) {
  const Ops& ops = *GetParam();
  std::mt19937 random(1);
  for (const DType dtype : kTypes) {
    for (const int k : {32, 172, 256, 576, 896, 1536}) {
      if (k % static_cast<int>(Info(dtype).block_values) != 0) continue;
      for (const int rows : {1, 16, 19, 35}) {
        const RandomMatrix weights(dtype, rows, k, random);
        const std::vector<float> bias = RandomFloats(static_cast<std::size_t>(rows), random);
        for (const int count : {1, 2, 3, 7, 8, 9, 33}) {
          const auto x = RandomFloats(static_cast<std::size_t>(count * k), random);
          const Columns columns(kScalarOps, x, count, k);
          const auto truth = Multiply(kScalarOps, weights.view, columns, x, count, bias.data());
          const auto got = Multiply(ops, weights.view, columns, x, count, bias.data());
          for (int c = 0; c < count; ++c) {
            for (int r = 0; r < rows; ++r) {
              const auto at = static_cast<std::size_t>(c * rows + r);
              const float bias_error = 0x1p-22F * std::fabs(bias[static_cast<std::size_t>(r)]);
              ASSERT_NEAR(
                  truth[at], got[at],
                  Tolerance(weights.view, r, &x[static_cast<std::size_t>(c * k)]) + bias_error)
                  << Info(dtype).name << " k " << k << " row " << r << "/" << rows << " column "
                  << c;
            }
          }
        }
      }
    }
  }
}

TEST_P(MatmulTest, LongRowsAgreeWithTheScalarTable) {
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

TEST_P(MatmulTest, ARowsBitsDoNotDependOnTheBatch) {
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

TEST_P(MatmulTest, ProductsByExpansionAreThoseOfTheStoredNumbers) {
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
                      weights.view.data + static_cast<std::size_t>(r) * weights.view.stride, k,
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

TEST_P(MatmulTest, ARangeOfRowsWritesThatRangeAlone) {
  const Ops& ops = *GetParam();
  std::mt19937 random(4);
  for (const DType dtype : {DType::kF32, DType::kQ4_0, DType::kIQ4_NL}) {
    const RandomMatrix weights(dtype, 40, 64, random);
    const auto x = RandomFloats(64, random);
    const Columns columns(ops, x, 1, 64);
    const auto whole = Multiply(ops, weights.view, columns, x, 1, nullptr);
    std::vector<float> out(40, -1.0F);
    MatmulArgs args;
    if (IsQuantised(dtype)) args.quantised = columns.view;
    const WeightsFor packed(ops, weights.view, args.quantised);
    args.weights = packed.view;
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

TEST_P(MatmulTest, RoundsActivationsLikeTheScalarTable) {
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

TEST_P(MatmulTest, ANumberThatIsNotFiniteSpoilsItsOwnColumnOnly) {
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
      DequantiseRow(dtype, weights.view.data + static_cast<std::size_t>(r) * weights.view.stride, k,
                    values);
      double sum = 0;
      for (std::size_t i = 0; i < k; ++i) {
        sum += static_cast<double>(values[i]) * columns.codes[i] * columns.scales[i / kSpan];
      }
      ASSERT_NEAR(out[static_cast<std::size_t>(r)], sum, Tolerance(weights.view, r, x.data()))
          << Info(dtype).name << " row " << r;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Tables, MatmulTest,
                         testing::ValuesIn(AvailableOps().begin(), AvailableOps().end()),
                         [](const auto& table) { return std::string(table.param->name); });

}  // namespace
}  // namespace kinglet
