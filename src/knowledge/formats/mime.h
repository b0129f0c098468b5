// SPDX-License-Identifier: Apache-2.0
// A message as a tree of parts: what GMime's parser reports, within limits.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace kinglet {

struct MimeMessage;

struct MimePart {
  std::string media_type;  // in lower case: "text/plain"
  std::string charset;     // as it is declared; may be empty
  std::string file_name;   // in UTF-8; may be empty
  bool attached = false;   // the sender wants it beside the text, not in it
  bool is_cut = false;     // it lies at the limit of depth, and what it holds is left out
  std::string content;     // decoded; of a part that holds no others

  std::vector<MimePart> parts;        // of a multipart
  std::vector<MimeMessage> messages;  // of a message/rfc822: the one
};

// Each in UTF-8 as it is to be read; empty where the message has none.
struct MimeMessage {
  std::string subject;
  std::string from;
  std::string to;
  std::string cc;
  std::string date;
  MimePart body;
};

struct MimeLimits {
  std::size_t depth = 16;              // of parts in parts: what is deeper is left out
  std::size_t boundaries = 20'000;     // lines that may begin a part
  std::size_t header_lines = 200'000;  // lines that may be one of a header
};

// kInvalidInput where nothing of a mail's header is there; kLimitExceeded beyond the limits.
Result<MimeMessage> ParseMime(std::string_view bytes, const MimeLimits& limits = {});

}  // namespace kinglet
