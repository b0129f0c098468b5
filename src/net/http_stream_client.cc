// SPDX-License-Identifier: Apache-2.0
// libcurl's multi interface over one epoll.
#include "net/http_stream_client.h"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <limits>
#include <unordered_map>
#include <utility>

#include <sys/epoll.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/file.h"
#include "net/curl.h"

namespace kinglet {
namespace {

constexpr double kNever = std::numeric_limits<double>::infinity();

struct MultiCleanup {
  void operator()(CURLM* multi) const { curl_multi_cleanup(multi); }
};

// One request; its address is known to libcurl, so it stays where it is.
class Transfer {
 public:
  Transfer(HttpPost post, HttpPostListener& listener)
      : post_(std::move(post)), listener_(listener), handle_(curl_easy_init()) {}
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;

  CURL* handle() const { return handle_.get(); }
  void SetOptions();
  void End(CURLcode code) {
    listener_.OnEnd(refused_ ? HttpPostEnd::kCancelled : EndOf(code), HttpStatus(), MonotonicMs());
  }
  void Cancel() { listener_.OnEnd(HttpPostEnd::kCancelled, HttpStatus(), MonotonicMs()); }

 private:
  static std::size_t OnHeader(char* data, std::size_t, std::size_t bytes, void* self);
  static std::size_t OnBody(char* data, std::size_t, std::size_t bytes, void* self);
  static int OnTraffic(CURL*, curl_infotype type, char*, std::size_t bytes, void* self);
  static HttpPostEnd EndOf(CURLcode code);
  int HttpStatus() const {
    long status = 0;
    curl_easy_getinfo(handle_.get(), CURLINFO_RESPONSE_CODE, &status);
    return static_cast<int>(status);
  }

  HttpPost post_;
  HttpPostListener& listener_;
  EasyHandle handle_;
  HeaderList headers_;
  std::size_t sent_bytes_ = 0;  // of the body
  bool refused_ = false;        // by the listener
};

void Transfer::SetOptions() {
  const auto set = [handle = handle_.get()](CURLoption option, auto value) {
    curl_easy_setopt(handle, option, value);
  };
  set(CURLOPT_URL, post_.url.c_str());
  set(CURLOPT_PRIVATE, this);
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_USERAGENT, "kinglet");
  set(CURLOPT_FRESH_CONNECT, 1L);
  set(CURLOPT_FORBID_REUSE, 1L);
  set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(post_.connect_timeout_ms));
  set(CURLOPT_TIMEOUT_MS, static_cast<long>(post_.timeout_ms));
  set(CURLOPT_POST, 1L);
  set(CURLOPT_POSTFIELDS, post_.body.c_str());
  set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(post_.body.size()));
  set(CURLOPT_HEADERFUNCTION, &Transfer::OnHeader);
  set(CURLOPT_HEADERDATA, this);
  set(CURLOPT_WRITEFUNCTION, &Transfer::OnBody);
  set(CURLOPT_WRITEDATA, this);
  // The one place where libcurl says what the socket has taken.
  set(CURLOPT_VERBOSE, 1L);
  set(CURLOPT_DEBUGFUNCTION, &Transfer::OnTraffic);
  set(CURLOPT_DEBUGDATA, this);
  // "Expect" would wait a second for a "100 Continue" before a large body.
  for (const char* header :
       {"Content-Type: application/json", "Accept: text/event-stream", "Expect:"}) {
    curl_slist* const list = curl_slist_append(headers_.get(), header);
    if (list != headers_.get()) headers_.reset(list);
  }
  set(CURLOPT_HTTPHEADER, headers_.get());
  if (IsThisMachine(ParseUrl(post_.url).value_or(UrlParts{}).host)) set(CURLOPT_NOPROXY, "*");
  if (!post_.bearer_token.empty()) {
    set(CURLOPT_HTTPAUTH, CURLAUTH_BEARER);
    set(CURLOPT_XOAUTH2_BEARER, post_.bearer_token.c_str());
  }
}

// libcurl has read the header, whether it has seconds or a date.
std::size_t Transfer::OnHeader(char* data, std::size_t, std::size_t bytes, void* self) {
  auto& transfer = *static_cast<Transfer*>(self);
  curl_off_t seconds = 0;
  if (std::string_view(data, bytes) == "\r\n" &&
      curl_easy_getinfo(transfer.handle(), CURLINFO_RETRY_AFTER, &seconds) == CURLE_OK &&
      seconds > 0) {
    transfer.listener_.OnRetryAfter(static_cast<double>(seconds));
  }
  return bytes;
}

// libcurl takes any count other than `bytes` as the wish to end.
std::size_t Transfer::OnBody(char* data, std::size_t, std::size_t bytes, void* self) {
  auto& transfer = *static_cast<Transfer*>(self);
  if (transfer.listener_.OnBody(transfer.HttpStatus(), {data, bytes}, MonotonicMs())) return bytes;
  transfer.refused_ = true;
  return bytes + 1;
}

int Transfer::OnTraffic(CURL*, curl_infotype type, char*, std::size_t bytes, void* self) {
  auto& transfer = *static_cast<Transfer*>(self);
  if (type != CURLINFO_DATA_OUT) return 0;
  transfer.sent_bytes_ += bytes;
  if (transfer.sent_bytes_ == transfer.post_.body.size()) {
    transfer.listener_.OnSent(MonotonicMs());
  }
  return 0;
}

HttpPostEnd Transfer::EndOf(CURLcode code) {
  switch (code) {
    case CURLE_OK:
      return HttpPostEnd::kWhole;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_CONNECT:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
      return HttpPostEnd::kNoConnection;
    case CURLE_OPERATION_TIMEDOUT:
      return HttpPostEnd::kTimedOut;
    default:
      return HttpPostEnd::kBroken;
  }
}

