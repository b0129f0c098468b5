// SPDX-License-Identifier: Apache-2.0
// Sequential loads of 64 bytes, a piece a thread at a time; their sum keeps the compiler from
// leaving them out.
#include "engine/read_loop.h"

#include <algorithm>
#include <atomic>
#include <cstring>

#include "base/check.h"
#include "base/clock.h"

namespace kinglet {
namespace {

constexpr std::size_t kPieceBytes = std::size_t{4} << 20;

__extension__ using Words = std::uint64_t __attribute__((vector_size(64)));

// Four streams at once, of which the hardware fetches more ahead than of one.
std::uint64_t Sum(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t kStreams = 4;
  const std::size_t stream_bytes = size / kStreams / sizeof(Words) * sizeof(Words);
  Words sums[kStreams] = {};
  for (std::size_t at = 0; at < stream_bytes; at += sizeof(Words)) {
    for (std::size_t i = 0; i < kStreams; ++i) {
      Words words;
      std::memcpy(&words, data + i * stream_bytes + at, sizeof(words));
      sums[i] += words;
    }
  }
  const Words all = sums[0] + sums[1] + sums[2] + sums[3];
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < sizeof(all) / sizeof(sum); ++i) sum += all[i];
  for (std::size_t at = kStreams * stream_bytes; at < size; ++at) sum += data[at];
  return sum;
}

}  // namespace

double ReadBytesPerSecond(std::span<const std::uint8_t> bytes, std::uint64_t min_bytes,
                          ThreadPool& pool) {
  KINGLET_CHECK(!bytes.empty(), "nothing to read");
  const std::size_t pieces = (bytes.size() + kPieceBytes - 1) / kPieceBytes;
  std::atomic<std::uint64_t> sum = 0;
  std::uint64_t read = 0;
  const double start_ms = MonotonicMs();
  do {
    pool.ParallelFor(pieces, 1, [&](std::size_t piece, std::size_t, int) {
      const std::size_t begin = piece * kPieceBytes;
      sum += Sum(bytes.data() + begin, std::min(kPieceBytes, bytes.size() - begin));
    });
    read += bytes.size();
  } while (read < min_bytes);
  const double seconds = (MonotonicMs() - start_ms) / 1000;
  [[maybe_unused]] volatile std::uint64_t used = sum;
  return static_cast<double>(read) / seconds;
}

}  // namespace kinglet
