// SPDX-License-Identifier: Apache-2.0
// The header of a page of keys and values, which may have been written by anyone. Length, key and
// checksum, which no mutation would hit, are mended: what they guard is looked at too.
// Covers: src/engine/page_file.cc
#include <cstdint>
#include <cstring>
#include <span>
#include <string>

#include "base/check.h"
#include "base/checksum.h"
#include "engine/page_file.h"

namespace kinglet {
namespace {

void Read(const std::string& bytes) {
  const auto header = ReadPageFileHeader(std::as_bytes(std::span(bytes)));
  if (!header) {
    KINGLET_CHECK(header.error().code() == StatusCode::kInvalidInput, "{}",
                  header.error().message());
    return;
  }
  KINGLET_CHECK(WritePageFileHeader(*header) == bytes, "not as it would be written");
  KINGLET_CHECK(!header->tokens.empty() && header->tokens.size() <= 64, "{} tokens",
                header->tokens.size());
}

void Mend(std::string& bytes) {
  const auto size = static_cast<std::uint32_t>(bytes.size());
  if (size < kPageFilePrefixBytes + sizeof(std::uint64_t)) return;
  std::memcpy(bytes.data() + 8, &size, sizeof(size));
  const std::size_t end = bytes.size() - sizeof(std::uint64_t);
  const std::uint64_t checksum = Xxh64(std::as_bytes(std::span(bytes)).first(end));
  std::memcpy(bytes.data() + end, &checksum, sizeof(checksum));
}

void Run(std::span<const std::uint8_t> input) {
  std::string bytes(reinterpret_cast<const char*>(input.data()), input.size());
  Read(bytes);
  Mend(bytes);
  Read(bytes);
  // Tokens as they are, in a header that is right around them.
  PageFileHeader header{.fingerprint = std::string(64, '0'), .scope = ScopeKey("s")};
  header.parent = header.scope;
  for (std::size_t at = 0; at + 4 <= bytes.size() && header.tokens.size() < 64; at += 4) {
    TokenId token = 0;
    std::memcpy(&token, bytes.data() + at, sizeof(token));
    header.tokens.push_back(token);
  }
  header.key = PageKeyAfter(header.parent, header.tokens);
  const std::string written = WritePageFileHeader(header);
  const auto read = ReadPageFileHeader(std::as_bytes(std::span(written)));
  KINGLET_CHECK(read.has_value() == !header.tokens.empty(), "{} tokens", header.tokens.size());
}

}  // namespace
}  // namespace kinglet

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  kinglet::Run({data, size});
  return 0;
}
