// SPDX-License-Identifier: Apache-2.0
// Where a server listens, in the clear and by TLS.
#include <fcntl.h>

#include <fstream>
#include <optional>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <sys/stat.h>

#include "net/http_client_for_test.h"
#include "net/http_server.h"

namespace kinglet {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

constexpr std::string_view kGet = "GET /a HTTP/1.1\r\nHost: test\r\n\r\n";

// Short, as the path of a socket must be; gone with the test.
class FolderForTest {
 public:
  FolderForTest() {
    std::string name = (fs::temp_directory_path() / "kinglet-XXXXXX").string();
    KINGLET_CHECK(mkdtemp(name.data()) != nullptr, "{}", name);
    path_ = name;
  }
  FolderForTest(const FolderForTest&) = delete;
  FolderForTest& operator=(const FolderForTest&) = delete;
  ~FolderForTest() { fs::remove_all(path_); }
  fs::path operator/(std::string_view name) const { return path_ / name; }

 private:
  fs::path path_;
};

StatusCode FailureOf(const HttpServerOptions& options) {
  const auto server = HttpServer::Listen(options, EchoForTest);
  EXPECT_FALSE(server);
  return server ? StatusCode::kCancelled : server.error().code();
}

TEST(HttpServerPlacesTest, NeedsAPlace) {
  EXPECT_EQ(FailureOf({.host = ""}), StatusCode::kUsage);
  EXPECT_EQ(FailureOf({.host = "no such host"}), StatusCode::kFailed);
  EXPECT_EQ(FailureOf({.host = "192.0.2.1"}), StatusCode::kFailed) << "of no machine";
}

TEST(HttpServerPlacesTest, FindsItsAddressTaken) {
  const auto first = HttpServer::Listen({}, EchoForTest);
  ASSERT_TRUE(first);
  EXPECT_EQ(FailureOf({.port = (*first)->port()}), StatusCode::kFailed);
}

TEST(HttpServerPlacesTest, TakesANameForAnAddress) {
  ServerForTest server({.host = "localhost"}, EchoForTest);
  EXPECT_EQ(ClientForTest(server.port()).Get("/a").body, "GET /a ");
}

TEST(HttpServerPlacesTest, ServesIpv6AndIpv4Together) {
  sockaddr_in6 loopback{};
  loopback.sin6_family = AF_INET6;
  loopback.sin6_addr = in6addr_loopback;
  for (const char* host : {"::1", "::"}) {
    HttpServerOptions options{.host = host};
    if (!HttpServer::Listen(options, EchoForTest)) GTEST_SKIP() << "no IPv6 here";
    ServerForTest server(options, [](const HttpRequest& request, const auto& exchange) {
      exchange->Respond({.body = request.remote});
    });
    loopback.sin6_port = htons(server.port());
    EXPECT_THAT(ClientForTest(loopback).Get("/").body, testing::StartsWith("[::1]:"));
    if (std::string_view(host) == "::") {
      EXPECT_THAT(ClientForTest(server.port()).Get("/").body, testing::StartsWith("127.0.0.1:"));
    }
  }
}

TEST(HttpServerPlacesTest, ServesASocketFileThatIsOfItsOwnerAlone) {
  const FolderForTest folder;
  const fs::path path = folder / "s";
  HttpServerOptions options{.host = "", .unix_socket = path};
  ServerForTest server(options, [](const HttpRequest& request, const auto& exchange) {
    exchange->Respond({.body = request.remote + (request.over_unix_socket ? " yes" : " no")});
  });
  EXPECT_EQ(server.port(), 0);
  struct stat info{};
  ASSERT_EQ(stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0600U);
  EXPECT_EQ(ClientForTest(path).Get("/").body, "unix yes");
  server.Stop(0);
  EXPECT_FALSE(fs::exists(path)) << "it removes what it made";
}

TEST(HttpServerPlacesTest, ListensOnAddressAndFileTogether) {
  const FolderForTest folder;
  HttpServerOptions options{.unix_socket = folder / "s"};
  ServerForTest server(options, EchoForTest);
  EXPECT_EQ(ClientForTest(server.port()).Get("/a").body, "GET /a ");
  EXPECT_EQ(ClientForTest(folder / "s").Get("/a").body, "GET /a ");
}

TEST(HttpServerPlacesTest, ReplacesASocketFileOnlyWhereNobodyListens) {
  const FolderForTest folder;
  const HttpServerOptions options{.host = "", .unix_socket = folder / "s"};
  {
    ServerForTest server(options, EchoForTest);
    EXPECT_EQ(FailureOf(options), StatusCode::kFailed);
    EXPECT_EQ(ClientForTest(folder / "s").Get("/a").status, 200) << "it still listens";
  }
  // As a server leaves it that was killed.
  const int left = socket(AF_UNIX, SOCK_STREAM, 0);
  ASSERT_GE(left, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  options.unix_socket.native().copy(address.sun_path, sizeof(address.sun_path) - 1);
  ASSERT_EQ(bind(left, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  close(left);
  ASSERT_TRUE(fs::exists(folder / "s"));
  ServerForTest server(options, EchoForTest);
  EXPECT_EQ(ClientForTest(folder / "s").Get("/a").status, 200);
}

TEST(HttpServerPlacesTest, LeavesFilesAloneThatAreNotItsOwn) {
  const FolderForTest folder;
  std::ofstream(folder / "file") << "precious";
  EXPECT_EQ(FailureOf({.host = "", .unix_socket = folder / "file"}), StatusCode::kFailed);
  EXPECT_EQ(fs::file_size(folder / "file"), 8U);
  fs::create_symlink(folder / "file", folder / "link");
  EXPECT_EQ(FailureOf({.host = "", .unix_socket = folder / "link"}), StatusCode::kFailed);
  EXPECT_TRUE(fs::is_symlink(folder / "link"));
  EXPECT_EQ(FailureOf({.host = "", .unix_socket = folder / "no" / "such"}), StatusCode::kFailed);
  EXPECT_EQ(FailureOf({.host = "", .unix_socket = folder / std::string(200, 'a')}),
            StatusCode::kFailed);

  // Another server's, which took the place while this one ran.
  ServerForTest server({.host = "", .unix_socket = folder / "s"}, EchoForTest);
  fs::remove(folder / "s");
  std::ofstream(folder / "s") << "another's";
  server.Stop(0);
  EXPECT_TRUE(fs::exists(folder / "s"));
}

// ---- TLS

template <auto Free>
struct Freed {
  void operator()(auto* object) const { Free(object); }
};
using Key = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Freed<X509_free>>;
using Context = std::unique_ptr<SSL_CTX, Freed<SSL_CTX_free>>;
using Session = std::unique_ptr<SSL, Freed<SSL_free>>;

// A certificate that signs itself, and its key, as PEM files.
void WriteCertificate(const fs::path& certificate_path, const fs::path& key_path) {
  const Key key(EVP_EC_gen("P-256"));
  const Certificate certificate(X509_new());
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -60);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3600);
  X509_set_pubkey(certificate.get(), key.get());
  X509_NAME* const name = X509_get_subject_name(certificate.get());
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>("localhost"), -1, -1, 0);
  X509_set_issuer_name(certificate.get(), name);
  X509_sign(certificate.get(), key.get(), EVP_sha256());
  const std::unique_ptr<FILE, Freed<fclose>> to(std::fopen(certificate_path.c_str(), "w"));
  PEM_write_X509(to.get(), certificate.get());
  const std::unique_ptr<FILE, Freed<fclose>> key_to(std::fopen(key_path.c_str(), "w"));
  PEM_write_PrivateKey(key_to.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr);
}

class TlsServerTest : public testing::Test {
 protected:
  void SetUp() override { WriteCertificate(folder_ / "cert", folder_ / "key"); }
  HttpServerOptions Options() const {
    return {.tls_certificate = folder_ / "cert", .tls_key = folder_ / "key"};
  }

