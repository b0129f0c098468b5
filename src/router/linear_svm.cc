// SPDX-License-Identifier: Apache-2.0
// The inner loops are written in strips of eight numbers, in the same order on every machine.
#include "router/linear_svm.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <utility>

namespace kinglet {
namespace {

// Of the loss against the weights' length. From 0.3 to 3 it changes a thousandth of the errors.
constexpr float kCost = 1;
constexpr int kMaxPasses = 100;
constexpr float kTolerance = 0.1F;  // of the projected gradient, as LIBLINEAR has it

// Compilers do not make vectors of a sum by themselves: that would change its order.
constexpr std::size_t kStrip = 8;
using Strip [[gnu::vector_size(kStrip * sizeof(float))]] = float;

float Dot(const float* a, const float* b, std::size_t count) {
  Strip sums = {};
  std::size_t i = 0;
  for (; i + kStrip <= count; i += kStrip) {
    Strip x, y;
    std::memcpy(&x, a + i, sizeof x);
    std::memcpy(&y, b + i, sizeof y);
    sums += x * y;
  }
  float sum = 0;
  for (; i < count; ++i) sum += a[i] * b[i];
  for (std::size_t j = 0; j < kStrip; ++j) sum += sums[j];
  return sum;
}

// to += factor * from
void AddScaled(float factor, const float* from, std::size_t count, float* to) {
  std::size_t i = 0;
  for (; i + kStrip <= count; i += kStrip) {
    Strip x, y;
    std::memcpy(&x, from + i, sizeof x);
    std::memcpy(&y, to + i, sizeof y);
    y += factor * x;
    std::memcpy(to + i, &y, sizeof y);
  }
  for (; i < count; ++i) to[i] += factor * from[i];
}

// Of a sparse vector with a dense one. Four sums at a time: one would wait for itself.
float SparseDot(const float* buckets, std::span<const TextFeature> features) {
  float sums[4] = {};
  std::size_t i = 0;
  for (; i + 4 <= features.size(); i += 4) {
    for (std::size_t j = 0; j < 4; ++j) {
      sums[j] += buckets[features[i + j].bucket] * features[i + j].value;
    }
  }
  for (; i < features.size(); ++i) sums[0] += buckets[features[i].bucket] * features[i].value;
  return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

float SquaredLength(const Sample& sample) {
  float sum = 1 + Dot(sample.vector.data(), sample.vector.data(), sample.vector.size());
  for (const TextFeature& feature : sample.features) sum += feature.value * feature.value;
  return sum;
}

// What one thread works on, one label after the other.
class LabelTrainer {
 public:
  LabelTrainer(std::span<const Sample> samples, std::span<const int> labels, std::size_t width,
               std::span<const float> squared_lengths)
      : samples_(samples),
        labels_(labels),
        squared_lengths_(squared_lengths),
        width_(width),
        weights_(LinearHead::RowCount(width)),
        alphas_(samples.size()),
        order_(samples.size()) {}

  // [RowCount]
  std::span<const float> Train(int label, std::uint64_t seed) {
    std::ranges::fill(weights_, 0);
    std::ranges::fill(alphas_, 0);
    for (std::size_t i = 0; i < order_.size(); ++i) order_[i] = static_cast<std::uint32_t>(i);
    random_.seed(static_cast<std::uint32_t>(seed ^ (seed >> 32U)));
    active_ = order_.size();
    highest_before_ = kUnbounded;
    for (int pass = 0; pass < kMaxPasses; ++pass) {
      const float spread = Pass(label);
      if (spread > kTolerance) continue;
      if (active_ == order_.size()) break;
      // What was put aside is looked at once more.
      active_ = order_.size();
      highest_before_ = kUnbounded;
    }
    return weights_;
  }

 private:
  static constexpr float kUnbounded = std::numeric_limits<float>::infinity();

  float Margin(const Sample& sample) const {
    return weights_.back() + Dot(weights_.data(), sample.vector.data(), width_) +
           SparseDot(weights_.data() + width_, sample.features);
  }

  void Move(const Sample& sample, float step) {
    AddScaled(step, sample.vector.data(), width_, weights_.data());
    float* const buckets = weights_.data() + width_;
    for (const auto& [bucket, value] : sample.features) buckets[bucket] += step * value;
    weights_.back() += step;
  }

  // Once over all that is active, in an order of chance. How far the projected gradients spread.
  float Pass(int label) {
    for (std::size_t i = 0; i + 1 < active_; ++i) {
      std::swap(order_[i], order_[i + random_() % (active_ - i)]);
    }
    constexpr float kDiagonal = 0.5F / kCost;
    float highest = -kUnbounded, lowest = kUnbounded;
    for (std::size_t at = 0; at < active_;) {
      const std::uint32_t i = order_[at];
      const float side = labels_[i] == label ? 1.0F : -1.0F;
      const float gradient = side * Margin(samples_[i]) - 1 + alphas_[i] * kDiagonal;
      if (alphas_[i] == 0 && gradient > highest_before_) {  // far on its side: put aside
        std::swap(order_[at], order_[--active_]);
        continue;
      }
      ++at;
      const float projected = alphas_[i] == 0 ? std::min(gradient, 0.0F) : gradient;
      highest = std::max(highest, projected);
      lowest = std::min(lowest, projected);
      if (projected == 0) continue;
      const float before = alphas_[i];
      alphas_[i] = std::max(0.0F, before - gradient / (squared_lengths_[i] + kDiagonal));
      Move(samples_[i], (alphas_[i] - before) * side);
    }
    highest_before_ = highest > 0 ? highest : kUnbounded;
    return active_ == 0 ? 0 : highest - lowest;
  }

  std::span<const Sample> samples_;
  std::span<const int> labels_;
  std::span<const float> squared_lengths_;
  std::size_t width_;
  std::vector<float> weights_;
  std::vector<float> alphas_;         // dual variables, a sample each
  std::vector<std::uint32_t> order_;  // of samples; those from active_ on are put aside
  std::size_t active_ = 0;
  float highest_before_ = 0;  // gradient of the pass before
  std::mt19937 random_;
};

}  // namespace

std::vector<float> LinearHead::Margins(const Sample& sample) const {
  const auto constant = Row(RowCount(width) - 1);
  std::vector<float> margins(constant.begin(), constant.end());
  for (std::size_t i = 0; i < width; ++i) {
    AddScaled(sample.vector[i], Row(i).data(), labels, margins.data());
  }
  for (const auto& [bucket, value] : sample.features) {
    AddScaled(value, BucketRow(bucket).data(), labels, margins.data());
  }
  return margins;
}

LinearHead TrainLinearHead(std::span<const Sample> samples, std::span<const int> labels,
                           std::size_t label_count, std::size_t width, std::uint64_t seed,
                           ThreadPool& pool) {
  std::vector<float> squared_lengths;
  for (const Sample& sample : samples) squared_lengths.push_back(SquaredLength(sample));
  LinearHead head{.width = width, .labels = label_count};
  const std::size_t rows = LinearHead::RowCount(width);
  head.weights.resize(rows * label_count);
  std::vector<LabelTrainer> trainers(static_cast<std::size_t>(pool.thread_count()),
                                     LabelTrainer(samples, labels, width, squared_lengths));
  pool.ParallelFor(label_count, 1, [&](std::size_t begin, std::size_t end, int thread) {
    for (std::size_t label = begin; label < end; ++label) {
      const auto weights =
          trainers[static_cast<std::size_t>(thread)].Train(static_cast<int>(label), seed);
      for (std::size_t row = 0; row < rows; ++row) {
        head.weights[row * label_count + label] = weights[row];
      }
    }
  });
  return head;
}

}  // namespace kinglet
