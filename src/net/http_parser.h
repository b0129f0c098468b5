// SPDX-License-Identifier: Apache-2.0
// Bytes become a request, piece by piece, strictly: what two servers could read in two ways is
// refused (RFC 9112), so that nobody smuggles a second request past a proxy in front of us.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "net/http_message.h"

namespace kinglet {

struct HttpLimits {
  std::size_t max_header_bytes = std::size_t{32} << 10;  // the request line counts too
  std::size_t max_body_bytes = std::size_t{8} << 20;
};

class HttpParser {
 public:
  explicit HttpParser(const HttpLimits& limits) : limits_(limits) {}

  enum class State : std::uint8_t {
    kBetween,  // no byte of a request yet, but for empty lines, which may follow a request
    kHead,
    kBody,
    kWhole,    // Take() it
    kRefused,  // fault() says why; nothing more is read
  };

  // Returns how many of the bytes it took: all, unless the request ends or is refused before.
  std::size_t Feed(std::string_view bytes);

  State state() const;
  // The client waits for a word before it sends the body (Expect: 100-continue).
  bool wants_continue() const { return wants_continue_; }
  const HttpFault& fault() const { return fault_; }
  // As far as it is known; whole with the head.
  const HttpFraming& framing() const { return framing_; }
  std::size_t body_bytes() const { return request_.body.size(); }  // that have come

  // The request that is whole. The parser is as new afterwards.
  HttpRequest Take();

 private:
  // What the next byte belongs to.
  enum class Step : std::uint8_t {
    kRequestLine,
    kHeaderLine,
    kBodyBytes,  // of Content-Length
    kChunkSize,
    kChunkBytes,
    kChunkEnd,  // the line end after them
    kTrailerLine,
    kWhole,
    kRefused,
  };

  std::size_t TakeLine(std::string_view bytes);
  std::size_t TakeBody(std::string_view bytes);
  void OnLine(std::string_view line);
  void OnRequestLine(std::string_view line);
  void OnHeaderLine(std::string_view line);
  void OnChunkSize(std::string_view line);
  void OnHeadEnd();
  bool CheckHost();
  bool ReadConnection();
  bool ReadBodyLength();
  void StartBody();

  std::size_t LineLimit() const;
  void Refuse(int status, std::string_view message);

  HttpLimits limits_;
  Step step_ = Step::kRequestLine;
  HttpRequest request_;
  HttpFraming framing_;
  HttpFault fault_;
  bool wants_continue_ = false;
  bool is_chunked_ = false;

  std::string line_;            // the line that has not ended yet
  std::size_t head_bytes_ = 0;  // of lines that have
  // Lines between and after chunks, which hold no body: as many as a head may have.
  std::size_t chunk_line_bytes_ = 0;
  std::size_t body_left_ = 0;  // of the body, or of the chunk
};

}  // namespace kinglet
