// SPDX-License-Identifier: Apache-2.0
// kinglet eval claims: claims of what small and large models can do, put to the test on this
// machine, with a report.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include <CLI/CLI.hpp>

#include "base/clock.h"
#include "base/display.h"
#include "base/file.h"
#include "base/json.h"
#include "base/thread_pool.h"
#include "catalog/store.h"
#include "claims/experiment.h"
#include "claims/report.h"
#include "cli/commands.h"
#include "cli/interrupt.h"
#include "cli/number_range.h"
#include "cli/open_engine.h"
#include "cli/open_vectors.h"
#include "cli/output_files.h"
#include "cli/progress.h"
#include "cli/sampling_flags.h"
#include "kernels/backend.h"

namespace kinglet {
namespace {

struct ClaimsFlags {
  std::vector<std::string> letters;  // none: all
  std::map<Part, std::string> parts;
  std::string work;
  std::string html, markdown;  // files; empty: none
  std::size_t limit = 120;     // of questions; 0: all
  std::uint64_t seed = 1;
  bool json = false;
  EngineOptions engine;  // threads alone
};

// As the system tells it; "an unknown CPU" where it does not.
std::string CpuName() {
  std::ifstream cpus("/proc/cpuinfo");
  for (std::string line; std::getline(cpus, line);) {
    if (line.starts_with("model name"))
      return line.substr(std::min(line.find(": "), line.size() - 2) + 2);
  }
  return "an unknown CPU";
}

// "e" is "e1" and "e2".
bool IsNamed(const Experiment& experiment, std::string_view letter) {
  return !letter.empty() && std::string_view(experiment.letter).starts_with(letter);
}

Result<std::vector<const Experiment*>> Choose(const std::vector<std::string>& letters) {
  std::vector<const Experiment*> chosen;
  for (const Experiment& experiment : Experiments()) {
    const bool is_named = std::ranges::any_of(
        letters, [&](const std::string& letter) { return IsNamed(experiment, letter); });
    if (letters.empty() || is_named) chosen.push_back(&experiment);
  }
  for (const std::string& letter : letters) {
    const bool is_known = std::ranges::any_of(
        chosen, [&](const Experiment* experiment) { return IsNamed(*experiment, letter); });
    if (!is_known) return Error(StatusCode::kUsage, "no claim {}", Quoted(letter));
  }
  return chosen;
}

Result<ClaimSetup> MakeSetup(const ClaimsFlags& flags, const Environment& environment) {
  ClaimSetup setup{.work = flags.work,
                   .limit = flags.limit,
                   .seed = flags.seed,
                   .thread_count = flags.engine.thread_count,
                   .prices = environment.settings.prices,
                   .power = environment.settings.power};
  for (const auto& [part, value] : flags.parts) {
    if (value.empty()) continue;
    setup.files[part] = value;
    if (FlagOf(part).is_model) setup.files[part] = TRY(ResolveModel(value, environment.home));
    if (!std::filesystem::exists(setup.files[part])) {
      return Error(StatusCode::kNotFound, "{}: no such file", EscapeForDisplay(value));
    }
  }
  // No more than the last folder of its path: what is above it may be misspelt.
  std::error_code error;
  std::filesystem::create_directory(setup.work, error);
  if (error) {
    return Error(StatusCode::kFailed, "--work {}: {}", EscapeForDisplay(flags.work),
                 error.message());
  }
  setup.open_engine = [environment](const std::filesystem::path& path, EngineOptions options) {
    return OpenEngine(path, std::move(options), environment);
  };
  setup.open_embedder = [environment,
                         threads = flags.engine.thread_count](const std::filesystem::path& path) {
    return OpenEmbedder(path.string(), environment, threads > 0 ? threads : AvailableCpus());
  };
  setup.progress = [bar = std::shared_ptr<Progress>(), label = std::string(),
                    is_terminal = environment.stderr_is_terminal](
                       std::string_view what, std::size_t done,
                       std::size_t total) mutable -> Result<void> {
    if (TakeInterrupt()) return Error(StatusCode::kCancelled, "interrupted");
    if (bar == nullptr || label != what) {
      label = what;
      bar = std::make_shared<Progress>(label, ProgressUnit::kSteps, is_terminal);
    }
    bar->Update(done, total);
    if (done == total) bar.reset();
    return {};
  };
  return setup;
}

ReportFacts FactsOf(const ClaimsFlags& flags, const ClaimSetup& setup) {
  const int threads = setup.thread_count > 0 ? setup.thread_count : AvailableCpus();
  ReportFacts facts = {
      {"Machine",
       fmt::format("{}, {} threads, kernels {}", CpuName(), threads, AvailableOps().back()->name)},
      {"Program", fmt::format("kinglet {}, {}", KINGLET_VERSION, Iso8601(UnixSeconds()))}};
  std::string command = "kinglet eval claims";
  for (const std::string& letter : flags.letters) command += " " + letter;
  for (const PartFlag& flag : PartFlags()) {
    if (const auto given = flags.parts.find(flag.part);
        given != flags.parts.end() && !given->second.empty()) {
      command += fmt::format(" {} {}", flag.flag, given->second);
    }
  }
  if (flags.engine.thread_count > 0) {
    command += fmt::format(" --threads {}", flags.engine.thread_count);
  }
  facts.emplace_back("Command", fmt::format("{} --limit {} --seed {} --work {}", command,
                                            setup.limit, setup.seed, flags.work));
  return facts;
}

// A line or two each, as they are found.
void Print(const Finding& finding) {
  fmt::print("({}) {}\n    {}{}. {}\n", finding.letter, finding.claim, NameOf(finding.verdict),
             finding.figure ? ", " + ShowFigure(*finding.figure) : "",
             EscapeForDisplay(finding.why));
}

Result<void> TestClaims(const ClaimsFlags& flags, const Environment& environment) {
  const auto chosen = TRY(Choose(flags.letters));
  ClaimSetup setup = TRY(MakeSetup(flags, environment));
  std::vector<std::string> inputs;
  for (const auto& [part, file] : setup.files) inputs.push_back(file.string());
  TRY(CheckOutputs({{"--html", flags.html}, {"--markdown", flags.markdown}}, inputs));
  HandleInterrupts();
  std::vector<Finding> findings;
  for (const Experiment* const experiment : chosen) {
    findings.push_back(TRY(TestClaim(*experiment, setup)));
    if (!flags.json) Print(findings.back());
  }
  const ReportFacts facts = FactsOf(flags, setup);
  if (flags.json) fmt::print("{}\n", ToJson(FindingsJson(findings, facts)));
  if (!flags.html.empty()) TRY(WriteFileAtomic(flags.html, FindingsHtml(findings, facts)));
  if (!flags.markdown.empty()) {
    TRY(WriteFileAtomic(flags.markdown, FindingsMarkdown(findings, facts)));
  }
  return {};
}

}  // namespace

CommandRun SetUpEvalClaims(CLI::App& app, const Environment& environment) {
  CLI::App* claims = app.add_subcommand(
      "claims", "what of the debate about small and large models holds on this machine");
  auto flags = std::make_shared<ClaimsFlags>();
  claims->add_option("CLAIM", flags->letters, "letters of the claims to test; without: all");
  for (const PartFlag& flag : PartFlags()) {
    claims->add_option(flag.flag, flags->parts[flag.part], flag.what)->type_name(flag.value);
  }
  claims
      ->add_option("--work", flags->work,
                   "a folder that keeps what was found: a run that was ended goes on")
      ->type_name("DIR")
      ->required();
  AddOutputFlag(*claims, "--html", flags->html, "write the report to this file, a page with plots");
  AddOutputFlag(*claims, "--markdown", flags->markdown,
                "write the report to this file, as Markdown");
  claims->add_option("--limit", flags->limit, "so many questions, drawn by the seed; 0: all")
      ->check(WholeFrom(0, kMaxUint64))
      ->capture_default_str();
  claims->add_option("--seed", flags->seed, "of all that is drawn")
      ->check(WholeFrom(0, kMaxUint64));
  claims->add_flag("--json", flags->json, "print one JSON object");
  AddThreadsFlag(*claims, flags->engine);
  return [flags, environment] { return TestClaims(*flags, environment); };
}

}  // namespace kinglet