  const FolderForTest folder_;
};

// A blocking TLS client; not connected where the handshake failed.
class TlsClientForTest {
 public:
  explicit TlsClientForTest(std::uint16_t port, int max_version = 0, std::string_view offers = "")
      : socket_(port), context_(SSL_CTX_new(TLS_client_method())) {
    if (max_version != 0) {
      SSL_CTX_set_max_proto_version(context_.get(), max_version);
      SSL_CTX_set_min_proto_version(context_.get(), max_version);
      SSL_CTX_set_cipher_list(context_.get(), "ALL:@SECLEVEL=0");
    }
    session_.reset(SSL_new(context_.get()));
    SSL_set_alpn_protos(session_.get(), reinterpret_cast<const unsigned char*>(offers.data()),
                        static_cast<unsigned>(offers.size()));
    SSL_set_fd(session_.get(), socket_.fd());
    is_connected_ = SSL_connect(session_.get()) == 1;
    ERR_clear_error();
  }
  bool is_connected() const { return is_connected_; }
  std::string Version() const { return SSL_get_version(session_.get()); }
  std::string Protocol() const {
    const unsigned char* name = nullptr;
    unsigned size = 0;
    SSL_get0_alpn_selected(session_.get(), &name, &size);
    return {reinterpret_cast<const char*>(name), size};
  }
  void Send(std::string_view bytes) {
    std::size_t written = 0;
    SSL_write_ex(session_.get(), bytes.data(), bytes.size(), &written);
  }
  std::string ReadThrough(std::string_view mark) {
    std::string came;
    char bytes[1000];
    std::size_t n = 0;
    while (!came.ends_with(mark) && SSL_read_ex(session_.get(), bytes, sizeof(bytes), &n) == 1) {
      came.append(bytes, n);
    }
    return came;
  }
  // Whether the server says that nothing more comes.
  bool IsEnded() {
    char byte = 0;
    const int result = SSL_read(session_.get(), &byte, 1);
    return SSL_get_error(session_.get(), result) == SSL_ERROR_ZERO_RETURN;
  }
  void EndSending() { SSL_shutdown(session_.get()); }
  // Asks for it, and does not wait for what the server says.
  void Renegotiate() {
    fcntl(socket_.fd(), F_SETFL, O_NONBLOCK);
    SSL_renegotiate(session_.get());
    SSL_do_handshake(session_.get());
    ERR_clear_error();
  }
  // With the next bytes that are sent; the server is asked to do the same.
  void UpdateKeys() { SSL_key_update(session_.get(), SSL_KEY_UPDATE_REQUESTED); }
  ClientForTest& socket() { return socket_; }

