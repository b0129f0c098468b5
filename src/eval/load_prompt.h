// SPDX-License-Identifier: Apache-2.0
// Prompts for requests of which only a length is known: words drawn from a seed, so that the same
// block of a trace is the same text, and no two other prompts share a beginning.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "eval/load_schedule.h"
#include "eval/load_trace.h"

namespace kinglet {

// How a server counts: tokens = extra + per_word * words. Learnt from two prompts and its `usage`.
struct WordTokens {
  double per_word = 1;
  double extra = 0;  // a first token, or what a chat template adds
};
WordTokens FitWordTokens(std::size_t words, std::size_t tokens, std::size_t more_words,
                         std::size_t more_tokens);

class PromptMaker {
 public:
  PromptMaker(std::uint64_t seed, double scale_length, WordTokens counts)
      : seed_(seed), scale_length_(scale_length), counts_(counts) {}

  // Each word so many times: what it costs is the mean of all prompts'.
  static std::string AllWords(std::size_t times);
  static std::size_t word_count();
  // `words` words of a text that is told from all others by its stream.
  std::string Words(std::uint64_t stream, std::size_t words) const;
  std::string Make(const TraceRow& row, const ScheduledLoad& request) const;

 private:
  std::uint64_t seed_;
  double scale_length_;
  WordTokens counts_;
};

}  // namespace kinglet
