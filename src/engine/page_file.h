// SPDX-License-Identifier: Apache-2.0
// The file of one page of keys and values: a header that says exactly whose they are, then the
// bytes, each with its checksum. What does not agree with its name, its model or itself is no page.
//
//   "KINGKV01", header bytes (u32), then of the header: 32 bytes of fingerprint, 16 of scope,
//   parent and key each, payload bytes (u64), token count (u32), tokens (i32), XXH64 of the
//   payload, and XXH64 of all before it. Little-endian.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/status.h"
#include "engine/prefix_cache.h"

namespace kinglet {

struct PageFileHeader {
  std::string fingerprint;  // 64 hexadecimal digits: of all that the bytes depend on
  PageKey scope, parent, key;
  std::vector<TokenId> tokens;
  std::uint64_t payload_bytes = 0;
  std::uint64_t payload_checksum = 0;
};

inline constexpr std::size_t kPageFilePrefixBytes = 12;
inline constexpr std::size_t kMaxPageFileHeaderBytes = 1024;

std::string WritePageFileHeader(const PageFileHeader& header);

// Of the whole header, from the file's first kPageFilePrefixBytes. kInvalidInput where it is none.
Result<std::size_t> PageFileHeaderBytes(std::span<const std::byte> prefix);
// From as many bytes. kInvalidInput where they are broken, or the key is not that of the tokens.
Result<PageFileHeader> ReadPageFileHeader(std::span<const std::byte> bytes);

}  // namespace kinglet
