// SPDX-License-Identifier: Apache-2.0
// SHA-256 by OpenSSL.
#include "base/digest.h"

#include <array>

#include <openssl/evp.h>

#include "base/check.h"
#include "base/file.h"

namespace kinglet {

struct Sha256::State {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
};

Sha256::Sha256() : state_(std::make_unique<State>()) {
  KINGLET_CHECK(EVP_DigestInit_ex(state_->context, EVP_sha256(), nullptr) == 1, "EVP_DigestInit");
}

Sha256::~Sha256() { EVP_MD_CTX_free(state_->context); }

void Sha256::Update(std::string_view bytes) {
  EVP_DigestUpdate(state_->context, bytes.data(), bytes.size());
}

std::string Sha256::Hex() {
  std::array<unsigned char, 32> digest{};
  EVP_DigestFinal_ex(state_->context, digest.data(), nullptr);
  std::string hex;
  for (const unsigned char byte : digest) fmt::format_to(std::back_inserter(hex), "{:02x}", byte);
  return hex;
}

std::string Sha256::HexOf(std::string_view bytes) {
  Sha256 digest;
  digest.Update(bytes);
  return digest.Hex();
}

Result<std::string> Sha256OfFile(const std::filesystem::path& path) {
  const MappedFile file = TRY(MappedFile::Open(path));
  return Sha256::HexOf({reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size()});
}

}  // namespace kinglet
