// SPDX-License-Identifier: Apache-2.0
// The models that a server offers, by name: loaded when somebody asks for one, put away when nobody
// has for a while or when another needs the memory.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/status.h"
#include "engine/engine.h"
#include "engine/model_embedder.h"

namespace kinglet {

struct OfferedModel {
  std::string name;
  std::vector<std::string> aliases;
  std::filesystem::path path;
};

struct ModelHostOptions {
  std::vector<OfferedModel> models;  // at least one; names are unique
  EngineOptions engine;
  // Of files and caches of the models that are loaded; 0: no limit. One alone may be larger.
  std::uint64_t memory_bytes = 0;
  std::optional<double> keep_alive_s;  // without a request; nothing: for ever
};

// A model in memory: one that writes, or one that makes vectors.
class LoadedModel {
 public:
  const std::string& name() const { return offered_->name; }
  const std::filesystem::path& path() const { return offered_->path; }
  // Null where it is of the other kind.
  Engine* engine() { return engine_.get(); }
  ModelEmbedder* embedder() { return embedder_.get(); }
  // One caller at a time may use the embedder.
  std::mutex& embedder_mutex() { return embedder_mutex_; }
  std::uint64_t memory_bytes() const { return memory_bytes_; }
  const std::string& family() const { return family_; }
  const std::string& digest() const { return digest_; }  // catalog/store.h

 private:
  friend class ModelHost;
  friend class ModelLease;
  const OfferedModel* offered_ = nullptr;
  std::unique_ptr<Engine> engine_;
  std::unique_ptr<ModelEmbedder> embedder_;
  std::mutex embedder_mutex_;
  std::uint64_t memory_bytes_ = 0;
  std::string family_;
  std::string digest_;
  // Under the host's lock.
  int leases_ = 0;
  double last_used_ms_ = 0;
  std::int64_t loaded_at_s_ = 0;
};

class ModelHost;

// The right to use a model; it stays loaded as long as somebody has one.
class ModelLease {
 public:
  ModelLease() = default;
  ModelLease(ModelHost& host, LoadedModel& model) : host_(&host), model_(&model) {}
  ModelLease(ModelLease&& other) noexcept;
  ModelLease& operator=(ModelLease&& other) noexcept;
  ~ModelLease();

  LoadedModel* operator->() const { return model_; }
  LoadedModel& operator*() const { return *model_; }

 private:
  ModelHost* host_ = nullptr;
  LoadedModel* model_ = nullptr;
};

class ModelHost {
 public:
  // Opens a model file; the program's own way, with its cache of packed weights. Called on the
  // thread of whoever asks first.
  using Warn = std::function<void(const std::string& warning)>;
  ModelHost(ModelHostOptions options, Warn warn);
  ModelHost(const ModelHost&) = delete;
  ModelHost& operator=(const ModelHost&) = delete;
  // Cancels what runs, and waits until nobody has a lease.
  ~ModelHost();

  // Empty: the first of all. kNotFound names those that there are; another error says why it cannot
  // be loaded. Waits while it is being loaded.
  Result<ModelLease> Acquire(std::string_view name);

  // Of those that are offered.
  const std::vector<OfferedModel>& offered() const { return options_.models; }
  const OfferedModel* Find(std::string_view name) const;
  // Whether it makes vectors, by its file, which is read once; false where it cannot be.
  bool IsEncoder(const OfferedModel& offered);

  struct Status {
    std::string name;
    std::filesystem::path path;
    std::string family;
    std::uint64_t memory_bytes = 0;
    int requests = 0;  // that use it now
    std::int64_t loaded_at_s = 0;
    std::optional<double> unloads_in_s;
    std::optional<EngineState> engine;
  };
  // Those that are loaded.
  std::vector<Status> Loaded();
  // Unloads one that nobody uses; false where it is in use or not loaded.
  bool Unload(std::string_view name);
  // What a scope has left in all models' caches is thrown away.
  void DropScope(std::string_view scope);
  bool ready() const;  // the first model is loaded

 private:
  friend class ModelLease;
  struct Slot {
    const OfferedModel* offered = nullptr;
    std::unique_ptr<LoadedModel> model;
    bool loading = false;
    std::optional<bool> is_encoder;  // once that was asked for
  };

  Slot& SlotOf(const OfferedModel& offered) {
    return slots_[static_cast<std::size_t>(&offered - options_.models.data())];
  }
  Result<std::unique_ptr<LoadedModel>> Load(const OfferedModel& offered);
  Result<std::unique_ptr<LoadedModel>> Open(const OfferedModel& offered);
  void Release(LoadedModel& model);
  // Puts away idle models until `needed` more bytes fit. With the lock; it is let go meanwhile.
  void MakeRoom(std::unique_lock<std::mutex>& lock, std::uint64_t needed);
  void Reap();
  std::uint64_t LoadedBytes() const;

  ModelHostOptions options_;
  Warn warn_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Slot> slots_;
  bool closing_ = false;
  std::thread reaper_;
};

}  // namespace kinglet
