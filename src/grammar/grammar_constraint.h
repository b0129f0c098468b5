// SPDX-License-Identifier: Apache-2.0
// Grammars over one vocabulary, compiled once and shared by all who ask for the same.
#pragma once

#include <cstddef>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/status.h"
#include "grammar/grammar.h"
#include "text/token_constraint.h"
#include "text/tokenizer.h"

namespace kinglet {

class TokenTrie;

// A tokenizer's vocabulary. shown: names of control tokens that are text to the grammars (a tool
// call's marks); all others, and what ends a generation, are none.
std::shared_ptr<const TokenTrie> MakeTokenTrie(const Tokenizer& tokenizer,
                                               std::span<const std::string_view> shown = {});

// Any thread may use it.
class GrammarCache {
 public:
  // shown: as MakeTokenTrie has it. The tokenizer outlives the cache and its constraints.
  GrammarCache(const Tokenizer& tokenizer, std::span<const std::string_view> shown,
               std::size_t max_kept = 64);

  // The constraint of `key`, else what `compile` makes, which is kept. Errors are compile's own.
  // The masks of one constraint are computed by one thread at a time.
  Result<std::shared_ptr<const TokenConstraint>> Get(
      const std::string& key, const std::function<Result<Grammar>()>& compile);

  const std::shared_ptr<const TokenTrie>& trie() const { return trie_; }

 private:
  const Tokenizer& tokenizer_;
  std::shared_ptr<const TokenTrie> trie_;

  std::mutex mutex_;
  std::size_t max_kept_;
  using Entry = std::pair<std::string, std::shared_ptr<const TokenConstraint>>;
  std::list<Entry> kept_;  // the last used first
  std::unordered_map<std::string_view, std::list<Entry>::iterator> index_;
};

}  // namespace kinglet
