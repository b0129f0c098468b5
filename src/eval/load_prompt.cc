// SPDX-License-Identifier: Apache-2.0
// Common words, which nearly every vocabulary has as one token each.
#include "eval/load_prompt.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <random>
#include <string_view>

namespace kinglet {
namespace {

constexpr std::string_view kWords[] = {
    "the",     "time",    "year",   "people", "way",      "day",   "man",     "thing",
    "woman",   "life",    "child",  "world",  "school",   "state", "family",  "group",
    "country", "hand",    "part",   "place",  "case",     "week",  "company", "system",
    "work",    "number",  "night",  "point",  "home",     "water", "room",    "mother",
    "area",    "money",   "story",  "fact",   "month",    "lot",   "right",   "study",
    "book",    "eye",     "job",    "word",   "business", "side",  "kind",    "head",
    "house",   "service", "friend", "father", "power",    "hour",  "game",    "line",
    "end",     "member",  "law",    "car",    "city",     "name",  "team",    "minute"};
constexpr std::uint64_t kWordCount = std::size(kWords);
static_assert(kWordCount == 64);  // a draw is 6 bits

// Streams of blocks and of single prompts must not meet.
constexpr std::uint64_t kSingleStreams = std::uint64_t{1} << 63;

}  // namespace

WordTokens FitWordTokens(std::size_t words, std::size_t tokens, std::size_t more_words,
                         std::size_t more_tokens) {
  const double per_word = (static_cast<double>(more_tokens) - static_cast<double>(tokens)) /
                          (static_cast<double>(more_words) - static_cast<double>(words));
  if (!(per_word >= 0.1)) return {};  // it does not count as anybody else does
  return {.per_word = per_word,
          .extra = static_cast<double>(tokens) - per_word * static_cast<double>(words)};
}

std::size_t PromptMaker::word_count() { return kWordCount; }

std::string PromptMaker::AllWords(std::size_t times) {
  std::string text;
  for (std::size_t i = 0; i < times * kWordCount; ++i) {
    text += ' ';
    text += kWords[i % kWordCount];
  }
  return text;
}

std::string PromptMaker::Words(std::uint64_t stream, std::size_t words) const {
  std::seed_seq seed{static_cast<std::uint32_t>(seed_), static_cast<std::uint32_t>(seed_ >> 32),
                     static_cast<std::uint32_t>(stream), static_cast<std::uint32_t>(stream >> 32)};
  std::mt19937 random(seed);
  std::string text;
  for (std::size_t i = 0; i < words; ++i) {
    text += ' ';
    text += kWords[random() % kWordCount];
  }
  return text;
}

std::string PromptMaker::Make(const TraceRow& row, const ScheduledLoad& request) const {
  const double wanted =
      (static_cast<double>(request.prompt_tokens) - counts_.extra) / counts_.per_word;
  std::size_t words = static_cast<std::size_t>(std::max(1.0, std::round(wanted)));
  if (row.blocks.empty()) return Words(kSingleStreams | request.row, words);
  const double of_block = kTraceBlockTokens * scale_length_ / counts_.per_word;
  const auto block_words = static_cast<std::size_t>(std::max(1.0, std::round(of_block)));
  std::string prompt;
  for (const std::uint64_t block : row.blocks) {
    const std::size_t taken = std::min(words, block_words);
    prompt += Words(block & ~kSingleStreams, taken);
    words -= taken;
    if (words == 0) return prompt;
  }
  return prompt + Words(kSingleStreams | request.row, words);
}

}  // namespace kinglet