 private:
  ClientForTest socket_;
  Context context_;
  Session session_;
  bool is_connected_ = false;
};

TEST_F(TlsServerTest, ServesRequestsThatAreEncrypted) {
  ServerForTest server(Options(), [](const HttpRequest& request, const auto& exchange) {
    exchange->Respond({.body = request.encrypted ? "encrypted" : "plain"});
  });
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    TlsClientForTest client(server.port(), version);
    ASSERT_TRUE(client.is_connected());
    for (int i = 0; i < 2; ++i) {
      client.Send(kGet);
      EXPECT_THAT(client.ReadThrough("encrypted"), HasSubstr("\r\n\r\nencrypted"));
    }
  }
}

TEST_F(TlsServerTest, RefusesOldVersions) {
  ServerForTest server(Options(), EchoForTest);
  EXPECT_FALSE(TlsClientForTest(server.port(), TLS1_1_VERSION).is_connected());
  EXPECT_TRUE(TlsClientForTest(server.port(), TLS1_2_VERSION).is_connected());
}

TEST_F(TlsServerTest, ClosesOnWhoRenegotiates) {
  ServerForTest server(Options(), EchoForTest);
  TlsClientForTest client(server.port(), TLS1_2_VERSION);
  ASSERT_TRUE(client.is_connected());
  client.Send(kGet);
  EXPECT_THAT(client.ReadThrough("GET /a "), HasSubstr("GET /a "));
  client.Renegotiate();
  client.socket().ReadToEnd();  // an alert
  EXPECT_TRUE(Eventually([&] { return server->connections() == 0; }));
}

TEST_F(TlsServerTest, ServesOnWhenTheKeysChange) {
  ServerForTest server(Options(), EchoForTest);
  TlsClientForTest client(server.port(), TLS1_3_VERSION);
  ASSERT_TRUE(client.is_connected());
  for (int i = 0; i < 3; ++i) {
    client.UpdateKeys();
    client.Send(kGet);
    EXPECT_THAT(client.ReadThrough("GET /a "), HasSubstr("GET /a "));
  }
}

TEST_F(TlsServerTest, ChoosesHttp11WhereItIsOffered) {
  ServerForTest server(Options(), EchoForTest);
  EXPECT_EQ(TlsClientForTest(server.port(), 0, "\x02h2\x08http/1.1").Protocol(), "http/1.1");
  EXPECT_EQ(TlsClientForTest(server.port(), 0, "\x02h2").Protocol(), "");
}

