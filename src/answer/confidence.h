// SPDX-License-Identifier: Apache-2.0
// From what a model lets on while it reads to probabilities: that the passages answer the question,
// and that the sentence shown holds the answer. Two logistic regressions on a few signals, fitted
// for one model on questions whose answers are known.
#pragma once

#include <array>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "answer/probe.h"
#include "answer/reader.h"
#include "base/json.h"
#include "base/status.h"

namespace kinglet {

// What a regression sees of a reading.
inline constexpr std::array<std::string_view, 4> kConfidenceFeatures = {
    "gate",      // log odds of Yes
    "span",      // log likelihood of the span
    "coverage",  // of the question's words by the passages, 0..1
    "probe",     // of the state in which the gate's answer is made
};
using ConfidenceFeatures = std::array<double, kConfidenceFeatures.size()>;

// The probe is of the reading's model.
ConfidenceFeatures FeaturesOf(const Reading& reading, double coverage, const Probe& probe);

// sigmoid(bias + weights . ((features - mean) / scale))
struct LogisticModel {
  ConfidenceFeatures mean{};
  ConfidenceFeatures scale{};
  ConfidenceFeatures weights{};
  double bias = 0;

  double Probability(const ConfidenceFeatures& features) const;
};

// By Newton's method, with a penalty of `ridge` / 2 times the squares of the weights, which are of
// standardised features. features and is_true are of equal size, not empty.
LogisticModel FitLogistic(std::span<const ConfidenceFeatures> features,
                          const std::vector<bool>& is_true, double ridge = 1);

// Of one model.
struct Calibration {
  std::string model;  // the stem of its file
  std::string data;   // SHA-256 of what it was fitted on
  int questions = 0;
  Probe probe;               // that the passages answer
  LogisticModel answerable;  // that the passages answer
  LogisticModel quoted;      // that the sentence in which the span stands holds the answer
};

json::object ToJson(const Calibration& calibration);
// kInvalidInput names what is wrong.
Result<Calibration> ParseCalibration(const json::value& value);

}  // namespace kinglet
