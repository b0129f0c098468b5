// SPDX-License-Identifier: Apache-2.0
// The keys and values of many sequences in pages of 64 tokens, out of one pool that is taken at
// start. Sequences share the pages of what they have in common; who writes to a shared page copies
// it first. One caller at a time, like the model's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/status.h"
#include "kernels/kv_block.h"
#include "model/config.h"

namespace kinglet {

// A page holds its tokens' keys and values of all layers and heads: [layers][kv_heads] blocks.
class KvPages {
 public:
  // The pool's memory is reserved at once; the system backs it as it is written. kLimitExceeded,
  // with the bytes, where it is not to be had.
  static Result<std::unique_ptr<KvPages>> Create(const ModelConfig& config, KvType type,
                                                 std::size_t page_count);
  static std::size_t PageBytes(const ModelConfig& config, KvType type);
  KvPages(const KvPages&) = delete;
  KvPages& operator=(const KvPages&) = delete;
  ~KvPages();

  const KvBlockLayout& layout() const { return layout_; }
  std::size_t page_count() const { return page_count_; }
  std::size_t free_count() const { return free_.size() + page_count_ - next_fresh_; }
  std::size_t page_bytes() const { return page_bytes_; }
  std::size_t bytes() const { return page_count_ * page_bytes_; }

  // What caches ask for: a page with one owner, its bytes of any value (null: none is left); one
  // owner more or less; how many there are; and a page's number, below page_count().
  std::uint8_t* Take();
  void Share(const std::uint8_t* page) { ++Owners(page); }
  void Release(std::uint8_t* page);
  std::size_t owners(const std::uint8_t* page) const { return owners_[NumberOf(page)]; }
  std::size_t NumberOf(const std::uint8_t* page) const {
    return static_cast<std::size_t>(page - memory_) / page_bytes_;
  }

  // Where a block begins in its page, in bytes.
  std::size_t BlockOffset(std::size_t layer, std::size_t kv_head) const {
    return (layer * kv_heads_ + kv_head) * layout_.bytes;
  }

 private:
  friend class KvSequence;
  KvPages(const ModelConfig& config, KvType type, std::size_t page_count);

  std::uint32_t& Owners(const std::uint8_t* page) { return owners_[NumberOf(page)]; }

  KvBlockLayout layout_;
  std::size_t kv_heads_;
  std::size_t page_bytes_;
  std::size_t page_count_;
  std::uint8_t* memory_ = nullptr;   // [page_count][page_bytes]
  std::size_t next_fresh_ = 0;       // pages from here on were never taken: they cost no memory
  std::vector<std::uint8_t*> free_;  // pages that were given back
  std::vector<std::uint32_t> owners_;
};

// One sequence: a table of pages and its length. Must not outlive the pool.
class KvSequence {
 public:
  // At most max_tokens tokens, for which the table has room from the start.
  KvSequence(KvPages& pages, std::size_t max_tokens);
  KvSequence(KvSequence&& other) noexcept;
  KvSequence& operator=(KvSequence&& other) noexcept;
  ~KvSequence();

  std::size_t length() const { return length_; }  // tokens
  std::size_t max_tokens() const { return max_tokens_; }

  // Pages that Reserve(count) takes.
  std::size_t PagesToReserve(std::size_t count) const;
  // The next `count` tokens can be written: pages of their own are there for them, a shared one is
  // copied. kLimitExceeded, the sequence being as before, where the pool has no page left.
  Result<void> Reserve(std::size_t count);
  // The next `count` tokens have been written.
  void Extend(std::size_t count);
  // Forgets the tokens from position `length` on, and what was reserved after them.
  void Truncate(std::size_t length);
  // A sequence of the first `prefix_length` tokens, whose pages both own.
  KvSequence Fork(std::size_t prefix_length) const;

  // Takes a page that is there, behind the last one, with the first `tokens` of its tokens as the
  // sequence's next: it is shared from now on. The last page so far is full.
  void Append(std::uint8_t* page, std::size_t tokens);
  // Shares `page`, which holds the same tokens, in place of page number `index`.
  void Substitute(std::size_t index, std::uint8_t* page);

  // Page by page, from position 0.
  std::span<std::uint8_t* const> pages() const { return table_; }

 private:
  void ReleaseFrom(std::size_t page);

  KvPages* pages_;
  std::size_t max_tokens_;
  std::size_t length_ = 0;
  std::vector<std::uint8_t*> table_;
};

}  // namespace kinglet
