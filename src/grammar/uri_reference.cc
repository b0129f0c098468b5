// SPDX-License-Identifier: Apache-2.0
// The algorithms of RFC 3986, section 5.2.
#include "grammar/uri_reference.h"

#include <algorithm>
#include <charconv>
#include <optional>

namespace kinglet::validation {
namespace {

struct UriParts {
  std::optional<std::string_view> scheme;
  std::optional<std::string_view> authority;
  std::string_view path;
  std::optional<std::string_view> query;
  std::optional<std::string_view> fragment;
};

// What follows the mark is cut off.
std::optional<std::string_view> CutAfter(std::string_view& text, char mark) {
  const std::size_t at = text.find(mark);
  if (at == std::string_view::npos) return std::nullopt;
  const std::string_view after = text.substr(at + 1);
  text = text.substr(0, at);
  return after;
}

UriParts Split(std::string_view uri) {
  UriParts parts;
  parts.fragment = CutAfter(uri, '#');
  parts.query = CutAfter(uri, '?');
  const std::size_t colon = uri.find(':');
  if (colon != std::string_view::npos && colon > 0 && colon < uri.find('/')) {
    parts.scheme = uri.substr(0, colon);
    uri.remove_prefix(colon + 1);
  }
  if (uri.starts_with("//")) {
    uri.remove_prefix(2);
    parts.authority = uri.substr(0, uri.find('/'));
    uri.remove_prefix(parts.authority->size());
  }
  parts.path = uri;
  return parts;
}

std::string WithoutDotSegments(std::string_view path) {
  std::string out;
  const auto drop_last = [&out] {
    const std::size_t slash = out.rfind('/');
    out.erase(slash == std::string::npos ? 0 : slash);
  };
  while (!path.empty()) {
    if (path.starts_with("../")) {
      path.remove_prefix(3);
    } else if (path.starts_with("./") || path.starts_with("/./")) {
      path.remove_prefix(2);
    } else if (path == "/.") {
      path = "/";
    } else if (path.starts_with("/../")) {
      path.remove_prefix(3);
      drop_last();
    } else if (path == "/..") {
      path = "/";
      drop_last();
    } else if (path == "." || path == "..") {
      path = {};
    } else {
      const std::size_t end = std::min(path.find('/', 1), path.size());
      out += path.substr(0, end);
      path.remove_prefix(end);
    }
  }
  return out;
}

std::string Merged(const UriParts& base, std::string_view path) {
  if (base.authority && base.path.empty()) return std::string("/").append(path);
  const std::size_t slash = base.path.rfind('/');
  const std::size_t kept = slash == std::string_view::npos ? 0 : slash + 1;
  return std::string(base.path.substr(0, kept)).append(path);
}

}  // namespace

std::string ResolveUri(std::string_view base, std::string_view reference) {
  const UriParts from = Split(base);
  UriParts to = Split(reference);
  std::string path;
  if (to.scheme || to.authority) {
    path = WithoutDotSegments(to.path);
    if (!to.scheme) to.scheme = from.scheme;
  } else {
    to.scheme = from.scheme;
    to.authority = from.authority;
    if (to.path.empty()) {
      path = from.path;
      if (!to.query) to.query = from.query;
    } else {
      path = WithoutDotSegments(to.path.starts_with('/') ? std::string(to.path)
                                                         : Merged(from, to.path));
    }
  }
  std::string uri;
  if (to.scheme) uri.append(*to.scheme).append(":");
  if (to.authority) uri.append("//").append(*to.authority);
  uri += path;
  if (to.query) uri.append("?").append(*to.query);
  if (to.fragment) uri.append("#").append(*to.fragment);
  return uri;
}

std::string DecodePercent(std::string_view text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned char byte = 0;
    const char* const digits = text.data() + i + 1;
    if (text[i] == '%' && i + 2 < text.size() &&
        std::from_chars(digits, digits + 2, byte, 16).ptr == digits + 2) {
      plain += static_cast<char>(byte);
      i += 2;
    } else {
      plain += text[i];
    }
  }
  return plain;
}

}  // namespace kinglet::validation
