// SPDX-License-Identifier: Apache-2.0
// attention_bench [SECONDS]: how near attention comes to the multiplier's limit. One thread, thread
// CPU time, each shape beside a loop of nothing but multiply-adds in registers.
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <random>
#include <vector>

#include <fmt/core.h>
#include <sys/mman.h>

#include "kernels/backend.h"

namespace kinglet {
namespace {

double ThreadSeconds() {
  timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

// Multiply-adds a second of 24 independent chains, as wide as the table's registers.
template <typename Vector>
[[gnu::always_inline]] inline double CountMultiplyAdds(double seconds) {
  constexpr int kChains = 12;
  Vector sums[kChains] = {};
  Vector a = Vector{} + 1.0F;
  Vector b = Vector{} + 1e-7F;
  asm volatile("" : "+v"(a), "+v"(b));
  double done = 0;
  const double start = ThreadSeconds();
  double spent = 0;
  while (spent < seconds) {
    for (int i = 0; i < 10000; ++i) {
#pragma GCC unroll 12
      for (int c = 0; c < kChains; ++c) {
        sums[c] = sums[c] * a + b;
        asm volatile("" : "+v"(sums[c]));
      }
    }
    done += 10000.0 * kChains * sizeof(Vector) / sizeof(float);
    spent = ThreadSeconds() - start;
  }
  return done / spent;
}

using Wide = float [[gnu::vector_size(64)]];
using Narrow = float [[gnu::vector_size(32)]];
[[gnu::target("avx512f,fma"), gnu::optimize("fp-contract=fast")]] double PeakWide(double seconds) {
  return CountMultiplyAdds<Wide>(seconds);
}
[[gnu::target("avx2,fma"), gnu::optimize("fp-contract=fast")]] double PeakNarrow(double seconds) {
  return CountMultiplyAdds<Narrow>(seconds);
}

struct Shape {
  const char* name;
  int head_dim;
  int rows;
  KvType type;
  int segments;  // that are walked: few stay in the caches, many come from memory
};

// Memory as the pool of pages has it.
template <typename T>
auto Lines(std::size_t count) {
  const auto release = [](T* memory) { std::free(memory); };
  constexpr std::size_t kHugePage = std::size_t{2} << 20;
  const std::size_t bytes = (count * sizeof(T) + kHugePage - 1) / kHugePage * kHugePage;
  void* memory = std::aligned_alloc(kHugePage, bytes);
  madvise(memory, bytes, MADV_HUGEPAGE);
  return std::unique_ptr<T[], decltype(release)>(static_cast<T*>(memory));
}

// Multiply-adds a second; a segment's bytes a second are a by-product.
double Attend(const Ops& ops, const Shape& shape, double seconds) {
  const KvBlockLayout layout =
      MakeKvBlockLayout(shape.type, static_cast<std::size_t>(shape.head_dim));
  const auto dims = static_cast<std::size_t>(shape.head_dim);
  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  std::vector<float> values(dims * 24);
  const std::size_t bytes = static_cast<std::size_t>(shape.segments * kSegmentPages) * layout.bytes;
  const auto pages = Lines<std::uint8_t>(bytes);
  for (std::size_t page = 0; page < bytes; page += layout.bytes) {
    for (int slot = 0; slot < kPageTokens; ++slot) {
      for (float& value : values) value = normal(random);
      ops.store_kv(layout, values.data(), values.data(), slot, &pages[page]);
    }
  }
  std::vector<AttendRow> rows;
  for (int r = 0; r < shape.rows; ++r) {
    rows.push_back({&values[static_cast<std::size_t>(r % 24) * dims], 0, kSegmentTokens});
  }
  const auto scratch = Lines<float>(AttendScratchFloats(layout));
  const auto out = Lines<float>(kAttendRows * PartialFloats(layout));
  AttendArgs args;
  args.layout = &layout;
  args.rows = rows.data();
  args.count = shape.rows;
  args.scale = 1 / std::sqrt(static_cast<float>(shape.head_dim));
  args.scratch = scratch.get();
  args.out = out.get();
  double done = 0;
  const double start = ThreadSeconds();
  double spent = 0;
  while (spent < seconds) {
    for (int s = 0; s < shape.segments; ++s) {
      for (int page = 0; page < kSegmentPages; ++page) {
        args.blocks[page] =
            &pages[static_cast<std::size_t>(s * kSegmentPages + page) * layout.bytes];
      }
      ops.attend(args);
      done += 2.0 * kSegmentTokens * shape.head_dim * shape.rows;
    }
    spent = ThreadSeconds() - start;
  }
  return done / spent;
}

void Run(double seconds) {
  constexpr Shape kShapes[] = {
      {"48 rows, d 64, f16", 64, 48, KvType::kF16, 4},
      {"48 rows, d 128, f16", 128, 48, KvType::kF16, 4},
      {"48 rows, d 128, q8_0", 128, 48, KvType::kQ8_0, 4},
      {"48 rows, d 256, f16", 256, 48, KvType::kF16, 4},
      {"6 rows, d 128, f16", 128, 6, KvType::kF16, 4},
      {"6 rows, d 128, f16, memory", 128, 6, KvType::kF16, 4096},
      {"4 rows, d 64, f16, memory", 64, 4, KvType::kF16, 4096},
      {"1 row, d 128, f16, memory", 128, 1, KvType::kF16, 4096},
  };
  for (const Ops* ops : AvailableOps()) {
    const bool wide = std::string_view(ops->name) == "avx512";
    if (!wide && std::string_view(ops->name) != "avx2") continue;
    for (const Shape& shape : kShapes) {
      const double before = wide ? PeakWide(seconds / 2) : PeakNarrow(seconds / 2);
      const double speed = Attend(*ops, shape, seconds);
      const double after = wide ? PeakWide(seconds / 2) : PeakNarrow(seconds / 2);
      const double peak = std::max(before, after);
      const KvBlockLayout layout =
          MakeKvBlockLayout(shape.type, static_cast<std::size_t>(shape.head_dim));
      const double bytes = speed / (2.0 * shape.head_dim * shape.rows * kPageTokens) *
                           static_cast<double>(layout.bytes);
      fmt::print("{:<7} {:<28} {:6.1f} GFLOP/s, {:5.3f} of {:6.1f}; {:5.1f} GB/s of the cache\n",
                 ops->name, shape.name, 2e-9 * speed, speed / peak, 2e-9 * peak, 1e-9 * bytes);
    }
  }
}

}  // namespace
}  // namespace kinglet

int main(int argc, char** argv) { kinglet::Run(argc > 1 ? std::atof(argv[1]) : 0.3); }
