// SPDX-License-Identifier: Apache-2.0
// A piece of a text, by its bytes.
#pragma once

#include <cstddef>

namespace kinglet {

// The bytes [begin, end) of some text.
struct ByteRange {
  std::size_t begin = 0;
  std::size_t end = 0;

  friend bool operator==(const ByteRange&, const ByteRange&) = default;
};

}  // namespace kinglet
