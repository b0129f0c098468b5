// SPDX-License-Identifier: Apache-2.0
// Stop strings in text that comes in pieces: what could be the beginning of one is held back.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace kinglet {

class StopMatcher {
 public:
  // Empty stop strings are ignored.
  explicit StopMatcher(std::span<const std::string> stops);

  // The text that became certain to come before every stop string. Nothing once stopped().
  std::string Push(std::string_view text);
  // What was held back, when no more text comes.
  std::string Finish();

  bool stopped() const { return stopped_; }
  // Which one it was; empty: none.
  const std::string& stop() const { return stop_; }

 private:
  std::vector<std::string> stops_;
  std::string held_;  // the longest end of the text that begins a stop string
  bool stopped_ = false;
  std::string stop_;
};

}  // namespace kinglet
