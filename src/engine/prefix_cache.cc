// SPDX-License-Identifier: Apache-2.0
// Whoever has a page has its parents too, for a sequence changes over to the pages that are here
// already. So what nobody has can be freed from the leaves on, in the order of use.
#include "engine/prefix_cache.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/digest.h"

namespace kinglet {
namespace {

constexpr std::size_t kKeyBytes = 16;
constexpr std::size_t kTokens = kPageTokens;

PageKey KeyOf(std::string_view first, std::string_view second) {
  Sha256 digest;
  digest.Update(first);
  digest.Update(second);
  const std::string hex = digest.Hex();
  return hex.substr(0, 2 * kKeyBytes);
}

std::size_t CommonPrefix(std::span<const TokenId> a, std::span<const TokenId> b) {
  return static_cast<std::size_t>(std::ranges::mismatch(a, b).in1 - a.begin());
}

}  // namespace

struct PrefixCache::Node {
  Node* parent = nullptr;  // null: the root of a scope
  PageKey scope, key;
  std::vector<TokenId> tokens;  // at most kTokens; fewer: nothing is behind it
  std::uint8_t* page = nullptr;
  bool on_disk = false;
  Lasting lasting = Lasting::kNo;
  bool saving = false;     // on its way there; or it cannot be saved
  bool loading = false;    // on its way from there
  std::size_t takes = 0;   // how often a sequence began with it
  std::uint64_t used = 0;  // when, in uses of the cache
  std::vector<std::unique_ptr<Node>> children;

