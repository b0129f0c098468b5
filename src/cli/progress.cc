// SPDX-License-Identifier: Apache-2.0
// Draws with a carriage return and "erase to the end of the line", the two that every terminal has.
#include "cli/progress.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

#include <fmt/format.h>
#include <sys/ioctl.h>

#include "base/clock.h"
#include "base/display.h"
#include "catalog/catalog.h"

namespace kinglet {
namespace {

constexpr double kDrawEveryMs = 100;
constexpr double kRateAfterMs = 500;  // before, a rate is noise
constexpr std::size_t kMaxBarColumns = 24;
constexpr std::size_t kMinBarColumns = 5;  // below, the share in per cent says it better
constexpr std::size_t kMaxLabelBytes = 40;

std::string Amount(std::uint64_t count, ProgressUnit unit) {
  switch (unit) {
    case ProgressUnit::kBytes:
      return SizeText(count);
    case ProgressUnit::kDocuments:
      return fmt::format("{} documents", count);
    case ProgressUnit::kQuestions:
      return fmt::format("{} questions", count);
    case ProgressUnit::kSteps:
      return fmt::format("{} steps", count);
    case ProgressUnit::kPassages:
      return fmt::format("{} passages", count);
    case ProgressUnit::kTokens:
      return fmt::format("{} tokens", count);
  }
  return "";
}

std::string Rate(double per_s, ProgressUnit unit) {
  if (unit == ProgressUnit::kBytes) return SizeText(static_cast<std::uint64_t>(per_s)) + "/s";
  return fmt::format("{:.{}f}/s", per_s, per_s < 10 ? 1 : 0);
}

std::string TimeLeft(double seconds) {
  if (seconds < 60) return fmt::format("{:.0f} s left", std::ceil(seconds));
  if (seconds < 3600) return fmt::format("{:.0f} min left", seconds / 60);
  if (seconds < 100 * 3600) return fmt::format("{:.0f} h left", seconds / 3600);
  return "days left";
}

// "[==>   ]" of `columns` characters between its brackets.
std::string Bar(double share, std::size_t columns) {
  const auto filled = static_cast<std::size_t>(share * static_cast<double>(columns));
  std::string bar(filled, '=');
  if (filled < columns) bar += '>';
  bar.resize(columns, ' ');
  return "[" + bar + "]";
}

std::size_t TerminalColumns() {
  winsize size{};
  if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 80;
  return size.ws_col;
}

}  // namespace

std::string ProgressLine(std::string_view label, ProgressUnit unit, const ProgressState& state,
                         std::size_t columns) {
  std::string tail = "  " + Amount(state.done, unit);
  double share = -1;
  if (state.total && *state.total > 0) {
    share = std::min(1.0, static_cast<double>(state.done) / static_cast<double>(*state.total));
    tail = fmt::format(" {:.0f}%{} of {}", 100 * share, tail, Amount(*state.total, unit));
  }
  if (state.per_s > 0) {
    tail += "  " + Rate(state.per_s, unit);
    if (state.total && *state.total > state.done) {
      tail += "  " + TimeLeft(static_cast<double>(*state.total - state.done) / state.per_s);
    }
  }
  std::string line(label);
  // A line that wraps cannot be drawn over: the bar takes what room there is.
  const std::size_t used = label.size() + tail.size() + std::string_view(" []").size();
  if (share >= 0 && used + kMinBarColumns <= columns) {
    line += " " + Bar(share, std::min(columns - used, kMaxBarColumns));
  }
  line += tail;
  if (line.size() > columns) line.resize(columns);
  return line;
}

Progress::Progress(std::string_view label, ProgressUnit unit, bool is_terminal)
    : label_(EscapeForDisplay(label)), unit_(unit), is_terminal_(is_terminal) {
  if (label_.size() > kMaxLabelBytes) label_ = label_.substr(0, kMaxLabelBytes - 3) + "...";
}

Progress::~Progress() { Clear(); }

void Progress::Update(std::uint64_t done, std::optional<std::uint64_t> total) {
  if (!is_terminal_) return;
  const double now_ms = MonotonicMs();
  if (!start_ms_) {
    start_ms_ = now_ms;
    start_done_ = done;
  }
  if (is_drawn_ && now_ms - drawn_ms_ < kDrawEveryMs) return;
  ProgressState state{.done = done, .total = total, .per_s = 0};
  const double span_ms = now_ms - *start_ms_;
  if (span_ms >= kRateAfterMs && done > start_done_) {
    state.per_s = 1000 * static_cast<double>(done - start_done_) / span_ms;
  }
  // One column stays free: some terminals wrap as soon as the last one is written.
  fmt::print(stderr, "\r{}\x1b[K", ProgressLine(label_, unit_, state, TerminalColumns() - 1));
  std::fflush(stderr);
  is_drawn_ = true;
  drawn_ms_ = now_ms;
}

void Progress::Print(std::string_view line) {
  Clear();
  fmt::print(stderr, "{}\n", line);
  std::fflush(stderr);
}

void Progress::Clear() {
  if (!is_drawn_) return;
  fmt::print(stderr, "\r\x1b[K");
  std::fflush(stderr);
  is_drawn_ = false;
}

}  // namespace kinglet
