// SPDX-License-Identifier: Apache-2.0
// The tables in order, and the CPU's answer to which of them it runs.
#include "kernels/backend.h"

#include <algorithm>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "kernels/scalar.h"
#if defined(__x86_64__)
#include "kernels/avx2.h"
#include "kernels/avx512.h"
#endif

namespace kinglet {
namespace {

std::vector<const Ops*> FindAvailable() {
  std::vector<const Ops*> tables = {&kScalarOps};
#if defined(__x86_64__)
  // These ask CPUID, and whether the operating system saves the registers.
  __builtin_cpu_init();
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
                    __builtin_cpu_supports("f16c");
  if (avx2) tables.push_back(&kAvx2Ops);
  if (avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
      __builtin_cpu_supports("avx512vnni")) {
    tables.push_back(&kAvx512Ops);
  }
#endif
  return tables;
}

constexpr DType kFloatTypes[] = {DType::kF32, DType::kF16, DType::kBF16};
constexpr DType kQuantisedTypes[] = {DType::kQ4_0, DType::kQ4_1, DType::kQ5_0,   DType::kQ5_1,
                                     DType::kQ8_0, DType::kQ2_K, DType::kQ3_K,   DType::kQ4_K,
                                     DType::kQ5_K, DType::kQ6_K, DType::kIQ4_NL, DType::kIQ4_XS,
                                     DType::kMXFP4};
// By expansion alone.
constexpr DType kExpandedTypes[] = {DType::kIQ1_S,   DType::kIQ1_M,   DType::kIQ2_S,
                                    DType::kIQ2_XS,  DType::kIQ2_XXS, DType::kIQ3_S,
                                    DType::kIQ3_XXS, DType::kTQ1_0,   DType::kTQ2_0};

template <std::size_t kCount>
bool Contains(const DType (&types)[kCount], DType dtype) {
  return std::ranges::find(types, dtype) != std::end(types);
}

}  // namespace

std::span<const Ops* const> AvailableOps() {
  static const std::vector<const Ops*> tables = FindAvailable();
  return tables;
}

Result<const Ops*> ChooseOps(std::string_view isa) {
  const std::span<const Ops* const> tables = AvailableOps();
  const char* const set = std::getenv("KINGLET_ISA");
  const std::string_view wanted = isa.empty() && set != nullptr ? set : isa;
  if (wanted.empty()) return tables.back();
  for (const Ops* ops : tables) {
    if (ops->name == wanted) return ops;
  }
  return Error(StatusCode::kUsage, "no kernels {}: this machine runs up to {}", wanted,
               tables.back()->name);
}

bool IsQuantised(DType dtype) { return Contains(kQuantisedTypes, dtype); }

bool IsSupported(DType dtype) {
  return IsQuantised(dtype) || Contains(kFloatTypes, dtype) || Contains(kExpandedTypes, dtype);
}

}  // namespace kinglet
