// SPDX-License-Identifier: Apache-2.0
// kinglet eval load: any server of OpenAI's API under the load of a real service's trace.
#include <cmath>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>

#include <CLI/CLI.hpp>
#include <sys/resource.h>

#include "base/clock.h"
#include "base/display.h"
#include "base/file.h"
#include "base/json.h"
#include "cli/commands.h"
#include "cli/interrupt.h"
#include "cli/number_range.h"
#include "eval/load_search.h"
#include "eval/load_sender.h"

namespace kinglet {
namespace {

constexpr std::size_t kMaxTraceBytes = std::size_t{1} << 28;
constexpr double kRatePrecision = 1.1;
constexpr double kProbeS = 30;  // where --duration-s does not say

struct LoadFlags {
  LoadTarget target;
  std::string trace;
  std::string slo;
  LoadScheduleOptions schedule;
  double timeout_s = 600;
  std::optional<double> find_rate;
  bool json = false;
};

// A connection each: as many as the system lets one program have.
void RaiseFileLimit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

struct Bench {
  const LoadFlags& flags;
  Trace trace;
  LoadLimits limits;
  LoadSender sender;
  WordTokens counts;
};

json::value OrNull(double limit) { return std::isinf(limit) ? json::value() : json::value(limit); }

json::object Conditions(const Bench& bench) {
  const LoadScheduleOptions& schedule = bench.flags.schedule;
  return {{"trace", bench.flags.trace},
          {"scale_length", schedule.scale_length},
          {"scale_time", schedule.scale_time},
          {"seed", schedule.seed},
          {"slo",
           {{"ttft_ms", OrNull(bench.limits.ttft_ms)}, {"tpot_ms", OrNull(bench.limits.tpot_ms)}}},
          {"skipped_rows", bench.trace.skipped_rows},
          {"tokens_per_word", bench.counts.per_word}};
}

void PrintConditions(const Bench& bench) {
  const LoadScheduleOptions& schedule = bench.flags.schedule;
  fmt::print("{}: lengths times {}, times times {}, seed {}, {:.2f} tokens a word\n",
             EscapeForDisplay(bench.flags.trace), schedule.scale_length, schedule.scale_time,
             schedule.seed, bench.counts.per_word);
  fmt::print("limits: TTFT {} ms, TPOT {} ms\n", bench.limits.ttft_ms, bench.limits.tpot_ms);
}

struct Measured {
  LoadSchedule schedule;
  LoadRun run;
  LoadSummary summary;
};

json::object ToJson(const Measured& measured, const std::optional<double>& rate_per_s) {
  json::object object = ToJson(measured.summary);
  object["rate_per_s"] = rate_per_s ? json::value(*rate_per_s) : json::value();
  object["planned"] = measured.schedule.requests.size();
  object["left_out"] = measured.schedule.left_out;
  object["stopped_early"] = measured.run.was_stopped;
  object["sender_cpu_share"] = measured.run.cpu_share;
  return object;
}

void PrintMeasured(const Measured& measured) {
  fmt::print("{}", ToText(measured.summary));
  if (measured.schedule.left_out > 0) {
    fmt::print("{} requests left out, too long for --context\n", measured.schedule.left_out);
  }
  fmt::print("the sender took {:.1f} % of a core\n", measured.run.cpu_share * 100);
}

Result<Measured> Measure(Bench& bench, const LoadScheduleOptions& options, std::uint64_t text_seed,
                         const LoadWatch& watch) {
  Measured measured{.schedule = MakeLoadSchedule(bench.trace, options), .run = {}, .summary = {}};
  if (measured.schedule.requests.empty()) {
    return Error(StatusCode::kUsage,
                 "no request is left: --limit, --duration-s or --context is "
                 "too small");
  }
  const PromptMaker prompts(text_seed, options.scale_length, bench.counts);
  measured.run =
      TRY(bench.sender.Send(bench.trace, measured.schedule, prompts, TakeInterrupt, watch));
  measured.summary = Summarise(measured.run.records, bench.limits);
  return measured;
}

// Requests that have missed the limits by now, those that still wait among them.
std::size_t Misses(const std::vector<LoadRecord>& records, const LoadLimits& limits) {
  const double now_ms = MonotonicMs();
  std::size_t misses = 0;
  for (const LoadRecord& record : records) {
    const bool has_ended = record.end_ms > 0;
    const bool waits_too_long =
        record.first_ms == 0 && record.sent_ms > 0 && now_ms - record.sent_ms > limits.ttft_ms;
    misses += has_ended ? !IsWithin(record, limits) : waits_too_long;
  }
  return misses;
}

// Each probe has texts of its own, or the server would have kept those of the probe before.
Result<void> FindHighestRate(Bench& bench, double share) {
  LoadScheduleOptions options = bench.flags.schedule;
  if (options.duration_s == 0) options.duration_s = kProbeS;
  // At a higher rate the trace ends before the time does.
  LoadScheduleOptions whole = options;
  whole.duration_s = 0;
  const auto usable = static_cast<double>(MakeLoadSchedule(bench.trace, whole).requests.size());
  const double most = usable / options.duration_s;
  json::array probes;
  std::optional<Measured> best;
  std::uint64_t text_seed = options.seed;
  const auto is_kept = [&](double rate) -> Result<bool> {
    options.rate_per_s = rate;
    const std::size_t planned = MakeLoadSchedule(bench.trace, options).requests.size();
    if (planned == 0) return false;     // so slow that none comes
    constexpr double kRounding = 1e-9;  // 0.9 of 30 are 27, and three may miss
    const auto wanted = std::ceil(share * static_cast<double>(planned) - kRounding);
    const std::size_t allowed = planned - static_cast<std::size_t>(wanted);
    Measured probe = TRY(Measure(bench, options, text_seed++, [&](const auto& records) {
      return Misses(records, bench.limits) > allowed;
    }));
    const bool kept =
        !probe.run.was_stopped && probe.summary.sent - probe.summary.within_limits <= allowed;
    probes.push_back(ToJson(probe, rate));
    if (!bench.flags.json) {
      fmt::print("{:.3f} a second: {} of {} within the limits, {} sent: {}\n", rate,
                 probe.summary.within_limits, planned, probe.summary.sent,
                 kept ? "kept" : "not kept");
      std::fflush(stdout);
    }
    if (kept) best = std::move(probe);
    return kept;
  };
  const std::optional<double> rate =
      TRY(FindRate(options.rate_per_s.value_or(1), most, kRatePrecision, is_kept));
  if (bench.flags.json) {
    json::object result = best ? ToJson(*best, rate) : json::object{{"rate_per_s", nullptr}};
    result["share"] = share;
    result["trace_allows_per_s"] = most;
    result["probes"] = std::move(probes);
    result["conditions"] = Conditions(bench);
    fmt::print("{}\n", kinglet::ToJson(result));
  } else if (best && rate) {
    fmt::print("highest rate with {:.0f} % within the limits: {:.3f} a second{}\n", share * 100,
               *rate, *rate == most ? ", all that the trace has" : "");
    PrintMeasured(*best);
  } else {
    fmt::print("no rate was found with {:.0f} % within the limits\n", share * 100);
  }
  return {};
}

Result<void> MeasureOnce(Bench& bench) {
  const LoadScheduleOptions& options = bench.flags.schedule;
  const Measured measured = TRY(Measure(bench, options, options.seed, {}));
  if (bench.flags.json) {
    json::object result = ToJson(measured, options.rate_per_s);
    result["conditions"] = Conditions(bench);
    fmt::print("{}\n", kinglet::ToJson(result));
  } else {
    PrintMeasured(measured);
  }
  return {};
}

Result<void> RunLoad(const LoadFlags& flags) {
  const LoadLimits limits = TRY(ParseLoadLimits(flags.slo));
  const std::string text = TRY(ReadFile(flags.trace, kMaxTraceBytes));
  Result<Trace> trace = ParseTrace(text);
  if (!trace) return std::unexpected(trace.error().WithContext(flags.trace));
  LoadTarget target = flags.target;
  target.timeout_ms = static_cast<int>(flags.timeout_s * 1000);
  RaiseFileLimit();
  HandleInterrupts();
  LoadSender sender = TRY(LoadSender::Create(std::move(target)));
  const WordTokens counts = TRY(sender.Calibrate());
  Bench bench{flags, *std::move(trace), limits, std::move(sender), counts};
  if (!flags.json) PrintConditions(bench);
  return flags.find_rate ? FindHighestRate(bench, *flags.find_rate) : MeasureOnce(bench);
}

void AddScheduleFlags(CLI::App& app, LoadFlags& flags) {
  const CLI::Validator positive = NumberFrom(1e-6, 1e6);
  LoadScheduleOptions& schedule = flags.schedule;
  app.add_option("--scale-length", schedule.scale_length, "times the tokens of prompt and answer")
      ->check(positive);
  app.add_option("--scale-time", schedule.scale_time, "times the arrivals: 2 is half the rate")
      ->check(positive);
  app.add_option("--rate", schedule.rate_per_s,
                 "requests a second, by a Poisson process, not at the trace's times")
      ->check(positive);
  app.add_option("--limit", schedule.limit, "requests at most; 0: all")
      ->check(WholeFrom(0, kMaxUint64));
  app.add_option("--duration-s", schedule.duration_s,
                 "seconds in which requests arrive; 0: all, with --find-rate 30 a probe")
      ->check(NumberFrom(0, 1e6));
  app.add_option("--context", schedule.context_tokens,
                 "leave out requests of more tokens, prompt and answer; 0: none")
      ->check(WholeFrom(0, kMaxUint64));
  app.add_option("--seed", schedule.seed, "of texts and Poisson arrivals")
      ->check(WholeFrom(0, kMaxUint64));
  app.add_option("--find-rate", flags.find_rate,
                 "find the highest rate at which this share of all sent is within --slo, from "
                 "--rate or 1 on")
      ->check(NumberFrom(0.01, 1));
}

}  // namespace

CommandRun SetUpEvalLoad(CLI::App& app) {
  CLI::App* load = app.add_subcommand(
      "load", "a server of OpenAI's API under the load of a trace: latencies and goodput");
  load->option_defaults()->always_capture_default();
  auto flags = std::make_shared<LoadFlags>();
  load->add_option("--url", flags->target.url, "like http://127.0.0.1:8080, with /v1 or without")
      ->required();
  load->add_option("--trace", flags->trace, "Azure's CSV or Mooncake's JSON lines")->required();
  load->add_option("--slo", flags->slo,
                   "like ttft_ms=1000,tpot_ms=100: what an answer must keep to count");
  load->add_flag("--chat", flags->target.chat, "ask /v1/chat/completions, not /v1/completions");
  load->add_flag_callback(
      "--stop-at-end", [flags] { flags->target.ignore_end = false; },
      "send no ignore_eos, for servers that refuse it; answers may be short");
  load->add_option("--model", flags->target.model, "name of the model to ask for");
  load->add_option("--api-key", flags->target.api_key, "sent as a bearer token");
  load->add_option("--timeout-s", flags->timeout_s, "seconds that a request may take")
      ->check(NumberFrom(0.001, 1e6));
  AddScheduleFlags(*load, *flags);
  load->add_flag("--json", flags->json, "print one JSON object");
  return [flags] { return RunLoad(*flags); };
}

}  // namespace kinglet
