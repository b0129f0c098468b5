// SPDX-License-Identifier: Apache-2.0
// The longest match wins, and of equal ones the latest.
#include "engine/prompt_lookup.h"

#include <algorithm>
#include <cmath>
#include <string_view>

namespace kinglet {
namespace {

// Words in common before two say the same of what follows as more of them do.
constexpr std::size_t kLongestMatch = 4;
// One word in common is a guess only where nothing stands before it.
constexpr std::size_t kShortestMatch = 2;
constexpr double kNewest = 0.25;  // weight of the last guess in the accuracy
constexpr double kLeastAccuracy = 0.1;

constexpr char Folded(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

}  // namespace

// FNV-1a: another token of the same key costs a wrong guess.
std::uint32_t PromptLookup::KeyOf(TokenId token) const {
  std::string_view bytes = tokenizer_.TokenBytes(token);
  if (bytes.size() > 1 && bytes.starts_with(' ')) bytes.remove_prefix(1);
  std::uint32_t key = 0x811C9DC5U;
  for (const char c : bytes) key = (key ^ static_cast<unsigned char>(Folded(c))) * 0x01000193U;
  return key;
}

std::span<const TokenId> PromptLookup::Guess(std::span<const TokenId> tokens,
                                             std::size_t prompt_tokens, std::size_t most) {
  guess_.clear();
  for (std::size_t i = keys_.size(); i < tokens.size(); ++i) keys_.push_back(KeyOf(tokens[i]));
  const std::size_t written = tokens.size() - prompt_tokens;
  if (written == 0 || most == 0) return guess_;
  const std::size_t longest = std::min(written, kLongestMatch);
  std::size_t best = std::min(written, kShortestMatch) - 1;
  std::size_t begin = 0;  // of what followed
  const std::size_t end = tokens.size();
  for (std::size_t next = end - 1; next > 0 && best < longest; --next) {
    std::size_t match = 0;
    while (match < std::min(longest, next) && keys_[next - 1 - match] == keys_[end - 1 - match]) {
      ++match;
    }
    if (match <= best) continue;
    best = match;
    begin = next;
  }
  if (begin == 0) return guess_;
  for (std::size_t i = begin; i < std::min(end, begin + most); ++i) {
    if (tokenizer_.IsEndOfGeneration(tokens[i])) break;
    guess_.push_back(tokens[i]);
  }
  return guess_;
}

void PromptLookup::Learn(std::size_t right) {
  if (guess_.empty()) return;
  // What stands behind the first wrong one was not on trial.
  const std::size_t tried = std::min(right + 1, guess_.size());
  const double share = static_cast<double>(right) / static_cast<double>(tried);
  accuracy_ = std::max(std::lerp(accuracy_, share, kNewest), kLeastAccuracy);
}

}  // namespace kinglet
