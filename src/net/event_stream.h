// SPDX-License-Identifier: Apache-2.0
// Server-sent events, read: bytes in whatever pieces they come, and the data of each whole event
// out. By the HTML standard, 9.2.6; names, ids and retry times are not kept.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace kinglet {

class EventStream {
 public:
  // An event, or a line of one, of more bytes is an error.
  explicit EventStream(std::size_t max_event_bytes = std::size_t{1} << 20)
      : max_event_bytes_(max_event_bytes) {}

  // False where an event is too long; no more is read then.
  bool Feed(std::string_view bytes, const std::function<void(std::string_view)>& on_data);

 private:
  void TakeLine(std::string_view line, const std::function<void(std::string_view)>& on_data);

  std::size_t max_event_bytes_;
  std::string line_;           // the start of one that has not ended
  std::string data_;           // of this event, with a line feed after each of its lines
  bool after_return_ = false;  // a line feed that comes next belongs to the return before it
};

}  // namespace kinglet
