// SPDX-License-Identifier: Apache-2.0
// A queue, and threads that take from it.
#include "net/handler_threads.h"

namespace kinglet {

HandlerThreads::HandlerThreads(int thread_count, HttpHandler handler)
    : handler_(std::move(handler)) {
  threads_.reserve(static_cast<std::size_t>(thread_count));
  try {
    for (int i = 0; i < thread_count; ++i) threads_.emplace_back([this] { ThreadMain(); });
  } catch (...) {  // those that have started must not outlive this
    Join();
    throw;
  }
}

void HandlerThreads::Add(HttpRequest request, std::shared_ptr<ServedExchange> exchange) {
  {
    const std::scoped_lock lock(mutex_);
    jobs_.push_back({.request = std::move(request), .exchange = std::move(exchange)});
  }
  wake_.notify_one();
}

void HandlerThreads::Join() {
  {
    const std::scoped_lock lock(mutex_);
    is_closing_ = true;
  }
  wake_.notify_all();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

void HandlerThreads::ThreadMain() {
  for (;;) {
    Job job;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return !jobs_.empty() || is_closing_; });
      if (jobs_.empty()) return;
      job = std::move(jobs_.front());
      jobs_.pop_front();
    }
    Run(std::move(job));
  }
}

void HandlerThreads::Run(Job job) {
  // Its client went away while it waited, and did so for good.
  if (job.exchange->IsClosed()) return;
  try {
    handler_(std::move(job.request), job.exchange);
  } catch (...) {
    // Who else holds the exchange must not let the client wait.
    job.exchange->Fail();
  }
}

}  // namespace kinglet
