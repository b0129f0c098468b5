// SPDX-License-Identifier: Apache-2.0
// The wire of a connection, shared by the network thread and by whoever answers, and the answer
// that is on its way over it.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "net/http_message.h"
#include "net/http_server.h"
#include "net/wire.h"

namespace kinglet {

class ServedExchange;

// Thread-safe.
class HttpOutlet : public std::enable_shared_from_this<HttpOutlet> {
 public:
  // wake: asks the network thread to Look() soon. Called under a lock; never after Close.
  HttpOutlet(Wire wire, std::shared_ptr<const HttpServerOptions> options,
             std::function<void()> wake);

  // For the network thread.

  Wire::State Read(std::span<char> buffer, std::string& plain);
  bool IsReady() const;
  bool WasExpectedEncrypted() const;
  bool HasPeerEnded() const;
  // Sends outside of any answer.
  void Send(std::string_view bytes);

  // The exchange of the next request, whose client may have ended its side already.
  std::shared_ptr<ServedExchange> Open(const HttpFraming& framing, bool has_gone);
  // Answers with an error where no exchange is open, as the last on this connection.
  void Refuse(int status, std::string_view message, const HttpFraming& framing);

  struct Standing {
    bool is_broken = false;
    std::size_t unsent_bytes = 0;
    std::uint64_t sent_bytes = 0;       // ever
    bool is_answered = false;           // nothing will be added to the answer
    bool keep_alive = false;            // another request may follow it
    bool is_cut_short = false;          // the answer lacks its end, and the client must see that
    bool ends_with_connection = false;  // nothing but the connection's end tells the answer's
  };
  Standing Look();
  void Flush();
  // From now on an answer says that no other will follow.
  void Drain() { is_draining_ = true; }
  // The client has ended its side. False: an answer in pieces breaks off, nothing is left to do.
  bool OnClientLeft();
  void EndSending();
  void Close(bool reset);

  // For the exchange of that number, on any thread.

  void Respond(std::uint64_t number, HttpResponse response, const HttpFraming& framing);
  bool Begin(std::uint64_t number, int status, std::string_view content_type,
             const HttpHeaders& headers, const HttpFraming& framing);
  bool Write(std::uint64_t number, std::string_view bytes);
  void End(std::uint64_t number, std::string_view bytes);
  void Fail(std::uint64_t number, const HttpFraming& framing);
  void OnGone(std::uint64_t number, std::function<void()> gone);
  bool IsClosed() const;

 private:
  enum class Stage : std::uint8_t { kNone, kOpen, kStreaming, kEnded };
  using Callbacks = std::vector<std::function<void()>>;

  HttpResponse ErrorResponse(int status, std::string_view message) const;
  // Nothing can be answered: the connection goes.
  void Break(std::uint64_t number);

  // With the lock held.
  bool IsAt(std::uint64_t number, Stage stage) const {
    return !is_closed_ && number == number_ && stage == stage_;
  }
  bool SendLocked(std::string_view bytes);
  void Wake();
  // Ends the answer. Whom OnGone would have called is returned, to be let go of without the lock:
  // it may own anything.
  [[nodiscard]] Callbacks EndAnswer(bool keep_alive);

  const std::shared_ptr<const HttpServerOptions> options_;
  std::atomic<bool> is_draining_ = false;

  mutable std::mutex mutex_;
  Wire wire_;
  std::function<void()> wake_;
  bool is_wake_due_ = false;
  bool is_broken_ = false;
  bool is_closed_ = false;

  std::uint64_t number_ = 0;  // of the exchange
  Stage stage_ = Stage::kNone;
  HttpFraming framing_;
  bool has_gone_ = false;
  bool keep_alive_ = false;
  bool is_cut_short_ = false;
  Callbacks on_gone_;
};

class ServedExchange final : public HttpExchange {
 public:
  ServedExchange(std::shared_ptr<HttpOutlet> outlet, std::uint64_t number,
                 const HttpFraming& framing)
      : outlet_(std::move(outlet)), number_(number), framing_(framing) {}
  ServedExchange(const ServedExchange&) = delete;
  ServedExchange& operator=(const ServedExchange&) = delete;
  ~ServedExchange() override { Fail(); }

  void Respond(HttpResponse response) override;
  bool Begin(int status, std::string_view content_type, const HttpHeaders& headers) override;
  bool Write(std::string piece) override;
  void End() override;
  void OnGone(std::function<void()> gone) override;

  // The answer is 500, or breaks off; nothing where it has ended.
  void Fail() noexcept;
  // Nobody can get an answer any more.
  bool IsClosed() const { return outlet_->IsClosed(); }

 private:
  const std::shared_ptr<HttpOutlet> outlet_;
  const std::uint64_t number_;
  const HttpFraming framing_;
};

}  // namespace kinglet
