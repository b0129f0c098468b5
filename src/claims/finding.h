// SPDX-License-Identifier: Apache-2.0
// What became of a claim that was put to the test: the plain data that experiments fill and reports
// show.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "claims/plot.h"

namespace kinglet {

enum class Verdict {
  kHeld,         // the whole interval is on the claim's side of the bound
  kRefuted,      // the whole interval is on the other side
  kUndecided,    // the bound is within the interval
  kNotTestable,  // here: `why` says what is missing
};

// A figure with its interval of 95 % confidence; without one it was counted or computed, not drawn.
struct Figure {
  double value = 0;
  std::optional<std::pair<double, double>> interval;
  std::string unit;  // "points", "ms", "x"; empty: a pure number
};

enum class Side { kAbove, kBelow };

// What a claim says of its figure: that it is above, or below.
struct Bound {
  Side side = Side::kAbove;
  double at = 0;
};

// A cell is text as it is to be read; the first column names the row.
struct FindingTable {
  std::string title;
  std::vector<std::string> columns;
  std::vector<std::vector<std::string>> rows;
};

struct Finding {
  std::string letter;      // "a"
  std::string claim;       // as the debate has it
  std::string hypothesis;  // the same as a bound on the metric
  std::string data;
  std::vector<std::string> systems;
  std::string metric;
  std::optional<Bound> bound;    // the hypothesis as a number
  std::optional<Figure> figure;  // that the verdict is about; unset where it is kNotTestable
  Verdict verdict = Verdict::kNotTestable;
  std::string why;  // of the verdict, a sentence or two
  std::vector<FindingTable> tables;
  std::vector<FindingPlot> plots;
  std::vector<std::string> caveats;   // what the figure does not say
  std::vector<std::string> commands;  // to repeat its parts by hand
};

// Of a figure without an interval: on which side it lies; kUndecided on the bound itself.
Verdict Judge(const Figure& figure, const Bound& bound);

// Of a claim that says both: it is refuted with either.
Verdict Both(Verdict one, Verdict other);

// Sets figure, verdict by the finding's bound, and why.
void Conclude(Finding& finding, Figure figure, std::string why);

// "held", "refuted", "undecided", "not testable here"
const char* NameOf(Verdict verdict);

// "12.3 points (10.1 to 14.5)"; numbers as ShowNumber has them.
std::string ShowFigure(const Figure& figure);

}  // namespace kinglet
