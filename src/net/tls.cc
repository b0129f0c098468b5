// SPDX-License-Identifier: Apache-2.0
// OpenSSL between two buffers in memory.
#include "net/tls.h"

#include <array>
#include <utility>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "base/display.h"

namespace kinglet {
namespace {

constexpr std::size_t kRecordBytes = std::size_t{16} << 10;  // the most that TLS puts in a record

constexpr std::size_t kSliceBytes = 4 * kRecordBytes;

// HTTP/1.1 where the client offers it; else none, and the request will say what it is.
int ChooseProtocol(SSL*, const unsigned char** chosen, unsigned char* chosen_size,
                   const unsigned char* offered, unsigned offered_size, void*) {
  static constexpr std::string_view kHttp = "\x08http/1.1";
  const auto* const ours = reinterpret_cast<const unsigned char*>(kHttp.data());
  // SSL_select_next_proto hands out a pointer that is not const, into what it was given.
  const int found = SSL_select_next_proto(const_cast<unsigned char**>(chosen), chosen_size, ours,
                                          kHttp.size(), offered, offered_size);
  return found == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
}

int NoPassword(char*, int, int, void*) { return 0; }

std::unexpected<Status> Unreadable(const std::filesystem::path& path, std::string_view what) {
  const char* const reason = ERR_reason_error_string(ERR_peek_last_error());
  ERR_clear_error();
  return Error(StatusCode::kInvalidInput, "{}: cannot be read as {}: {}",
               Quoted(path.string(), 200), what, reason == nullptr ? "unknown reason" : reason);
}

}  // namespace

void TlsContext::Free::operator()(ssl_ctx_st* context) const { SSL_CTX_free(context); }
void TlsSession::Free::operator()(ssl_st* ssl) const { SSL_free(ssl); }

Result<TlsContext> TlsContext::Load(const std::filesystem::path& certificate,
                                    const std::filesystem::path& key) {
  ERR_clear_error();
  TlsContext context(SSL_CTX_new(TLS_server_method()));
  SSL_CTX* const ctx = context.context_.get();
  if (ctx == nullptr) return Error(StatusCode::kFailed, "cannot start OpenSSL");
  SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
  SSL_CTX_set_options(
      ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  // An idle connection gives back about 34 KiB.
  SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_alpn_select_cb(ctx, ChooseProtocol, nullptr);
  SSL_CTX_set_default_passwd_cb(ctx, NoPassword);
  if (SSL_CTX_use_certificate_chain_file(ctx, certificate.c_str()) != 1) {
    return Unreadable(certificate, "a certificate in PEM");
  }
  if (SSL_CTX_use_PrivateKey_file(ctx, key.c_str(), SSL_FILETYPE_PEM) != 1) {
    return Unreadable(key, "the key of the certificate, in PEM and without a password");
  }
  return context;
}

std::unique_ptr<TlsSession> TlsContext::NewSession() const {
  SSL* const ssl = SSL_new(context_.get());
  if (ssl == nullptr) return nullptr;
  std::unique_ptr<TlsSession> session(new TlsSession(ssl));
  BIO* const in = BIO_new(BIO_s_mem());
  BIO* const out = BIO_new(BIO_s_mem());
  if (in == nullptr || out == nullptr) {
    BIO_free(in);
    BIO_free(out);
    return nullptr;
  }
  SSL_set_bio(ssl, in, out);  // takes both
  SSL_set_accept_state(ssl);
  return session;
}

bool TlsSession::is_established() const { return SSL_is_init_finished(ssl_.get()) != 0; }

void TlsSession::TakeOutput(std::string& to_wire) {
  BIO* const out = SSL_get_wbio(ssl_.get());
  const std::size_t size = BIO_ctrl_pending(out);
  if (size == 0) return;
  const std::size_t before = to_wire.size();
  to_wire.resize(before + size);
  std::size_t taken = 0;
  BIO_read_ex(out, to_wire.data() + before, size, &taken);
  to_wire.resize(before + taken);
}

TlsSession::State TlsSession::Receive(std::string_view from_wire, std::string& plain,
                                      std::string& to_wire) {
  SSL* const ssl = ssl_.get();
  ERR_clear_error();
  const bool was_established = is_established();
  std::size_t written = 0;
  if (!from_wire.empty() &&
      BIO_write_ex(SSL_get_rbio(ssl), from_wire.data(), from_wire.size(), &written) != 1) {
    return State::kBroken;
  }
  std::array<char, kRecordBytes> record;
  std::size_t size = 0;
  int result = 0;
  // SSL_read takes the steps of the handshake, too.
  while ((result = SSL_read_ex(ssl, record.data(), record.size(), &size)) == 1) {
    plain.append(record.data(), size);
  }
  const int error = SSL_get_error(ssl, result);
  TakeOutput(to_wire);
  ERR_clear_error();
  // To read makes OpenSSL speak where a client wants to renegotiate, each time anew: whoever did
  // nothing else, and took none of it, would fill the memory.
  if (was_established && !to_wire.empty()) return State::kBroken;
  if (error == SSL_ERROR_WANT_READ) return State::kOpen;
  return error == SSL_ERROR_ZERO_RETURN ? State::kEnded : State::kBroken;
}

bool TlsSession::Send(std::string_view plain, std::string& to_wire) {
  ERR_clear_error();
  bool sent = true;
  // In slices: OpenSSL's buffer never gives back what it grew to.
  while (sent && !plain.empty()) {
    const std::string_view slice = plain.substr(0, kSliceBytes);
    plain.remove_prefix(slice.size());
    std::size_t written = 0;
    sent = SSL_write_ex(ssl_.get(), slice.data(), slice.size(), &written) == 1 &&
           written == slice.size();
    TakeOutput(to_wire);
  }
  ERR_clear_error();
  return sent;
}

void TlsSession::End(std::string& to_wire) {
  ERR_clear_error();
  SSL_shutdown(ssl_.get());
  TakeOutput(to_wire);
  ERR_clear_error();
}

}  // namespace kinglet
