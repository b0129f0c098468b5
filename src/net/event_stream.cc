// SPDX-License-Identifier: Apache-2.0
// A line ends with a line feed, a return, or both.
#include "net/event_stream.h"

#include <algorithm>

namespace kinglet {

void EventStream::TakeLine(std::string_view line,
                           const std::function<void(std::string_view)>& on_data) {
  if (line.empty()) {
    if (data_.empty()) return;
    data_.pop_back();
    on_data(data_);
    data_.clear();
    return;
  }
  const std::size_t colon = std::min(line.find(':'), line.size());
  if (line.substr(0, colon) != "data") return;
  line.remove_prefix(std::min(colon + 1, line.size()));
  if (line.starts_with(' ')) line.remove_prefix(1);
  data_.append(line);
  data_ += '\n';
}

bool EventStream::Feed(std::string_view bytes,
                       const std::function<void(std::string_view)>& on_data) {
  while (!bytes.empty()) {
    if (after_return_ && bytes.front() == '\n') bytes.remove_prefix(1);
    after_return_ = false;
    const std::size_t end = bytes.find_first_of("\r\n");
    const std::string_view piece = bytes.substr(0, end);
    if (line_.size() + data_.size() + piece.size() > max_event_bytes_) return false;
    if (end == std::string_view::npos) {
      line_.append(piece);
      return true;
    }
    after_return_ = bytes[end] == '\r';
    bytes.remove_prefix(end + 1);
    if (line_.empty()) {
      TakeLine(piece, on_data);
      continue;
    }
    line_.append(piece);
    TakeLine(line_, on_data);
    line_.clear();
  }
  return true;
}

}  // namespace kinglet
