// SPDX-License-Identifier: Apache-2.0
// Attention of every table against the formula over all keys at once; and one arithmetic for a row,
// bit for bit, whoever its neighbours are.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "kernels/backend.h"
#include "kernels/scalar.h"

namespace kinglet {
namespace {

constexpr KvType kTypes[] = {KvType::kF16, KvType::kQ8_0, KvType::kF32};
constexpr int kDims[] = {8, 16, 64, 80, 128};

std::vector<float> RandomFloats(std::size_t count, std::mt19937& random) {
  std::normal_distribution<float> normal;
  std::vector<float> values(count);
  for (float& value : values) value = normal(random);
  return values;
}

// The tokens of one head: as they are, and as a cache keeps them.
struct Cache {
  Cache(const Ops& ops, KvType type, int dims, int count, std::mt19937& random)
      : tokens(count),
        layout(MakeKvBlockLayout(type, static_cast<std::size_t>(dims))),
        keys(RandomFloats(static_cast<std::size_t>(count * dims), random)),
        values(RandomFloats(static_cast<std::size_t>(count * dims), random)),
        pages(static_cast<std::size_t>(count / kPageTokens + 1 + kSegmentPages)) {
    // Bytes that nobody has written may be anything, also no numbers.
    for (auto& page : pages) page.assign(layout.bytes / 2, 0x7fff);
    for (int j = 0; j < count; ++j) {
      const auto at = static_cast<std::size_t>(j * dims);
      ops.store_kv(layout, &keys[at], &values[at], j % kPageTokens, Block(j / kPageTokens));
    }
  }
  std::uint8_t* Block(int page) {
    return reinterpret_cast<std::uint8_t*>(pages[static_cast<std::size_t>(page)].data());
  }
  // The same with NaN for the tokens outside [begin, end).
  Cache Only(const Ops& ops, int begin, int end) const {
    Cache other = *this;
    const std::vector<float> nan(static_cast<std::size_t>(layout.head_dim),
                                 std::numeric_limits<float>::quiet_NaN());
    for (int j = 0; j < tokens; ++j) {
      if (j >= begin && j < end) continue;
      ops.store_kv(layout, nan.data(), nan.data(), j % kPageTokens, other.Block(j / kPageTokens));
    }
    return other;
  }

