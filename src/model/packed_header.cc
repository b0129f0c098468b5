// SPDX-License-Identifier: Apache-2.0
// Reading goes through one bounds check; each number is held against the ones before it.
#include "model/packed_header.h"

#include <algorithm>
#include <cstring>
#include <string_view>

#include "base/check.h"
#include "base/checksum.h"

namespace kinglet {
namespace {

constexpr std::string_view kMagic = "KINGPACK";
constexpr std::uint32_t kVersion = 1;
constexpr std::size_t kChecksummedFrom = kMagic.size() + sizeof(std::uint64_t);
// Far above what the tensors that a GGUF file may have need.
constexpr std::uint64_t kMaxHeaderBytes = std::uint64_t{64} << 20;
constexpr std::uint64_t kDataAlignment = std::uint64_t{2} << 20;
constexpr std::uint64_t kTensorAlignment = 64;
constexpr std::size_t kMaxDimensions = 4;

static_assert(kPackedPrefixBytes == kChecksummedFrom + 2 * sizeof(std::uint32_t));

class Writer {
 public:
  template <typename T>
  void Number(T number) {
    out_.append(reinterpret_cast<const char*>(&number), sizeof(number));
  }
  void Text(std::string_view text) {
    Number(static_cast<std::uint32_t>(text.size()));
    out_ += text;
  }
  std::string& out() { return out_; }

 private:
  std::string out_;
};

std::unexpected<Status> Broken(std::string_view what) {
  return Error(StatusCode::kInvalidInput, "{}", what);
}

class Reader {
 public:
  explicit Reader(std::span<const std::byte> bytes) : bytes_(bytes) {}

  template <typename T>
  Result<T> Number() {
    if (bytes_.size() < sizeof(T)) return Broken("the header ends early");
    T number;
    std::memcpy(&number, bytes_.data(), sizeof(number));
    bytes_ = bytes_.subspan(sizeof(number));
    return number;
  }
  Result<std::string> Text() {
    const auto size = TRY(Number<std::uint32_t>());
    if (size > bytes_.size()) return Broken("the header ends early");
    std::string text(reinterpret_cast<const char*>(bytes_.data()), size);
    bytes_ = bytes_.subspan(size);
    return text;
  }
  // How many items of at least item_bytes follow.
  Result<std::size_t> Count(std::size_t item_bytes) {
    const auto count = TRY(Number<std::uint32_t>());
    if (count > bytes_.size() / item_bytes) return Broken("the header ends early");
    return count;
  }
  bool AtEnd() const { return bytes_.empty(); }

