// SPDX-License-Identifier: Apache-2.0
// How near to the machine's peak matrix products run, on one core: integer operations a second of a
// product of 1024 x 4096 weights, for each type and several counts of columns,
// beside a loop of vpdpbusd alone in the same run. Time is the thread's CPU time, so that a busy
// neighbour does not count.
//   kernels_bench [TYPE...]     such as Q4_K Q6_K
#include <time.h>

#include <algorithm>
#include <cstdio>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/matrix_for_test.h"
#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace kinglet {
namespace {

constexpr int kRows = 1024;
constexpr int kColumns = 4096;  // K
constexpr double kSeconds = 0.12;
constexpr int kRepetitions = 5;

double CpuSeconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

// The best rate of `work`, which does `operations` at a call, in 10^9 a second.
template <typename Work>
double Rate(double operations, Work&& work) {
  double best = 0;
  for (int repetition = 0; repetition < kRepetitions; ++repetition) {
    const double start = CpuSeconds();
    double done = 0;
    double seconds = 0;
    do {
      work();
      done += operations;
      seconds = CpuSeconds() - start;
    } while (seconds < kSeconds);
    best = std::max(best, done / seconds / 1e9);
  }
  return best;
}

#if defined(__x86_64__)
__attribute__((target("avx512f,avx512vnni"))) double VnniPeak() {
  constexpr int kChains = 12;
  constexpr int kSteps = 1'000'000;
  __m512i a = _mm512_set1_epi8(3);
  const __m512i b = _mm512_set1_epi8(5);
  double best = 0;
  for (int repetition = 0; repetition < 4 * kRepetitions; ++repetition) {
    __m512i sums[kChains] = {};
    const double start = CpuSeconds();
    for (int i = 0; i < kSteps; ++i) {
#pragma GCC unroll 12
      for (int c = 0; c < kChains; ++c) sums[c] = _mm512_dpbusd_epi32(sums[c], a, b);
      __asm__ volatile("" : "+v"(a));
    }
    best = std::max(best, 128.0 * kChains * kSteps / (CpuSeconds() - start) / 1e9);
#pragma GCC unroll 12
    for (int c = 0; c < kChains; ++c) __asm__ volatile("" : : "v"(sums[c]));
  }
  return best;
}
#endif

double ProductRate(const Ops& ops, const MatrixView& weights, const Columns& inputs,
                   const std::vector<float>& floats, int count) {
  std::vector<float> out(static_cast<std::size_t>(count) * kRows);
  MatmulArgs args;
  args.weights = weights;
  if (IsQuantised(weights.dtype)) args.quantised = inputs.view;
  args.floats = floats.data();
  args.count = count;
  args.out = out.data();
  args.out_stride = kRows;
  args.row_end = kRows;
  return Rate(2.0 * kRows * kColumns * count, [&] { ops.matmul(args); });
}

bool Wanted(std::string_view name, int argc, char** argv) {
  return argc < 2 || std::find(argv + 1, argv + argc, name) != argv + argc;
}

int Main(int argc, char** argv) {
  const auto chosen = ChooseOps();
  if (!chosen) {
    std::fprintf(stderr, "%s\n", chosen.error().message().c_str());
    return 2;
  }
  const Ops& ops = **chosen;
  double peak = 0;
#if defined(__x86_64__)
  if (std::string_view(ops.name) == "avx512") {
    peak = VnniPeak();
    std::printf("vpdpbusd alone: %.0f GOPS\n", peak);
  }
#endif
  constexpr int kCounts[] = {1, 2, 4, 8, 16, 48, 512};
  std::mt19937 random(1);
  const auto floats = RandomFloats(std::size_t{512} * kColumns, random);
  const Columns inputs(ops, floats, 512, kColumns);
  std::printf("%s, GOPS at columns  ", ops.name);
  for (const int count : kCounts) std::printf("%7d", count);
  std::printf("   share of peak at 512\n");
  for (const DTypeInfo& info : AllDTypes()) {
    if (!IsSupported(info.dtype) || !HasPanels(info.dtype) || !Wanted(info.name, argc, argv)) {
      continue;
    }
    const RandomMatrix rows(info.dtype, kRows, kColumns, random);
    const WeightsFor weights(ops, rows.view,
                             IsQuantised(info.dtype) ? inputs.view : QuantisedColumns());
    std::printf("%-20s ", std::string(info.name).c_str());
    double rate = 0;
    for (const int count : kCounts) {
      rate = ProductRate(ops, weights.view, inputs, floats, count);
      std::printf("%7.0f", rate);
      std::fflush(stdout);
    }
    if (peak > 0) std::printf("   %.2f", rate / peak);
    std::printf("\n");
  }
  return 0;
}

}  // namespace
}  // namespace kinglet

int main(int argc, char** argv) { return kinglet::Main(argc, argv); }
