// SPDX-License-Identifier: Apache-2.0
// The header of a file of packed weights, which may be anyone's. Size and checksum, which no
// mutation would hit, are mended first: what they guard is looked at too.
// Covers: src/model/packed_header.cc
#include <cstdint>
#include <cstring>
#include <span>
#include <string>

#include "base/check.h"
#include "base/checksum.h"
#include "model/packed_header.h"

namespace kinglet {
namespace {

void Read(const std::string& bytes) {
  const auto header = ReadPackedHeader(std::as_bytes(std::span(bytes)));
  if (!header) {
    KINGLET_CHECK(header.error().code() == StatusCode::kInvalidInput, "{}",
                  header.error().message());
    return;
  }
  KINGLET_CHECK(WritePackedHeader(*header) == bytes, "not as it would be written");
  std::uint64_t end = 0;
  for (const PackedTensorRow& row : header->tensors) {
    KINGLET_CHECK(row.offset >= end && row.offset + row.bytes <= header->data_bytes, "{}",
                  row.offset);
    end = row.offset + row.bytes;
  }
  KINGLET_CHECK(header->digests.size() == header->pieces(), "{}", header->digests.size());
}

void Run(std::span<const std::uint8_t> input) {
  std::string bytes(reinterpret_cast<const char*>(input.data()), input.size());
  Read(bytes);
  if (bytes.size() < kPackedPrefixBytes) return;
  const auto size = static_cast<std::uint32_t>(bytes.size());
  std::memcpy(bytes.data() + kPackedPrefixBytes - sizeof(size), &size, sizeof(size));
  const std::uint64_t checksum = Xxh64(std::as_bytes(std::span(bytes)).subspan(16));
  std::memcpy(bytes.data() + 8, &checksum, sizeof(checksum));
  Read(bytes);
}

}  // namespace
}  // namespace kinglet

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  kinglet::Run({data, size});
  return 0;
}
