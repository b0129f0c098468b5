// SPDX-License-Identifier: Apache-2.0
// Who may come in, and how much: keys from a file, roles, limits; and what a browser may be made to
// do by a page of somebody else's.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "net/http_server.h"
#include "server/api_error.h"

namespace kinglet {

enum class Role { kNone, kRead, kWrite, kAdmin };

// A row of the key file. What it limits is counted over the last minute.
struct AccessKey {
  std::string name;
  Role role = Role::kRead;
  std::string sha256;  // of the key: 64 hexadecimal digits
  std::optional<double> requests_per_minute;
  std::optional<double> tokens_per_minute;  // read and written
  std::optional<int> concurrent;            // requests
};

// TOML: [[key]] tables with the members above. kInvalidInput names the line.
Result<std::vector<AccessKey>> ParseAccessKeys(std::string_view toml);

struct AccessOptions {
  std::filesystem::path key_file;          // empty: nobody needs a key
  std::vector<std::string> cors_origins;   // "https://example.org", or "*"
  std::vector<std::string> allowed_hosts;  // beside the address itself and localhost
  bool loopback = true;                    // the server is bound to this machine alone
};

class Access;

// One request that was let in. Its place in the count of concurrent requests goes with it.
class Admission {
 public:
  Admission(Access& access, std::string key_name, Role role)
      : access_(access), key_name_(std::move(key_name)), role_(role) {}
  Admission(const Admission&) = delete;
  Admission& operator=(const Admission&) = delete;
  ~Admission();

  const std::string& key_name() const { return key_name_; }  // empty: no key was asked for
  Role role() const { return role_; }
  // What names its prompts in the cache: keys share nothing.
  std::string scope() const { return "key " + key_name_; }
  std::uint64_t account() const;
  void CountTokens(int tokens);

 private:
  Access& access_;
  std::string key_name_;
  Role role_;
};

class Access {
 public:
  static Result<std::unique_ptr<Access>> Create(AccessOptions options);

  // Reads the key file anew: at the next request after it has changed, and on demand. A broken file
  // leaves the keys as they were.
  Result<void> Reload();

  // Lets a request in that needs `role`, or says why not.
  std::expected<std::shared_ptr<Admission>, ApiError> Admit(const HttpRequest& request, Role role);

  // Headers for a page of another origin that may read the answer; empty for all others.
  HttpHeaders CorsHeaders(const HttpRequest& request) const;
  bool needs_key() const { return !options_.key_file.empty(); }

 private:
  friend class Admission;

  // A count that forgets evenly within a minute.
  class Bucket {
   public:
    // How long to wait, in seconds, until `amount` fits under `per_minute`; 0: now.
    double WaitS(double amount, double per_minute, double now_ms);
    void Add(double amount, double per_minute, double now_ms);

   private:
    void Drain(double per_minute, double now_ms);
    double level_ = 0;
    double drained_ms_ = 0;
  };
  struct KeyState {
    AccessKey key;
    Bucket requests, tokens;
    int concurrent = 0;
  };

  explicit Access(AccessOptions options) : options_(std::move(options)) {}
  std::optional<ApiError> CheckBrowser(const HttpRequest& request, Role role) const;
  bool IsAllowedHost(std::string_view host) const;
  bool IsAllowedOrigin(std::string_view origin, std::string_view host) const;
  void ReloadIfChanged();
  void Leave(const std::string& key_name);
  void CountTokens(const std::string& key_name, int tokens);

  AccessOptions options_;
  std::mutex mutex_;
  std::vector<std::shared_ptr<KeyState>> keys_;
  std::filesystem::file_time_type key_file_time_;
  double looked_ms_ = 0;
};

std::string_view RoleName(Role role);

}  // namespace kinglet