  std::size_t depth() const {
    std::size_t depth = 0;
    for (const Node* node = parent; node != nullptr; node = node->parent) ++depth;
    return depth;
  }
};

PageKey ScopeKey(std::string_view scope) { return KeyOf("scope\n", scope); }

PageKey PageKeyAfter(const PageKey& parent, std::span<const TokenId> tokens) {
  const auto* bytes = reinterpret_cast<const char*>(tokens.data());
  return KeyOf(parent, {bytes, tokens.size_bytes()});
}

PrefixCache::PrefixCache(KvPages& pages) : pages_(pages), of_page_(pages.page_count()) {}

PrefixCache::~PrefixCache() {
  for (auto& [scope, root] : roots_) RemoveTree(*root);
}

template <typename Visit>
void PrefixCache::ForEach(Visit&& visit) const {
  std::vector<Node*> left;
  for (const auto& [scope, root] : roots_) left.push_back(root.get());
  while (!left.empty()) {
    Node* const node = left.back();
    left.pop_back();
    for (const auto& child : node->children) left.push_back(child.get());
    if (node->parent != nullptr) visit(*node);
  }
}

PrefixCache::Node* PrefixCache::RootOf(const PageKey& scope) {
  std::unique_ptr<Node>& root = roots_[scope];
  if (root == nullptr) {
    root = std::make_unique<Node>();
    root->scope = root->key = scope;
  }
  return root.get();
}

PrefixCache::Node* PrefixCache::AddChild(Node& parent, std::span<const TokenId> tokens) {
  auto child = std::make_unique<Node>();
  child->parent = &parent;
  child->scope = parent.scope;
  child->key = PageKeyAfter(parent.key, tokens);
  child->tokens.assign(tokens.begin(), tokens.end());
  by_key_[child->key] = child.get();
  return parent.children.emplace_back(std::move(child)).get();
}

void PrefixCache::SetPage(Node& node, std::uint8_t* page) {
  node.page = page;
  of_page_[pages_.NumberOf(page)] = &node;
}

void PrefixCache::ReleasePage(Node& node) {
  if (node.page == nullptr) return;
  of_page_[pages_.NumberOf(node.page)] = nullptr;
  pages_.Release(std::exchange(node.page, nullptr));
}

// A node of which nothing is left: no page, no place on the disk, nothing behind it.
void PrefixCache::RemoveIfBare(Node* node) {
  while (node->parent != nullptr && node->page == nullptr && !node->on_disk && !node->saving &&
         !node->loading && node->children.empty()) {
    Node* const parent = node->parent;
    by_key_.erase(node->key);
    std::erase_if(parent->children, [&](const auto& child) { return child.get() == node; });
    node = parent;
  }
}

void PrefixCache::RemoveTree(Node& node) {
  for (const auto& child : node.children) RemoveTree(*child);
  node.children.clear();
  ReleasePage(node);
  if (node.on_disk) --pages_on_disk_;
  if (node.parent != nullptr) by_key_.erase(node.key);
}

PrefixCache::Way PrefixCache::Follow(const PageKey& scope, std::span<const TokenId> tokens) const {
  Way way;
  const auto root = roots_.find(scope);
  if (root == roots_.end()) return way;
  const Node* node = root->second.get();
  while (!tokens.empty()) {
    Node* best = nullptr;
    std::size_t most = 0;
    for (const auto& child : node->children) {
      if (child->page == nullptr && !child->on_disk) continue;
      const std::size_t common = CommonPrefix(child->tokens, tokens);
      if (common > most) std::tie(best, most) = std::pair(child.get(), common);
    }
    if (best == nullptr) return way;
    way.nodes.push_back(best);
    way.tokens += most;
    if (most < kTokens) return way;
    tokens = tokens.subspan(most);
    node = best;
  }
  return way;
}

PrefixCache::Found PrefixCache::Look(const PageKey& scope, std::span<const TokenId> tokens) const {
  const Way way = Follow(scope, tokens);
  Found found;
  found.tokens = way.tokens;
  for (const Node* node : way.nodes) {
    if (node->page == nullptr) {
      found.on_disk.push_back(node->key);
    } else if (pages_.owners(node->page) == 1) {
      ++found.idle_pages;
    }
  }
  return found;
}

KvSequence PrefixCache::Take(const PageKey& scope, std::span<const TokenId> tokens,
                             std::size_t max_tokens) {
  KvSequence sequence(pages_, max_tokens);
  const Way way = Follow(scope, tokens);
  ++uses_;
  for (std::size_t i = 0; i < way.nodes.size(); ++i) {
    Node& node = *way.nodes[i];
    if (node.page == nullptr) break;
    sequence.Append(node.page, std::min(way.tokens - i * kTokens, kTokens));
    node.used = uses_;
    ++node.takes;
  }
  return sequence;
}

void PrefixCache::Keep(const PageKey& scope, std::span<const TokenId> tokens, KvSequence& sequence,
                       bool with_tail, Lasting lasting, std::size_t lasting_tokens) {
  KINGLET_CHECK(tokens.size() <= sequence.length(), "{} tokens, {} computed", tokens.size(),
                sequence.length());
  Node* node = RootOf(scope);
  ++uses_;
  for (std::size_t first = 0; first < tokens.size(); first += kTokens) {
    const auto of_page = tokens.subspan(first, std::min(kTokens, tokens.size() - first));
    if (of_page.size() < kTokens && !with_tail) break;
    Node* child = nullptr;
    std::vector<Node*> covered;
    for (const auto& other : node->children) {
      const std::size_t common = CommonPrefix(other->tokens, of_page);
      if (common == of_page.size())
        child = other.get();  // the same, or more
      else if (common == other->tokens.size())
        covered.push_back(other.get());
    }
    const bool exact = child != nullptr && child->tokens.size() == of_page.size();
    if (child == nullptr) child = AddChild(*node, of_page);
    const std::size_t index = first / kTokens;
    if (child->page == nullptr && (exact || child->tokens.size() == of_page.size())) {
      std::uint8_t* const page = sequence.pages()[index];
      pages_.Share(page);
      SetPage(*child, page);
    } else if (exact && child->page != sequence.pages()[index]) {
      sequence.Substitute(index, child->page);
    }
    child->used = uses_;
    if (first + of_page.size() <= lasting_tokens)
      child->lasting = std::max(child->lasting, lasting);
    // What a longer page holds too is not worth a page of its own.
    for (Node* short_one : covered) {
      if (short_one->on_disk || short_one->saving || short_one->loading) continue;
      ReleasePage(*short_one);
      RemoveIfBare(short_one);
    }
    node = child;
  }
}

void PrefixCache::Evict(std::size_t count) {
  std::vector<std::pair<std::uint64_t, Node*>> idle;
  ForEach([&](Node& node) {
    if (node.page != nullptr && pages_.owners(node.page) == 1 && !node.saving) {
      idle.emplace_back(node.used, &node);
    }
  });
  // A parent is used as often as its children: of the same use the deepest goes first.
  std::ranges::sort(idle, [](const auto& a, const auto& b) {
    if (a.first != b.first) return a.first < b.first;
    return a.second->depth() > b.second->depth();
  });
  for (std::size_t i = 0; i < std::min(count, idle.size()); ++i) {
    ReleasePage(*idle[i].second);
    RemoveIfBare(idle[i].second);
  }
}

std::size_t PrefixCache::idle_pages() const {
  std::size_t count = 0;
  for (const Node* node : of_page_) {
    if (node != nullptr && pages_.owners(node->page) == 1 && !node->saving) ++count;
  }
  return count;
}

std::size_t PrefixCache::OwnPages(const KvSequence& sequence) const {
  std::size_t count = 0;
  for (const std::uint8_t* page : sequence.pages()) {
    const bool cached = of_page_[pages_.NumberOf(page)] != nullptr;
    if (pages_.owners(page) == (cached ? 2U : 1U)) ++count;
  }
  return count;
}

// ---- the disk ----

std::vector<PrefixCache::Unsaved> PrefixCache::TakeUnsaved(std::size_t most, std::size_t max_pages,
                                                           std::vector<PageKey>& given_up) {
  std::vector<Unsaved> unsaved;
  if (saving_ >= most) return unsaved;
  std::vector<Node*> wanted;
  for (Node* node : of_page_) {
    if (node == nullptr || node->on_disk || node->saving) continue;
    if (node->lasting == Lasting::kAtOnce ||
        (node->lasting == Lasting::kOnceReused && node->takes > 0)) {
      wanted.push_back(node);
    }
  }
  std::ranges::sort(wanted, {}, &Node::depth);
  for (Node* node : wanted) {
    const Node& parent = *node->parent;
    if (parent.parent != nullptr && !parent.on_disk && !parent.saving) continue;
    while (pages_on_disk_ + saving_ >= max_pages) {
      const Node* const oldest = LeastRecentOnDisk();
      if (oldest == nullptr || oldest->used >= node->used) return unsaved;
      given_up.push_back(oldest->key);
      Forget(given_up.back());
    }
    node->saving = true;
    unsaved.push_back({node->scope, parent.key, node->key, node->tokens, node->page});
    if (++saving_ == most) break;
  }
  return unsaved;
}

void PrefixCache::Saved(const PageKey& key, bool on_disk) {
  --saving_;
  const auto found = by_key_.find(key);
  if (found == by_key_.end()) return;
  Node& node = *found->second;
  node.saving = false;
  if (on_disk && !node.on_disk) {
    node.on_disk = true;
    ++pages_on_disk_;
  }
  if (!on_disk) node.lasting = Lasting::kNo;  // not again
  RemoveIfBare(&node);
}

void PrefixCache::AddOnDisk(const PageKey& scope, const PageKey& parent, const PageKey& key,
                            std::span<const TokenId> tokens) {
  Node* node = nullptr;
  if (parent == scope) {
    node = RootOf(scope);
  } else if (const auto found = by_key_.find(parent); found != by_key_.end()) {
    node = found->second;
  }
  if (node == nullptr || PageKeyAfter(parent, tokens) != key || by_key_.contains(key)) return;
  Node* const child = AddChild(*node, tokens);
  child->on_disk = true;
  child->lasting = Lasting::kOnceReused;
  ++pages_on_disk_;
}

std::uint8_t* PrefixCache::RoomFor(const PageKey& key) {
  const auto found = by_key_.find(key);
  if (found == by_key_.end()) return nullptr;
  Node& node = *found->second;
  if (node.page != nullptr || node.loading || !node.on_disk) return nullptr;
  std::uint8_t* page = pages_.Take();
  if (page == nullptr) {
    Evict(1);
    page = pages_.Take();
  }
  node.loading = page != nullptr;
  return page;
}

void PrefixCache::Loaded(const PageKey& key, std::uint8_t* page, bool sound) {
  const auto found = by_key_.find(key);
  if (found == by_key_.end()) return pages_.Release(page);
  Node& node = *found->second;
  node.loading = false;
  node.used = ++uses_;
  if (sound && node.page == nullptr) return SetPage(node, page);
  pages_.Release(page);
  if (!sound) Forget(key);
}

PrefixCache::Node* PrefixCache::LeastRecentOnDisk() const {
  Node* least = nullptr;
  ForEach([&](Node& node) {
    if (!node.on_disk || node.loading) return;
    const auto lies_on_disk = [](const auto& child) { return child->on_disk || child->saving; };
    if (std::ranges::any_of(node.children, lies_on_disk)) return;
    if (least == nullptr || node.used < least->used) least = &node;
  });
  return least;
}

void PrefixCache::Forget(const PageKey& key) {
  const auto found = by_key_.find(key);
  if (found == by_key_.end() || !found->second->on_disk) return;
  found->second->on_disk = false;
  --pages_on_disk_;
  RemoveIfBare(found->second);
}

std::vector<PageKey> PrefixCache::Drop(const PageKey& scope) {
  std::vector<PageKey> keys;
  const auto root = roots_.find(scope);
  if (root == roots_.end()) return keys;
  std::vector<Node*> left = {root->second.get()};
  while (!left.empty()) {
    Node* const node = left.back();
    left.pop_back();
    if (node->on_disk || node->saving) keys.push_back(node->key);
    for (const auto& child : node->children) left.push_back(child.get());
  }
  RemoveTree(*root->second);
  roots_.erase(root);
  return keys;
}

}  // namespace kinglet