 private:
  std::span<const std::byte> bytes_;
};

void WriteRow(const PackedTensorRow& row, Writer& writer) {
  writer.Text(row.name);
  writer.Number(row.dtype);
  writer.Number(static_cast<std::uint32_t>(row.shape.size()));
  for (const std::uint64_t dimension : row.shape) writer.Number(dimension);
  writer.Number(row.offset);
  writer.Number(row.bytes);
  writer.Number(row.panel_bytes);
}

// `end`: of the tensor before.
Result<PackedTensorRow> ReadRow(Reader& reader, std::uint64_t end, std::uint64_t data_bytes) {
  PackedTensorRow row;
  row.name = TRY(reader.Text());
  row.dtype = TRY(reader.Number<std::uint32_t>());
  const std::size_t dimensions = TRY(reader.Count(sizeof(std::uint64_t)));
  if (dimensions > kMaxDimensions) return Broken("a tensor of too many dimensions");
  for (std::size_t i = 0; i < dimensions; ++i) {
    row.shape.push_back(TRY(reader.Number<std::uint64_t>()));
  }
  row.offset = TRY(reader.Number<std::uint64_t>());
  row.bytes = TRY(reader.Number<std::uint64_t>());
  row.panel_bytes = TRY(reader.Number<std::uint64_t>());
  if (row.offset < end || row.offset % kTensorAlignment != 0 || row.offset > data_bytes ||
      row.bytes > data_bytes - row.offset) {
    return Broken("a tensor lies where it cannot");
  }
  if (row.panel_bytes == 0 || row.bytes == 0 || row.bytes % row.panel_bytes != 0) {
    return Broken("a tensor that is not of whole panels");
  }
  return row;
}

Result<PackedHeader> ReadBody(Reader& reader) {
  PackedHeader header;
  header.data_bytes = TRY(reader.Number<std::uint64_t>());
  header.panels = TRY(reader.Text());
  header.source_path = TRY(reader.Text());
  for (std::size_t left = TRY(reader.Count(sizeof(FileIdentity))); left > 0; --left) {
    FileIdentity source;
    source.device = TRY(reader.Number<std::uint64_t>());
    source.inode = TRY(reader.Number<std::uint64_t>());
    source.size_bytes = TRY(reader.Number<std::uint64_t>());
    source.modified_ns = TRY(reader.Number<std::int64_t>());
    header.sources.push_back(source);
  }
  std::uint64_t end = 0;
  for (std::size_t left = TRY(reader.Count(sizeof(std::uint64_t))); left > 0; --left) {
    header.tensors.push_back(TRY(ReadRow(reader, end, header.data_bytes)));
    end = header.tensors.back().offset + header.tensors.back().bytes;
  }
  const std::size_t digests = TRY(reader.Count(sizeof(std::uint64_t)));
  std::uint64_t missing = digests;  // counted down, as a sum of broken rows could overflow
  for (const PackedTensorRow& row : header.tensors) {
    if (row.pieces() > missing) return Broken("too few digests");
    missing -= row.pieces();
  }
  if (missing != 0) return Broken("too many digests");
  for (std::size_t i = 0; i < digests; ++i) {
    header.digests.push_back(TRY(reader.Number<std::uint64_t>()));
  }
  if (!reader.AtEnd()) return Broken("the header goes on after its end");
  return header;
}

}  // namespace

std::uint64_t PackedHeader::pieces() const {
  std::uint64_t pieces = 0;
  for (const PackedTensorRow& row : tensors) pieces += row.pieces();
  return pieces;
}

bool PackedHeader::SamePacking(const PackedHeader& other) const {
  return panels == other.panels && sources == other.sources && tensors == other.tensors &&
         data_bytes == other.data_bytes;
}

std::uint64_t PackedDataOffset(std::uint64_t header_bytes) {
  return (header_bytes + kDataAlignment - 1) / kDataAlignment * kDataAlignment;
}

std::string WritePackedHeader(const PackedHeader& header) {
  KINGLET_CHECK(header.digests.size() == header.pieces(), "{} digests of {} pieces",
                header.digests.size(), header.pieces());
  Writer writer;
  writer.out() = kMagic;
  writer.Number(std::uint64_t{0});  // the checksum
  writer.Number(kVersion);
  writer.Number(std::uint32_t{0});  // bytes of the header
  writer.Number(header.data_bytes);
  writer.Text(header.panels);
  writer.Text(header.source_path);
  writer.Number(static_cast<std::uint32_t>(header.sources.size()));
  for (const FileIdentity& source : header.sources) {
    writer.Number(source.device);
    writer.Number(source.inode);
    writer.Number(source.size_bytes);
    writer.Number(source.modified_ns);
  }
  writer.Number(static_cast<std::uint32_t>(header.tensors.size()));
  for (const PackedTensorRow& row : header.tensors) WriteRow(row, writer);
  writer.Number(static_cast<std::uint32_t>(header.digests.size()));
  for (const std::uint64_t digest : header.digests) writer.Number(digest);

  std::string& out = writer.out();
  const auto size = static_cast<std::uint32_t>(out.size());
  KINGLET_CHECK(out.size() <= kMaxHeaderBytes, "a header of {} bytes", out.size());
  std::memcpy(out.data() + kPackedPrefixBytes - sizeof(size), &size, sizeof(size));
  const std::uint64_t checksum = Xxh64(std::as_bytes(std::span(out)).subspan(kChecksummedFrom));
  std::memcpy(out.data() + kMagic.size(), &checksum, sizeof(checksum));
  return out;
}

Result<std::uint64_t> PackedHeaderBytes(std::span<const std::byte> prefix) {
  const std::string_view text(reinterpret_cast<const char*>(prefix.data()), prefix.size());
  if (!text.starts_with(kMagic)) return Broken("not a file of packed weights");
  if (prefix.size() < kPackedPrefixBytes) return Broken("the header ends early");
  Reader reader(prefix.subspan(kChecksummedFrom));
  const auto version = TRY(reader.Number<std::uint32_t>());
  if (version != kVersion) {
    return Error(StatusCode::kInvalidInput, "version {}, not {}", version, kVersion);
  }
  const auto size = TRY(reader.Number<std::uint32_t>());
  if (size < kPackedPrefixBytes || size > kMaxHeaderBytes) {
    return Error(StatusCode::kInvalidInput, "a header of {} bytes", size);
  }
  return size;
}

Result<PackedHeader> ReadPackedHeader(std::span<const std::byte> bytes) {
  const std::span prefix = bytes.first(std::min(bytes.size(), kPackedPrefixBytes));
  if (TRY(PackedHeaderBytes(prefix)) != bytes.size()) return Broken("the header is cut short");
  Reader reader(bytes.subspan(kMagic.size()));
  if (TRY(reader.Number<std::uint64_t>()) != Xxh64(bytes.subspan(kChecksummedFrom))) {
    return Broken("the checksum of the header is wrong");
  }
  Reader body(bytes.subspan(kPackedPrefixBytes));
  return ReadBody(body);
}

}  // namespace kinglet
