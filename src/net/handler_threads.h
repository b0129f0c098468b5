// SPDX-License-Identifier: Apache-2.0
// The threads on which handlers run, and the requests that wait for one.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "net/http_outlet.h"
#include "net/http_server.h"

namespace kinglet {

class HandlerThreads {
 public:
  HandlerThreads(int thread_count, HttpHandler handler);
  HandlerThreads(const HandlerThreads&) = delete;
  HandlerThreads& operator=(const HandlerThreads&) = delete;
  ~HandlerThreads() { Join(); }

  // Each connection has at most one request here, so their number needs no limit of its own.
  void Add(HttpRequest request, std::shared_ptr<ServedExchange> exchange);
  // Returns when every handler has returned. Nothing may be added any more.
  void Join();

 private:
  struct Job {
    HttpRequest request;
    std::shared_ptr<ServedExchange> exchange;
  };
  void ThreadMain();
  void Run(Job job);

  const HttpHandler handler_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Job> jobs_;
  bool is_closing_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace kinglet
