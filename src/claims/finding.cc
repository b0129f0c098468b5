// SPDX-License-Identifier: Apache-2.0
// The rule of verdicts: a claim is held or refuted only where its whole interval lies on one side.
#include "claims/finding.h"

#include <utility>

#include <fmt/format.h>

#include "base/check.h"
#include "eval/show_interval.h"

namespace kinglet {

Verdict Judge(const Figure& figure, const Bound& bound) {
  auto [low, high] = figure.interval.value_or(std::pair(figure.value, figure.value));
  const bool above = bound.side == Side::kAbove;
  if (low > bound.at) return above ? Verdict::kHeld : Verdict::kRefuted;
  if (high < bound.at) return above ? Verdict::kRefuted : Verdict::kHeld;
  return Verdict::kUndecided;
}

Verdict Both(Verdict one, Verdict other) {
  for (const Verdict verdict : {Verdict::kRefuted, Verdict::kNotTestable, Verdict::kUndecided}) {
    if (one == verdict || other == verdict) return verdict;
  }
  return Verdict::kHeld;
}

void Conclude(Finding& finding, Figure figure, std::string why) {
  KINGLET_CHECK(finding.bound, "claim {}", finding.letter);
  finding.verdict = Judge(figure, *finding.bound);
  finding.figure = std::move(figure);
  finding.why = std::move(why);
}

const char* NameOf(Verdict verdict) {
  switch (verdict) {
    case Verdict::kHeld:
      return "held";
    case Verdict::kRefuted:
      return "refuted";
    case Verdict::kUndecided:
      return "undecided";
    case Verdict::kNotTestable:
      break;
  }
  return "not testable here";
}

std::string ShowFigure(const Figure& figure) {
  std::string text = ShowNumber(figure.value);
  if (!figure.unit.empty()) text += ' ' + figure.unit;
  if (!figure.interval) return text;
  const auto& [low, high] = *figure.interval;
  return text + fmt::format(" ({})", ShowInterval(low, high, ShowNumber));
}

}  // namespace kinglet
