// SPDX-License-Identifier: Apache-2.0
// Every item is done once, by whatever number of threads, loop after loop.
#include "base/thread_pool.h"

#include <chrono>
#include <vector>

#include <gtest/gtest.h>

namespace kinglet {
namespace {

TEST(ThreadPoolTest, EveryItemIsDoneOnce) {
  for (const int threads : {1, 2, 3, 8}) {
    ThreadPool pool(threads);
    for (const std::size_t count : {0U, 1U, 2U, 7U, 64U, 1000U}) {
      for (const std::size_t grain : {1U, 3U, 64U, 5000U}) {
        std::vector<int> done(count, 0);  // written without locks: pieces are disjoint
        pool.ParallelFor(count, grain, [&](std::size_t begin, std::size_t end, int thread) {
          EXPECT_GE(thread, 0);
          EXPECT_LT(thread, threads);
          EXPECT_LE(end - begin, grain);
          for (std::size_t i = begin; i < end; ++i) ++done[i];
        });
        EXPECT_EQ(done, std::vector<int>(count, 1));
      }
    }
  }
}

TEST(ThreadPoolTest, AThreadRunsOnePieceAtATime) {
  ThreadPool pool(4);
  std::vector<int> busy(4, 0);  // unsynchronised on purpose: TSan would see two pieces on one index
  for (int loop = 0; loop < 2000; ++loop) {
    pool.ParallelFor(16, 1, [&](std::size_t, std::size_t, int thread) {
      ++busy[static_cast<std::size_t>(thread)];
    });
  }
  int total = 0;
  for (const int count : busy) total += count;
  EXPECT_EQ(total, 2000 * 16);
}

TEST(ThreadPoolTest, ALateWorkerTakesNothingOfTheNextLoop) {
  // A short loop, then a longer one at once: a worker that is late for the first finds its next
  // piece within the second, and must not take it twice. More threads than CPUs make many late.
  ThreadPool pool(16);
  std::vector<std::atomic<int>> done(64);
  for (int loop = 0; loop < 50'000; ++loop) {
    const std::size_t count = loop % 2 == 0 ? 2 : done.size();
    for (auto& item : done) item.store(0, std::memory_order_relaxed);
    pool.ParallelFor(count, 1, [&](std::size_t begin, std::size_t, int) {
      done[begin].fetch_add(1, std::memory_order_relaxed);
    });
    for (std::size_t i = 0; i < count; ++i) {
      ASSERT_EQ(done[i].load(std::memory_order_relaxed), 1) << "item " << i << ", loop " << loop;
    }
  }
}

TEST(ThreadPoolTest, SleepingWorkersWakeForTheNextLoop) {
  ThreadPool pool(2);
  for (int loop = 0; loop < 5; ++loop) {
    std::this_thread::sleep_for(std::chrono::milliseconds(3));  // far beyond the spinning time
    std::atomic<int> threads_seen = 0;
    // Two pieces that wait for each other: only two threads can end the loop.
    pool.ParallelFor(2, 1, [&](std::size_t, std::size_t, int) {
      ++threads_seen;
      while (threads_seen < 2) std::this_thread::yield();
    });
    EXPECT_EQ(threads_seen, 2);
  }
}

TEST(ThreadPoolTest, ClosesWhileWorkersSpinOrSleep) {
  for (int i = 0; i < 20; ++i) ThreadPool pool(3);
}

}  // namespace
}  // namespace kinglet
