// SPDX-License-Identifier: Apache-2.0
// First what is known, then what must be asked, then scores and means.
#include "eval/task_run.h"

#include <algorithm>
#include <utility>

#include "base/file.h"
#include "eval/cluster_bootstrap.h"
#include "eval/outcome_lines.h"

namespace kinglet {

Result<TaskReplies> AskTask(std::span<const TaskQuestion> questions, const TaskRun& run) {
  TaskReplies all{.replies = std::vector<TaskReply>(questions.size())};
  std::vector<TaskAsk> asks;    // that nobody has answered yet,
  std::vector<std::size_t> of;  // and whose they are
  for (std::size_t i = 0; i < questions.size(); ++i) {
    std::optional<TaskReply> known;
    if (run.cache != nullptr) known = TRY(run.cache->Find(run.system, questions[i].ask));
    if (known) {
      all.replies[i] = *std::move(known);
      ++all.cached;
    } else {
      asks.push_back(questions[i].ask);
      of.push_back(i);
    }
  }
  std::size_t done = all.cached;
  run.progress(done);
  if (asks.empty()) return all;
  const auto system = TRY(run.open());
  TRY(system->Answer(asks, [&](std::size_t i, TaskReply reply) -> Result<void> {
    if (run.cache != nullptr) TRY(run.cache->Keep(run.system, asks[i], reply));
    all.replies[of[i]] = std::move(reply);
    run.progress(++done);
    return {};
  }));
  return all;
}

std::vector<std::vector<double>> ScoreTask(const Task& task, std::span<const TaskReply> replies) {
  const Scorer& scorer = *task.spec.scorer;
  std::vector<std::vector<double>> scores;
  for (std::size_t i = 0; i < replies.size(); ++i) {
    scores.push_back(replies[i].error.empty()
                         ? scorer.score(replies[i], task.questions[i].gold, task.spec.scoring)
                         : std::vector<double>(scorer.metrics.size()));
  }
  return scores;
}

json::object MeasureTask(const Task& task, std::span<const TaskReply> replies,
                         const std::vector<std::vector<double>>& scores) {
  std::vector<std::string> groups;
  for (const TaskQuestion& question : task.questions) groups.push_back(question.group);
  const Clusters clusters(groups);
  const auto errors =
      std::ranges::count_if(replies, [](const TaskReply& reply) { return !reply.error.empty(); });
  json::object figures = {{"task", task.spec.name},
                          {"questions", task.questions.size()},
                          {"groups", clusters.size()},
                          {"errors", errors}};
  json::object intervals;
  const auto metrics = task.spec.scorer->metrics;
  for (std::size_t m = 0; m < metrics.size(); ++m) {
    std::vector<double> values;
    for (const std::vector<double>& each : scores) values.push_back(each[m]);
    const Estimate estimate = clusters.EstimateMean(values);
    figures[metrics[m]] = estimate.mean;
    intervals[metrics[m]] = {estimate.low, estimate.high};
  }
  figures["ci95"] = std::move(intervals);
  return figures;
}

Result<void> WriteTaskOutcomes(const std::filesystem::path& file, const Task& task,
                               const std::string& model, std::size_t limit, std::uint64_t seed,
                               std::span<const TaskReply> replies,
                               const std::vector<std::vector<double>>& scores) {
  const json::object run = {{"task", task.spec.name},
                            {"model", model},
                            {"data", task.data_digest},
                            {"prompt", task.prompt_digest},
                            {"scorer", task.scorer_digest},
                            {"limit", limit},
                            {"seed", seed}};
  std::vector<OutcomeLine> lines;
  const auto metrics = task.spec.scorer->metrics;
  for (std::size_t i = 0; i < replies.size(); ++i) {
    const TaskQuestion& question = task.questions[i];
    const TaskReply& reply = replies[i];
    OutcomeLine& line = lines.emplace_back(
        OutcomeLine{.id = question.id, .group = question.group, .error = reply.error});
    for (std::size_t m = 0; m < metrics.size(); ++m) line.scores[metrics[m]] = scores[i][m];
    if (!reply.error.empty()) continue;
    if (question.ask.choices.empty()) {
      line.shown["text"] = reply.text;
    } else {
      line.shown["logprobs"] = json::array(reply.logprobs.begin(), reply.logprobs.end());
    }
  }
  return WriteOutcomes(file, run, lines);
}

}  // namespace kinglet
