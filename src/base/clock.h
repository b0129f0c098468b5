// SPDX-License-Identifier: Apache-2.0
// Time, for those who may read it: policy code takes a time as an argument instead.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace kinglet {

// Milliseconds on a clock that never goes back. Only differences mean something.
double MonotonicMs();

// Milliseconds that the calling thread has computed, others' turns on its core left out.
double ThreadCpuMs();
// The same of all threads of this process together.
double ProcessCpuMs();

// Seconds since 1970-01-01T00:00:00Z.
std::int64_t UnixSeconds();

// 2026-01-31T12:34:56Z
std::string Iso8601(std::int64_t unix_seconds);
// Of exactly that form; unset for all else.
std::optional<std::int64_t> ParseIso8601(const std::string& text);

}  // namespace kinglet
