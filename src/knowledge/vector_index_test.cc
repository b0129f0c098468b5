// SPDX-License-Identifier: Apache-2.0
// The nearest vectors are those that a look at each in double precision finds.
#include "knowledge/vector_index.h"

#include <algorithm>
#include <cmath>
#include <random>

#include <gmock/gmock.h>

namespace kinglet {
namespace {

using Vector = std::vector<float>;

Vector RandomUnitVector(std::size_t width, std::mt19937& random) {
  std::normal_distribution<float> normal;
  Vector vector(width);
  double squares = 0;
  for (float& value : vector) {
    value = normal(random);
    squares += static_cast<double>(value) * value;
  }
  for (float& value : vector) value /= static_cast<float>(std::sqrt(squares));
  return vector;
}

double Product(const Vector& a, const Vector& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += static_cast<double>(a[i]) * b[i];
  return sum;
}

// As much as rounding can take: half a scale of each of the query's values.
double Tolerance(const Vector& query, const Vector& vector) {
  double magnitudes = 0;
  for (const float value : query) magnitudes += std::fabs(value);
  float greatest = 0;
  for (const float value : vector) greatest = std::max(greatest, std::fabs(value));
  return magnitudes * greatest / 127 / 2 + 1e-5;
}

TEST(EncodedVector, KeepsProducts) {
  std::mt19937 random(1);
  for (const std::size_t width : {1, 3, 384, 1000}) {
    for (int i = 0; i < 50; ++i) {
      const Vector vector = RandomUnitVector(width, random);
      const Vector query = RandomUnitVector(width, random);
      const std::string encoded = EncodeVector(vector);
      ASSERT_EQ(encoded.size(), EncodedBytes(width));
      EXPECT_NEAR(DotProduct(query, encoded), Product(query, vector), Tolerance(query, vector));
    }
  }
}

TEST(EncodedVector, OfNothingOrOfNoNumbersIsZero) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float infinity = std::numeric_limits<float>::infinity();
  for (const Vector& vector : {Vector{0, 0}, Vector{1, infinity}, Vector{nan, nan}}) {
    EXPECT_EQ(DotProduct(Vector{1, 1}, EncodeVector(vector)), 0);
  }
}

TEST(VectorIndex, FindsWhatALookAtEachFinds) {
  constexpr std::size_t kCount = 9000;  // over two blocks
  for (const std::size_t width : {64, 100, 384}) {
    std::mt19937 random(static_cast<unsigned>(width));
    std::vector<Vector> vectors;
    VectorIndex index(width, 2);
    for (std::size_t i = 0; i < kCount; ++i) {
      vectors.push_back(RandomUnitVector(width, random));
      index.Add(static_cast<std::int64_t>(10 * i + 1), EncodeVector(vectors.back()));
    }
    for (int k = 0; k < 5; ++k) {
      const Vector query = RandomUnitVector(width, random);
      const std::vector<VectorHit> hits = index.Search(query, 10);
      ASSERT_EQ(hits.size(), 10U);
      std::vector<double> products;
      products.reserve(kCount);
      for (const Vector& vector : vectors) products.push_back(Product(query, vector));
      std::ranges::sort(products, std::greater());
      for (std::size_t i = 0; i < hits.size(); ++i) {
        EXPECT_NEAR(hits[i].score, products[i], 0.004) << width;
        const auto at = static_cast<std::size_t>((hits[i].id - 1) / 10);
        EXPECT_NEAR(hits[i].score, Product(query, vectors[at]), Tolerance(query, vectors[at]));
        EXPECT_EQ(index.Score(query, hits[i].id), hits[i].score);
      }
      EXPECT_TRUE(std::ranges::is_sorted(hits, std::greater(), &VectorHit::score));
    }
    EXPECT_EQ(index.Score(RandomUnitVector(width, random), 2), std::nullopt);
  }
}

TEST(VectorIndex, IsTheSameForAnyNumberOfThreads) {
  std::mt19937 random(5);
  VectorIndex alone(64, 1);
  VectorIndex together(64, 3);
  for (std::int64_t id = 1; id <= 20'000; ++id) {
    const std::string encoded = EncodeVector(RandomUnitVector(64, random));
    alone.Add(id, encoded);
    together.Add(id, encoded);
  }
  for (int k = 0; k < 20; ++k) {
    const Vector query = RandomUnitVector(64, random);
    const auto expected = alone.Search(query, 7);
    const auto got = together.Search(query, 7);
    ASSERT_EQ(expected.size(), got.size());
    for (std::size_t i = 0; i < got.size(); ++i) {
      EXPECT_EQ(expected[i].id, got[i].id);
      EXPECT_EQ(expected[i].score, got[i].score);
    }
  }
}

TEST(VectorIndex, PutsEqualVectorsInOrderOfTheirIds) {
  VectorIndex index(2, 1);
  for (std::int64_t id = 1; id <= 500; ++id) index.Add(id, EncodeVector(Vector{1, 0}));
  const std::vector<VectorHit> hits = index.Search(Vector{1, 0}, 3);
  ASSERT_EQ(hits.size(), 3U);
  for (std::size_t i = 0; i < hits.size(); ++i) {
    EXPECT_EQ(hits[i].id, static_cast<std::int64_t>(i + 1));
  }
}

TEST(VectorIndex, OfFewOrNoneGivesWhatThereIs) {
  VectorIndex index(3, 2);
  EXPECT_TRUE(index.Search(Vector{1, 0, 0}, 5).empty());
  index.Add(4, EncodeVector(Vector{0, 1, 0}));
  EXPECT_EQ(index.Search(Vector{1, 0, 0}, 5).size(), 1U);
  EXPECT_TRUE(index.Search(Vector{1, 0, 0}, 0).empty());
  index.Clear();
  EXPECT_EQ(index.size(), 0U);
  EXPECT_TRUE(index.Search(Vector{1, 0, 0}, 5).empty());
}

}  // namespace
}  // namespace kinglet
