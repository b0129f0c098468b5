// SPDX-License-Identifier: Apache-2.0
// libcurl's start, and its parser of URLs.
#include "net/curl.h"

namespace kinglet {
namespace {

struct UrlCleanup {
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
};

}  // namespace

// libcurl's own start is not safe to race; a local static is.
void StartCurl() {
  static const CURLcode started = curl_global_init(CURL_GLOBAL_DEFAULT);
  static_cast<void>(started);  // a failure shows in curl_easy_init
}

std::optional<UrlParts> ParseUrl(const std::string& text) {
  const std::unique_ptr<CURLU, UrlCleanup> url(curl_url());
  if (url == nullptr || curl_url_set(url.get(), CURLUPART_URL, text.c_str(), 0) != CURLUE_OK) {
    return std::nullopt;
  }
  const auto part = [&url](CURLUPart which) {
    char* found = nullptr;
    if (curl_url_get(url.get(), which, &found, 0) != CURLUE_OK) return std::string();
    std::string copy = found;
    curl_free(found);
    return copy;
  };
  return UrlParts{.scheme = part(CURLUPART_SCHEME), .host = part(CURLUPART_HOST)};
}

bool IsThisMachine(const std::string& host) {
  return host == "127.0.0.1" || host == "[::1]" || host == "localhost";
}

}  // namespace kinglet
