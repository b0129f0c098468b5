// SPDX-License-Identifier: Apache-2.0
// Replies that were paid for once: an SQLite file of them by what was asked, so that a run that was
// interrupted goes on and one that is repeated computes nothing.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "base/sqlite.h"
#include "base/status.h"
#include "eval/task.h"

namespace kinglet {

class ReplyCache {
 public:
  // Makes it where there is none. Where it holds more than kMaxBytes, the older half is forgotten.
  static Result<ReplyCache> Open(const std::filesystem::path& file);
  static constexpr std::int64_t kMaxBytes = std::int64_t{256} << 20;

  // system: what tells whose replies these are.
  Result<std::optional<TaskReply>> Find(std::string_view system, const TaskAsk& ask);
  // A reply that is an error is not kept.
  Result<void> Keep(std::string_view system, const TaskAsk& ask, const TaskReply& reply);

 private:
  ReplyCache(Database database, Statement find, Statement keep)
      : database_(std::move(database)), find_(std::move(find)), keep_(std::move(keep)) {}

  Database database_;
  Statement find_;  // goes before its database
  Statement keep_;
};

struct ReplyCacheUse {
  std::uint64_t replies = 0;
  std::uint64_t bytes = 0;
};
// Nothing where there is no such file, or it cannot be read.
ReplyCacheUse MeasureReplyCache(const std::filesystem::path& file);
// Removes it; what it held.
ReplyCacheUse ClearReplyCache(const std::filesystem::path& file);

}  // namespace kinglet
