// SPDX-License-Identifier: Apache-2.0
// Bytes in, whole characters out.
#include "text/text_stream.h"

#include <utility>

#include "base/utf8.h"

namespace kinglet {

std::string TextStream::Push(std::string_view bytes) {
  pending_.append(bytes);
  std::string_view rest = pending_;
  std::string text;
  while (!rest.empty()) {
    const std::size_t valid_bytes = ValidUtf8Prefix(rest);
    text.append(rest.substr(0, valid_bytes));
    rest.remove_prefix(valid_bytes);
    if (rest.empty()) break;
    const Utf8Character broken = DecodeUtf8(rest);
    if (broken.state == Utf8State::kUnfinished) break;
    text.append(kReplacementCharacter);
    rest.remove_prefix(broken.size_bytes);
  }
  pending_.erase(0, pending_.size() - rest.size());
  return text;
}

std::string TextStream::Finish() {
  return std::exchange(pending_, {}).empty() ? std::string() : std::string(kReplacementCharacter);
}

}  // namespace kinglet
