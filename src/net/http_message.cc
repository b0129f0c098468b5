// SPDX-License-Identifier: Apache-2.0
// The grammar of targets, header fields and the lists in them.
#include "net/http_message.h"

#include <algorithm>

#include "base/utf8.h"

namespace kinglet {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsAlphanumeric(char c) {
  return IsDigit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

char ToLower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool IsControl(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }

std::optional<unsigned> HexDigit(char c) {
  if (IsDigit(c)) return static_cast<unsigned>(c - '0');
  const char lower = ToLower(c);
  if (lower >= 'a' && lower <= 'f') return static_cast<unsigned>(lower - 'a') + 10;
  return std::nullopt;
}

// Takes from `list` what stands before the next separator.
std::string_view TakeItem(std::string_view& list, char separator) {
  const std::size_t end = list.find(separator);
  const std::string_view item = list.substr(0, end);
  list = end == std::string_view::npos ? std::string_view() : list.substr(end + 1);
  return item;
}

std::optional<std::string> PercentDecode(std::string_view text, bool plus_is_space) {
  std::string decoded;
  decoded.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%') {
      if (text.size() - i < 3) return std::nullopt;
      const auto high = HexDigit(text[i + 1]);
      const auto low = HexDigit(text[i + 2]);
      if (!high || !low) return std::nullopt;
      c = static_cast<char>(*high * 16 + *low);
      if (c == '\0') return std::nullopt;
      i += 2;
    } else if (c == '+' && plus_is_space) {
      c = ' ';
    }
    decoded.push_back(c);
  }
  if (!IsUtf8(decoded)) return std::nullopt;
  return decoded;
}

std::optional<HttpHeaders> DecodeQuery(std::string_view text) {
  HttpHeaders query;
  while (!text.empty()) {
    std::string_view value = TakeItem(text, '&');
    if (value.empty()) continue;
    auto name = PercentDecode(TakeItem(value, '='), true);
    auto decoded = PercentDecode(value, true);
    if (!name || !decoded) return std::nullopt;
    query.emplace_back(*std::move(name), *std::move(decoded));
  }
  return query;
}

// The part of a target in absolute form that follows the host; nothing where it is no such target.
std::optional<std::string_view> SkipOrigin(std::string_view target) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (!SameHttpName(target.substr(0, scheme.size()), scheme)) continue;
    target.remove_prefix(scheme.size());
    const std::size_t end = std::min(target.find_first_of("/?"), target.size());
    if (end == 0 || !IsHttpHost(target.substr(0, end))) return std::nullopt;
    return target.substr(end);
  }
  return std::nullopt;
}

// A weight of RFC 9110, 12.4.2, in thousandths; nothing where it is none.
std::optional<int> ParseWeight(std::string_view text) {
  if (text.empty() || text.size() > 5 || (text[0] != '0' && text[0] != '1')) return std::nullopt;
  if (text.size() > 1 && text[1] != '.') return std::nullopt;
  int thousandths = (text[0] - '0') * 1000;
  int unit = 100;
  for (const char digit : text.substr(std::min<std::size_t>(2, text.size()))) {
    if (!IsDigit(digit)) return std::nullopt;
    thousandths += (digit - '0') * unit;
    unit /= 10;
  }
  if (thousandths > 1000) return std::nullopt;
  return thousandths;
}

// The weight of one item of Accept-Encoding; 0 where it is malformed.
int WeightOf(std::string_view parameters) {
  int weight = 1000;
  while (!parameters.empty()) {
    std::string_view value = TrimHttpValue(TakeItem(parameters, ';'));
    if (value.empty()) continue;
    const std::string_view name = TakeItem(value, '=');
    if (SameHttpName(name, "q")) weight = ParseWeight(value).value_or(0);
  }
  return weight;
}

std::optional<std::string_view> FirstOf(const HttpHeaders& fields, auto&& is_meant) {
  const auto found =
      std::ranges::find_if(fields, [&](const auto& field) { return is_meant(field.first); });
  if (found == fields.end()) return std::nullopt;
  return found->second;
}

}  // namespace

std::optional<std::string_view> HttpRequest::Header(std::string_view name) const {
  return FirstOf(headers, [name](std::string_view other) { return SameHttpName(name, other); });
}

std::optional<std::string_view> HttpRequest::Query(std::string_view name) const {
  return FirstOf(query, [name](std::string_view other) { return name == other; });
}

std::expected<HttpTarget, HttpFault> ParseHttpTarget(std::string_view target) {
  constexpr HttpFault kNoPath{400, "the request target is no path"};
  if (!target.starts_with('/')) {
    const auto rest = SkipOrigin(target);
    if (!rest) return std::unexpected(kNoPath);
    target = *rest;
  }
  // A fragment never leaves a client that knows what it is.
  const auto is_bad = [](char c) { return IsControl(c) || c == ' ' || c == '#'; };
  if (std::ranges::any_of(target, is_bad)) return std::unexpected(kNoPath);

  const std::string_view path = TakeItem(target, '?');
  auto decoded = PercentDecode(path.empty() ? "/" : path, false);
  auto query = DecodeQuery(target);
  if (!decoded || !query) {
    return std::unexpected(HttpFault{400, "the request target is not UTF-8 once decoded"});
  }
  return HttpTarget{.path = *std::move(decoded), .query = *std::move(query)};
}

bool IsHttpToken(std::string_view text) {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::ranges::all_of(text, [&](char c) {
    return IsAlphanumeric(c) || kMarks.find(c) != std::string_view::npos;
  });
}

bool IsHttpValue(std::string_view text) {
  return std::ranges::none_of(text, [](char c) { return IsControl(c) && c != '\t'; });
}

bool IsHttpHost(std::string_view text) {
  constexpr std::string_view kMarks = "-._~!$&'()*+,;=:%[]";
  return std::ranges::all_of(
      text, [&](char c) { return IsAlphanumeric(c) || kMarks.find(c) != std::string_view::npos; });
}

bool SameHttpName(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, {}, ToLower, ToLower);
}

std::string_view TrimHttpValue(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

bool ListsHttpName(const HttpHeaders& headers, std::string_view header, std::string_view name) {
  for (const auto& [other, value] : headers) {
    if (!SameHttpName(header, other)) continue;
    std::string_view list = value;
    while (!list.empty()) {
      if (SameHttpName(TrimHttpValue(TakeItem(list, ',')), name)) return true;
    }
  }
  return false;
}

bool AcceptsGzip(const HttpHeaders& headers) {
  std::optional<int> gzip;
  std::optional<int> identity;
  std::optional<int> any;
  for (const auto& [name, value] : headers) {
    if (!SameHttpName(name, "Accept-Encoding")) continue;
    std::string_view list = value;
    while (!list.empty()) {
      std::string_view parameters = TakeItem(list, ',');
      const std::string_view coding = TrimHttpValue(TakeItem(parameters, ';'));
      if (SameHttpName(coding, "gzip") || SameHttpName(coding, "x-gzip")) {
        gzip = WeightOf(parameters);
      } else if (SameHttpName(coding, "identity")) {
        identity = WeightOf(parameters);
      } else if (coding == "*") {
        any = WeightOf(parameters);
      }
    }
  }
  const int weight = gzip.value_or(any.value_or(0));
  return weight > 0 && weight >= identity.value_or(0);
}

}  // namespace kinglet
