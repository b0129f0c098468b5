// SPDX-License-Identifier: Apache-2.0
// What stands before the data in a file of packed weights: whose weights they are, how they are
// packed and where each tensor lies. All of it is checked before a byte is used.
//
// Little-endian: magic, checksum of all that follows, version, sizes, names, the files that were
// packed, a row a tensor, then a digest for each piece of the data. The data begins at data_offset.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/status.h"
#include "model/packed_weights.h"

namespace kinglet {

// A tensor; it is digested in the pieces that it is packed in (packed_weights.h).
struct PackedTensorRow {
  std::string name;
  std::uint32_t dtype = 0;           // the number in GGUF
  std::vector<std::uint64_t> shape;  // innermost first
  std::uint64_t offset = 0;          // in the data
  std::uint64_t bytes = 0;           // whole panels
  std::uint64_t panel_bytes = 0;

  std::uint64_t panels() const { return bytes / panel_bytes; }
  std::uint64_t panels_a_piece() const { return PanelsOfPiece(panel_bytes); }
  std::uint64_t pieces() const { return (panels() + panels_a_piece() - 1) / panels_a_piece(); }

  friend bool operator==(const PackedTensorRow&, const PackedTensorRow&) = default;
};

struct PackedHeader {
  std::string panels;                    // name of the layout of panels
  std::string source_path;               // of the GGUF file, for people; it may have moved since
  std::vector<FileIdentity> sources;     // a file for each part of it
  std::vector<PackedTensorRow> tensors;  // in the order of their offsets, which do not overlap
  std::uint64_t data_bytes = 0;
  std::vector<std::uint64_t> digests;  // Xxh64 of each piece, tensor by tensor

  std::uint64_t pieces() const;
  // Whether both hold the same weights packed alike: all but digests and path.
  bool SamePacking(const PackedHeader& other) const;
};

// Where the data begins: past the header, at a multiple of the largest common page.
std::uint64_t PackedDataOffset(std::uint64_t header_bytes);

// header.digests must have a value for each piece.
std::string WritePackedHeader(const PackedHeader& header);

// Bytes of the whole header, told by the first kPackedPrefixBytes of the file.
inline constexpr std::size_t kPackedPrefixBytes = 24;
Result<std::uint64_t> PackedHeaderBytes(std::span<const std::byte> prefix);

// kInvalidInput for anything but what WritePackedHeader writes. `bytes` is all of the header and no
// more.
Result<PackedHeader> ReadPackedHeader(std::span<const std::byte> bytes);

}  // namespace kinglet
