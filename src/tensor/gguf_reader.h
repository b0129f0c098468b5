// SPDX-License-Identifier: Apache-2.0
// Reads and checks the bytes of one GGUF file, a part of a split one or a whole: behind the door
// of gguf.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/status.h"
#include "tensor/gguf.h"

namespace kinglet {

// What no sound file exceeds. The counts are checked against the file's size besides, before
// anything is allocated.
inline constexpr std::uint64_t kMaxGgufKeys = 65536;
inline constexpr std::uint64_t kMaxGgufTensors = 65536;
inline constexpr std::uint64_t kMaxGgufKeyBytes = 65535;      // the specification's limit
inline constexpr std::uint64_t kMaxGgufTensorNameBytes = 64;  // the specification's limit
inline constexpr std::uint64_t kMaxGgufArrayElements = std::uint64_t{1} << 24;
inline constexpr std::uint64_t kMaxGgufStringBytes = std::uint64_t{1} << 24;
inline constexpr std::uint64_t kMaxGgufHeaderBytes = std::uint64_t{1} << 29;
inline constexpr std::uint64_t kMaxGgufAlignment = std::uint64_t{1} << 20;
inline constexpr std::uint32_t kMaxGgufDimensions = 4;

struct GgufContent {
  std::uint32_t version = 0;
  std::uint64_t alignment = 0;
  std::vector<GgufKey> keys;
  std::vector<Tensor> tensors;
  // Indices of the above, sorted by name.
  std::vector<std::uint32_t> keys_by_name;
  std::vector<std::uint32_t> tensors_by_name;
};

Result<GgufContent> ReadGguf(std::span<const std::byte> bytes);

// Indices sorted by name; kInvalidInput where two names are the same.
Result<std::vector<std::uint32_t>> IndexKeys(std::span<const GgufKey> keys);
Result<std::vector<std::uint32_t>> IndexTensors(std::span<const Tensor> tensors);

const GgufKey* FindKey(std::span<const GgufKey> keys, std::span<const std::uint32_t> by_name,
                       std::string_view name);

// Bytes of a value of a scalar type; of a string or an array the least that it takes.
std::size_t GgufTypeBytes(GgufType type);

}  // namespace kinglet
