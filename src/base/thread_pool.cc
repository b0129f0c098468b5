// SPDX-License-Identifier: Apache-2.0
// Pieces are claimed by compare-and-swap on (loop, piece); idle workers spin shortly, then sleep.
#include "base/thread_pool.h"

#include <sched.h>

#include <algorithm>

#include "base/check.h"

namespace kinglet {
namespace {

// About 50 us: longer than the gap between two loops of a forward pass, shorter than a time slice
// that a neighbour on a shared machine could use.
constexpr int kSpins = 1000;

void Pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#else
  std::this_thread::yield();
#endif
}

// In place of the first piece not taken: no piece can be taken.
constexpr std::uint64_t kClosed = 0xffffffff;

std::uint32_t LoopOf(std::uint64_t claim) { return static_cast<std::uint32_t>(claim >> 32); }

}  // namespace

int AvailableCpus() {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof(set), &set) != 0) return 1;
  return std::max(1, CPU_COUNT(&set));
}

ThreadPool::ThreadPool(int thread_count) {
  KINGLET_CHECK(thread_count >= 1, "thread_count {}", thread_count);
  workers_.reserve(static_cast<std::size_t>(thread_count - 1));
  for (int thread = 1; thread < thread_count; ++thread) {
    workers_.emplace_back([this, thread] { WorkerMain(thread); });
  }
}

ThreadPool::~ThreadPool() {
  {
    const std::scoped_lock lock(mutex_);
    closing_ = true;
  }
  wake_.notify_all();
  for (std::thread& worker : workers_) worker.join();
}

void ThreadPool::Run(std::size_t count, std::size_t grain, void* work, Call call) {
  KINGLET_CHECK(grain > 0, "grain {}", grain);
  if (count == 0) return;
  const std::size_t pieces = (count + grain - 1) / grain;
  if (workers_.empty() || pieces == 1) {
    for (std::size_t begin = 0; begin < count; begin += grain) {
      call(work, begin, begin + grain < count ? begin + grain : count, 0);
    }
    return;
  }
  KINGLET_CHECK(pieces < kClosed, "{} pieces", pieces);
  // A worker that has read the last claim of the loop before, then slept, would find room for its
  // piece in a greater count. Whoever sees one of the stores below sees this one first.
  const std::uint64_t last = claim_.load(std::memory_order_relaxed);
  claim_.store(last | kClosed, std::memory_order_relaxed);
  work_.store(work, std::memory_order_release);
  call_.store(call, std::memory_order_release);
  count_.store(count, std::memory_order_release);
  grain_.store(grain, std::memory_order_release);
  pieces_done_.store(0, std::memory_order_relaxed);
  const std::uint32_t loop = LoopOf(last) + 1;
  claim_.store(std::uint64_t{loop} << 32);
  if (sleepers_.load() > 0) {
    {
      const std::scoped_lock lock(mutex_);
    }  // no worker is between its last look and its sleep
    wake_.notify_all();
  }
  TakePieces(loop, 0);
  for (int spins = 0; pieces_done_.load(std::memory_order_acquire) < pieces; ++spins) {
    if (spins < kSpins) {
      Pause();
    } else {
      std::this_thread::yield();
    }
  }
}

void ThreadPool::TakePieces(std::uint32_t loop, int thread) {
  std::uint64_t claim = claim_.load(std::memory_order_acquire);
  while (LoopOf(claim) == loop && (claim & kClosed) != kClosed) {
    const std::size_t count = count_.load(std::memory_order_acquire);
    const std::size_t grain = grain_.load(std::memory_order_acquire);
    void* const work = work_.load(std::memory_order_acquire);
    const Call call = call_.load(std::memory_order_acquire);
    const std::size_t begin = (claim & kClosed) * grain;
    if (begin >= count) return;
    if (!claim_.compare_exchange_weak(claim, claim + 1, std::memory_order_acq_rel,
                                      std::memory_order_acquire)) {
      continue;
    }
    call(work, begin, begin + grain < count ? begin + grain : count, thread);
    pieces_done_.fetch_add(1, std::memory_order_acq_rel);
    claim = claim_.load(std::memory_order_acquire);
  }
}

void ThreadPool::WorkerMain(int thread) {
  std::uint32_t loop = 0;
  while (AwaitLoop(loop, loop)) TakePieces(loop, thread);
}

bool ThreadPool::AwaitLoop(std::uint32_t seen, std::uint32_t& loop) {
  for (int spins = 0; spins < kSpins; ++spins) {
    loop = LoopOf(claim_.load(std::memory_order_acquire));
    if (loop != seen) return true;
    Pause();
  }
  std::unique_lock lock(mutex_);
  ++sleepers_;
  wake_.wait(lock, [&] {
    loop = LoopOf(claim_.load());
    return loop != seen || closing_;
  });
  --sleepers_;
  return !closing_;
}

}  // namespace kinglet
