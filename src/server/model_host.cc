// SPDX-License-Identifier: Apache-2.0
// A slot for each model that is offered. Models are made and destroyed without the lock.
#include "server/model_host.h"

#include <algorithm>
#include <chrono>
#include <exception>
#include <system_error>
#include <utility>

#include "base/clock.h"
#include "base/display.h"
#include "catalog/store.h"
#include "model/bert_safetensors.h"

namespace kinglet {
namespace {

constexpr std::chrono::milliseconds kReapEvery(500);

Result<bool> IsFileOfEncoder(const std::filesystem::path& path) {
  const GgufFile file = TRY(OpenModelFile(path));
  const ModelConfig config = TRY(ReadModelConfig(file));
  return config.family.encoder;
}

}  // namespace

ModelLease::ModelLease(ModelLease&& other) noexcept
    : host_(std::exchange(other.host_, nullptr)), model_(std::exchange(other.model_, nullptr)) {}

ModelLease& ModelLease::operator=(ModelLease&& other) noexcept {
  std::swap(host_, other.host_);
  std::swap(model_, other.model_);
  return *this;
}

ModelLease::~ModelLease() {
  if (host_ != nullptr) host_->Release(*model_);
}

ModelHost::ModelHost(ModelHostOptions options, Warn warn)
    : options_(std::move(options)), warn_(std::move(warn)) {
  for (const OfferedModel& offered : options_.models) slots_.push_back({.offered = &offered});
  if (options_.keep_alive_s) reaper_ = std::thread([this] { Reap(); });
}

ModelHost::~ModelHost() {
  std::unique_lock lock(mutex_);
  closing_ = true;
  changed_.notify_all();
  changed_.wait(lock, [this] {
    return std::ranges::none_of(slots_, [](const Slot& slot) {
      return slot.loading || (slot.model != nullptr && slot.model->leases_ > 0);
    });
  });
  lock.unlock();
  if (reaper_.joinable()) reaper_.join();
}

const OfferedModel* ModelHost::Find(std::string_view name) const {
  if (name.empty()) return &options_.models.front();
  for (const OfferedModel& offered : options_.models) {
    if (offered.name == name || std::ranges::count(offered.aliases, name) > 0) return &offered;
  }
  return nullptr;
}

bool ModelHost::IsEncoder(const OfferedModel& offered) {
  Slot& slot = SlotOf(offered);
  {
    const std::scoped_lock lock(mutex_);
    if (slot.is_encoder) return *slot.is_encoder;
  }
  const Result<bool> found = IsFileOfEncoder(offered.path);
  if (!found) return false;
  const std::scoped_lock lock(mutex_);
  slot.is_encoder = *found;
  return *found;
}

Result<ModelLease> ModelHost::Acquire(std::string_view name) {
  const OfferedModel* const offered = Find(name);
  if (offered == nullptr) {
    std::string names;
    for (const OfferedModel& other : options_.models) {
      names += (names.empty() ? "" : ", ") + other.name;
      for (const std::string& alias : other.aliases) names += ", " + alias;
    }
    return Error(StatusCode::kNotFound, "there is no model {}; there are: {}", Quoted(name), names);
  }
  std::unique_lock lock(mutex_);
  Slot& slot = SlotOf(*offered);
  changed_.wait(lock, [&] { return !slot.loading || closing_; });
  if (closing_) return Error(StatusCode::kCancelled, "the server is closing");
  if (slot.model == nullptr) {
    slot.loading = true;
    std::error_code error;
    MakeRoom(lock, std::filesystem::file_size(offered->path, error));
    lock.unlock();
    Result<std::unique_ptr<LoadedModel>> loaded = Load(*offered);
    lock.lock();
    slot.loading = false;
    changed_.notify_all();
    if (!loaded) return std::unexpected(loaded.error());
    slot.model = *std::move(loaded);
  }
  ++slot.model->leases_;
  slot.model->last_used_ms_ = MonotonicMs();
  return ModelLease(*this, *slot.model);
}

// What is thrown for want of memory or threads is no reason to let others wait for ever.
Result<std::unique_ptr<LoadedModel>> ModelHost::Load(const OfferedModel& offered) {
  try {
    return Open(offered);
  } catch (const std::exception& error) {
    return Error(StatusCode::kFailed, "cannot load {}: {}", Quoted(offered.name), error.what());
  }
}

Result<std::unique_ptr<LoadedModel>> ModelHost::Open(const OfferedModel& offered) {
  auto model = std::make_unique<LoadedModel>();
  model->offered_ = &offered;
  model->loaded_at_s_ = UnixSeconds();
  model->digest_ = ModelDigest(offered.path);
  std::error_code error;
  model->memory_bytes_ = std::filesystem::file_size(offered.path, error);
  if (IsFileOfEncoder(offered.path).value_or(false)) {
    model->embedder_ =
        TRY(ModelEmbedder::Open(offered.path, {.thread_count = options_.engine.thread_count}));
    model->family_ = model->embedder_->encoder().config().architecture;
    return model;
  }
  model->engine_ = TRY(Engine::Open(offered.path, options_.engine));
  if (const std::string& warning = model->engine_->model().warning(); !warning.empty()) {
    warn_(warning);
  }
  model->engine_->MeasureSpeed();
  model->family_ = model->engine_->model().config().architecture;
  model->memory_bytes_ += model->engine_->kv_bytes();
  return model;
}

void ModelHost::Release(LoadedModel& model) {
  const std::scoped_lock lock(mutex_);
  --model.leases_;
  model.last_used_ms_ = MonotonicMs();
  changed_.notify_all();
}

std::uint64_t ModelHost::LoadedBytes() const {
  std::uint64_t bytes = 0;
  for (const Slot& slot : slots_) bytes += slot.model == nullptr ? 0 : slot.model->memory_bytes_;
  return bytes;
}

void ModelHost::MakeRoom(std::unique_lock<std::mutex>& lock, std::uint64_t needed) {
  if (options_.memory_bytes == 0) return;
  while (LoadedBytes() + needed > options_.memory_bytes) {
    Slot* oldest = nullptr;
    for (Slot& slot : slots_) {
      if (slot.model == nullptr || slot.model->leases_ > 0) continue;
      if (oldest == nullptr || slot.model->last_used_ms_ < oldest->model->last_used_ms_) {
        oldest = &slot;
      }
    }
    if (oldest == nullptr) return;  // all are in use: more memory than was wished for
    auto model = std::move(oldest->model);
    lock.unlock();
    model.reset();
    lock.lock();
  }
}

std::vector<ModelHost::Status> ModelHost::Loaded() {
  const std::scoped_lock lock(mutex_);
  std::vector<Status> loaded;
  for (const Slot& slot : slots_) {
    if (slot.model == nullptr) continue;
    const LoadedModel& model = *slot.model;
    Status status{.name = model.name(),
                  .path = model.path(),
                  .family = model.family_,
                  .memory_bytes = model.memory_bytes_,
                  .requests = model.leases_,
                  .loaded_at_s = model.loaded_at_s_};
    if (options_.keep_alive_s && model.leases_ == 0) {
      const double idle_s = (MonotonicMs() - model.last_used_ms_) / 1000;
      status.unloads_in_s = std::max(0.0, *options_.keep_alive_s - idle_s);
    }
    if (model.engine_ != nullptr) status.engine = model.engine_->State();
    loaded.push_back(std::move(status));
  }
  return loaded;
}

bool ModelHost::Unload(std::string_view name) {
  const OfferedModel* const offered = Find(name);
  if (offered == nullptr) return false;
  std::unique_ptr<LoadedModel> model;
  const std::scoped_lock lock(mutex_);
  Slot& slot = SlotOf(*offered);
  if (slot.model == nullptr || slot.model->leases_ > 0) return false;
  model = std::move(slot.model);
  return true;
}

void ModelHost::DropScope(std::string_view scope) {
  const std::scoped_lock lock(mutex_);
  for (const Slot& slot : slots_) {
    if (slot.model != nullptr && slot.model->engine_ != nullptr) {
      slot.model->engine_->DropScope(scope);
    }
  }
}

bool ModelHost::ready() const {
  const std::scoped_lock lock(mutex_);
  return slots_.front().model != nullptr;
}

void ModelHost::Reap() {
  std::unique_lock lock(mutex_);
  while (!closing_) {
    changed_.wait_for(lock, kReapEvery);
    std::vector<std::unique_ptr<LoadedModel>> idle;
    for (Slot& slot : slots_) {
      if (slot.model == nullptr || slot.model->leases_ > 0) continue;
      const double idle_ms = MonotonicMs() - slot.model->last_used_ms_;
      if (idle_ms > options_.keep_alive_s.value_or(0) * 1000) idle.push_back(std::move(slot.model));
    }
    if (idle.empty()) continue;
    lock.unlock();
    idle.clear();
    lock.lock();
  }
}

}  // namespace kinglet
