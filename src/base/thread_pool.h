// SPDX-License-Identifier: Apache-2.0
// A fixed pool of threads that share one loop at a time. Threads decide who computes a piece, never
// what is computed in it, so results cannot depend on their number.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <thread>
#include <type_traits>
#include <vector>

namespace kinglet {

// CPUs that this process may use, at least 1.
int AvailableCpus();

class ThreadPool {
 public:
  // thread_count >= 1 counts the caller: ThreadPool(1) starts no thread.
  explicit ThreadPool(int thread_count);
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;
  ~ThreadPool();

  int thread_count() const { return static_cast<int>(workers_.size()) + 1; }

  // Calls work(begin, end, thread) on disjoint pieces of [0, count) of at most `grain` items, and
  // returns when all are done. `thread` is in [0, thread_count()); the caller is 0. Pieces are
  // taken as threads get to them: a thread that the operating system has put aside delays its own
  // piece and no other. One caller at a time, and none from within `work`. Allocates nothing.
  template <typename Work>
  void ParallelFor(std::size_t count, std::size_t grain, Work&& work) {
    using Callable = std::remove_reference_t<Work>;
    Run(count, grain, const_cast<void*>(static_cast<const void*>(&work)),
        [](void* callable, std::size_t begin, std::size_t end, int thread) {
          (*static_cast<Callable*>(callable))(begin, end, thread);
        });
  }

 private:
  using Call = void (*)(void* work, std::size_t begin, std::size_t end, int thread);

  void Run(std::size_t count, std::size_t grain, void* work, Call call);
  // Takes pieces of the loop with this number until none is left.
  void TakePieces(std::uint32_t loop, int thread);
  void WorkerMain(int thread);
  // The number of a loop other than `seen`, or nothing when the pool closes.
  bool AwaitLoop(std::uint32_t seen, std::uint32_t& loop);

  // The running loop. A late worker may read these while the next loop is being set up: claims are
  // closed before the first of them is written, so what it read it cannot use.
  std::atomic<void*> work_{nullptr};
  std::atomic<Call> call_{nullptr};
  std::atomic<std::size_t> count_{0};
  std::atomic<std::size_t> grain_{1};
  std::atomic<std::uint64_t> claim_{0};  // number of the loop << 32 | first piece not taken
  std::atomic<std::size_t> pieces_done_{0};

  std::mutex mutex_;
  std::condition_variable wake_;
  std::atomic<int> sleepers_{0};
  std::atomic<bool> closing_{false};
  std::vector<std::thread> workers_;
};

}  // namespace kinglet
