// SPDX-License-Identifier: Apache-2.0
// Paragraphs vote for what holds them, as in Arc90's Readability (2009); names and links speak
// against.
#include "knowledge/formats/html_article.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <vector>

#include "knowledge/cleaner.h"

namespace kinglet {
namespace {

// Parts of the words of class and id: "post-comments" has two.
constexpr auto kOtherParts = std::to_array<std::string_view>(
    {"ad",        "ads",          "advert",     "advertisement", "byline",  "caption",
     "comment",   "commentlist",  "comments",   "cookie",        "cookies", "copyright",
     "credit",    "discussion",   "disqus",     "footer",        "gallery", "login",
     "masthead",  "mostread",     "newsletter", "outbrain",      "paywall", "popular",
     "promo",     "promoted",     "promotion",  "readmore",      "recirc",  "recommended",
     "related",   "replies",      "reply",      "respond",       "share",   "shares",
     "sharing",   "sidebar",      "signup",     "social",        "sponsor", "sponsored",
     "subscribe", "subscription", "taboola",    "tag",           "taglist", "tags",
     "teaser",    "teasers",      "trending",   "widget",        "widgets"});
static_assert(std::ranges::is_sorted(kOtherParts));
constexpr auto kArticleParts = std::to_array<std::string_view>(
    {"article", "articlebody", "body", "content", "entry", "main", "post", "story", "text"});
static_assert(std::ranges::is_sorted(kArticleParts));

constexpr std::size_t kParagraphBytes = 25;  // shorter ones are dates, names and buttons
constexpr std::size_t kArticleBytes = 200;   // less is no article
constexpr double kMaxLinkShare = 0.5;
constexpr double kMaxLineLinkShare = 0.8;  // "Read more: ..." has a word or two besides
// An element that holds what votes directly gets the whole vote, those above it less.
constexpr double kVoteShares[] = {1.0, 0.6, 0.45};
constexpr double kClimb =
    0.75;  // what holds parts of an article has so much of the best one's score

bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || static_cast<unsigned char>(c) >= 0x80; }

// Whether class or id has one of these as a run of letters.
bool HasPart(const HtmlNode& node, const auto& sorted) {
  for (const char* const name : {"class", "id"}) {
    const std::string_view words = node.Attribute(name);
    for (std::size_t begin = 0; begin < words.size();) {
      std::size_t end = begin;
      while (end < words.size() && IsLetter(words[end])) ++end;
      if (std::ranges::binary_search(sorted, words.substr(begin, end - begin))) return true;
      begin = std::max(end, begin + 1);
    }
  }
  return false;
}

// Called by the name of something else than the article. A wrapper may have both names:
// "content-sidebar-wrap".
bool HasOtherName(const HtmlNode& node) {
  if (node.tag == "html" || node.tag == "body" || node.tag == "article") return false;
  return HasPart(node, kOtherParts) && !HasPart(node, kArticleParts);
}

double LinkShare(const HtmlNode& node) {
  return node.text_bytes == 0
             ? 0
             : static_cast<double>(node.link_bytes) / static_cast<double>(node.text_bytes);
}

// The element <article> alone does not say it: makers of manuals put each page into one.
bool IsArticlePage(const HtmlTree& tree) {
  return std::ranges::any_of(tree.nodes, [](const HtmlNode& node) {
    const std::string_view type = node.Attribute("itemtype");
    return (node.tag == "meta" && node.Attribute("property") == "og:type" &&
            node.Attribute("content") == "article") ||
           node.Attribute("itemprop") == "articlebody" || type.ends_with("article") ||
           type.ends_with("blogposting");
  });
}

class Selector {
 public:
  explicit Selector(HtmlTree& tree)
      : tree_(tree),
        parents_(tree.nodes.size(), 0),
        votes_(tree.nodes.size(), 0),
        is_out_(tree.nodes.size(), 0) {
    for (std::uint32_t i = 0; i < tree.nodes.size(); ++i) {
      const bool is_out = is_out_[i] != 0 || tree.nodes[i].dropped || HasOtherName(tree.nodes[i]);
      is_out_[i] = is_out ? 1 : 0;
      for (const std::uint32_t child : tree.nodes[i].children) {
        parents_[child] = i;
        is_out_[child] = is_out_[i];
      }
    }
  }

