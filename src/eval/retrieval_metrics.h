// SPDX-License-Identifier: Apache-2.0
// How good a ranking is, and how sure the mean over some queries.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <span>
#include <vector>

namespace kinglet {

// gains: of what was found, in order of rank; 0 is what is not relevant. relevant: the gains of all
// that is relevant, in any order, each above 0.

// Normalised discounted cumulative gain at `depth`: a gain is divided by the binary logarithm of
// its rank plus one (Järvelin and Kekäläinen 2002, as trec_eval's ndcg_cut). 0 where nothing is
// relevant.
double Ndcg(std::span<const double> gains, std::vector<double> relevant, std::size_t depth);

// The share of all `relevant_count` that stands among the first `depth`; 0 of none.
double Recall(std::span<const double> gains, std::size_t relevant_count, std::size_t depth);

// One over the rank of the first that is relevant, 0 where it is not among the first `depth`.
double ReciprocalRank(std::span<const double> gains, std::size_t depth);

// Of what is not defined, as a share of none.
inline constexpr double kNoFigure = std::numeric_limits<double>::quiet_NaN();

struct Estimate {
  double mean = 0;
  double low = 0;  // [low, high]: of 95 % confidence
  double high = 0;
};

// A figure of `count` questions, and percentiles of the same over 2,000 samples of them drawn by
// the seed (Efron's bootstrap), infinitely far apart for one question. figure: of the questions
// with these indices, of 0..count-1; kNoFigure where they have none, as the mean of those that are
// answerable where none is: such samples tell nothing and are left out.
Estimate EstimateFigure(std::size_t count, std::uint64_t seed,
                        const std::function<double(std::span<const std::size_t>)>& figure);

// The ends are percentiles of the figure's samples, those that are NaN left out; NaN where none is
// left.
Estimate EstimateOfSamples(double figure, std::vector<double> samples);
// How another would differ is not known at all: the ends are infinitely far apart.
Estimate EstimateOfOne(double figure);

// Of a figure that noise can only raise, as a sum of absolute differences: each sample has the
// noise twice, so that their percentiles lie too high. They are reflected about the figure instead
// (the basic bootstrap, Davison and Hinkley 1997), not below 0.
Estimate Reflected(const Estimate& estimate);

// That of the mean of values; 0 of none.
Estimate EstimateMean(std::span<const double> values, std::uint64_t seed);

}  // namespace kinglet
