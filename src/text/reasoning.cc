// SPDX-License-Identifier: Apache-2.0
// Text that could be the begin of a mark is held back until it is clear.
#include "text/reasoning.h"

#include <algorithm>
#include <utility>

namespace kinglet {
namespace {

// How many bytes at the end of text could begin the mark.
std::size_t BeginsOf(std::string_view text, std::string_view mark) {
  std::size_t most = std::min(text.size(), mark.size() - 1);
  while (most > 0 && !text.ends_with(mark.substr(0, most))) --most;
  return most;
}

void Trim(std::string& text) { text.erase(0, text.find_first_not_of(" \n\r\t")); }

}  // namespace

ReasoningSplitter::Parts ReasoningSplitter::Push(std::string_view piece) {
  held_ += piece;
  Parts parts;
  Step(parts, /*last=*/false);
  return parts;
}

ReasoningSplitter::Parts ReasoningSplitter::Finish() {
  Parts parts;
  Step(parts, /*last=*/true);
  return parts;
}

void ReasoningSplitter::Step(Parts& parts, bool last) {
  if (state_ == State::kStarts) {
    const std::size_t begin = held_.find_first_not_of(" \n\r\t");
    const std::string_view seen =
        begin == std::string::npos ? std::string_view() : std::string_view(held_).substr(begin);
    if (seen.starts_with(kThinkBegin)) {
      held_.erase(0, begin + kThinkBegin.size());
      state_ = State::kThinks;
    } else if (last || !kThinkBegin.starts_with(seen)) {
      state_ = State::kAnswers;
      trims_ = false;
    } else {
      return;
    }
  }
  if (state_ == State::kThinks) {
    if (trims_) Trim(held_);
    trims_ = trims_ && held_.empty();
    const std::size_t end = held_.find(kThinkEnd);
    if (end == std::string::npos) {
      const std::size_t certain = held_.size() - (last ? 0 : BeginsOf(held_, kThinkEnd));
      parts.reasoning = held_.substr(0, certain);
      held_.erase(0, certain);
      return;
    }
    parts.reasoning = held_.substr(0, end);
    held_.erase(0, end + kThinkEnd.size());
    state_ = State::kAnswers;
    trims_ = true;
  }
  if (trims_) Trim(held_);
  trims_ = trims_ && held_.empty();
  parts.text += std::exchange(held_, {});
}

}  // namespace kinglet
