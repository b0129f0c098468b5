// SPDX-License-Identifier: Apache-2.0
// Texts of one grammar share its automaton and its masks under a lock: what one has walked through
// is there for the next.
#include "grammar/grammar_constraint.h"

#include <algorithm>
#include <utility>

#include "grammar/token_mask.h"
#include "grammar/token_trie.h"

namespace kinglet {
namespace {

constexpr std::size_t kMaxForcedBytes = 64;

// The first tokens of the text that stay what they are whatever comes behind the text: those that
// end where no token can begin that reaches beyond it.
std::vector<TokenId> CanonicalStart(std::string_view text, std::size_t most,
                                    const Tokenizer& tokenizer, const TokenTrie& trie) {
  std::size_t certain = text.size();
  for (std::size_t at = 0; at < certain; ++at) {
    if (trie.HasLonger(text.substr(at))) certain = at;
  }
  std::vector<TokenId> start;
  for (const TokenId token : tokenizer.Encode(text, {.parse_special = true})) {
    const std::string_view bytes = trie.bytes(token);
    // A tokenizer that puts a space in front writes another text, a control token may be none.
    if (bytes.empty() || bytes.size() > certain || !text.starts_with(bytes)) break;
    if (start.size() == most) break;
    start.push_back(token);
    text.remove_prefix(bytes.size());
    certain -= bytes.size();
  }
  return start;
}

// What the cursors of a grammar share.
struct SharedMasks {
  SharedMasks(const Tokenizer& of, std::shared_ptr<const TokenTrie> with, Grammar grammar)
      : tokenizer(of), trie(std::move(with)), masker(*trie, std::move(grammar)) {}

  const Tokenizer& tokenizer;
  std::shared_ptr<const TokenTrie> trie;
  std::mutex mutex;  // of the masker
  TokenMasker masker;
};

class GrammarCursor final : public ConstraintCursor {
 public:
  explicit GrammarCursor(std::shared_ptr<SharedMasks> shared) : shared_(std::move(shared)) {
    const std::scoped_lock lock(shared_->mutex);
    MoveTo(shared_->masker.matcher().start());
  }

  std::span<const std::uint64_t> Allowed() override {
    if (!is_masked_) {
      const std::scoped_lock lock(shared_->mutex);
      mask_ = shared_->masker.Mask(state_);
      is_masked_ = true;
      const bool has_some =
          std::ranges::any_of(mask_, [](std::uint64_t word) { return word != 0; });
      if (!has_some) {
        mask_.clear();
      } else if (may_end_) {
        for (std::size_t i = 0; i < mask_.size(); ++i) mask_[i] |= shared_->trie->ends()[i];
      }
    }
    return mask_;
  }

  bool MayEnd() const override { return may_end_; }

  void Advance(TokenId token) override {
    const std::scoped_lock lock(shared_->mutex);
    MoveTo(shared_->masker.matcher().Next(state_, shared_->trie->bytes(token)));
  }

  std::vector<TokenId> Forced(std::size_t most) override {
    std::string text;
    {
      const std::scoped_lock lock(shared_->mutex);
      text = shared_->masker.Forced(state_, kMaxForcedBytes);
    }
    return CanonicalStart(text, most, shared_->tokenizer, *shared_->trie);
  }

  std::string_view TokenBytes(TokenId token) const override { return shared_->trie->bytes(token); }

 private:
  void MoveTo(Matcher::StateId state) {
    state_ = state;
    may_end_ = shared_->masker.matcher().MayEnd(state);
    is_masked_ = false;
  }

  std::shared_ptr<SharedMasks> shared_;
  Matcher::StateId state_ = Matcher::kDead;
  bool may_end_ = false;
  bool is_masked_ = false;
  TokenMask mask_;
};

class GrammarConstraint final : public TokenConstraint {
 public:
  GrammarConstraint(const Tokenizer& tokenizer, std::shared_ptr<const TokenTrie> trie,
                    Grammar grammar)
      : shared_(std::make_shared<SharedMasks>(tokenizer, std::move(trie), std::move(grammar))) {}

  std::unique_ptr<ConstraintCursor> Begin() const override {
    return std::make_unique<GrammarCursor>(shared_);
  }

 private:
  std::shared_ptr<SharedMasks> shared_;
};

}  // namespace

std::shared_ptr<const TokenTrie> MakeTokenTrie(const Tokenizer& tokenizer,
                                               std::span<const std::string_view> shown) {
  std::vector<std::string_view> texts;
  std::vector<TokenId> ends;
  for (TokenId id = 0; id < tokenizer.vocab_size(); ++id) {
    texts.push_back(tokenizer.TokenBytes(id));
    if (tokenizer.IsEndOfGeneration(id)) ends.push_back(id);
  }
  for (const std::string_view name : shown) {
    if (const auto id = tokenizer.FindToken(name)) texts[static_cast<std::size_t>(*id)] = name;
  }
  // What ends a generation is no text, whatever else it may be.
  for (const TokenId id : ends) texts[static_cast<std::size_t>(id)] = {};
  return std::make_shared<const TokenTrie>(texts, ends);
}

GrammarCache::GrammarCache(const Tokenizer& tokenizer, std::span<const std::string_view> shown,
                           std::size_t max_kept)
    : tokenizer_(tokenizer), trie_(MakeTokenTrie(tokenizer, shown)), max_kept_(max_kept) {}

Result<std::shared_ptr<const TokenConstraint>> GrammarCache::Get(
    const std::string& key, const std::function<Result<Grammar>()>& compile) {
  {
    const std::scoped_lock lock(mutex_);
    if (const auto found = index_.find(key); found != index_.end()) {
      kept_.splice(kept_.begin(), kept_, found->second);
      return found->second->second;
    }
  }
  // Without the lock: others need not wait for a large schema.
  auto constraint = std::make_shared<const GrammarConstraint>(tokenizer_, trie_, TRY(compile()));
  const std::scoped_lock lock(mutex_);
  if (const auto found = index_.find(key); found != index_.end()) return found->second->second;
  kept_.emplace_front(key, std::move(constraint));
  index_.emplace(kept_.front().first, kept_.begin());
  if (kept_.size() > max_kept_) {
    index_.erase(kept_.back().first);
    kept_.pop_back();
  }
  return kept_.front().second;
}

}  // namespace kinglet
