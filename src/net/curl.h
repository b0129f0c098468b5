// SPDX-License-Identifier: Apache-2.0
// What the two HTTP clients share of libcurl. Not for others: curl.h stays inside net/.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include <curl/curl.h>

namespace kinglet {

struct EasyCleanup {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
};
using EasyHandle = std::unique_ptr<CURL, EasyCleanup>;

struct HeaderListCleanup {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using HeaderList = std::unique_ptr<curl_slist, HeaderListCleanup>;

// To be called before any handle is made; often is no harm.
void StartCurl();

struct UrlParts {
  std::string scheme;
  std::string host;
};
// Nothing where text is no URL.
std::optional<UrlParts> ParseUrl(const std::string& text);

bool IsThisMachine(const std::string& host);

}  // namespace kinglet
