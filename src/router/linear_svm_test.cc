// SPDX-License-Identifier: Apache-2.0
#include "router/linear_svm.h"

#include <array>
#include <cmath>

#include <gtest/gtest.h>

namespace kinglet {
namespace {

// Of the primal of label 0 (Hsieh et al. 2008, problem 1 with the L2 loss), the constant's weight
// among the others.
double Objective(const LinearHead& head, std::span<const Sample> samples,
                 std::span<const int> labels) {
  double value = 0;
  for (const float weight : head.weights) value += weight * weight / 2.0;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    const double side = labels[i] == 0 ? 1 : -1;
    const double short_of = std::max(0.0, 1 - side * head.Margins(samples[i])[0]);
    value += short_of * short_of;
  }
  return value;
}

TEST(LinearSvm, FindsTheLeastOfItsObjective) {
  // Points on both sides of a line, one of them on the wrong side.
  const std::array<std::array<float, 2>, 6> points = {
      {{1, 0}, {2, 1}, {1.5F, -1}, {-1, 0.5F}, {-2, 0}, {1, 0.2F}}};
  const std::array<int, 6> labels = {0, 0, 0, kNoLabel, kNoLabel, kNoLabel};
  std::vector<Sample> samples;
  for (const auto& point : points) samples.push_back({point, {}});
  ThreadPool pool(1);
  LinearHead head = TrainLinearHead(samples, labels, 1, 2, 1, pool);
  const double least = Objective(head, samples, labels);
  for (const std::size_t row : {std::size_t{0}, std::size_t{1}, head.weights.size() - 1}) {
    for (const float step : {-0.1F, 0.1F}) {
      head.weights[row] += step;
      EXPECT_GT(Objective(head, samples, labels), least) << row << " " << step;
      head.weights[row] -= step;
    }
  }
}

TEST(LinearSvm, ReadsVectorsAndFeaturesTogether) {
  LinearHead head{.width = 2, .labels = 3};
  head.weights.resize(LinearHead::RowCount(2) * 3);
  head.weights[0] = 1;                        // of the vector's first entry, for label 0
  head.weights[(2 + 7) * 3 + 1] = 10;         // of bucket 7, for label 1
  head.weights[head.weights.size() - 1] = 5;  // for label 2 whatever is said
  const std::array<float, 2> vector = {0.5F, 3};
  const std::array<TextFeature, 1> features = {{{7, 2}}};
  EXPECT_EQ(head.Margins({vector, features}), (std::vector<float>{0.5F, 20, 5}));
}

}  // namespace
}  // namespace kinglet
