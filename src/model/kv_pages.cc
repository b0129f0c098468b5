// SPDX-License-Identifier: Apache-2.0
// Pages are counted by their owners; the last one gives a page back.
#include "model/kv_pages.h"

#include <cstring>
#include <utility>

#include <sys/mman.h>

#include "base/check.h"

namespace kinglet {
namespace {

constexpr std::size_t PagesFor(std::size_t tokens) {
  return (tokens + kPageTokens - 1) / kPageTokens;
}

}  // namespace

std::size_t KvPages::PageBytes(const ModelConfig& config, KvType type) {
  return config.block_count * config.kv_head_count * MakeKvBlockLayout(type, config.head_dim).bytes;
}

KvPages::KvPages(const ModelConfig& config, KvType type, std::size_t page_count)
    : layout_(MakeKvBlockLayout(type, config.head_dim)),
      kv_heads_(config.kv_head_count),
      page_bytes_(PageBytes(config, type)),
      page_count_(page_count) {}

Result<std::unique_ptr<KvPages>> KvPages::Create(const ModelConfig& config, KvType type,
                                                 std::size_t page_count) {
  KINGLET_CHECK(page_count > 0, "a pool of no pages");
  std::unique_ptr<KvPages> pool(new KvPages(config, type, page_count));
  void* const memory = mmap(nullptr, pool->bytes(), PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) {
    return Error(StatusCode::kLimitExceeded,
                 "no memory for the keys and values of {} tokens ({} bytes); ask for less",
                 page_count * kPageTokens, pool->bytes());
  }
  // Attention jumps from block to block: with pages of 4 KB it would miss the table of addresses.
  // Where the system refuses, that is all that is lost.
  (void)madvise(memory, pool->bytes(), MADV_HUGEPAGE);
  pool->memory_ = static_cast<std::uint8_t*>(memory);
  pool->free_.reserve(page_count);
  pool->owners_.resize(page_count);
  return pool;
}

KvPages::~KvPages() {
  if (memory_ != nullptr) munmap(memory_, bytes());
}

std::uint8_t* KvPages::Take() {
  std::uint8_t* page = nullptr;
  if (!free_.empty()) {
    page = free_.back();
    free_.pop_back();
  } else if (next_fresh_ < page_count_) {
    page = memory_ + next_fresh_++ * page_bytes_;
  } else {
    return nullptr;
  }
  Owners(page) = 1;
  return page;
}

void KvPages::Release(std::uint8_t* page) {
  std::uint32_t& owners = Owners(page);
  KINGLET_CHECK(owners > 0, "a page that nobody owns is given back");
  if (--owners == 0) free_.push_back(page);
}

KvSequence::KvSequence(KvPages& pages, std::size_t max_tokens)
    : pages_(&pages), max_tokens_(max_tokens) {
  table_.reserve(PagesFor(max_tokens));
}

KvSequence::KvSequence(KvSequence&& other) noexcept
    : pages_(other.pages_),
      max_tokens_(other.max_tokens_),
      length_(std::exchange(other.length_, 0)),
      table_(std::exchange(other.table_, {})) {}

KvSequence& KvSequence::operator=(KvSequence&& other) noexcept {
  std::swap(pages_, other.pages_);
  std::swap(max_tokens_, other.max_tokens_);
  std::swap(length_, other.length_);
  std::swap(table_, other.table_);
  return *this;
}

KvSequence::~KvSequence() { ReleaseFrom(0); }

void KvSequence::ReleaseFrom(std::size_t page) {
  for (; table_.size() > page; table_.pop_back()) pages_->Release(table_.back());
}

std::size_t KvSequence::PagesToReserve(std::size_t count) const {
  if (count == 0) return 0;
  const std::size_t first_page = length_ / kPageTokens;
  const bool copies = first_page < table_.size() && pages_->Owners(table_[first_page]) > 1;
  const std::size_t end_page = PagesFor(length_ + count);
  return (end_page > table_.size() ? end_page - table_.size() : 0) + (copies ? 1 : 0);
}

Result<void> KvSequence::Reserve(std::size_t count) {
  KINGLET_CHECK(length_ + count <= max_tokens_, "{} + {} tokens in a sequence of {}", length_,
                count, max_tokens_);
  const std::size_t first_page = length_ / kPageTokens;
  const std::size_t end_page = PagesFor(length_ + count);
  const auto none_left = [this] {
    return Error(StatusCode::kLimitExceeded, "the keys and values of {} tokens fill their memory",
                 pages_->page_count() * kPageTokens);
  };
  // Only the page that the next token falls into can be shared: there is nothing behind it.
  if (first_page < table_.size() && count > 0 && pages_->Owners(table_[first_page]) > 1) {
    std::uint8_t* const own = pages_->Take();
    if (own == nullptr) return none_left();
    std::memcpy(own, table_[first_page], pages_->page_bytes());
    pages_->Release(std::exchange(table_[first_page], own));
  }
  while (table_.size() < end_page) {
    std::uint8_t* const page = pages_->Take();
    if (page == nullptr) {
      ReleaseFrom(PagesFor(length_));
      return none_left();
    }
    table_.push_back(page);
  }
  return {};
}

void KvSequence::Extend(std::size_t count) {
  length_ += count;
  KINGLET_CHECK(PagesFor(length_) <= table_.size(), "{} tokens in {} pages", length_,
                table_.size());
}

void KvSequence::Truncate(std::size_t length) {
  KINGLET_CHECK(length <= length_, "{} of {} tokens", length, length_);
  length_ = length;
  ReleaseFrom(PagesFor(length));
}

void KvSequence::Append(std::uint8_t* page, std::size_t tokens) {
  KINGLET_CHECK(length_ == table_.size() * kPageTokens && tokens <= kPageTokens &&
                    length_ + tokens <= max_tokens_,
                "{} + {} tokens", length_, tokens);
  pages_->Share(page);
  table_.push_back(page);
  length_ += tokens;
}

void KvSequence::Substitute(std::size_t index, std::uint8_t* page) {
  pages_->Share(page);
  pages_->Release(std::exchange(table_.at(index), page));
}

KvSequence KvSequence::Fork(std::size_t prefix_length) const {
  KINGLET_CHECK(prefix_length <= length_, "{} of {} tokens", prefix_length, length_);
  KvSequence fork(*pages_, max_tokens_);
  fork.length_ = prefix_length;
  for (std::size_t page = 0; page < PagesFor(prefix_length); ++page) {
    fork.table_.push_back(table_[page]);
    pages_->Share(table_[page]);
  }
  return fork;
}

}  // namespace kinglet
