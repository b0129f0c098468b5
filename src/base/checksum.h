// SPDX-License-Identifier: Apache-2.0
// XXH64, as the specification of xxHash has it: tells bytes that a disk has spoilt from those that
// were written, at the speed of memory. It does not protect from a person: see digest.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace kinglet {

// Seed 0.
std::uint64_t Xxh64(std::span<const std::byte> bytes);

}  // namespace kinglet
