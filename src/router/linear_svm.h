// SPDX-License-Identifier: Apache-2.0
// Linear one-vs-rest classifiers with the squared hinge loss, trained by dual coordinate descent
// with shrinking (Hsieh et al., "A dual coordinate descent method for large-scale linear SVM", ICML
// 2008, algorithm 3). One for each label, each found from the seed alone: the number of threads
// changes no bit.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/thread_pool.h"
#include "router/text_features.h"

namespace kinglet {

// What a text is to a classifier.
struct Sample {
  std::span<const float> vector;          // [width], dense
  std::span<const TextFeature> features;  // sparse
};

// Rows of weights: those of the vector, those of the buckets, one that is added always.
struct LinearHead {
  std::size_t width = 0;
  std::size_t labels = 0;
  std::vector<float> weights;  // [width + kFeatureBuckets + 1][labels]

  static std::size_t RowCount(std::size_t width) { return width + kFeatureBuckets + 1; }
  std::span<const float> Row(std::size_t row) const {
    return std::span(weights).subspan(row * labels, labels);
  }
  std::span<const float> BucketRow(std::uint32_t bucket) const { return Row(width + bucket); }

  // [labels]: above 0 on the label's side.
  std::vector<float> Margins(const Sample& sample) const;
};

inline constexpr int kNoLabel = -1;  // of a sample that is of no label: all are told from it

// labels[i], that of samples[i], is in [0, label_count) or kNoLabel. All vectors have `width`.
LinearHead TrainLinearHead(std::span<const Sample> samples, std::span<const int> labels,
                           std::size_t label_count, std::size_t width, std::uint64_t seed,
                           ThreadPool& pool);

}  // namespace kinglet
