// SPDX-License-Identifier: Apache-2.0
// A task, asked and scored: what came of each question, and what it comes to.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/status.h"
#include "eval/reply_cache.h"
#include "eval/task.h"
#include "eval/task_system.h"

namespace kinglet {

struct TaskRun {
  std::string system;           // what tells its replies from those of others
  ReplyCache* cache = nullptr;  // null: none
  // Called once, and only where some reply is not in the cache.
  std::function<Result<std::unique_ptr<TaskSystem>>()> open;
  std::function<void(std::size_t done)> progress;
};

struct TaskReplies {
  std::vector<TaskReply> replies;  // one each, in the questions' order
  std::size_t cached = 0;
};

// Each reply is kept as it comes: what an interrupted run has asked is asked no more.
Result<TaskReplies> AskTask(std::span<const TaskQuestion> questions, const TaskRun& run);

// Scores by question, then by metric of the scorer; 0 where there is no reply.
std::vector<std::vector<double>> ScoreTask(const Task& task, std::span<const TaskReply> replies);

// {"task", "questions", "groups", "errors", METRIC: mean, ..., "ci95": {METRIC: [low, high]}}
json::object MeasureTask(const Task& task, std::span<const TaskReply> replies,
                         const std::vector<std::vector<double>>& scores);

// A line that says what they are of, then one a question; whatever was there is replaced. model:
// the digest of a model's file, or an endpoint and its model's name.
Result<void> WriteTaskOutcomes(const std::filesystem::path& file, const Task& task,
                               const std::string& model, std::size_t limit, std::uint64_t seed,
                               std::span<const TaskReply> replies,
                               const std::vector<std::vector<double>>& scores);

}  // namespace kinglet
