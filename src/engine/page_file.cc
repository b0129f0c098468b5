// SPDX-License-Identifier: Apache-2.0
// Bytes in their order; every number that is read is checked before it is used.
#include "engine/page_file.h"

#include <bit>
#include <cstring>
#include <string_view>

#include "base/check.h"
#include "base/checksum.h"

namespace kinglet {
namespace {

static_assert(std::endian::native == std::endian::little);

constexpr std::string_view kMagic = "KINGKV01";
constexpr std::size_t kFingerprintBytes = 32;
constexpr std::size_t kKeyBytes = 16;

template <typename Number>
void Put(std::string& out, Number number) {
  char bytes[sizeof(number)];
  std::memcpy(bytes, &number, sizeof(number));
  out.append(bytes, sizeof(number));
}

void PutHex(std::string& out, std::string_view hex) {
  const auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    out += static_cast<char>(digit(hex[i]) * 16 + digit(hex[i + 1]));
  }
}

std::uint64_t Checksum(std::string_view bytes) {
  return Xxh64(std::as_bytes(std::span(bytes.data(), bytes.size())));
}

// Bytes of a header that are not read yet; failed() once they did not suffice.
class Reader {
 public:
  explicit Reader(std::span<const std::byte> bytes)
      : left_(reinterpret_cast<const char*>(bytes.data()), bytes.size()) {}

  std::string_view Take(std::size_t count) {
    if (count > left_.size()) {
      failed_ = true;
      return {};
    }
    const std::string_view taken = left_.substr(0, count);
    left_.remove_prefix(count);
    return taken;
  }
  template <typename Number>
  Number TakeNumber() {
    Number number{};
    Take(sizeof(number)).copy(reinterpret_cast<char*>(&number), sizeof(number));
    return number;
  }
  std::string TakeHex(std::size_t count) {
    std::string hex;
    for (const char c : Take(count)) {
      constexpr std::string_view kDigits = "0123456789abcdef";
      const auto byte = static_cast<unsigned char>(c);
      hex += kDigits[byte >> 4];
      hex += kDigits[byte & 15];
    }
    return hex;
  }
  bool failed() const { return failed_; }
  std::size_t left() const { return left_.size(); }

 private:
  std::string_view left_;
  bool failed_ = false;
};

}  // namespace

std::string WritePageFileHeader(const PageFileHeader& header) {
  KINGLET_CHECK(header.fingerprint.size() == 2 * kFingerprintBytes && header.tokens.size() <= 64,
                "{} tokens", header.tokens.size());
  const std::size_t bytes = kPageFilePrefixBytes + kFingerprintBytes + 3 * kKeyBytes + 8 + 4 +
                            4 * header.tokens.size() + 8 + 8;
  std::string out(kMagic);
  Put(out, static_cast<std::uint32_t>(bytes));
  PutHex(out, header.fingerprint);
  PutHex(out, header.scope);
  PutHex(out, header.parent);
  PutHex(out, header.key);
  Put(out, header.payload_bytes);
  Put(out, static_cast<std::uint32_t>(header.tokens.size()));
  for (const TokenId token : header.tokens) Put(out, token);
  Put(out, header.payload_checksum);
  Put(out, Checksum(out));
  return out;
}

Result<std::size_t> PageFileHeaderBytes(std::span<const std::byte> prefix) {
  Reader reader(prefix);
  const bool is_ours = reader.Take(kMagic.size()) == kMagic;
  const auto bytes = reader.TakeNumber<std::uint32_t>();
  if (!is_ours || reader.failed() || bytes < kPageFilePrefixBytes ||
      bytes > kMaxPageFileHeaderBytes) {
    return Error(StatusCode::kInvalidInput, "not a page of keys and values");
  }
  return bytes;
}

Result<PageFileHeader> ReadPageFileHeader(std::span<const std::byte> bytes) {
  const std::size_t wanted = TRY(PageFileHeaderBytes(bytes));
  Reader reader(bytes);
  reader.Take(kPageFilePrefixBytes);
  PageFileHeader header;
  header.fingerprint = reader.TakeHex(kFingerprintBytes);
  header.scope = reader.TakeHex(kKeyBytes);
  header.parent = reader.TakeHex(kKeyBytes);
  header.key = reader.TakeHex(kKeyBytes);
  header.payload_bytes = reader.TakeNumber<std::uint64_t>();
  const auto count = reader.TakeNumber<std::uint32_t>();
  if (count == 0 || count > kPageTokens) {
    return Error(StatusCode::kInvalidInput, "a page of {} tokens", count);
  }
  for (std::uint32_t i = 0; i < count; ++i) header.tokens.push_back(reader.TakeNumber<TokenId>());
  header.payload_checksum = reader.TakeNumber<std::uint64_t>();
  if (reader.failed() || bytes.size() != wanted || reader.left() != sizeof(std::uint64_t)) {
    return Error(StatusCode::kInvalidInput, "the header of a page is not as long as it says");
  }
  const auto checksum = reader.TakeNumber<std::uint64_t>();
  if (checksum != Xxh64(bytes.first(bytes.size() - sizeof(checksum)))) {
    return Error(StatusCode::kInvalidInput, "the header of a page is spoilt");
  }
  if (PageKeyAfter(header.parent, header.tokens) != header.key) {
    return Error(StatusCode::kInvalidInput, "a page with another one's tokens");
  }
  return header;
}

}  // namespace kinglet
