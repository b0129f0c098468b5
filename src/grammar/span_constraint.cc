// SPDX-License-Identifier: Apache-2.0
// The sources stand one behind the other in one buffer; a place is a byte of it.
#include "grammar/span_constraint.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/check.h"

namespace kinglet {
namespace {

struct Sources {
  std::shared_ptr<const TokenTrie> trie;
  std::string text;
  std::vector<std::uint32_t> limit;   // [text.size()]: the last end in the source of a byte
  std::vector<bool> is_end;           // [text.size() + 1], before that byte
  std::vector<std::uint32_t> starts;  // in order
};

class SpanCursor final : public ConstraintCursor {
 public:
  explicit SpanCursor(std::shared_ptr<const Sources> sources)
      : sources_(std::move(sources)), places_(sources_->starts) {}

  std::span<const std::uint64_t> Allowed() override {
    mask_.assign(sources_->trie->mask_words(), 0);
    has_some_ = false;
    for (const std::uint32_t place : places_) AllowFrom(place, sources_->limit[place], 0);
    if (!has_some_) return {};
    if (may_end_) {
      for (std::size_t i = 0; i < mask_.size(); ++i) mask_[i] |= sources_->trie->ends()[i];
    }
    return mask_;
  }

  bool MayEnd() const override { return may_end_; }

  void Advance(TokenId token) override {
    const std::string_view bytes = sources_->trie->bytes(token);
    const std::string_view text = sources_->text;
    std::vector<std::uint32_t> places;
    may_end_ = false;
    for (const std::uint32_t place : places_) {
      const auto behind = static_cast<std::uint32_t>(place + bytes.size());
      const std::uint32_t limit = sources_->limit[place];
      if (behind > limit || !IsSpelling(bytes, text.substr(place, bytes.size()))) continue;
      may_end_ = may_end_ || sources_->is_end[behind];
      if (behind < limit) places.push_back(behind);
    }
    places_ = std::move(places);
  }

  // A span may end at every word: next to nothing is forced.
  std::vector<TokenId> Forced(std::size_t /*most*/) override { return {}; }
  std::string_view TokenBytes(TokenId token) const override { return sources_->trie->bytes(token); }

 private:
  // The tokens that the text goes on with there, below a node.
  void AllowFrom(std::uint32_t at, std::uint32_t limit, std::size_t node) {
    const TokenTrie::Tree& tree = sources_->trie->all();
    if (tree.nodes[node].is_token) {
      has_some_ = true;
      AllowAllOf(tree, node);
    }
    if (at == limit) return;
    const char c = FoldedForSpans(sources_->text[at]);
    const std::size_t end = node + tree.nodes[node].size;
    for (std::size_t child = node + 1; child < end; child += tree.nodes[child].size) {
      if (FoldedForSpans(static_cast<char>(tree.nodes[child].byte)) == c)
        AllowFrom(at + 1, limit, child);
    }
  }

  // Several tokens may have the same bytes: those of a node come before its children's.
  void AllowAllOf(const TokenTrie::Tree& tree, std::size_t node) {
    const std::size_t first = tree.nodes[node].first;
    const std::string_view bytes = sources_->trie->bytes(tree.order[first]);
    for (std::size_t i = first;
         i < tree.order.size() && sources_->trie->bytes(tree.order[i]) == bytes; ++i) {
      Allow(mask_, tree.order[i]);
    }
  }

  std::shared_ptr<const Sources> sources_;
  std::vector<std::uint32_t> places_;
  bool may_end_ = false;
  bool has_some_ = false;
  TokenMask mask_;
};

class SpanConstraint final : public TokenConstraint {
 public:
  explicit SpanConstraint(std::shared_ptr<const Sources> sources) : sources_(std::move(sources)) {}
  std::unique_ptr<ConstraintCursor> Begin() const override {
    return std::make_unique<SpanCursor>(sources_);
  }

 private:
  std::shared_ptr<const Sources> sources_;
};

}  // namespace

std::shared_ptr<const TokenConstraint> MakeSpanConstraint(std::shared_ptr<const TokenTrie> trie,
                                                          std::span<const SpanSource> sources) {
  Sources all{.trie = std::move(trie)};
  for (const SpanSource& source : sources) {
    const std::size_t begin = all.text.size();
    all.text += source.text;
    const std::size_t last = source.ends.empty() ? 0 : std::ranges::max(source.ends);
    all.limit.resize(all.text.size(), static_cast<std::uint32_t>(begin + last));
    for (const std::size_t start : source.starts) {
      KINGLET_CHECK(start < source.text.size(), "{} of {} bytes", start, source.text.size());
      all.starts.push_back(static_cast<std::uint32_t>(begin + start));
    }
  }
  all.is_end.assign(all.text.size() + 1, false);
  std::size_t begin = 0;
  for (const SpanSource& source : sources) {
    for (const std::size_t end : source.ends) {
      KINGLET_CHECK(end > 0 && end <= source.text.size(), "{} of {} bytes", end,
                    source.text.size());
      all.is_end[begin + end] = true;
    }
    begin += source.text.size();
  }
  return std::make_shared<const SpanConstraint>(std::make_shared<const Sources>(std::move(all)));
}

}  // namespace kinglet
