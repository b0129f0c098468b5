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

INSTANTIATE_TEST_SUITE_P(Tables, KernelsTest,
                         testing::ValuesIn(AvailableOps().begin(), AvailableOps().end()),
                         [](const auto& table) { return std::string(table.param->name); });

}  // namespace
}  // namespace kinglet
