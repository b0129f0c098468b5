// SPDX-License-Identifier: Apache-2.0
// kinglet eval task: a user's own questions, asked of a model here or behind an endpoint.
#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>

#include "base/digest.h"
#include "base/display.h"
#include "base/file.h"
#include "base/json.h"
#include "catalog/store.h"
#include "cli/commands.h"
#include "cli/interrupt.h"
#include "cli/number_range.h"
#include "cli/open_engine.h"
#include "cli/output_files.h"
#include "cli/progress.h"
#include "cli/sampling_flags.h"
#include "eval/junit.h"
#include "eval/show_interval.h"
#include "eval/task_run.h"

namespace kinglet {
namespace {

constexpr std::size_t kMaxKeyBytes = 4096;

struct TaskFlags {
  std::string file;
  std::string model;
  std::string key_file;
  TaskEndpoint endpoint;
  double timeout_s = 600;
  std::size_t limit = 0;
  std::uint64_t seed = 1;
  std::string outcomes;
  std::string junit;
  bool json = false;
  bool cache = true;
  EngineOptions engine{.kv_contexts = 4};
};

Result<std::string> ReadKey(const std::string& path) {
  if (path.empty()) return std::string();
  std::string key = TRY(ReadFile(path, kMaxKeyBytes));
  key.erase(std::min(key.find_first_of("\r\n"), key.size()));
  return key;
}

// Who is asked: what stands in the file of outcomes, what tells his replies in the cache, and how
// he is reached.
struct Asked {
  std::string model;
  TaskRun run;
  std::unique_ptr<Engine> engine;
};

// progress outlives what it opens.
Result<void> SetUpEndpoint(const TaskFlags& flags, Progress& progress, Asked& asked) {
  TaskEndpoint endpoint = flags.endpoint;
  endpoint.api_key = TRY(ReadKey(flags.key_file));
  endpoint.timeout_ms = static_cast<int>(flags.timeout_s * 1000);
  asked.model = fmt::format("{} {}", endpoint.url, endpoint.model);
  asked.run.system = asked.model;
  asked.run.open = [endpoint, &progress]() -> Result<std::unique_ptr<TaskSystem>> {
    return MakeEndpointSystem(endpoint, TakeInterrupt, [&](std::string_view why) {
      progress.Print(fmt::format("task: {}", why));
    });
  };
  return {};
}

// A reply is this program's as much as the model's: another build's are not taken for its own.
Result<void> SetUpModel(const TaskFlags& flags, const Environment& environment, Asked& asked) {
  const std::filesystem::path path = TRY(ResolveModel(flags.model, environment.home));
  asked.model = TRY(Sha256OfFile(path));
  asked.run.system = fmt::format("{} by {}", asked.model, TRY(Sha256OfFile("/proc/self/exe")));
  asked.run.open = [&, path]() -> Result<std::unique_ptr<TaskSystem>> {
    asked.engine = TRY(OpenEngine(path, flags.engine, environment));
    return MakeLocalSystem(*asked.engine, asked.engine->prompts().EncodePrompt(""), TakeInterrupt);
  };
  return {};
}

void PrintFigures(const json::object& figures, const TaskReplies& replies) {
  const auto of = [&](std::string_view name) { return figures.at(name).to_number<double>(); };
  fmt::print("{}: {} questions in {} groups, {} cached\n",
             EscapeForDisplay(figures.at("task").get_string()), of("questions"), of("groups"),
             replies.cached);
  for (const auto& [name, interval] : figures.at("ci95").get_object()) {
    fmt::print("  {:<22} {}\n", std::string_view(name), ShowMean(figures.at(name), interval));
  }
}

// A question passes where its first metric is 1.
Result<void> WriteJUnit(const std::string& file, const Task& task, const TaskReplies& replies,
                        const std::vector<std::vector<double>>& scores) {
  std::vector<JUnitCase> cases;
  for (std::size_t i = 0; i < task.questions.size(); ++i) {
    const TaskReply& reply = replies.replies[i];
    JUnitCase& one = cases.emplace_back();
    one.name = task.questions[i].id;
    one.error = reply.error;
    if (reply.error.empty() && scores[i].front() < 1) {
      one.failure = fmt::format("{} is {}", task.spec.scorer->metrics.front(), scores[i].front());
    }
    one.output = reply.text;
  }
  return WriteFileAtomic(file, JUnitXml(task.spec.name, cases));
}

Result<void> Report(const TaskFlags& flags, const Task& task, const std::string& model,
                    const TaskReplies& replies) {
  const std::vector<std::vector<double>> scores = ScoreTask(task, replies.replies);
  if (!flags.outcomes.empty()) {
    TRY(WriteTaskOutcomes(flags.outcomes, task, model, flags.limit, flags.seed, replies.replies,
                          scores));
  }
  if (!flags.junit.empty()) TRY(WriteJUnit(flags.junit, task, replies, scores));
  json::object figures = MeasureTask(task, replies.replies, scores);
  figures["cached"] = replies.cached;
  figures["limit"] = flags.limit;
  figures["seed"] = flags.seed;
  figures["model"] = model;
  if (flags.json) {
    fmt::print("{}\n", kinglet::ToJson(figures));
  } else {
    PrintFigures(figures, replies);
  }
  const auto failed = std::ranges::find_if(
      replies.replies, [](const TaskReply& reply) { return !reply.error.empty(); });
  if (failed == replies.replies.end()) return {};
  const auto index = static_cast<std::size_t>(failed - replies.replies.begin());
  return Error(StatusCode::kFailed,
               "{} of {} questions have no reply and count as wrong; of {}: {}; a run like this "
               "one asks for them again",
               figures.at("errors").to_number<std::size_t>(), task.questions.size(),
               Quoted(task.questions[index].id), failed->error);
}

Result<void> CheckFiles(const TaskFlags& flags, const TaskSpec& spec) {
  std::vector<std::string> inputs = {flags.file, flags.model, flags.key_file};
  for (const std::string& name : {spec.data, spec.examples, spec.schema}) {
    if (!name.empty()) {
      inputs.push_back((std::filesystem::path(flags.file).parent_path() / name).string());
    }
  }
  return CheckOutputs({{"--outcomes", flags.outcomes}, {"--junit", flags.junit}}, inputs);
}

Result<void> EvaluateTask(TaskFlags flags, const Environment& environment) {
  const bool is_remote = !flags.endpoint.url.empty();
  if (!is_remote && flags.model.empty()) flags.model = environment.settings.model.value_or("");
  if (is_remote != flags.model.empty()) {
    return Error(
        StatusCode::kUsage, "{}",
        is_remote ? "give a MODEL or --url, not both" : "give a MODEL, or --url and --name");
  }
  const Task task = TRY(ReadTask(flags.file, flags.limit, flags.seed));
  TRY(CheckFiles(flags, task.spec));
  HandleInterrupts();
  Progress progress("task", ProgressUnit::kQuestions, environment.stderr_is_terminal);
  Asked asked;
  if (is_remote) {
    TRY(SetUpEndpoint(flags, progress, asked));
  } else {
    TRY(SetUpModel(flags, environment, asked));
  }
  std::optional<ReplyCache> cache;
  if (flags.cache) cache = TRY(ReplyCache::Open(environment.ReplyCacheFile()));
  asked.run.cache = cache ? &*cache : nullptr;
  asked.run.progress = [&](std::size_t done) { progress.Update(done, task.questions.size()); };
  const TaskReplies replies = TRY(AskTask(task.questions, asked.run));
  progress.Clear();
  return Report(flags, task, asked.model, replies);
}

}  // namespace

CommandRun SetUpEvalTask(CLI::App& app, const Environment& environment) {
  CLI::App* task = app.add_subcommand(
      "task", "your own questions and answers, a TOML file and its lines of JSON; scores them");
  task->option_defaults()->always_capture_default();
  auto flags = std::make_shared<TaskFlags>();
  task->add_option("FILE", flags->file, "the task; docs/evaluation.md says how it is written")
      ->required();
  task->add_option("MODEL", flags->model, "path, catalog name or hf:user/repo:quant");
  CLI::Option* const url =
      task->add_option("--url", flags->endpoint.url,
                       "instead of MODEL: an endpoint of OpenAI's API, like http://127.0.0.1:8080");
  task->add_option("--name", flags->endpoint.model, "the model to ask it for")->needs(url);
  task->add_option("--api-key-file", flags->key_file, "its first line is sent as a bearer token")
      ->needs(url);
  task->add_option("--concurrency", flags->endpoint.at_once, "requests at once to an endpoint")
      ->check(WholeFrom(1, 256));
  task->add_option("--timeout-s", flags->timeout_s,
                   "seconds that a request to it may take, sent again or not")
      ->check(NumberFrom(0.001, 1e6));
  task->add_option("--limit", flags->limit, "questions; 0: all")->check(WholeFrom(0, kMaxUint64));
  task->add_option("--seed", flags->seed, "draws them")->check(WholeFrom(0, kMaxUint64));
  AddOutputFlag(*task, "--outcomes", flags->outcomes, kOutcomesHelp);
  AddOutputFlag(*task, "--junit", flags->junit,
                "writes JUnit's XML to this file, a test for each question");
  task->add_flag("--json", flags->json, "print one JSON object");
  task->add_flag_callback(
      "--no-cache", [flags] { flags->cache = false; }, "ask for everything, keep nothing");
  task->add_option("-c,--context", flags->engine.context_tokens,
                   "tokens that a prompt and its answer may hold together; 0: the model's own")
      ->check(WholeFrom(0, kMaxInt));
  AddThreadsFlag(*task, flags->engine);
  return [flags, environment] { return EvaluateTask(*flags, environment); };
}

}  // namespace kinglet
