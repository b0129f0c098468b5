// SPDX-License-Identifier: Apache-2.0
// Answers, from any thread straight to the kernel.
#include "net/http_outlet.h"

#include <utility>

#include "base/json.h"
#include "net/http_answer.h"

namespace kinglet {
namespace {

// What a callback throws would end the network thread.
void Call(const std::function<void()>& callback) {
  try {
    callback();
  } catch (...) {  // NOLINT(bugprone-empty-catch)
  }
}

}  // namespace

HttpOutlet::HttpOutlet(Wire wire, std::shared_ptr<const HttpServerOptions> options,
                       std::function<void()> wake)
    : options_(std::move(options)), wire_(std::move(wire)), wake_(std::move(wake)) {}

HttpResponse HttpOutlet::ErrorResponse(int status, std::string_view message) const {
  HttpResponse response{.status = status, .content_type = options_->error_content_type};
  if (options_->error_body) {
    response.body = options_->error_body(status, message);
  } else {
    response.body = ToJson({{"error", {{"code", status}, {"message", message}}}});
  }
  if (status == 503) response.headers.emplace_back("Retry-After", "1");
  return response;
}

void HttpOutlet::Wake() {
  if (is_wake_due_) return;
  wake_();
  is_wake_due_ = true;  // last: where there was no memory to wake, the next call tries again
}

bool HttpOutlet::SendLocked(std::string_view bytes) {
  const bool was_broken = std::exchange(is_broken_, true);  // it stays so if memory ends within
  is_broken_ = was_broken || !wire_.Send(bytes);
  if (is_broken_ || wire_.unsent_bytes() > 0) Wake();
  return !is_broken_;
}

HttpOutlet::Callbacks HttpOutlet::EndAnswer(bool keep_alive) {
  stage_ = Stage::kEnded;
  keep_alive_ = keep_alive;
  Wake();
  // Of a client that went before this, the network thread tells as it closes.
  return is_broken_ ? Callbacks() : std::exchange(on_gone_, {});
}

Wire::State HttpOutlet::Read(std::span<char> buffer, std::string& plain) {
  const std::scoped_lock lock(mutex_);
  const Wire::State state = wire_.Read(buffer, plain);
  if (wire_.unsent_bytes() > 0) Wake();
  return state;
}

bool HttpOutlet::IsReady() const {
  const std::scoped_lock lock(mutex_);
  return wire_.is_ready();
}

bool HttpOutlet::WasExpectedEncrypted() const {
  const std::scoped_lock lock(mutex_);
  return wire_.was_expected_encrypted();
}

bool HttpOutlet::HasPeerEnded() const {
  const std::scoped_lock lock(mutex_);
  return wire_.HasPeerEnded();
}

void HttpOutlet::Send(std::string_view bytes) {
  const std::scoped_lock lock(mutex_);
  SendLocked(bytes);
}

std::shared_ptr<ServedExchange> HttpOutlet::Open(const HttpFraming& framing, bool has_gone) {
  const std::scoped_lock lock(mutex_);
  ++number_;
  stage_ = Stage::kOpen;
  framing_ = framing;
  has_gone_ = has_gone;
  return std::make_shared<ServedExchange>(shared_from_this(), number_, framing);
}

void HttpOutlet::Refuse(int status, std::string_view message, const HttpFraming& framing) {
  const std::string answer = WholeAnswer(ErrorResponse(status, message), framing, false);
  const std::scoped_lock lock(mutex_);
  ++number_;
  SendLocked(answer);
  static_cast<void>(EndAnswer(false));  // nobody listens before there is an exchange
}

HttpOutlet::Standing HttpOutlet::Look() {
  const std::scoped_lock lock(mutex_);
  is_wake_due_ = false;
  return {.is_broken = is_broken_,
          .unsent_bytes = wire_.unsent_bytes(),
          .sent_bytes = wire_.sent_bytes(),
          .is_answered = stage_ == Stage::kEnded,
          .keep_alive = keep_alive_,
          .is_cut_short = is_cut_short_,
          .ends_with_connection = framing_.is_http_1_0};
}

void HttpOutlet::Flush() {
  const std::scoped_lock lock(mutex_);
  if (!wire_.Flush()) is_broken_ = true;
}

bool HttpOutlet::OnClientLeft() {
  Callbacks callbacks;
  bool goes_on = true;
  {
    const std::scoped_lock lock(mutex_);
    has_gone_ = true;
    goes_on = stage_ != Stage::kStreaming;
    callbacks.swap(on_gone_);
  }
  for (const auto& callback : callbacks) Call(callback);
  return goes_on;
}

void HttpOutlet::EndSending() {
  const std::scoped_lock lock(mutex_);
  wire_.EndSending();
}

void HttpOutlet::Close(bool reset) {
  std::function<void()> wake;  // let go of without the lock
  {
    const std::scoped_lock lock(mutex_);
    is_closed_ = true;
    wire_.Close(reset);
    wake.swap(wake_);
  }
  OnClientLeft();
}

void HttpOutlet::Respond(std::uint64_t number, HttpResponse response, const HttpFraming& framing) {
  const bool keep_alive = framing.keep_alive && !is_draining_;
  const std::string answer = WholeAnswer(std::move(response), framing, keep_alive);
  Callbacks callbacks;
  const std::scoped_lock lock(mutex_);
  if (!IsAt(number, Stage::kOpen)) return;
  SendLocked(answer);
  callbacks = EndAnswer(keep_alive);
}

bool HttpOutlet::Begin(std::uint64_t number, int status, std::string_view content_type,
                       const HttpHeaders& headers, const HttpFraming& framing) {
  const bool has_body = HasHttpBody(status) && !framing.is_head;
  const bool keep_alive =
      framing.keep_alive && !is_draining_ && (!has_body || !framing.is_http_1_0);
  const std::string head = StreamHead(status, content_type, headers, framing, keep_alive);
  Callbacks callbacks;
  const std::scoped_lock lock(mutex_);
  if (!IsAt(number, Stage::kOpen)) return false;
  if (!has_body) {
    SendLocked(head);
    callbacks = EndAnswer(keep_alive);
    return false;
  }
  if (has_gone_ || !SendLocked(head)) return false;
  stage_ = Stage::kStreaming;
  keep_alive_ = keep_alive;
  return true;
}

bool HttpOutlet::Write(std::uint64_t number, std::string_view bytes) {
  const std::scoped_lock lock(mutex_);
  if (!IsAt(number, Stage::kStreaming) || has_gone_ || is_broken_) return false;
  const std::size_t unsent = wire_.unsent_bytes();
  if (unsent > 0 && unsent + bytes.size() > options_->max_unsent_bytes) {
    is_broken_ = true;
    Wake();
    return false;
  }
  return bytes.empty() || SendLocked(bytes);
}

void HttpOutlet::End(std::uint64_t number, std::string_view bytes) {
  Callbacks callbacks;
  const std::scoped_lock lock(mutex_);
  if (!IsAt(number, Stage::kStreaming)) return;
  if (!bytes.empty()) SendLocked(bytes);
  callbacks = EndAnswer(keep_alive_);
}

void HttpOutlet::Fail(std::uint64_t number, const HttpFraming& framing) {
  Callbacks callbacks;
  {
    const std::scoped_lock lock(mutex_);
    if (IsAt(number, Stage::kStreaming)) {
      is_cut_short_ = true;
      callbacks = EndAnswer(false);
      return;
    }
    if (!IsAt(number, Stage::kOpen)) return;
  }
  try {
    Respond(number, ErrorResponse(500, "the server failed to answer"), framing);
  } catch (...) {  // error_body has failed, or there is no memory
    Break(number);
  }
}

void HttpOutlet::Break(std::uint64_t number) {
  const std::scoped_lock lock(mutex_);
  if (!IsAt(number, Stage::kOpen)) return;
  is_broken_ = true;
  Wake();
}

void HttpOutlet::OnGone(std::uint64_t number, std::function<void()> gone) {
  {
    const std::scoped_lock lock(mutex_);
    if (number != number_ || stage_ == Stage::kEnded) return;
    if (!has_gone_ && !is_broken_) {
      on_gone_.push_back(std::move(gone));
      return;
    }
  }
  Call(gone);
}

bool HttpOutlet::IsClosed() const {
  const std::scoped_lock lock(mutex_);
  return is_closed_;
}

void ServedExchange::Fail() noexcept {
  try {
    outlet_->Fail(number_, framing_);
  } catch (...) {  // NOLINT(bugprone-empty-catch): no memory even to tell; Stop will cut it
  }
}

void ServedExchange::Respond(HttpResponse response) {
  outlet_->Respond(number_, std::move(response), framing_);
}

bool ServedExchange::Begin(int status, std::string_view content_type, const HttpHeaders& headers) {
  return outlet_->Begin(number_, status, content_type, headers, framing_);
}

bool ServedExchange::Write(std::string piece) {
  // An empty chunk would be the last.
  if (piece.empty() || framing_.is_http_1_0) return outlet_->Write(number_, piece);
  return outlet_->Write(number_, Chunk(piece));
}

void ServedExchange::End() {
  outlet_->End(number_, framing_.is_http_1_0 ? std::string_view() : kLastChunk);
}

void ServedExchange::OnGone(std::function<void()> gone) {
  outlet_->OnGone(number_, std::move(gone));
}

}  // namespace kinglet
