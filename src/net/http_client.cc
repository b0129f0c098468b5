// SPDX-License-Identifier: Apache-2.0
// The wrapper in which libcurl ends.
#include "net/http_client.h"

#include <charconv>
#include <memory>

#include "base/display.h"
#include "net/curl.h"

namespace kinglet {
namespace {

constexpr std::size_t kMaxSkippedBytes = std::size_t{64} << 10;

template <typename T>
std::optional<T> ParseNumber(std::string_view text) {
  T value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// One GET without redirects, and what its callbacks share.
class Transfer {
 public:
  Transfer(const HttpDownload& download, const HttpReceiver& receiver)
      : download_(download), receiver_(receiver), handle_(curl_easy_init()) {}
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;

  Result<HttpReply> Run(const std::string& url);

  // Where a reply of status 3xx leads; empty where it leads nowhere.
  std::string RedirectUrl() const {
    char* url = nullptr;
    curl_easy_getinfo(handle_.get(), CURLINFO_REDIRECT_URL, &url);
    return url == nullptr ? "" : url;
  }

 private:
  static std::size_t OnHeader(char* data, std::size_t, std::size_t bytes, void* self);
  static std::size_t OnBody(char* data, std::size_t, std::size_t bytes, void* self);
  static int OnTick(void* self, curl_off_t, curl_off_t, curl_off_t, curl_off_t);

  void SetOptions(const std::string& url);
  HttpReply ReadHead() const;
  std::string Header(const char* name) const;
  bool HasFile() const;
  Result<void> Start();
  Result<void> Broken(CURLcode code, const std::string& url) const;

  const HttpDownload& download_;
  const HttpReceiver& receiver_;
  EasyHandle handle_;
  HeaderList headers_;
  bool started_ = false;
  std::size_t skipped_bytes_ = 0;  // of the body of an error or a redirect
  std::optional<Status> stopped_;  // why a callback ended the transfer
};

void Transfer::SetOptions(const std::string& url) {
  CURL* handle = handle_.get();
  const auto set = [handle](CURLoption option, auto value) {
    curl_easy_setopt(handle, option, value);
  };
  set(CURLOPT_URL, url.c_str());
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_USERAGENT, "kinglet");
  set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(download_.connect_timeout_ms));
  set(CURLOPT_LOW_SPEED_LIMIT, 1L);
  set(CURLOPT_LOW_SPEED_TIME, static_cast<long>(download_.stall_timeout_s));
  set(CURLOPT_NOPROGRESS, 0L);
  set(CURLOPT_XFERINFOFUNCTION, &Transfer::OnTick);
  set(CURLOPT_XFERINFODATA, this);
  set(CURLOPT_HEADERFUNCTION, &Transfer::OnHeader);
  set(CURLOPT_HEADERDATA, this);
  set(CURLOPT_WRITEFUNCTION, &Transfer::OnBody);
  set(CURLOPT_WRITEDATA, this);
  if (IsThisMachine(ParseUrl(url).value_or(UrlParts{}).host)) set(CURLOPT_NOPROXY, "*");
  if (!download_.bearer_token.empty()) {
    set(CURLOPT_HTTPAUTH, CURLAUTH_BEARER);
    set(CURLOPT_XOAUTH2_BEARER, download_.bearer_token.c_str());
  }
  if (download_.first_byte > 0) {
    const std::string range = fmt::format("{}-", download_.first_byte);
    set(CURLOPT_RANGE, range.c_str());
    if (!download_.if_range.empty()) {
      headers_.reset(curl_slist_append(nullptr, ("If-Range: " + download_.if_range).c_str()));
      set(CURLOPT_HTTPHEADER, headers_.get());
    }
  }
}

std::string Transfer::Header(const char* name) const {
  curl_header* header = nullptr;
  if (curl_easy_header(handle_.get(), name, 0, CURLH_HEADER, -1, &header) != CURLHE_OK) return "";
  return header->value;
}

HttpReply Transfer::ReadHead() const {
  HttpReply reply;
  long status = 0;
  curl_easy_getinfo(handle_.get(), CURLINFO_RESPONSE_CODE, &status);
  reply.status = static_cast<int>(status);
  const std::string etag = Header("ETag");
  if (etag.starts_with('"')) reply.etag = etag;
  if (reply.status == 206) {
    // RFC 9110, 14.4: "bytes 100-199/200", or "/*" where the whole length is unknown.
    const std::string range = Header("Content-Range");
    const std::size_t dash = range.find('-');
    const std::size_t slash = range.find('/');
    if (range.starts_with("bytes ") && dash != std::string::npos && slash != std::string::npos) {
      const std::string_view view = range;
      reply.first_byte = ParseNumber<std::uint64_t>(view.substr(6, dash - 6)).value_or(0);
      reply.total_bytes = ParseNumber<std::uint64_t>(view.substr(slash + 1));
    }
  } else if (reply.status == 200) {
    reply.total_bytes = ParseNumber<std::uint64_t>(Header("Content-Length"));
  }
  return reply;
}

bool Transfer::HasFile() const {
  long status = 0;
  curl_easy_getinfo(handle_.get(), CURLINFO_RESPONSE_CODE, &status);
  return status == 200 || status == 206;
}

Result<void> Transfer::Start() {
  started_ = true;
  const HttpReply reply = ReadHead();
  if (reply.status == 206 && reply.first_byte != download_.first_byte) {
    return Error(StatusCode::kFailed, "{} sends another range than the one asked for",
                 HostOf(download_.url));
  }
  return receiver_.on_start(reply);
}

// Both run under libcurl, which takes any count other than `bytes` as the wish to end. The head
// ends with an empty line: a reply is judged then, since its body may be long in coming.
std::size_t Transfer::OnHeader(char* data, std::size_t, std::size_t bytes, void* self) {
  auto& transfer = *static_cast<Transfer*>(self);
  if (std::string_view(data, bytes) != "\r\n" || !transfer.HasFile()) return bytes;
  if (transfer.started_) return bytes;  // the end of trailers, which come after a body

  const Result<void> taken = transfer.Start();
  if (taken) return bytes;
  transfer.stopped_ = taken.error();
  return 0;
}

std::size_t Transfer::OnBody(char* data, std::size_t, std::size_t bytes, void* self) {
  auto& transfer = *static_cast<Transfer*>(self);
  if (!transfer.HasFile()) {
    transfer.skipped_bytes_ += bytes;
    return transfer.skipped_bytes_ <= kMaxSkippedBytes ? bytes : 0;
  }
  const Result<void> taken = transfer.receiver_.on_body({data, bytes});
  if (taken) return bytes;
  transfer.stopped_ = taken.error();
  return 0;
}

int Transfer::OnTick(void* self, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  auto& transfer = *static_cast<Transfer*>(self);
  if (!transfer.receiver_.should_stop || !transfer.receiver_.should_stop()) return 0;
  transfer.stopped_ = Status(StatusCode::kCancelled, "interrupted");
  return 1;
}

Result<void> Transfer::Broken(CURLcode code, const std::string& url) const {
  const std::string host = HostOf(url);
  switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_CONNECT:
      return Error(StatusCode::kFailed, "{}: no connection", host);
    case CURLE_OPERATION_TIMEDOUT:
      return Error(StatusCode::kFailed, "{}: no answer in time", host);
    case CURLE_PARTIAL_FILE:
    case CURLE_GOT_NOTHING:
    case CURLE_RECV_ERROR:
      return Error(StatusCode::kFailed, "{}: the connection broke off", host);
    default:
      return Error(StatusCode::kFailed, "{}: {}", host, EscapeForDisplay(curl_easy_strerror(code)));
  }
}

