// SPDX-License-Identifier: Apache-2.0
// A key is compared by its digest, in a time that does not depend on where they differ.
#include "server/access.h"

#include <algorithm>
#include <cctype>
#include <cmath>

#include <openssl/crypto.h>
#include <toml++/toml.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/file.h"

namespace kinglet {
namespace {

constexpr std::size_t kMaxKeyFileBytes = std::size_t{1} << 20;
constexpr std::size_t kMaxKeys = 10'000;
constexpr std::size_t kMaxKeyBytes = 512;
constexpr double kLookEveryMs = 1000;

std::optional<Role> RoleOf(std::string_view word) {
  if (word == "read") return Role::kRead;
  if (word == "write") return Role::kWrite;
  if (word == "admin") return Role::kAdmin;
  return std::nullopt;
}

bool IsHex(std::string_view text) {
  return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

Result<AccessKey> ParseKey(const toml::table& table) {
  const auto line = table.source().begin.line;
  AccessKey key;
  for (const auto& [name, node] : table) {
    const std::string_view field = name.str();
    const bool is_text = node.is_string();
    const auto text = node.value<std::string>().value_or("");
    const auto number = node.value<double>();
    const bool is_limit = node.is_number() && number && *number > 0;
    if (field == "name" && is_text) {
      key.name = text;
    } else if (field == "role" && is_text && RoleOf(text)) {
      key.role = RoleOf(text).value_or(Role::kRead);
    } else if (field == "sha256" && is_text && IsHex(text)) {
      key.sha256 = text;
    } else if (field == "requests_per_minute" && is_limit) {
      key.requests_per_minute = number;
    } else if (field == "tokens_per_minute" && is_limit) {
      key.tokens_per_minute = number;
    } else if (field == "concurrent" && is_limit) {
      key.concurrent = static_cast<int>(number.value_or(1));
    } else {
      return Error(StatusCode::kInvalidInput, "line {}: {} is unknown, or its value is none for it",
                   node.source().begin.line, field);
    }
  }
  if (key.name.empty() || key.sha256.empty()) {
    return Error(StatusCode::kInvalidInput, "line {}: a key needs name and sha256", line);
  }
  return key;
}

std::string LowerCase(std::string_view text) {
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(), [](unsigned char c) { return std::tolower(c); });
  return lower;
}

// "localhost" of "localhost:8080", "[::1]" of "[::1]:8080".
std::string HostName(std::string_view host) {
  if (host.starts_with('[')) return LowerCase(host.substr(0, host.find(']') + 1));
  return LowerCase(
      host.substr(0, host.rfind(':') == std::string_view::npos ? host.size() : host.rfind(':')));
}

// The key that a request brings: of OpenAI's clients, Anthropic's, or none.
std::string_view KeyOf(const HttpRequest& request) {
  if (const auto header = request.Header("authorization")) {
    constexpr std::string_view kBearer = "bearer ";
    if (LowerCase(header->substr(0, kBearer.size())) == kBearer) {
      return header->substr(kBearer.size());
    }
    return {};
  }
  return request.Header("x-api-key").value_or("");
}

ApiError TooMuch(std::string what, double wait_s) {
  ApiError error{429, "rate_limit_exceeded", std::move(what)};
  error.retry_after_s = std::clamp(static_cast<int>(std::ceil(wait_s)), 1, 60);
  return error;
}

}  // namespace

std::string_view RoleName(Role role) {
  switch (role) {
    case Role::kRead:
      return "read";
    case Role::kWrite:
      return "write";
    case Role::kAdmin:
      return "admin";
    case Role::kNone:
      break;
  }
  return "none";
}

Result<std::vector<AccessKey>> ParseAccessKeys(std::string_view text) {
  toml::table table;
  try {
    table = toml::parse(text);
  } catch (const toml::parse_error& error) {
    return Error(StatusCode::kInvalidInput, "line {}: {}", error.source().begin.line,
                 error.description());
  }
  std::vector<AccessKey> keys;
  for (const auto& [name, node] : table) {
    const toml::array* const rows = node.as_array();
    if (name.str() != "key" || rows == nullptr || rows->size() > kMaxKeys) {
      return Error(StatusCode::kInvalidInput, "line {}: there are only [[key]] tables, at most {}",
                   node.source().begin.line, kMaxKeys);
    }
    for (const toml::node& row : *rows) {
      if (!row.is_table()) {
        return Error(StatusCode::kInvalidInput, "line {}: not a table", row.source().begin.line);
      }
      AccessKey key = TRY(ParseKey(*row.as_table()));
      if (std::ranges::count(keys, key.name, &AccessKey::name) > 0) {
        return Error(StatusCode::kInvalidInput, "line {}: the second key {}",
                     row.source().begin.line, key.name);
      }
      keys.push_back(std::move(key));
    }
  }
  return keys;
}

Admission::~Admission() { access_.Leave(key_name_); }

std::uint64_t Admission::account() const { return std::hash<std::string>()(key_name_); }

void Admission::CountTokens(int tokens) { access_.CountTokens(key_name_, tokens); }

Result<std::unique_ptr<Access>> Access::Create(AccessOptions options) {
  std::unique_ptr<Access> access(new Access(std::move(options)));
  if (access->needs_key()) TRY(access->Reload());
  return access;
}

Result<void> Access::Reload() {
  // Before it is read: what is written meanwhile is seen the next time.
  std::error_code error;
  const auto time = std::filesystem::last_write_time(options_.key_file, error);
  const std::string text = TRY(ReadFile(options_.key_file, kMaxKeyFileBytes));
  Result<std::vector<AccessKey>> keys = ParseAccessKeys(text);
  if (!keys) return std::unexpected(keys.error().WithContext(options_.key_file.string()));
  const std::scoped_lock lock(mutex_);
  std::vector<std::shared_ptr<KeyState>> states;
  for (AccessKey& key : *keys) {
    // What was counted for a key stays.
    const auto before =
        std::ranges::find_if(keys_, [&](const auto& state) { return state->key.name == key.name; });
    auto state = before == keys_.end() ? std::make_shared<KeyState>() : *before;
    state->key = std::move(key);
    states.push_back(std::move(state));
  }
  keys_ = std::move(states);
  key_file_time_ = time;
  return {};
}

void Access::ReloadIfChanged() {
  {
    const std::scoped_lock lock(mutex_);
    const double now_ms = MonotonicMs();
    if (now_ms - looked_ms_ < kLookEveryMs) return;
    looked_ms_ = now_ms;
    std::error_code error;
    const auto time = std::filesystem::last_write_time(options_.key_file, error);
    if (error || time == key_file_time_) return;
  }
  (void)Reload();  // a broken file leaves the keys as they were
}

std::expected<std::shared_ptr<Admission>, ApiError> Access::Admit(const HttpRequest& request,
                                                                  Role role) {
  if (auto refused = CheckBrowser(request, role)) return std::unexpected(*std::move(refused));
  if (!needs_key()) return std::make_shared<Admission>(*this, "", Role::kAdmin);
  if (role == Role::kNone) return std::make_shared<Admission>(*this, "", Role::kNone);
  ReloadIfChanged();
  const std::string_view given = KeyOf(request);
  const std::string digest = Sha256::HexOf(given.substr(0, kMaxKeyBytes));
  const std::scoped_lock lock(mutex_);
  KeyState* found = nullptr;
  for (const auto& state : keys_) {
    if (CRYPTO_memcmp(state->key.sha256.data(), digest.data(), digest.size()) == 0) {
      found = state.get();
    }
  }
  if (found == nullptr || given.empty() || given.size() > kMaxKeyBytes) {
    return std::unexpected(ApiError{401, "invalid_api_key",
                                    given.empty()
                                        ? "an API key is needed: Authorization: Bearer KEY"
                                        : "this API key is not known"});
  }
  if (found->key.role < role) {
    return std::unexpected(ApiError{
        403, "forbidden",
        fmt::format("this key may {}; it takes {}", RoleName(found->key.role), RoleName(role))});
  }
  const double now_ms = MonotonicMs();
  if (const auto& limit = found->key.requests_per_minute) {
    const double wait_s = found->requests.WaitS(1, *limit, now_ms);
    if (wait_s > 0)
      return std::unexpected(TooMuch("too many requests a minute for this key", wait_s));
  }
  if (const auto& limit = found->key.tokens_per_minute) {
    const double wait_s = found->tokens.WaitS(0, *limit, now_ms);
    if (wait_s > 0)
      return std::unexpected(TooMuch("too many tokens a minute for this key", wait_s));
  }
  if (found->key.concurrent && found->concurrent >= *found->key.concurrent) {
    return std::unexpected(TooMuch("too many requests at once for this key", 1));
  }
  if (found->key.requests_per_minute)
    found->requests.Add(1, *found->key.requests_per_minute, now_ms);
  ++found->concurrent;
  return std::make_shared<Admission>(*this, found->key.name, found->key.role);
}

void Access::Leave(const std::string& key_name) {
  const std::scoped_lock lock(mutex_);
  for (const auto& state : keys_) {
    if (state->key.name == key_name && state->concurrent > 0) --state->concurrent;
  }
}

void Access::CountTokens(const std::string& key_name, int tokens) {
  const std::scoped_lock lock(mutex_);
  for (const auto& state : keys_) {
    const double limit = state->key.tokens_per_minute.value_or(0);
    if (state->key.name == key_name && limit > 0) state->tokens.Add(tokens, limit, MonotonicMs());
  }
}

void Access::Bucket::Drain(double per_minute, double now_ms) {
  level_ = std::max(0.0, level_ - (now_ms - drained_ms_) / 60'000 * per_minute);
  drained_ms_ = now_ms;
}

double Access::Bucket::WaitS(double amount, double per_minute, double now_ms) {
  Drain(per_minute, now_ms);
  const double over = level_ + amount - per_minute;
  return over > 0 ? over / per_minute * 60 : 0;
}

void Access::Bucket::Add(double amount, double per_minute, double now_ms) {
  Drain(per_minute, now_ms);
  level_ += amount;
}

bool Access::IsAllowedHost(std::string_view host) const {
  const std::string name = HostName(host);
  if (name == "localhost" || name == "127.0.0.1" || name == "[::1]") return true;
  return std::ranges::any_of(options_.allowed_hosts,
                             [&](const std::string& allowed) { return HostName(allowed) == name; });
}

bool Access::IsAllowedOrigin(std::string_view origin, std::string_view host) const {
  // The page of this server itself.
  if (origin == fmt::format("http://{}", host) || origin == fmt::format("https://{}", host)) {
    return true;
  }
  return std::ranges::any_of(options_.cors_origins, [&](const std::string& allowed) {
    return allowed == "*" || allowed == origin;
  });
}

// A browser sends what any page asks it to send. A page of a stranger cannot give itself another
// Origin, nor, without asking for leave first, send what no form can send; and a name that was made
// to point here (DNS rebinding) stands in Host.
std::optional<ApiError> Access::CheckBrowser(const HttpRequest& request, Role role) const {
  const std::string_view host = request.Header("host").value_or("");
  if (options_.loopback && !request.over_unix_socket && !needs_key() && !IsAllowedHost(host)) {
    return ApiError{403, "forbidden_host",
                    "this server is not called that; --allowed-host adds a name"};
  }
  const auto origin = request.Header("origin");
  if (origin && !IsAllowedOrigin(*origin, host)) {
    return ApiError{403, "forbidden_origin",
                    "pages of this origin may not ask; --cors-origin adds one"};
  }
  if (role < Role::kWrite || needs_key() || request.method != "POST") return std::nullopt;
  const std::string type = LowerCase(request.Header("content-type").value_or(""));
  const std::string_view media = std::string_view(type).substr(0, type.find_first_of("; "));
  if (media.empty() || media == "text/plain" || media == "multipart/form-data" ||
      media == "application/x-www-form-urlencoded") {
    return ApiError{415, "unsupported_media_type",
                    "send a Content-Type that no form of a page sends, such as application/json"};
  }
  return std::nullopt;
}

HttpHeaders Access::CorsHeaders(const HttpRequest& request) const {
  const auto origin = request.Header("origin");
  if (!origin || !IsAllowedOrigin(*origin, request.Header("host").value_or(""))) return {};
  return {{"Access-Control-Allow-Origin", std::string(*origin)}, {"Vary", "Origin"}};
}

}  // namespace kinglet
