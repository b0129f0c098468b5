// SPDX-License-Identifier: Apache-2.0
// How fast the threads of a model can read memory and do nothing else: what a decoder that reads
// every weight for every token is measured against.
#pragma once

#include <cstdint>
#include <span>

#include "base/thread_pool.h"

namespace kinglet {

// Bytes a second over `bytes`, read from one end to the other until min_bytes were read. Not empty.
double ReadBytesPerSecond(std::span<const std::uint8_t> bytes, std::uint64_t min_bytes,
                          ThreadPool& pool);

}  // namespace kinglet
