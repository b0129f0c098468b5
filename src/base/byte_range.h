// SPDX-License-Identifier: Apache-2.0
// A half-open range of byte offsets into some text that its owner names.
#pragma once

#include <cstddef>
#include <string_view>

namespace kinglet {

struct ByteRange {
  std::size_t begin = 0;
  std::size_t end = 0;

  std::size_t size() const { return end - begin; }
  bool empty() const { return begin == end; }
  std::string_view Of(std::string_view text) const { return text.substr(begin, size()); }

  bool operator==(const ByteRange&) const = default;
};

}  // namespace kinglet