  const HtmlNode* Select() {
    CountVotes();
    const std::optional<std::uint32_t> best = FindBest();
    if (!best) return nullptr;
    article_bytes_ = tree_.nodes[*best].text_bytes;
    DropWithin(*best);
    return &tree_.nodes[*best];
  }

 private:
  // Text that stands in the element itself or in words of it, not in blocks below.
  std::size_t OwnBytes(const HtmlNode& node) const {
    std::size_t bytes = 0;
    for (const std::uint32_t child : node.children) {
      if (tree_.nodes[child].tag.empty()) bytes += tree_.nodes[child].text_bytes;
    }
    return bytes;
  }

  bool IsParagraph(const HtmlNode& node) const {
    if (node.tag == "p" || node.tag == "pre" || node.tag == "blockquote") return true;
    return (node.tag == "div" || node.tag == "section" || node.tag == "td" || node.tag == "span") &&
           OwnBytes(node) >= kParagraphBytes * 3;
  }

  void CountVotes() {
    for (std::uint32_t i = 1; i < tree_.nodes.size(); ++i) {
      const HtmlNode& node = tree_.nodes[i];
      if (!IsParagraph(node) || is_out_[i] != 0 || LinkShare(node) > kMaxLinkShare) continue;
      const std::size_t own =
          node.tag == "p" || node.tag == "pre" ? node.text_bytes - node.link_bytes : OwnBytes(node);
      if (own < kParagraphBytes) continue;
      const double vote = 1 + std::min(static_cast<double>(own) / 100, 6.0);
      std::uint32_t holder = node.tag == "p" || node.tag == "pre" ? parents_[i] : i;
      for (const double share : kVoteShares) {
        if (holder == 0) break;
        votes_[holder] += vote * share;
        holder = parents_[holder];
      }
    }
  }

  double Score(std::uint32_t index) const {
    const HtmlNode& node = tree_.nodes[index];
    double score = votes_[index] * (1 - LinkShare(node));
    if (HasPart(node, kArticleParts) || node.tag == "article") score *= 1.25;
    if (node.Attribute("itemprop") == "articlebody") score *= 2;
    return score;
  }

  std::optional<std::uint32_t> FindBest() const {
    std::uint32_t best = 0;
    double most = 0;
    for (std::uint32_t i = 1; i < tree_.nodes.size(); ++i) {
      if (votes_[i] == 0) continue;
      const double score = Score(i);
      if (score <= most) continue;
      best = i;
      most = score;
    }
    if (best == 0) return std::nullopt;
    // Parts of one article beside each other: what holds them has nearly as many votes of its own.
    while (parents_[best] != 0 && Score(parents_[best]) > kClimb * most &&
           tree_.nodes[parents_[best]].tag != "body") {
      best = parents_[best];
      most = std::max(most, Score(best));
    }
    const HtmlNode& node = tree_.nodes[best];
    if (node.text_bytes - node.link_bytes < kArticleBytes) return std::nullopt;
    return best;
  }

  bool IsOther(const HtmlNode& node) const {
    if (node.tag == "aside" || node.tag == "figcaption" || node.tag == "form") return true;
    // "article-tags" has both names, but what holds most of the text is not beside it.
    if (HasPart(node, kOtherParts) && node.text_bytes * 2 < article_bytes_) return true;
    const bool is_list = node.tag == "ul" || node.tag == "ol" || node.tag == "div" ||
                         node.tag == "section" || node.tag == "table" || node.tag == "li";
    if (is_list && node.links > 0 && LinkShare(node) > kMaxLinkShare) return true;
    return node.tag == "p" && node.links > 0 && LinkShare(node) > kMaxLineLinkShare;
  }

  void DropWithin(std::uint32_t index) {
    for (const std::uint32_t child : tree_.nodes[index].children) {
      HtmlNode& node = tree_.nodes[child];
      if (node.dropped || node.tag.empty()) continue;
      node.dropped = IsOther(node);
      if (!node.dropped) DropWithin(child);
    }
  }

  HtmlTree& tree_;
  std::vector<std::uint32_t> parents_;
  std::vector<double> votes_;  // of the paragraphs below
  std::size_t article_bytes_ = 0;
  std::vector<std::uint8_t> is_out_;  // dropped, or below something else than the article
};

}  // namespace

const HtmlNode* SelectArticle(HtmlTree& tree) {
  if (!IsArticlePage(tree)) return nullptr;
  return Selector(tree).Select();
}

}  // namespace kinglet
