// SPDX-License-Identifier: Apache-2.0
// Which table of operations this machine gets.
#pragma once

#include <span>
#include <string_view>

#include "base/status.h"
#include "kernels/ops.h"

namespace kinglet {

// The tables that this CPU can run, from the plainest to the fastest. Never empty.
std::span<const Ops* const> AvailableOps();

// The one of that name (scalar, avx2, avx512); without one that of the environment variable
// KINGLET_ISA, or the fastest. kUsage when this CPU cannot run that one.
Result<const Ops*> ChooseOps(std::string_view isa = {});

// Whether matrices of this type can be multiplied.
bool IsSupported(DType dtype);
// Whether its product takes activations rounded to 8 bits; any supported type takes them unrounded.
bool IsQuantised(DType dtype);

}  // namespace kinglet
