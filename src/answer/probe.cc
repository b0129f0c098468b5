// SPDX-License-Identifier: Apache-2.0
// Conjugate gradients on the normal equations, which are never written out: a pass over the
// examples for each step.
#include "answer/probe.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <numeric>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "base/check.h"

namespace kinglet {
namespace {

// Means and deviations of a state's values.
struct Scale {
  std::vector<double> mean, deviation;
};

Scale ScaleOf(std::span<const ProbeExample> examples) {
  const std::size_t width = examples.front().state.size();
  const auto count = static_cast<double>(examples.size());
  Scale scale{std::vector<double>(width), std::vector<double>(width)};
  for (const ProbeExample& example : examples) {
    KINGLET_CHECK(example.state.size() == width, "{} and {}", example.state.size(), width);
    for (std::size_t i = 0; i < width; ++i) scale.mean[i] += example.state[i] / count;
  }
  for (const ProbeExample& example : examples) {
    for (std::size_t i = 0; i < width; ++i) {
      const double off = example.state[i] - scale.mean[i];
      scale.deviation[i] += off * off / count;
    }
  }
  for (double& deviation : scale.deviation) {
    deviation = std::sqrt(deviation);
    if (!(deviation > 1e-12)) deviation = 1;
  }
  return scale;
}

// A floating-point sum in eight strands, which a compiler may keep in one register.
double Dot(std::span<const float> a, std::span<const float> b) {
  constexpr std::size_t kStrands = 8;
  float sums[kStrands] = {};
  std::size_t i = 0;
  for (; i + kStrands <= a.size(); i += kStrands) {
    for (std::size_t strand = 0; strand < kStrands; ++strand) {
      sums[strand] += a[i + strand] * b[i + strand];
    }
  }
  double sum = std::accumulate(std::begin(sums), std::end(sums), 0.0);
  for (; i < a.size(); ++i) sum += static_cast<double>(a[i]) * b[i];
  return sum;
}

void AddScaled(std::span<const float> x, double factor, std::span<float> sum) {
  const auto by = static_cast<float>(factor);
  for (std::size_t i = 0; i < x.size(); ++i) sum[i] += by * x[i];
}

// Standardised states, [examples][width].
std::vector<float> Standardised(std::span<const ProbeExample> examples, const Scale& scale) {
  std::vector<float> rows;
  rows.reserve(examples.size() * scale.mean.size());
  for (const ProbeExample& example : examples) {
    for (std::size_t i = 0; i < example.state.size(); ++i) {
      rows.push_back(static_cast<float>((example.state[i] - scale.mean[i]) / scale.deviation[i]));
    }
  }
  return rows;
}

// w of (rows' rows + penalty) w = rows' targets.
std::vector<float> Solve(std::span<const float> rows, std::span<const double> targets,
                         double penalty) {
  constexpr int kMostSteps = 100;
  constexpr double kSmall = 1e-6;  // of the residual
  const std::size_t width = rows.size() / targets.size();
  std::vector<float> w(width);
  std::vector<float> residual(width);
  for (std::size_t row = 0; row < targets.size(); ++row) {
    AddScaled(rows.subspan(row * width, width), targets[row], residual);
  }
  std::vector<float> direction = residual;
  std::vector<float> image(width);  // of the direction
  double squares = Dot(residual, residual);
  const double enough = squares * kSmall * kSmall;
  for (int step = 0; step < kMostSteps && squares > enough; ++step) {
    std::ranges::fill(image, 0.0F);
    for (std::size_t row = 0; row < targets.size(); ++row) {
      const auto x = rows.subspan(row * width, width);
      AddScaled(x, Dot(x, direction), image);
    }
    AddScaled(direction, penalty, image);
    const double length = squares / Dot(direction, image);
    AddScaled(direction, length, w);
    AddScaled(image, -length, residual);
    const double before = std::exchange(squares, Dot(residual, residual));
    const auto turn = static_cast<float>(squares / before);
    for (std::size_t i = 0; i < width; ++i) direction[i] = residual[i] + turn * direction[i];
  }
  return w;
}

// Five digits are more than the data tell.
double Short(double value) {
  const std::string text = fmt::format("{:.5g}", value);
  double shorter = 0;
  std::from_chars(text.data(), text.data() + text.size(), shorter);
  return shorter;
}

}  // namespace

double Probe::Value(std::span<const float> state) const {
  if (weights.empty()) return 0;
  KINGLET_CHECK(state.size() == weights.size(), "{} and {}", state.size(), weights.size());
  return bias + Dot(state, weights);
}

Probe FitProbe(std::span<const ProbeExample> examples, double ridge) {
  const auto count = static_cast<double>(examples.size());
  const auto of_true =
      static_cast<double>(std::ranges::count(examples, true, &ProbeExample::is_true));
  if (of_true == 0 || of_true == count || examples.front().state.empty()) return {};
  const Scale scale = ScaleOf(examples);
  const double mean = (2 * of_true - count) / count;
  std::vector<double> targets;
  for (const ProbeExample& example : examples) targets.push_back((example.is_true ? 1 : -1) - mean);
  const std::vector<float> w = Solve(Standardised(examples, scale), targets, ridge * count);
  Probe probe{.bias = mean};
  for (std::size_t i = 0; i < w.size(); ++i) {
    const double weight = Short(w[i] / scale.deviation[i]);
    probe.weights.push_back(static_cast<float>(weight));
    probe.bias -= weight * scale.mean[i];
  }
  return probe;
}

json::object ToJson(const Probe& probe) {
  json::array weights;
  for (const float weight : probe.weights) weights.emplace_back(Short(weight));
  return {{"bias", probe.bias}, {"weights", std::move(weights)}};
}

Result<Probe> ParseProbe(const json::value& value) {
  const json::value* const bias = Find(value, "bias");
  const json::value* const weights = Find(value, "weights");
  if (bias == nullptr || !bias->is_number() || weights == nullptr || !weights->is_array()) {
    return Error(StatusCode::kInvalidInput, "a probe without a bias or weights");
  }
  Probe probe{.bias = bias->to_number<double>()};
  for (const json::value& weight : weights->get_array()) {
    // The greatest float is none that Short() would make greater.
    constexpr double kMost = std::numeric_limits<float>::max();
    if (!weight.is_number() || !(std::abs(weight.to_number<double>()) <= kMost)) {
      return Error(StatusCode::kInvalidInput, "a probe's weights must be numbers of 32 bits");
    }
    probe.weights.push_back(static_cast<float>(weight.to_number<double>()));
  }
  return probe;
}

}  // namespace kinglet
