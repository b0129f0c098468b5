// SPDX-License-Identifier: Apache-2.0
// Counts of eight bytes, and texts behind theirs: what one process of ours sends to another. Both
// ends are one program on one machine.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

namespace kinglet {

class FieldWriter {
 public:
  void Count(std::size_t count) {
    const auto number = static_cast<std::uint64_t>(count);
    char bytes[sizeof(number)];
    std::memcpy(bytes, &number, sizeof(number));
    out_.append(bytes, sizeof(number));
  }
  void Text(std::string_view text) {
    Count(text.size());
    out_ += text;
  }
  std::string Finish() && { return std::move(out_); }

 private:
  std::string out_;
};

// Any bytes may come: once something is missing all that follows is empty.
class FieldReader {
 public:
  explicit FieldReader(std::string_view bytes) : left_(bytes) {}

  std::size_t Count() {
    std::uint64_t number = 0;
    Take(sizeof(number)).copy(reinterpret_cast<char*>(&number), sizeof(number));
    return number;
  }
  std::string Text() { return std::string(Take(Count())); }
  // How many things follow that take so many bytes each at least.
  std::size_t Things(std::size_t least_bytes) {
    const std::size_t count = Count();
    if (count > left_.size() / least_bytes) failed_ = true;
    return failed_ ? 0 : count;
  }
  bool IsWhole() const { return !failed_ && left_.empty(); }

 private:
  std::string_view Take(std::size_t count) {
    if (failed_ || count > left_.size()) {
      failed_ = true;
      return {};
    }
    const std::string_view taken = left_.substr(0, count);
    left_.remove_prefix(count);
    return taken;
  }

  std::string_view left_;
  bool failed_ = false;
};

}  // namespace kinglet
