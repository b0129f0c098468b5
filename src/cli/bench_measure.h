// SPDX-License-Identifier: Apache-2.0
// The measurements of kinglet bench: what is timed, and what it is held against.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "cli/environment.h"
#include "engine/engine.h"

namespace kinglet {

struct BenchPlan {
  std::size_t prompt_tokens = 512;         // 0: no such test
  std::size_t generated_tokens = 64;       // 0: no such test
  std::vector<std::size_t> streams = {1};  // sequences that decode together
  std::vector<std::size_t> depths = {0};   // tokens that stand before
  int repetitions = 3;
};

struct BenchTest {
  std::string name;                     // "pp512", "tg64", "tg64@b4", "tg64@d4096"
  std::vector<double> tokens_per_s;     // of all streams together; a repetition each, sorted
  std::optional<double> share_of_read;  // see BenchResult; nothing for a prompt

  double median() const;
};

struct BenchResult {
  std::string model;  // file name
  std::string isa;
  std::uint64_t file_bytes = 0;
  int threads = 0;
  // What the same threads read of the packed weights, and do nothing else: the best of the run. A
  // decode step reads each weight once; its share is the weights' bytes over its median time, over
  // this. Nothing where weights are not packed, or so few that the caches hold them.
  std::optional<double> read_bytes_per_s;
  std::vector<BenchTest> tests;
  double start_ms = 0;               // from the start of a process to a model that is ready
  double first_token_ms = 0;         // from the start of a process to the first text of an answer
  std::uint64_t resident_bytes = 0;  // VmHWM after the tests; 0 where the system does not tell
  std::uint64_t packed_bytes = 0;    // 0: the weights are read as they lie in the file
  // [layers][experts] tokens that each has had. Empty unless they were counted.
  std::vector<std::vector<std::uint64_t>> expert_tokens;
};

// kUsage where the plan does not fit the model's context.
Result<BenchResult> RunBench(const std::filesystem::path& path, const BenchPlan& plan,
                             EngineOptions options, const Environment& environment);

}  // namespace kinglet