class EpollClient final : public HttpStreamClient {
 public:
  EpollClient() : multi_(curl_multi_init()), epoll_(epoll_create1(EPOLL_CLOEXEC)) {}
  EpollClient(const EpollClient&) = delete;
  EpollClient& operator=(const EpollClient&) = delete;
  ~EpollClient() override { CancelAll(); }

  Result<void> Prepare();
  Result<void> Start(HttpPost post, HttpPostListener& listener) override;
  void ServeUntil(double monotonic_ms) override;
  void CancelAll() override;
  std::size_t in_flight() const override { return transfers_.size(); }

 private:
  static int OnSocket(CURL*, curl_socket_t fd, int wants, void* self, void* known);
  static int OnTimer(CURLM*, long timeout_ms, void* self);
  // Waits for news until then, and serves them.
  void Serve(double until_ms);
  // Whether any has ended.
  bool TakeEnded();

  std::unique_ptr<CURLM, MultiCleanup> multi_;
  FileDescriptor epoll_;
  double timer_ms_ = kNever;  // when libcurl wants to be called
  std::unordered_map<CURL*, std::unique_ptr<Transfer>> transfers_;
};

Result<void> EpollClient::Prepare() {
  if (multi_ == nullptr || !epoll_.is_open()) {
    return Error(StatusCode::kFailed, "cannot start libcurl");
  }
  curl_multi_setopt(multi_.get(), CURLMOPT_SOCKETFUNCTION, &EpollClient::OnSocket);
  curl_multi_setopt(multi_.get(), CURLMOPT_SOCKETDATA, this);
  curl_multi_setopt(multi_.get(), CURLMOPT_TIMERFUNCTION, &EpollClient::OnTimer);
  curl_multi_setopt(multi_.get(), CURLMOPT_TIMERDATA, this);
  return {};
}

Result<void> EpollClient::Start(HttpPost post, HttpPostListener& listener) {
  auto transfer = std::make_unique<Transfer>(std::move(post), listener);
  if (transfer->handle() == nullptr) return Error(StatusCode::kFailed, "cannot start libcurl");
  transfer->SetOptions();
  CURL* const handle = transfer->handle();
  transfers_.emplace(handle, std::move(transfer));
  const CURLMcode added = curl_multi_add_handle(multi_.get(), handle);
  KINGLET_CHECK(added == CURLM_OK, "{}", curl_multi_strerror(added));
  return {};
}

int EpollClient::OnSocket(CURL*, curl_socket_t fd, int wants, void* self, void* known) {
  auto& client = *static_cast<EpollClient*>(self);
  if (wants == CURL_POLL_REMOVE) {
    epoll_ctl(client.epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
    return 0;
  }
  epoll_event event{};
  event.events =
      ((wants & CURL_POLL_IN) != 0 ? EPOLLIN : 0U) | ((wants & CURL_POLL_OUT) != 0 ? EPOLLOUT : 0U);
  event.data.fd = fd;
  epoll_ctl(client.epoll_.get(), known == nullptr ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, fd, &event);
  curl_multi_assign(client.multi_.get(), fd, self);  // it is known from now on
  return 0;
}

int EpollClient::OnTimer(CURLM*, long timeout_ms, void* self) {
  static_cast<EpollClient*>(self)->timer_ms_ =
      timeout_ms < 0 ? kNever : MonotonicMs() + static_cast<double>(timeout_ms);
  return 0;
}

void EpollClient::Serve(double until_ms) {
  const double wait_ms = std::clamp(std::min(until_ms, timer_ms_) - MonotonicMs(), 0.0, 1000.0);
  epoll_event events[64];
  const int count = epoll_wait(epoll_.get(), events, static_cast<int>(std::size(events)),
                               static_cast<int>(std::ceil(wait_ms)));
  int running = 0;
  for (int i = 0; i < count; ++i) {
    const std::uint32_t news = events[i].events;
    const int bits = ((news & EPOLLIN) != 0 ? CURL_CSELECT_IN : 0) |
                     ((news & EPOLLOUT) != 0 ? CURL_CSELECT_OUT : 0) |
                     ((news & (EPOLLERR | EPOLLHUP)) != 0 ? CURL_CSELECT_ERR : 0);
    curl_multi_socket_action(multi_.get(), events[i].data.fd, bits, &running);
  }
  if (MonotonicMs() >= timer_ms_) {
    timer_ms_ = kNever;
    curl_multi_socket_action(multi_.get(), CURL_SOCKET_TIMEOUT, 0, &running);
  }
}

bool EpollClient::TakeEnded() {
  bool any = false;
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(multi_.get(), &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    CURL* const handle = message->easy_handle;
    const CURLcode code = message->data.result;
    auto node = transfers_.extract(handle);
    node.mapped()->End(code);
    curl_multi_remove_handle(multi_.get(), handle);
    any = true;
  }
  return any;
}

void EpollClient::ServeUntil(double monotonic_ms) {
  do {
    Serve(monotonic_ms);
  } while (!TakeEnded() && MonotonicMs() < monotonic_ms);
}

void EpollClient::CancelAll() {
  for (const auto& [handle, transfer] : std::exchange(transfers_, {})) {
    curl_multi_remove_handle(multi_.get(), handle);
    transfer->Cancel();
  }
}

}  // namespace

Result<std::unique_ptr<HttpStreamClient>> HttpStreamClient::Create() {
  StartCurl();
  auto client = std::make_unique<EpollClient>();
  TRY(client->Prepare());
  return client;
}

}  // namespace kinglet
