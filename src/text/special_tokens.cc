// SPDX-License-Identifier: Apache-2.0
// Longest match at each byte, by narrowing a sorted list of names.
#include "text/special_tokens.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace kinglet {
namespace {

// A match looks at no more bytes than this, so reading a text stays linear. Real names have under
// 100.
constexpr std::size_t kMaxNameBytes = 512;

bool TouchesAny(ByteRange range, std::span<const ByteRange> sorted) {
  const auto next = std::ranges::upper_bound(sorted, range.begin, {}, &ByteRange::end);
  return next != sorted.end() && next->begin < range.end;
}

}  // namespace

Result<SpecialTokens> SpecialTokens::Create(const TokenTable& tokens) {
  SpecialTokens special;
  for (TokenId id = 0; id < tokens.size(); ++id) {
    const bool is_control = !tokens.IsText(id);
    if (!is_control && tokens.kind(id) != TokenKind::kUserDefined) continue;
    const std::string_view name = tokens.bytes(id);
    if (name.empty()) continue;
    if (name.size() > kMaxNameBytes)
      return Error(StatusCode::kInvalidInput, "the name of special token {} has {} bytes, over {}",
                   id, name.size(), kMaxNameBytes);
    special.entries_.push_back({name, id, is_control});
    const auto first = static_cast<unsigned char>(name[0]);
    special.starts_[first] = true;
    if (!is_control) special.text_starts_[first] = true;
  }
  std::ranges::sort(special.entries_, {}, [](const Entry& entry) {
    return std::tuple(entry.name, entry.is_control, entry.id);
  });
  const auto repeated = std::ranges::unique(special.entries_, {}, [](const Entry& entry) {
    return std::pair(entry.name, entry.is_control);
  });
  special.entries_.erase(repeated.begin(), repeated.end());
  return special;
}

TokenId SpecialTokens::FindName(std::string_view name) const {
  const auto entry = std::ranges::lower_bound(entries_, name, {}, &Entry::name);
  return entry != entries_.end() && entry->name == name ? entry->id : kNoToken;
}

SpecialTokens::Match SpecialTokens::Find(std::string_view text, std::size_t from,
                                         bool parse_control,
                                         std::span<const ByteRange> literal) const {
  const std::array<bool, 256>& starts = parse_control ? starts_ : text_starts_;
  const auto byte_at = [&](const Entry& entry, std::size_t depth) {
    return depth < entry.name.size() ? static_cast<unsigned char>(entry.name[depth]) : -1;
  };
  for (std::size_t begin = from; begin < text.size(); ++begin) {
    if (!starts[static_cast<unsigned char>(text[begin])]) continue;
    Match longest;
    std::span<const Entry> left(entries_);  // those that agree with the text so far
    for (std::size_t depth = 0; begin + depth < text.size() && !left.empty(); ++depth) {
      const int byte = static_cast<unsigned char>(text[begin + depth]);
      const auto [first, last] = std::ranges::equal_range(
          left, byte, {}, [&](const Entry& entry) { return byte_at(entry, depth); });
      left = std::span(first, last);
      const ByteRange range{begin, begin + depth + 1};
      for (const Entry& entry : left) {  // at the front: one for plain text, one control token
        if (entry.name.size() != depth + 1) break;
        if (entry.is_control && (!parse_control || TouchesAny(range, literal))) continue;
        longest = {range, entry.id};
        break;
      }
    }
    if (longest.id != kNoToken) return longest;
  }
  return {{text.size(), text.size()}, kNoToken};
}

}  // namespace kinglet
