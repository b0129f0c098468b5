// SPDX-License-Identifier: Apache-2.0
// The page's own script and style are named by their digests: nothing else runs, whatever a
// document or a model says.
#include "server/page.h"

#include <string>

#include <openssl/evp.h>
#include <openssl/sha.h>

#include "base/check.h"

namespace kinglet {
namespace {

// 'sha256-...' of what stands between the first <tag> and </tag>.
std::string DigestOf(std::string_view tag) {
  const std::string open = "<" + std::string(tag) + ">";
  const std::string close = "</" + std::string(tag) + ">";
  const std::size_t begin = kPage.find(open);
  const std::size_t end = kPage.find(close);
  KINGLET_CHECK(begin != std::string_view::npos && end != std::string_view::npos,
                "the page has no {}", tag);
  const std::string_view text = kPage.substr(begin + open.size(), end - begin - open.size());
  unsigned char digest[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest);
  unsigned char base64[4 * ((SHA256_DIGEST_LENGTH + 2) / 3) + 1];
  EVP_EncodeBlock(base64, digest, SHA256_DIGEST_LENGTH);
  return "'sha256-" + std::string(reinterpret_cast<const char*>(base64)) + "'";
}

}  // namespace

HttpHeaders PageHeaders() {
  static const std::string policy =
      "default-src 'none'; connect-src 'self'; img-src 'self' data:; script-src " +
      DigestOf("script") + "; style-src " + DigestOf("style") +
      "; base-uri 'none'; form-action 'none'; frame-ancestors 'none'" +
      // No text can be turned into markup, even by a fault of the page's own.
      "; require-trusted-types-for 'script'; trusted-types 'none'";
  return {{"Content-Security-Policy", policy},
          {"X-Content-Type-Options", "nosniff"},
          {"Referrer-Policy", "no-referrer"},
          {"Cache-Control", "no-cache"}};
}

}  // namespace kinglet
