// SPDX-License-Identifier: Apache-2.0
// An answer as the bytes that a client gets: its head, its body, its pieces. Pure but for the date.
#pragma once

#include <string>
#include <string_view>

#include "net/http_message.h"

namespace kinglet {

// 204, 304 and the like: no body, and no length of one.
bool HasHttpBody(int status);

// The head and the body, compressed where framing and content allow it. Whatever the handler put
// into a header, it stays one line; what frames the answer is set here alone.
std::string WholeAnswer(HttpResponse response, const HttpFraming& framing, bool keep_alive);

// The head of an answer in pieces: chunked, or up to the end of the connection for HTTP/1.0.
std::string StreamHead(int status, std::string_view content_type, const HttpHeaders& headers,
                       const HttpFraming& framing, bool keep_alive);

// One piece of a chunked body, not empty, and the end of all.
std::string Chunk(std::string_view piece);
inline constexpr std::string_view kLastChunk = "0\r\n\r\n";
inline constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

}  // namespace kinglet
