// SPDX-License-Identifier: Apache-2.0
// Every table's vector operations and attention against the scalar one; and one arithmetic in every
// shape of batch, bit for bit.
#include <cmath>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "kernels/matrix_for_test.h"

namespace kinglet {
namespace {

class KernelsTest : public testing::TestWithParam<const Ops*> {};

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
    kScalarOps.add_scaled(x.data(), 0.3F, n, truth.data());
    ops.add_scaled(x.data(), 0.3F, n, got.data());
    EXPECT_EQ(truth, got);
    for (std::size_t i = 0; i < size; ++i) truth[i] = got[i] = 20 * weight[i];
    kScalarOps.silu_mul(x.data(), n, truth.data());
    ops.silu_mul(x.data(), n, got.data());
    for (std::size_t i = 0; i < size; ++i) {
      ASSERT_NEAR(truth[i], got[i], std::fabs(truth[i]) * 0x1p-20F + 1e-30F) << n;
    }
    for (std::size_t i = 0; i < size; ++i) truth[i] = got[i] = 3 * weight[i];
    kScalarOps.gelu_mul(x.data(), n, truth.data());
    ops.gelu_mul(x.data(), n, got.data());
    for (std::size_t i = 0; i < size; ++i) {
      // Far below 0 the result is e^-2u: its relative error is u times that of the argument.
      ASSERT_NEAR(truth[i], got[i], std::fabs(truth[i]) * 0x1p-17F + 1e-9F) << n;
    }
    for (std::size_t i = 0; i < size; ++i) truth[i] = got[i] = 3 * weight[i];
    kScalarOps.gelu(n, truth.data());
    ops.gelu(n, got.data());
    for (std::size_t i = 0; i < size; ++i) {
      ASSERT_NEAR(truth[i], got[i], std::fabs(3 * weight[i]) * 2e-7F) << n;
    }
    std::vector<float> shifted = x;
    for (float& value : shifted) value += 2;
    kScalarOps.layer_norm(shifted.data(), weight.data(), x.data(), n, 1e-5F, truth.data());
    ops.layer_norm(shifted.data(), weight.data(), x.data(), n, 1e-5F, got.data());
    for (std::size_t i = 0; i < size; ++i) {
      ASSERT_NEAR(truth[i], got[i], 1e-5F * (std::fabs(weight[i]) + std::fabs(x[i]))) << n;
    }
    ops.layer_norm(shifted.data(), weight.data(), x.data(), n, 1e-5F, shifted.data());
    EXPECT_EQ(shifted, got);  // in place
  }
}

TEST_P(KernelsTest, ProductsOfCodesAreExact) {
  std::mt19937 random(8);
  for (const int width : {64, 384, 1024, kMaxCodes}) {
    constexpr int kCount = 5;
    const auto size = static_cast<std::size_t>(width);
    std::vector<std::int8_t> query(size);
    std::vector<std::int8_t> codes(size * kCount);
    std::uniform_int_distribution<int> code(-127, 127);
    for (std::int8_t& value : query) value = static_cast<std::int8_t>(code(random));
    for (std::int8_t& value : codes) value = static_cast<std::int8_t>(code(random));
    // The greatest sums that there can be.
    std::fill_n(codes.begin(), size, std::int8_t{-127});
    for (std::size_t k = 0; k < size; ++k) {
      codes[size + k] = static_cast<std::int8_t>(query[k] < 0 ? -127 : 127);
    }
    std::vector<std::int32_t> truth(kCount);
    std::vector<std::int32_t> got(kCount);
    kScalarOps.dot_codes(query.data(), codes.data(), width, kCount, truth.data());
    GetParam()->dot_codes(query.data(), codes.data(), width, kCount, got.data());
    EXPECT_EQ(truth, got) << width;
  }
}

INSTANTIATE_TEST_SUITE_P(Tables, KernelsTest,
                         testing::ValuesIn(AvailableOps().begin(), AvailableOps().end()),
                         [](const auto& table) { return std::string(table.param->name); });

}  // namespace
}  // namespace kinglet
