// SPDX-License-Identifier: Apache-2.0
// What a text may be, token by token: the engine's view of a grammar.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "text/vocabulary.h"

namespace kinglet {

// Where one text stands. For one thread at a time.
class ConstraintCursor {
 public:
  virtual ~ConstraintCursor() = default;

  // A bit for each token that may come next, in words of 64; those that end a generation are in it
  // where the text may end. Empty where none may, for the text is at its only end or a limit was
  // passed. Good until Advance().
  virtual std::span<const std::uint64_t> Allowed() = 0;
  // The text may end here.
  virtual bool MayEnd() const = 0;
  // token was allowed.
  virtual void Advance(TokenId token) = 0;
  // The tokens, at most so many, in which the tokenizer writes the text that must follow whatever
  // is chosen; without those that other tokens could take the place of once it is known what comes
  // behind them. Each is allowed after the one before it.
  virtual std::vector<TokenId> Forced(std::size_t most) = 0;
  // The bytes that a token stands for here: control tokens that the grammar speaks of have some.
  virtual std::string_view TokenBytes(TokenId token) const = 0;
};

// A text of which spans are wanted: a span begins at one of `starts` and ends before one of `ends`,
// bytes of the text. Letters of ASCII may be written small or large.
struct SpanSource {
  std::string_view text;
  std::vector<std::size_t> starts;
  std::vector<std::size_t> ends;
};

// What a letter of a span and a letter of its text have in common.
constexpr char FoldedForSpans(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}
// Whether a span of that text may be written so.
inline bool IsSpelling(std::string_view written, std::string_view text) {
  return std::ranges::equal(written, text, {}, FoldedForSpans, FoldedForSpans);
}

// Compiled once, for any number of texts and threads.
class TokenConstraint {
 public:
  virtual ~TokenConstraint() = default;
  virtual std::unique_ptr<ConstraintCursor> Begin() const = 0;
};

}  // namespace kinglet
