// SPDX-License-Identifier: Apache-2.0
// What was computed once: a tree of pages of keys and values by the tokens that they hold (after
// RadixAttention, Zheng et al. 2024, with pages for edges). A prompt takes the pages that it shares
// with earlier ones, the last to the token, and computes the rest: with the same bits.
//
// Logical: it knows which pages there are, whose they are and which can be spared. Some of them may
// lie on a disk (page_store.h), from where the engine brings them. One caller at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/kv_pages.h"
#include "text/vocabulary.h"

namespace kinglet {

// What names a page in the world: 16 bytes of SHA-256, of the scope and all tokens up to its end.
using PageKey = std::string;

// Of a scope's first page the parent's key. Scopes share nothing: what one has left tells another
// nothing, not even by the clock.
PageKey ScopeKey(std::string_view scope);
PageKey PageKeyAfter(const PageKey& parent, std::span<const TokenId> tokens);

// Which pages of a prompt are wanted on the disk.
enum class Lasting { kNo, kOnceReused, kAtOnce };

class PrefixCache {
 public:
  explicit PrefixCache(KvPages& pages);
  PrefixCache(const PrefixCache&) = delete;
  PrefixCache& operator=(const PrefixCache&) = delete;
  ~PrefixCache();

  struct Found {
    std::size_t tokens = 0;        // from the first on, in memory or on the disk
    std::size_t idle_pages = 0;    // of theirs in memory that no sequence has
    std::vector<PageKey> on_disk;  // of theirs that are to be loaded first, in order
  };
  // Of these tokens; not all of them where the last is to be computed.
  Found Look(const PageKey& scope, std::span<const TokenId> tokens) const;

  // A sequence of the tokens that Look finds, up to the first page that is not in memory.
  KvSequence Take(const PageKey& scope, std::span<const TokenId> tokens, std::size_t max_tokens);

  // Keeps the pages of a sequence that has computed `tokens`, and shares them with it. with_tail:
  // a last page that is not full too; the sequence would copy it before it goes on. Where others
  // have left the same tokens, the sequence changes over to their pages. lasting holds for the
  // first lasting_tokens.
  void Keep(const PageKey& scope, std::span<const TokenId> tokens, KvSequence& sequence,
            bool with_tail, Lasting lasting = Lasting::kNo, std::size_t lasting_tokens = 0);

  // Frees pages that no sequence has, at least `count` where there are so many, those first that
  // were used least recently. What is on the disk stays there.
  void Evict(std::size_t count);
  // Pages that nobody but the cache has.
  std::size_t idle_pages() const;
  // Of a sequence: those that no other sequence has.
  std::size_t OwnPages(const KvSequence& sequence) const;

  // ---- the disk ----

  struct Unsaved {
    PageKey scope, parent, key;
    std::vector<TokenId> tokens;
    const std::uint8_t* page = nullptr;  // stays until Saved is called
  };
  // Pages that are wanted on the disk and are not there, parents first, as long as no more than
  // `most` are on their way. Where max_pages are there, those that were used before them and have
  // none behind them give up their places: they are to be removed from the disk.
  std::vector<Unsaved> TakeUnsaved(std::size_t most, std::size_t max_pages,
                                   std::vector<PageKey>& given_up);
  void Saved(const PageKey& key, bool on_disk);

  // A page that was found on the disk; of no use before its parents are.
  void AddOnDisk(const PageKey& scope, const PageKey& parent, const PageKey& key,
                 std::span<const TokenId> tokens);
  // The page that key's bytes may be read into, or null where there is no room. Nobody else has it
  // until Loaded is called, which takes it back where the bytes are spoilt: then the page is
  // forgotten, with those behind it.
  std::uint8_t* RoomFor(const PageKey& key);
  void Loaded(const PageKey& key, std::uint8_t* page, bool sound);
  // It is not on the disk any more.
  void Forget(const PageKey& key);
  std::size_t pages_on_disk() const { return pages_on_disk_; }
  std::size_t saving() const { return saving_; }  // pages on their way there

  // Drops what a scope has left, but for what sequences are using. The keys of pages that are on
  // the disk, which are to be removed there.
  std::vector<PageKey> Drop(const PageKey& scope);

 private:
  struct Node;

  Node* RootOf(const PageKey& scope);
  Node* AddChild(Node& parent, std::span<const TokenId> tokens);
  // The way through the tree that `tokens` take: nodes, and of the last how many tokens.
  struct Way {
    std::vector<Node*> nodes;
    std::size_t tokens = 0;
  };
  Way Follow(const PageKey& scope, std::span<const TokenId> tokens) const;
  void SetPage(Node& node, std::uint8_t* page);
  void ReleasePage(Node& node);
  void RemoveIfBare(Node* node);
  void RemoveTree(Node& node);
  template <typename Visit>
  void ForEach(Visit&& visit) const;
  // The page on the disk that was used least recently and has none behind it there; null: none.
  Node* LeastRecentOnDisk() const;

  KvPages& pages_;
  std::map<PageKey, std::unique_ptr<Node>> roots_;  // by scope
  std::map<PageKey, Node*> by_key_;
  std::vector<Node*> of_page_;  // [page_count]: whose a page in memory is, or null
  std::uint64_t uses_ = 0;
  std::size_t pages_on_disk_ = 0;
  std::size_t saving_ = 0;
};

}  // namespace kinglet
