// SPDX-License-Identifier: Apache-2.0
// A set of bytes: what one position of a text may be.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace kinglet {

class ByteSet {
 public:
  constexpr ByteSet() = default;
  static constexpr ByteSet Of(std::uint8_t byte) { return Range(byte, byte); }
  static constexpr ByteSet Range(std::uint8_t first, std::uint8_t last) {
    ByteSet set;
    for (unsigned byte = first; byte <= last; ++byte) set.Add(static_cast<std::uint8_t>(byte));
    return set;
  }
  static constexpr ByteSet All() { return Range(0, 255); }

  constexpr void Add(std::uint8_t byte) { words_[byte / 64] |= std::uint64_t{1} << (byte % 64); }
  constexpr bool Has(std::uint8_t byte) const {
    return (words_[byte / 64] >> (byte % 64) & 1) != 0;
  }
  constexpr bool empty() const { return *this == ByteSet(); }
  // The least of them; the set is not empty.
  constexpr std::uint8_t first() const {
    std::size_t word = 0;
    while (words_[word] == 0) ++word;
    return static_cast<std::uint8_t>(word * 64 +
                                     static_cast<std::size_t>(std::countr_zero(words_[word])));
  }
  constexpr int count() const {
    int count = 0;
    for (const std::uint64_t word : words_) count += std::popcount(word);
    return count;
  }

  // f(byte) for each of them, the least first.
  template <typename F>
  constexpr void ForEach(F&& f) const {
    for (std::size_t word = 0; word < words_.size(); ++word) {
      for (std::uint64_t bits = words_[word]; bits != 0; bits &= bits - 1) {
        f(static_cast<std::uint8_t>(word * 64 + static_cast<std::size_t>(std::countr_zero(bits))));
      }
    }
  }

  friend constexpr ByteSet operator|(ByteSet a, const ByteSet& b) {
    for (std::size_t i = 0; i < a.words_.size(); ++i) a.words_[i] |= b.words_[i];
    return a;
  }
  friend constexpr ByteSet operator&(ByteSet a, const ByteSet& b) {
    for (std::size_t i = 0; i < a.words_.size(); ++i) a.words_[i] &= b.words_[i];
    return a;
  }
  constexpr ByteSet operator~() const {
    ByteSet set = *this;
    for (std::uint64_t& word : set.words_) word = ~word;
    return set;
  }
  constexpr bool operator==(const ByteSet&) const = default;

  constexpr const std::array<std::uint64_t, 4>& words() const { return words_; }

 private:
  std::array<std::uint64_t, 4> words_{};
};

}  // namespace kinglet
