// SPDX-License-Identifier: Apache-2.0
// How long a step of the engine takes, learnt from the steps that ran: what budgets, predictions
// and the size of a prompt's next piece rest on. Policy: reads no clock.
#pragma once

#include <array>
#include <cstddef>

namespace kinglet {

// What a step computes.
struct StepWork {
  std::size_t tokens = 0;
  double attended = 0;  // positions that its tokens see, added up

  StepWork& operator+=(const StepWork& other) {
    tokens += other.tokens;
    attended += other.attended;
    return *this;
  }
};

// `count` tokens behind `length` others of their sequence.
constexpr StepWork WorkOf(std::size_t length, std::size_t count) {
  const auto n = static_cast<double>(count);
  return {count, n * static_cast<double>(length) + n * (n + 1) / 2};
}

// Milliseconds = a curve of the number of tokens, flat as long as reading the weights takes longer
// than the products, plus a constant for each position that is seen.
class StepCost {
 public:
  // Of a machine of which nothing is known yet; finite and above 0.
  double PredictMs(const StepWork& work) const;

  // The most tokens, up to `most`, behind `length` others of their sequence, that can join `others`
  // for no more than budget_ms; 0 where not even one can.
  std::size_t TokensWithin(double budget_ms, const StepWork& others, std::size_t length,
                           std::size_t most) const;

  // How many guessed tokens, up to `most`, save the most time beside `others`: each is right with
  // this probability where those before it were, and saves token_ms then. 0: none save any.
  std::size_t TokensWorthGuessing(double token_ms, double probability, const StepWork& others,
                                  std::size_t length, std::size_t most) const;

  void Observe(const StepWork& work, double ms);

 private:
  static constexpr std::size_t kPoints = 10;  // at 1, 2, 4 ... 512 tokens

  struct Point {
    double ms = 0;  // mean of what was seen near it, recent steps counting more
    double attended = 0;
    bool seen = false;
  };

  double CurveMs(double tokens) const;
  double Slope() const;  // milliseconds a position

  std::array<Point, kPoints> points_;
  // Of the deviations from a point's means: the slope of time over positions.
  double products_ = 0;
  double squares_ = 0;
};

}  // namespace kinglet
