// SPDX-License-Identifier: Apache-2.0
// A request line by line, then its body by length or by chunks.
#include "net/http_parser.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

namespace kinglet {
namespace {

constexpr std::size_t kMaxHeaders = 128;
constexpr std::size_t kMaxMethodBytes = 32;
constexpr std::size_t kMaxChunkLineBytes = 512;

bool IsDigits(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

// Nothing where the number does not fit: it is beyond every limit.
std::optional<std::size_t> ParseSize(std::string_view digits, int base) {
  std::size_t size = 0;
  const char* const begin = digits.data();
  const char* const end = begin + digits.size();
  const auto [stop, error] = std::from_chars(begin, end, size, base);
  if (error != std::errc() || stop != end) return std::nullopt;
  return size;
}

struct Found {
  std::size_t count = 0;
  std::string_view first;
};
Found FindAll(const HttpHeaders& headers, std::string_view name) {
  Found found;
  for (const auto& [other, value] : headers) {
    if (!SameHttpName(name, other)) continue;
    if (found.count++ == 0) found.first = value;
  }
  return found;
}

// A name and a value; nothing where the line is no header.
std::optional<std::pair<std::string_view, std::string_view>> SplitHeader(std::string_view line) {
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const std::string_view name = line.substr(0, colon);
  const std::string_view value = TrimHttpValue(line.substr(colon + 1));
  if (!IsHttpToken(name) || !IsHttpValue(value)) return std::nullopt;
  return std::pair(name, value);
}

}  // namespace

HttpParser::State HttpParser::state() const {
  switch (step_) {
    case Step::kRequestLine:
      return line_.empty() || line_ == "\r" ? State::kBetween : State::kHead;
    case Step::kHeaderLine:
      return State::kHead;
    case Step::kWhole:
      return State::kWhole;
    case Step::kRefused:
      return State::kRefused;
    default:
      return State::kBody;
  }
}

HttpRequest HttpParser::Take() {
  HttpRequest request = std::move(request_);
  *this = HttpParser(limits_);
  return request;
}

void HttpParser::Refuse(int status, std::string_view message) {
  fault_ = {status, message};
  step_ = Step::kRefused;
}

std::size_t HttpParser::Feed(std::string_view bytes) {
  std::size_t taken = 0;
  while (taken < bytes.size() && step_ != Step::kWhole && step_ != Step::kRefused) {
    const std::string_view rest = bytes.substr(taken);
    const bool is_body = step_ == Step::kBodyBytes || step_ == Step::kChunkBytes;
    taken += is_body ? TakeBody(rest) : TakeLine(rest);
  }
  return taken;
}

std::size_t HttpParser::LineLimit() const {
  switch (step_) {
    case Step::kRequestLine:
    case Step::kHeaderLine:
      return limits_.max_header_bytes - head_bytes_;
    case Step::kChunkEnd:
      return 2;
    case Step::kChunkSize:
      return std::min(kMaxChunkLineBytes, limits_.max_header_bytes - chunk_line_bytes_);
    default:
      return limits_.max_header_bytes - chunk_line_bytes_;
  }
}

std::size_t HttpParser::TakeLine(std::string_view bytes) {
  // Whoever speaks something else, as TLS, is told at once: it may never send a line end.
  if (step_ == Step::kRequestLine && line_.empty() && bytes[0] != '\r' &&
      !IsHttpToken(bytes.substr(0, 1))) {
    Refuse(400, "this is no HTTP request");
    return 0;
  }
  const std::size_t line_end = bytes.find('\n');
  const std::size_t size = line_end == std::string_view::npos ? bytes.size() : line_end + 1;
  if (size > LineLimit() - line_.size()) {
    if (step_ == Step::kRequestLine) {
      Refuse(414, "the request target is too long");
    } else if (step_ == Step::kChunkSize || step_ == Step::kChunkEnd) {
      Refuse(400, "a chunk is malformed");
    } else {
      Refuse(431, "the header is too long");
    }
    return 0;
  }
  if (line_end == std::string_view::npos) {
    line_ += bytes;
    return size;
  }
  std::string_view line = bytes.substr(0, size);
  std::string joined;
  if (!line_.empty()) {
    joined = std::exchange(line_, {});
    joined += line;
    line = joined;
  }
  if (!line.ends_with("\r\n")) {
    Refuse(400, "a line does not end with CR LF");
    return 0;
  }
  OnLine(line.substr(0, line.size() - 2));
  return size;
}

void HttpParser::OnLine(std::string_view line) {
  const std::size_t line_bytes = line.size() + 2;
  switch (step_) {
    case Step::kRequestLine:
      head_bytes_ += line_bytes;
      if (!line.empty()) OnRequestLine(line);
      break;
    case Step::kHeaderLine:
      head_bytes_ += line_bytes;
      if (line.empty()) {
        OnHeadEnd();
      } else {
        OnHeaderLine(line);
      }
      break;
    case Step::kChunkSize:
      chunk_line_bytes_ += line_bytes - std::min<std::size_t>(line_bytes, 18);
      OnChunkSize(line);
      break;
    case Step::kChunkEnd:
      // Its limit lets nothing but an empty line through.
      step_ = Step::kChunkSize;
      break;
    default:
      chunk_line_bytes_ += line_bytes;
      if (line.empty()) {
        step_ = Step::kWhole;
      } else if (!SplitHeader(line)) {  // a trailer is checked and then forgotten
        Refuse(400, "a trailer is malformed");
      }
  }
}

void HttpParser::OnRequestLine(std::string_view line) {
  const std::size_t method_end = line.find(' ');
  const std::size_t target_end = line.rfind(' ');
  if (method_end == target_end) return Refuse(400, "the request line is malformed");
  const std::string_view method = line.substr(0, method_end);
  const std::string_view version = line.substr(target_end + 1);
  if (!IsHttpToken(method) || method.size() > kMaxMethodBytes) {
    return Refuse(400, "the method is malformed");
  }
  if (version != "HTTP/1.1" && version != "HTTP/1.0") {
    const bool is_version = version.size() == 8 && version.starts_with("HTTP/") &&
                            IsDigits(version.substr(5, 1)) && version[6] == '.' &&
                            IsDigits(version.substr(7));
    return is_version ? Refuse(505, "this server speaks HTTP/1.1")
                      : Refuse(400, "the request line is malformed");
  }
  auto target = ParseHttpTarget(line.substr(method_end + 1, target_end - method_end - 1));
  if (!target) return Refuse(target.error().status, target.error().message);

  framing_.is_http_1_0 = version == "HTTP/1.0";
  framing_.is_head = method == "HEAD";
  request_.method = framing_.is_head ? "GET" : method;
  request_.path = std::move(target->path);
  request_.query = std::move(target->query);
  step_ = Step::kHeaderLine;
}

void HttpParser::OnHeaderLine(std::string_view line) {
  const auto header = SplitHeader(line);
  if (!header) {
    // A fold, too: its line begins with a space, so its name is no token.
    return Refuse(400, "a header line is malformed");
  }
  if (request_.headers.size() == kMaxHeaders) return Refuse(431, "there are too many headers");
  request_.headers.emplace_back(header->first, header->second);
}

void HttpParser::OnHeadEnd() {
  if (CheckHost() && ReadBodyLength() && ReadConnection()) StartBody();
}

bool HttpParser::CheckHost() {
  const Found host = FindAll(request_.headers, "Host");
  if (host.count > 1 || (host.count == 0 && !framing_.is_http_1_0)) {
    Refuse(400, "a request needs one Host");
    return false;
  }
  if (!IsHttpHost(host.first)) {
    Refuse(400, "the Host is malformed");
    return false;
  }
  return true;
}

// Both of them, or one of them twice, is how requests are smuggled (RFC 9112, 11.2).
bool HttpParser::ReadBodyLength() {
  const Found length = FindAll(request_.headers, "Content-Length");
  const Found coding = FindAll(request_.headers, "Transfer-Encoding");
  if (length.count + coding.count > 1 && length.count > 0) {
    Refuse(400, "the length of the body is given twice");
    return false;
  }
  if (coding.count > 0) {
    if (framing_.is_http_1_0) {
      Refuse(400, "HTTP/1.0 knows no Transfer-Encoding");
      return false;
    }
    if (coding.count > 1 || !SameHttpName(coding.first, "chunked")) {
      Refuse(501, "the only Transfer-Encoding here is chunked");
      return false;
    }
    is_chunked_ = true;
  } else if (length.count > 0) {
    if (!IsDigits(length.first)) {
      Refuse(400, "the Content-Length is no number");
      return false;
    }
    const auto size = ParseSize(length.first, 10);
    if (!size || *size > limits_.max_body_bytes) {
      Refuse(413, "the body is too long");
      return false;
    }
    body_left_ = *size;
  }
  return true;
}

bool HttpParser::ReadConnection() {
  const HttpHeaders& headers = request_.headers;
  framing_.keep_alive =
      !ListsHttpName(headers, "Connection", "close") &&
      (!framing_.is_http_1_0 || ListsHttpName(headers, "Connection", "keep-alive"));
  framing_.accepts_gzip = AcceptsGzip(headers);

  const Found expect = FindAll(headers, "Expect");
  if (expect.count == 0 || framing_.is_http_1_0) return true;
  if (expect.count > 1 || !SameHttpName(expect.first, "100-continue")) {
    Refuse(417, "the only expectation here is 100-continue");
    return false;
  }
  wants_continue_ = is_chunked_ || body_left_ > 0;
  return true;
}

void HttpParser::StartBody() {
  if (is_chunked_) {
    step_ = Step::kChunkSize;
  } else {
    step_ = body_left_ > 0 ? Step::kBodyBytes : Step::kWhole;
  }
}

void HttpParser::OnChunkSize(std::string_view line) {
  wants_continue_ = false;
  const std::size_t digits_end = std::min(line.find(';'), line.size());
  const std::string_view digits = line.substr(0, digits_end);
  const bool is_hex = digits.find_first_not_of("0123456789abcdefABCDEF") == std::string_view::npos;
  if (digits.empty() || !is_hex || !IsHttpValue(line.substr(digits_end))) {
    return Refuse(400, "a chunk is malformed");
  }
  const auto size = ParseSize(digits, 16);
  if (!size || *size > limits_.max_body_bytes - request_.body.size()) {
    return Refuse(413, "the body is too long");
  }
  body_left_ = *size;
  step_ = body_left_ > 0 ? Step::kChunkBytes : Step::kTrailerLine;
}

std::size_t HttpParser::TakeBody(std::string_view bytes) {
  wants_continue_ = false;
  const std::size_t size = std::min(bytes.size(), body_left_);
  request_.body += bytes.substr(0, size);
  body_left_ -= size;
  if (body_left_ == 0) step_ = is_chunked_ ? Step::kChunkEnd : Step::kWhole;
  return size;
}

}  // namespace kinglet
