// SPDX-License-Identifier: Apache-2.0
// A dozen numbers: no library needed.
#include "answer/confidence.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "base/check.h"

namespace kinglet {
namespace {

constexpr std::size_t kFeatures = kConfidenceFeatures.size();

double Sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

ConfidenceFeatures Standardised(const LogisticModel& model, const ConfidenceFeatures& features) {
  ConfidenceFeatures z{};
  for (std::size_t i = 0; i < kFeatures; ++i) {
    z[i] = (features[i] - model.mean[i]) / model.scale[i];
  }
  return z;
}

void SetScale(std::span<const ConfidenceFeatures> features, LogisticModel& model) {
  const auto count = static_cast<double>(features.size());
  for (std::size_t i = 0; i < kFeatures; ++i) {
    double sum = 0;
    for (const ConfidenceFeatures& one : features) sum += one[i];
    model.mean[i] = sum / count;
    double squares = 0;
    for (const ConfidenceFeatures& one : features) {
      squares += (one[i] - model.mean[i]) * (one[i] - model.mean[i]);
    }
    const double deviation = std::sqrt(squares / count);
    model.scale[i] = deviation > 1e-12 ? deviation : 1;
  }
}

// The unknowns: the weights, and the bias behind them.
constexpr std::size_t kUnknowns = kFeatures + 1;
using Vector = std::array<double, kUnknowns>;
using Matrix = std::array<Vector, kUnknowns>;

// Gauss with the largest pivot; the matrix is that of a convex problem with a penalty.
Vector Solve(Matrix a, Vector b) {
  for (std::size_t column = 0; column < kUnknowns; ++column) {
    std::size_t pivot = column;
    for (std::size_t row = column + 1; row < kUnknowns; ++row) {
      if (std::abs(a[row][column]) > std::abs(a[pivot][column])) pivot = row;
    }
    std::swap(a[column], a[pivot]);
    std::swap(b[column], b[pivot]);
    for (std::size_t row = column + 1; row < kUnknowns; ++row) {
      const double factor = a[row][column] / a[column][column];
      for (std::size_t k = column; k < kUnknowns; ++k) a[row][k] -= factor * a[column][k];
      b[row] -= factor * b[column];
    }
  }
  Vector x{};
  for (std::size_t row = kUnknowns; row-- > 0;) {
    double rest = b[row];
    for (std::size_t k = row + 1; k < kUnknowns; ++k) rest -= a[row][k] * x[k];
    x[row] = rest / a[row][row];
  }
  return x;
}

}  // namespace

ConfidenceFeatures FeaturesOf(const Reading& reading, double coverage, const Probe& probe) {
  const ReadingSignals& signals = reading.signals;
  return {signals.gate, signals.span, coverage, probe.Value(reading.state)};
}

double LogisticModel::Probability(const ConfidenceFeatures& features) const {
  const ConfidenceFeatures z = Standardised(*this, features);
  double sum = bias;
  for (std::size_t i = 0; i < kFeatures; ++i) sum += weights[i] * z[i];
  return Sigmoid(sum);
}

LogisticModel FitLogistic(std::span<const ConfidenceFeatures> features,
                          const std::vector<bool>& is_true, double ridge) {
  KINGLET_CHECK(!features.empty() && features.size() == is_true.size(), "{} and {}",
                features.size(), is_true.size());
  constexpr int kSteps = 30;
  constexpr double kLeastBias = 1e-3;  // a penalty of the bias, for sets of one kind alone
  LogisticModel model;
  SetScale(features, model);
  for (int step = 0; step < kSteps; ++step) {
    Vector gradient{};
    Matrix hessian{};
    for (std::size_t i = 0; i < features.size(); ++i) {
      const ConfidenceFeatures z = Standardised(model, features[i]);
      Vector x{};
      std::ranges::copy(z, x.begin());
      x[kFeatures] = 1;
      const double p = model.Probability(features[i]);
      for (std::size_t r = 0; r < kUnknowns; ++r) {
        gradient[r] += x[r] * (p - (is_true[i] ? 1 : 0));
        for (std::size_t c = 0; c < kUnknowns; ++c) hessian[r][c] += x[r] * x[c] * p * (1 - p);
      }
    }
    for (std::size_t r = 0; r < kUnknowns; ++r) {
      const double penalty = r < kFeatures ? ridge : kLeastBias;
      gradient[r] += penalty * (r < kFeatures ? model.weights[r] : model.bias);
      hessian[r][r] += penalty;
    }
    const Vector change = Solve(hessian, gradient);
    for (std::size_t r = 0; r < kFeatures; ++r) model.weights[r] -= change[r];
    model.bias -= change[kFeatures];
  }
  return model;
}

namespace {

json::object ToJson(const LogisticModel& model) {
  json::object features;
  for (std::size_t i = 0; i < kFeatures; ++i) {
    features[kConfidenceFeatures[i]] = {
        {"mean", model.mean[i]}, {"scale", model.scale[i]}, {"weight", model.weights[i]}};
  }
  return {{"bias", model.bias}, {"features", std::move(features)}};
}

Result<double> NumberOf(const json::value& object, std::string_view key) {
  const json::value* const value = Find(object, key);
  if (value != nullptr && value->is_number()) return value->to_number<double>();
  return Error(StatusCode::kInvalidInput, "a calibration without the number {:?}", key);
}

Result<LogisticModel> ParseLogistic(const json::value* value) {
  if (value == nullptr) return Error(StatusCode::kInvalidInput, "a calibration that lacks a part");
  LogisticModel model{.bias = TRY(NumberOf(*value, "bias"))};
  const json::value* const features = Find(*value, "features");
  for (std::size_t i = 0; i < kFeatures; ++i) {
    const json::value* const feature =
        features == nullptr ? nullptr : Find(*features, kConfidenceFeatures[i]);
    if (feature == nullptr) {
      return Error(StatusCode::kInvalidInput, "a calibration without {:?}", kConfidenceFeatures[i]);
    }
    model.mean[i] = TRY(NumberOf(*feature, "mean"));
    model.scale[i] = TRY(NumberOf(*feature, "scale"));
    model.weights[i] = TRY(NumberOf(*feature, "weight"));
    if (!(model.scale[i] > 0)) return Error(StatusCode::kInvalidInput, "a scale must be above 0");
  }
  return model;
}

}  // namespace

json::object ToJson(const Calibration& calibration) {
  return {{"model", calibration.model},
          {"data", calibration.data},
          {"questions", calibration.questions},
          {"probe", ToJson(calibration.probe)},
          {"answerable", ToJson(calibration.answerable)},
          {"quoted", ToJson(calibration.quoted)}};
}

Result<Calibration> ParseCalibration(const json::value& value) {
  const auto text = [&](std::string_view key) -> Result<std::string> {
    const json::value* const member = Find(value, key);
    if (member != nullptr && member->is_string()) return std::string(member->get_string());
    return Error(StatusCode::kInvalidInput, "a calibration without the text {:?}", key);
  };
  const double questions = TRY(NumberOf(value, "questions"));
  if (!(questions >= 0 && questions <= std::numeric_limits<int>::max())) {
    return Error(StatusCode::kInvalidInput, "a calibration cannot come from {} questions",
                 questions);
  }
  const json::value* const probe = Find(value, "probe");
  if (probe == nullptr) return Error(StatusCode::kInvalidInput, "a calibration without a probe");
  return Calibration{.model = TRY(text("model")),
                     .data = TRY(text("data")),
                     .questions = static_cast<int>(questions),
                     .probe = TRY(ParseProbe(*probe)),
                     .answerable = TRY(ParseLogistic(Find(value, "answerable"))),
                     .quoted = TRY(ParseLogistic(Find(value, "quoted")))};
}

}  // namespace kinglet
