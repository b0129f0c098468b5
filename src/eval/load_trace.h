// SPDX-License-Identifier: Apache-2.0
// When requests came to a real service, and how long they and their answers were.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace kinglet {

// A block id stands for so many tokens of a prompt (Mooncake's traces).
inline constexpr std::size_t kTraceBlockTokens = 512;

struct TraceRow {
  double arrival_ms = 0;  // from the first row's
  std::size_t prompt_tokens = 0;
  std::size_t answer_tokens = 0;
  // The same id is the same text; the last block may be cut. Empty: it shares nothing with others.
  std::vector<std::uint64_t> blocks;
};

struct Trace {
  std::vector<TraceRow> rows;    // by arrival
  std::size_t skipped_rows = 0;  // without a prompt or an answer
};

// Azure's CSV (TIMESTAMP,ContextTokens,GeneratedTokens) or Mooncake's JSON lines (timestamp in
// milliseconds, input_length, output_length, hash_ids); kInvalidInput names the line.
Result<Trace> ParseTrace(std::string_view text);

}  // namespace kinglet
