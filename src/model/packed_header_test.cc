// SPDX-License-Identifier: Apache-2.0
// The header of packed weights: what is written is read, and nothing else is.
#include "model/packed_header.h"

#include <cstring>

#include <gtest/gtest.h>

#include "base/checksum.h"

namespace kinglet {
namespace {

PackedHeader HeaderForTest() {
  PackedHeader header;
  header.panels = "rows16-1";
  header.source_path = "/models/a.gguf";
  header.sources = {{1, 2, 3, 4}, {5, 6, 7, -8}};
  header.tensors = {{.name = "blk.0.attn_q.weight",
                     .dtype = 12,
                     .shape = {256, 32},
                     .offset = 0,
                     .bytes = 2 * 2304,
                     .panel_bytes = 2304},
                    {.name = "output.weight",
                     .dtype = 0,
                     .shape = {70000, 48},
                     .offset = 4608,
                     .bytes = 3 * 4480000,
                     .panel_bytes = 4480000}};
  header.data_bytes = 4608 + 3 * 4480000;
  header.digests = {10, 11, 12, 13};
  return header;
}

std::span<const std::byte> BytesOf(const std::string& text) {
  return std::as_bytes(std::span(text));
}

// So that what comes after the checksum is looked at.
void MendChecksum(std::string& bytes) {
  const std::uint64_t checksum = Xxh64(BytesOf(bytes).subspan(16));
  std::memcpy(bytes.data() + 8, &checksum, sizeof(checksum));
}

bool Equal(const PackedHeader& a, const PackedHeader& b) {
  return a.SamePacking(b) && a.digests == b.digests && a.source_path == b.source_path;
}

TEST(PackedHeader, ReadsBackWhatWasWritten) {
  const std::string bytes = WritePackedHeader(HeaderForTest());
  const auto read = ReadPackedHeader(BytesOf(bytes));
  ASSERT_TRUE(read) << read.error().message();
  EXPECT_TRUE(Equal(*read, HeaderForTest()));
  EXPECT_EQ(PackedHeaderBytes(BytesOf(bytes).first(kPackedPrefixBytes)).value(), bytes.size());
}

TEST(PackedHeader, DataBeginsAtALargePageBehindIt) {
  EXPECT_EQ(PackedDataOffset(1), std::uint64_t{2} << 20);
  EXPECT_EQ(PackedDataOffset(std::uint64_t{2} << 20), std::uint64_t{2} << 20);
  EXPECT_EQ(PackedDataOffset((std::uint64_t{2} << 20) + 1), std::uint64_t{4} << 20);
}

TEST(PackedHeader, RefusesEveryFlippedBit) {
  std::string bytes = WritePackedHeader(HeaderForTest());
  for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ 1 << (bit % 8));
    EXPECT_FALSE(ReadPackedHeader(BytesOf(bytes))) << "bit " << bit;
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ 1 << (bit % 8));
  }
}

TEST(PackedHeader, RefusesEveryShorterAndLongerOne) {
  const std::string bytes = WritePackedHeader(HeaderForTest());
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(ReadPackedHeader(BytesOf(bytes).first(size))) << size;
  }
  EXPECT_FALSE(ReadPackedHeader(BytesOf(bytes + '\0')));
}

// Whoever mends the checksum too writes another header, or none.
TEST(PackedHeader, EveryByteMeansSomething) {
  const PackedHeader original = HeaderForTest();
  const std::string sound = WritePackedHeader(original);
  std::size_t read_count = 0;
  for (std::size_t i = 16; i < sound.size(); ++i) {
    for (const int flip : {0x01, 0x80, 0xff}) {
      std::string bytes = sound;
      bytes[i] = static_cast<char>(bytes[i] ^ flip);
      MendChecksum(bytes);
      const auto read = ReadPackedHeader(BytesOf(bytes));
      if (!read) {
        EXPECT_EQ(read.error().code(), StatusCode::kInvalidInput);
        continue;
      }
      ++read_count;
      EXPECT_FALSE(Equal(*read, original)) << "byte " << i;
      EXPECT_EQ(WritePackedHeader(*read), bytes) << "byte " << i;
    }
  }
  EXPECT_GT(read_count, 0U);
}

TEST(PackedHeader, RefusesTensorsThatLieWhereTheyCannot) {
  const auto refuses = [](auto&& change) {
    PackedHeader header = HeaderForTest();
    change(header);
    // The digests follow the tensors, as a file that claims to be whole would have it.
    if (header.tensors[0].panel_bytes > 0) header.digests.assign(header.pieces(), 0);
    return !ReadPackedHeader(BytesOf(WritePackedHeader(header)));
  };
  EXPECT_FALSE(refuses([](PackedHeader&) {}));
  EXPECT_TRUE(refuses([](PackedHeader& h) { h.data_bytes -= 1; }));
  EXPECT_TRUE(refuses([](PackedHeader& h) { h.tensors[0].offset = 32; }));
  EXPECT_TRUE(refuses([](PackedHeader& h) { h.tensors[1].offset = 4544; }));
  EXPECT_TRUE(refuses([](PackedHeader& h) { h.tensors[1].bytes += 1; }));
  EXPECT_TRUE(refuses([](PackedHeader& h) { h.tensors[0].bytes = 0; }));
  EXPECT_TRUE(refuses([](PackedHeader& h) { h.tensors[0].panel_bytes = 5000; }));
  EXPECT_TRUE(refuses([](PackedHeader& h) { h.tensors[0].shape.resize(5, 1); }));
}

}  // namespace
}  // namespace kinglet
