// SPDX-License-Identifier: Apache-2.0
// What experiments are given: files by the part that they play, a folder that keeps what was found,
// and doors to models. The table of parts is the one place that knows their flags.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/status.h"
#include "engine/engine.h"
#include "ledger/ledger_line.h"
#include "ledger/machine_meter.h"
#include "text/embedder.h"

namespace kinglet {

// A file or folder that some claims need.
enum class Part {
  kSmall,
  kLarge,
  kSparse,
  kDense,
  kEightBit,
  kEmbedder,
  kData,
  kPages,
  kIntents,
  kEightBillions,
};

struct PartFlag {
  const char* flag = "";   // "--small"
  const char* value = "";  // "MODEL", "FILE", "DIR"
  const char* what = "";
  Part part = Part::kSmall;
  bool is_model = false;  // may be a catalog name
};

// In the order of --help.
std::span<const PartFlag> PartFlags();
const PartFlag& FlagOf(Part part);

struct ClaimSetup {
  std::map<Part, std::filesystem::path> files;  // those that were given
  std::filesystem::path work;                   // a folder that is there
  std::size_t limit = 0;                        // questions of a data set; 0: all
  std::uint64_t seed = 1;                       // of drawing them
  int thread_count = 0;                         // as EngineOptions has it
  Prices prices;
  PowerModel power;
  // With the user's cache of packed weights.
  std::function<Result<std::unique_ptr<Engine>>(const std::filesystem::path&, EngineOptions)>
      open_engine;
  std::function<Result<std::unique_ptr<Embedder>>(const std::filesystem::path&)> open_embedder;
  // Told how far an experiment is; kCancelled where the user wants no more, which ends all.
  std::function<Result<void>(std::string_view what, std::size_t done, std::size_t total)> progress;

  bool has(Part part) const { return files.contains(part); }
  // Of one that was given.
  const std::filesystem::path& file(Part part) const { return files.at(part); }
  // The stem of a model's file, for tables.
  std::string name(Part part) const { return file(part).stem().string(); }
  // One of a given model, with the setup's threads.
  Result<std::unique_ptr<Engine>> Open(Part model, EngineOptions options) const;
};

// Runs that were made before are not made again: what `make` found stands in work/NAME.json, and is
// taken from there where it was found for the same key (files' digests, limit, seed: all that
// matters to it). The program is not part of the key: a folder is of one study.
Result<json::value> Kept(const ClaimSetup& setup, std::string_view name, const json::object& key,
                         const std::function<Result<json::value>()>& make);

// SHA-256 of a given file, for keys.
Result<std::string> DigestOf(const ClaimSetup& setup, Part part);

}  // namespace kinglet
