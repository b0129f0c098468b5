// SPDX-License-Identifier: Apache-2.0
// The store: $KINGLET_HOME/models with a pin beside each file that says what was pulled, and how a
// MODEL on the command line becomes a path.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "catalog/catalog.h"

namespace kinglet {

// FILE.pin.json: what a pull found, so that later runs need neither network nor a second hash.
struct Pin {
  std::string url;     // where its maker publishes it; empty where only wheels carry it
  std::string source;  // the host or the wheels that it came from
  std::uint64_t bytes = 0;
  std::string sha256;
};

struct StoredFile {
  std::string file;  // below the store
  Pin pin;
};

class Store {
 public:
  explicit Store(const std::filesystem::path& home) : folder_(home / "models") {}

  const std::filesystem::path& folder() const { return folder_; }
  std::filesystem::path PathOf(const ModelFile& file) const { return folder_ / file.file; }

  // Nothing where there is no pin, or it cannot be read.
  std::optional<Pin> ReadPin(const ModelFile& file) const;
  Result<void> WritePin(const ModelFile& file, const Pin& pin) const;

  // All files are there, of the size pinned, and are what the entry means: of its digest, or where
  // it has none, from its URL.
  bool Has(const ModelEntry& entry) const;
  // The pinned files that are there, by name.
  std::vector<StoredFile> Files() const;
  // Removes the entry's files with their pins and partial files. False: there were none.
  Result<bool> Remove(const ModelEntry& entry) const;

 private:
  bool HasFile(const ModelEntry& entry, const ModelFile& file) const;
  std::filesystem::path PinPath(const ModelFile& file) const {
    return PathOf(file).string() + ".pin.json";
  }

  std::filesystem::path folder_;
};

// What tells a model's file from others, for the record: "sha256:" and the digest that its pin
// holds, else "sample:" and a digest of its size and of its first and last 256 KiB, since all of it
// would take seconds. Empty where it cannot be read.
std::string ModelDigest(const std::filesystem::path& file);

// One pull or removal of a model at a time, over all processes. The lock goes with the object, and
// with the process.
class StoreLock {
 public:
  // Waits while another holds it; on_wait is called once. kCancelled where should_stop says so.
  static Result<StoreLock> Take(const Store& store, const ModelEntry& entry,
                                const std::function<void()>& on_wait,
                                const std::function<bool()>& should_stop);
  StoreLock(StoreLock&& other) noexcept;
  StoreLock& operator=(StoreLock&&) = delete;
  StoreLock(const StoreLock&) = delete;
  StoreLock& operator=(const StoreLock&) = delete;
  ~StoreLock();

 private:
  explicit StoreLock(int fd) : fd_(fd) {}
  int fd_;
};

// The entry of an hf: form that was pulled before: the hub need not be asked what its quant means.
Result<std::optional<ModelEntry>> FindPulledHubModel(std::string_view model, const Store& store);

// The file that MODEL stands for: a path to a file; a name of the catalog, an hf: form or a URL
// that was pulled; a file of the store. "" stands for the catalog's default. kNotFound says how to
// pull it. A caller that has `model` of kinglet.toml passes it where the command line names none.
Result<std::filesystem::path> ResolveModel(std::string_view model,
                                           const std::filesystem::path& home);

}  // namespace kinglet