TEST_F(TlsServerTest, StreamsAndSaysThatNothingMoreComes) {
  ServerForTest server(Options(),
                       [](const HttpRequest&, const std::shared_ptr<HttpExchange>& exchange) {
                         exchange->Begin(200, "text/plain", {});
                         exchange->Write(std::string(3 << 20, 'x'));
                         exchange->End();
                       });
  TlsClientForTest client(server.port());
  client.Send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  EXPECT_GT(client.ReadThrough("0\r\n\r\n").size(), std::size_t{3} << 20);
  EXPECT_TRUE(client.IsEnded());
}

TEST_F(TlsServerTest, TakesLongBodies) {
  ServerForTest server(Options(), [](const HttpRequest& request, const auto& exchange) {
    exchange->Respond({.body = std::to_string(request.body.size()) + "."});
  });
  TlsClientForTest client(server.port());
  client.Send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3000000\r\n\r\n");
  client.Send(std::string(3'000'000, 'x'));
  EXPECT_THAT(client.ReadThrough("."), HasSubstr("\r\n\r\n3000000."));
}

TEST_F(TlsServerTest, TellsThatAClientHasGone) {
  std::shared_ptr<HttpExchange> kept;
  Event came;
  ServerForTest server(Options(), [&](const HttpRequest&, std::shared_ptr<HttpExchange> exchange) {
    kept = std::move(exchange);
    came.Tell();
  });
  TlsClientForTest client(server.port());
  client.Send(kGet);
  ASSERT_TRUE(came.Wait());
  Event gone;
  kept->OnGone([&gone] { gone.Tell(); });
  client.EndSending();
  EXPECT_TRUE(gone.Wait());
  kept->Respond({.body = "all the same"});
  EXPECT_THAT(client.ReadThrough("all the same"), HasSubstr("all the same"));
}

TEST_F(TlsServerTest, TellsPlainClientsThatItSpeaksTls) {
  ServerForTest server(Options(), EchoForTest);
  ClientForTest client(server.port());
  const ReplyForTest reply = client.Ask(kGet);
  EXPECT_EQ(reply.status, 400);
  EXPECT_THAT(reply.body, HasSubstr("HTTPS"));
}

TEST_F(TlsServerTest, ClosesOnHandshakesThatFailOrTakeTooLong) {
  HttpServerOptions options = Options();
  options.header_timeout_ms = 50;
  ServerForTest server(options, EchoForTest);
  ClientForTest broken(server.port());
  broken.Send("\x16\x03\x01\x00\x05hello");
  broken.ReadToEnd();  // an alert
  ClientForTest silent(server.port());
  EXPECT_TRUE(silent.IsClosed());
  ClientForTest slow(server.port());
  slow.Send("\x16");
  EXPECT_TRUE(slow.IsClosed());
}

TEST_F(TlsServerTest, TellsConnectionsThatThereAreTooMany) {
  HttpServerOptions options = Options();
  options.max_connections = 1;
  options.farewell_ms = kPatienceMs;
  ServerForTest server(options, EchoForTest);
  TlsClientForTest inside(server.port());
  inside.Send(kGet);
  inside.ReadThrough("GET /a ");
  TlsClientForTest outside(server.port());
  ASSERT_TRUE(outside.is_connected());
  outside.Send(kGet);
  EXPECT_THAT(outside.ReadThrough("}}"), testing::StartsWith("HTTP/1.1 503 "));
}

TEST_F(TlsServerTest, NeedsACertificateAndItsKey) {
  HttpServerOptions options = Options();
  options.tls_key = "";
  EXPECT_EQ(FailureOf(options), StatusCode::kUsage);
  options.tls_key = folder_ / "none";
  EXPECT_EQ(FailureOf(options), StatusCode::kInvalidInput);
  options.tls_key = folder_ / "cert";
  EXPECT_EQ(FailureOf(options), StatusCode::kInvalidInput);
  WriteCertificate(folder_ / "cert2", folder_ / "key2");
  options.tls_key = folder_ / "key2";
  EXPECT_EQ(FailureOf(options), StatusCode::kInvalidInput) << "of another certificate";
  options = Options();
  options.tls_certificate = folder_ / "key";
  EXPECT_EQ(FailureOf(options), StatusCode::kInvalidInput);
}

}  // namespace
}  // namespace kinglet
