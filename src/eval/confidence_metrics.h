// SPDX-License-Identifier: Apache-2.0
// What a score says of what comes true: how well it ranks, and whether it is a probability.
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <vector>

namespace kinglet {

// The share of pairs of one that is true and one that is not in which the true one has the higher
// score; ties are half. NaN where there is no pair.
double Auroc(std::span<const double> scores, const std::vector<bool>& is_true);

// Area under the risk-coverage curve (Geifman and El-Yaniv 2017): the mean risk of the k most
// confident, averaged over all k. Those of equal confidence come at once: the expectation over
// their orders. 0 of none.
double Aurc(std::span<const double> confidences, std::span<const double> risks);

// Of the probabilities from i / 10 on, below (i + 1) / 10 (1 is in the last).
struct CalibrationBin {
  std::size_t count = 0;
  double probability = 0;  // the sum of them
  double truth = 0;        // how many came true
};
std::array<CalibrationBin, 10> CalibrationBins(std::span<const double> probabilities,
                                               const std::vector<bool>& is_true);

// Expected calibration error (Guo et al. 2017) of these bins.
double CalibrationError(std::span<const double> probabilities, const std::vector<bool>& is_true);

}  // namespace kinglet
