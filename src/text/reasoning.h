// SPDX-License-Identifier: Apache-2.0
// Models that think aloud put what they think between <think> and </think> before the answer. This
// takes the two apart while they come.
#pragma once

#include <string>
#include <string_view>

namespace kinglet {

inline constexpr std::string_view kThinkBegin = "<think>";
inline constexpr std::string_view kThinkEnd = "</think>";

class ReasoningSplitter {
 public:
  struct Parts {
    std::string reasoning, text;
  };

  // begun: the prompt ends with the mark that begins a thought.
  explicit ReasoningSplitter(bool begun) : state_(begun ? State::kThinks : State::kStarts) {}

  // What became certain with this piece of the model's text.
  Parts Push(std::string_view piece);
  Parts Finish();

  bool thinks() const { return state_ == State::kThinks; }

 private:
  // A thought comes first or not at all: a mark further on is text.
  enum class State { kStarts, kThinks, kAnswers };

  void Step(Parts& parts, bool last);

  State state_;
  std::string held_;
  bool trims_ = true;  // blank lines at the begin of what comes next
};

}  // namespace kinglet