Result<HttpReply> Transfer::Run(const std::string& url) {
  if (handle_ == nullptr) return Error(StatusCode::kFailed, "cannot start libcurl");
  SetOptions(url);
  const CURLcode code = curl_easy_perform(handle_.get());
  if (stopped_) return std::unexpected(*stopped_);
  if (code != CURLE_OK && skipped_bytes_ <= kMaxSkippedBytes) TRY(Broken(code, url));
  return ReadHead();
}

}  // namespace

std::string HostOf(const std::string& url) { return ParseUrl(url).value_or(UrlParts{}).host; }

Result<void> CheckUrl(const std::string& url) {
  const std::optional<UrlParts> parts = ParseUrl(url);
  if (!parts) return Error(StatusCode::kUsage, "{} is no URL", Quoted(url, 200));
  if (parts->scheme == "https") return {};
  if (parts->scheme == "http" && IsThisMachine(parts->host)) return {};
  return Error(StatusCode::kUsage, "{} is refused: only https:// is fetched", Quoted(url, 200));
}

Result<HttpReply> HttpGet(const HttpDownload& download, const HttpReceiver& receiver) {
  StartCurl();
  TRY(CheckUrl(download.url));
  std::string url = download.url;
  const int max_redirects = download.bearer_token.empty() ? download.max_redirects : 0;
  for (int redirects = 0; redirects <= max_redirects; ++redirects) {
    Transfer transfer(download, receiver);
    HttpReply reply = TRY(transfer.Run(url));
    const std::string next = transfer.RedirectUrl();
    if (next.empty()) return reply;
    TRY(CheckUrl(next));
    if (url.starts_with("https:") && !next.starts_with("https:")) {
      return Error(StatusCode::kFailed, "{} redirects from https to http", HostOf(url));
    }
    url = next;
  }
  return Error(StatusCode::kFailed, "{}: more than {} redirects", HostOf(download.url),
               max_redirects);
}

}  // namespace kinglet