  int tokens;
  KvBlockLayout layout;
  std::vector<float> keys, values;                // [tokens][dims]
  std::vector<std::vector<std::uint16_t>> pages;  // one block each
};

// Rows of merged partials, divided: [rows][dims].
std::vector<float> RunRows(const Ops& ops, Cache& cache, const std::vector<AttendRow>& rows) {
  const auto dims = static_cast<std::size_t>(cache.layout.head_dim);
  const std::size_t stride = PartialFloats(cache.layout);
  std::vector<float> scratch(AttendScratchFloats(cache.layout), NAN);
  std::vector<float> partials(kAttendRows * stride);
  std::vector<float> states(rows.size() * stride, NAN);
  std::vector<bool> begun(rows.size());
  for (int first = 0; first < cache.tokens; first += kSegmentTokens) {
    AttendArgs args;
    args.layout = &cache.layout;
    args.rows = rows.data();
    args.count = static_cast<int>(rows.size());
    args.first_position = first;
    for (int page = 0; page < kSegmentPages; ++page) {
      args.blocks[page] = cache.Block(first / kPageTokens + page);
    }
    args.scale = 1 / std::sqrt(static_cast<float>(dims));
    args.scratch = scratch.data();
    args.out = partials.data();
    ops.attend(args);
    for (std::size_t r = 0; r < rows.size(); ++r) {
      if (rows[r].end <= first || rows[r].begin >= first + kSegmentTokens) continue;
      if (begun[r]) {
        ops.merge_partial(&partials[r * stride], cache.layout.value_stride, &states[r * stride]);
      } else {
        std::copy_n(&partials[r * stride], stride, &states[r * stride]);
      }
      begun[r] = true;
    }
  }
  std::vector<float> out;
  for (std::size_t r = 0; r < rows.size(); ++r) {
    const float* state = &states[r * stride];
    const float sum = state[cache.layout.value_stride + 1];
    for (std::size_t d = 0; d < dims; ++d) out.push_back(state[d] / sum);
  }
  return out;
}

// The formula, from the numbers as they were before the cache rounded them.
std::vector<float> Formula(const Cache& cache, const AttendRow& row) {
  const auto dims = static_cast<std::size_t>(cache.layout.head_dim);
  std::vector<double> shares;
  double total = 0;
  for (int j = row.begin; j < row.end; ++j) {
    double score = 0;
    for (std::size_t d = 0; d < dims; ++d) {
      score +=
          static_cast<double>(row.query[d]) * cache.keys[static_cast<std::size_t>(j) * dims + d];
    }
    shares.push_back(std::exp(score / std::sqrt(static_cast<double>(dims))));
    total += shares.back();
  }
  std::vector<float> out(dims);
  for (std::size_t d = 0; d < dims; ++d) {
    double mixed = 0;
    for (int j = row.begin; j < row.end; ++j) {
      mixed += shares[static_cast<std::size_t>(j - row.begin)] *
               cache.values[static_cast<std::size_t>(j) * dims + d];
    }
    out[d] = static_cast<float>(mixed / total);
  }
  return out;
}

// `tokens` neighbouring queries of two heads, the first at position `first`.
std::vector<AttendRow> MakeRows(const std::vector<float>& queries, int dims, int first, int tokens,
                                int window) {
  std::vector<AttendRow> rows;
  for (int r = 0; r < 2 * tokens; ++r) {
    const int end = first + r / 2 + 1;
    rows.push_back({&queries[static_cast<std::size_t>(r * dims)],
                    window > 0 ? std::max(0, end - window) : 0, end});
  }
  return rows;
}

class AttentionTest : public testing::TestWithParam<const Ops*> {};

TEST_P(AttentionTest, AgreesWithTheFormula) {
  const Ops& ops = *GetParam();
  std::mt19937 random(1);
  for (const KvType type : kTypes) {
    const double tolerance = type == KvType::kF32 ? 1e-5 : type == KvType::kF16 ? 4e-3 : 4e-2;
    for (const int dims : kDims) {
      for (const int first : {0, 13, 60, 250, 520}) {
        Cache cache(ops, type, dims, first + 12, random);
        const auto queries = RandomFloats(static_cast<std::size_t>(24 * dims), random);
        for (const int window : {0, 5, 300}) {
          const auto rows = MakeRows(queries, dims, first, 12, window);
          const auto got = RunRows(ops, cache, rows);
          for (std::size_t r = 0; r < rows.size(); ++r) {
            const auto truth = Formula(cache, rows[r]);
            for (std::size_t d = 0; d < truth.size(); ++d) {
              ASSERT_NEAR(truth[d], got[r * truth.size() + d], tolerance)
                  << static_cast<int>(type) << " " << dims << " " << first << " " << window;
            }
          }
        }
      }
    }
  }
}

// What the tables store is the same, so that only their sums may differ.
TEST_P(AttentionTest, AgreesWithTheScalarTable) {
  const Ops& ops = *GetParam();
  std::mt19937 random(2);
  for (const KvType type : kTypes) {
    for (const int dims : kDims) {
      Cache cache(ops, type, dims, 300, random);
      const auto queries = RandomFloats(static_cast<std::size_t>(6 * dims), random);
      const auto rows = MakeRows(queries, dims, 297, 3, 0);
      const auto got = RunRows(ops, cache, rows);
      const auto truth = RunRows(kScalarOps, cache, rows);
      for (std::size_t i = 0; i < truth.size(); ++i) ASSERT_NEAR(truth[i], got[i], 2e-6) << dims;
    }
  }
}

TEST_P(AttentionTest, ARowsBitsDoNotDependOnItsNeighbours) {
  const Ops& ops = *GetParam();
  std::mt19937 random(3);
  for (const KvType type : kTypes) {
    for (const int dims : kDims) {
      for (const int first : {0, 4, 250, 509}) {
        for (const int window : {0, 3, 70}) {
          Cache cache(ops, type, dims, first + 12, random);
          const auto queries = RandomFloats(static_cast<std::size_t>(24 * dims), random);
          const auto rows = MakeRows(queries, dims, first, 12, window);
          const auto together = RunRows(ops, cache, rows);
          for (std::size_t r = 0; r < rows.size(); r += 5) {
            // Alone, and all that it does not see is no number.
            Cache own = cache.Only(ops, rows[r].begin, rows[r].end);
            const auto alone = RunRows(ops, own, {rows[r]});
            ASSERT_EQ(0, std::memcmp(alone.data(), &together[r * alone.size()],
                                     alone.size() * sizeof(float)))
                << static_cast<int>(type) << " " << dims << " " << first << " " << window;
          }
        }
      }
    }
  }
}

TEST_P(AttentionTest, StoresTheSameAsTheScalarTable) {
  const Ops& ops = *GetParam();
  std::mt19937 random(4);
  for (const KvType type : kTypes) {
    for (const int dims : kDims) {
      const KvBlockLayout layout = MakeKvBlockLayout(type, static_cast<std::size_t>(dims));
      std::vector<std::uint8_t> truth(layout.bytes, 1);
      std::vector<std::uint8_t> got(layout.bytes, 1);
      auto x = RandomFloats(static_cast<std::size_t>(2 * dims), random);
      x[3] = 0;
      for (const float large : {1.0F, 1e-6F, 1e6F}) {
        x[1] *= large;
        const float* value = &x[static_cast<std::size_t>(dims)];
        kScalarOps.store_kv(layout, x.data(), value, 37, truth.data());
        ops.store_kv(layout, x.data(), value, 37, got.data());
        // The padding of values may hold anything.
        const std::size_t width = type == KvType::kF32 ? 4 : type == KvType::kF16 ? 2 : 1;
        const auto stride = static_cast<std::size_t>(layout.value_stride) * width;
        const std::size_t padding =
            layout.values + 37 * stride + static_cast<std::size_t>(dims) * width;
        for (std::size_t i = 0; i < stride - static_cast<std::size_t>(dims) * width; ++i) {
          truth[padding + i] = got[padding + i] = 1;
        }
        ASSERT_EQ(truth, got) << static_cast<int>(type) << " " << dims;
      }
    }
  }
}

TEST_P(AttentionTest, NoNumberInACacheOfCodesSpoilsTheRowsThatSeeIt) {
  const Ops& ops = *GetParam();
  std::mt19937 random(5);
  for (const float bad : {NAN, INFINITY, -INFINITY}) {
    Cache cache(ops, KvType::kQ8_0, 64, 10, random);
    cache.values[7 * 64 + 3] = bad;
    ops.store_kv(cache.layout, &cache.keys[7 * 64], &cache.values[7 * 64], 7, cache.Block(0));
    const auto queries = RandomFloats(64, random);
    EXPECT_TRUE(std::isfinite(RunRows(ops, cache, {{queries.data(), 0, 7}})[3]));
    EXPECT_TRUE(std::isnan(RunRows(ops, cache, {{queries.data(), 0, 8}})[3]));
  }
}

INSTANTIATE_TEST_SUITE_P(Tables, AttentionTest,
                         testing::ValuesIn(AvailableOps().begin(), AvailableOps().end()),
                         [](const auto& table) { return std::string(table.param->name); });

}  // namespace
}  // namespace kinglet
