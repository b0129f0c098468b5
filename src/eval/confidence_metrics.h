// SPDX-License-Identifier: Apache-2.0
// What a score says of what comes true: how well it ranks, and whether it is a probability.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "eval/retrieval_metrics.h"

namespace kinglet {

// The share of pairs of one that is true and one that is not in which the true one has the higher
// score; ties are half. 0.5 where there is no pair.
double Auroc(std::span<const double> scores, const std::vector<bool>& is_true);

// Area under the risk-coverage curve (Geifman and El-Yaniv 2017): the mean risk of the k most
// confident, averaged over all k. Those of equal confidence come at once: the expectation over
// their orders. 0 of none.
double Aurc(std::span<const double> confidences, std::span<const double> risks);

// Expected calibration error (Guo et al. 2017) of 10 bins of equal width.
double CalibrationError(std::span<const double> probabilities, const std::vector<bool>& is_true);

// A figure of questions, and percentiles of the same over 1,000 samples of them, drawn by the seed.
// figure: of the questions with these indices, of 0..count-1.
Estimate EstimateFigure(std::size_t count, std::uint64_t seed,
                        const std::function<double(std::span<const std::size_t>)>& figure);

}  // namespace kinglet
