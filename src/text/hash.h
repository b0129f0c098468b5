// SPDX-License-Identifier: Apache-2.0
// A hash of bytes and of numbers, keyed so that no vocabulary file can aim at its collisions.
#pragma once

#include <cstdint>
#include <cstring>
#include <random>
#include <string_view>

namespace kinglet {

inline std::uint64_t RandomSeed() {
  std::random_device device;
  return (std::uint64_t{device()} << 32U) | device();
}

// The two halves of a 128-bit product, folded (the step of wyhash and of its kin).
inline std::uint64_t FoldedProduct(std::uint64_t a, std::uint64_t b) {
  __extension__ using Wide = unsigned __int128;
  const Wide product = static_cast<Wide>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64U);
}

inline std::uint64_t HashNumber(std::uint64_t number, std::uint64_t seed) {
  return FoldedProduct(number ^ seed, 0x9E3779B97F4A7C15U ^ (seed << 1U));
}

inline std::uint64_t HashBytes(std::string_view bytes, std::uint64_t seed) {
  std::uint64_t hash = seed ^ bytes.size();
  std::uint64_t word = 0;
  while (bytes.size() > sizeof word) {
    std::memcpy(&word, bytes.data(), sizeof word);
    hash = FoldedProduct(hash ^ word, 0x9E3779B97F4A7C15U);
    bytes.remove_prefix(sizeof word);
  }
  word = 0;
  if (!bytes.empty()) std::memcpy(&word, bytes.data(), bytes.size());
  return FoldedProduct(hash ^ word, 0xD6E8FEB86659FD93U);
}

}  // namespace kinglet
