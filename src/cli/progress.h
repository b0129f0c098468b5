// SPDX-License-Identifier: Apache-2.0
// A progress bar on standard error, for a terminal alone: a pipe gets nothing. The cursor is never
// hidden and no mode is set, so an interrupted program leaves the terminal sound at any moment.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace kinglet {

enum class ProgressUnit { kBytes, kDocuments, kPassages, kQuestions, kSteps, kTokens };

struct ProgressState {
  std::uint64_t done = 0;
  std::optional<std::uint64_t> total;
  double per_s = 0;  // 0: not known yet
};

// One line of at most `columns` characters:
//   SmolLM2 [======>      ] 45%  44.1 MB of 98.4 MB  12.3 MB/s  4 s left
std::string ProgressLine(std::string_view label, ProgressUnit unit, const ProgressState& state,
                         std::size_t columns);

class Progress {
 public:
  // is_terminal: whether standard error is one (Environment::stderr_is_terminal).
  Progress(std::string_view label, ProgressUnit unit, bool is_terminal);
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  ~Progress();  // clears the bar

  // Draws at most ten times a second. What is done at the first call counts for no rate: it was
  // done before.
  void Update(std::uint64_t done, std::optional<std::uint64_t> total);
  // A line for the user, which stays above the bar. Goes to a pipe as well.
  void Print(std::string_view line);
  void Clear();

 private:
  std::string label_;
  ProgressUnit unit_;
  bool is_terminal_;
  bool is_drawn_ = false;
  std::optional<double> start_ms_;
  std::uint64_t start_done_ = 0;
  double drawn_ms_ = 0;
};

}  // namespace kinglet
