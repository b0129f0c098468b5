// SPDX-License-Identifier: Apache-2.0
// The program: a table of subcommands, and what a Status means to a shell.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <system_error>
#include <vector>

#include <CLI/CLI.hpp>

#include "base/display.h"
#include "cli/command.h"
#include "cli/commands.h"

namespace kinglet {
namespace {

// In the order of --help: from getting a model to reading the bill.
constexpr Command kCommands[] = {
    {"pull", "downloads a model, and checks it", SetUpPull},
    {"models", "the models that are here and that can be had; `models rm` removes one",
     SetUpModels},
    {"inspect", "what a model file holds; refuses a broken one and says what and where",
     SetUpInspect},
    {"tokenize", "the ids and pieces that a model reads for a text", SetUpTokenize},
    {"ingest", "reads files and folders into a library", SetUpIngest},
    {"library", "what a library holds, and whether it is sound", SetUpLibrary},
    {"search", "the passages of the library that match a question best", SetUpSearch},
    {"ask", "a cited answer from the library, or an abstention with its reason", SetUpAsk},
    {"extract", "what a text says, as JSON that satisfies a schema", SetUpExtract},
    {"route", "the intent of a question, how sure that is, and what would answer it", SetUpRoute},
    {"intents", "the router's own tools: checks, trains and tests intents", SetUpIntents},
    {"ledger", "what was answered, what it cost, what of it was useful", SetUpLedger},
    {"run", "a chat in the terminal, or one answer with -p", SetUpRun},
    {"serve", "an HTTP server for the clients of OpenAI's, Ollama's and Anthropic's APIs",
     SetUpServe},
    {"ps", "what a running server has loaded", SetUpPs},
    {"bench", "tokens a second that a model reads and writes", SetUpBench},
    {"cache", "packed weights: how many, whether they are sound; clears them", SetUpCache},
    {"eval", "measures quality: your own tasks, answers, retrieval, schemas, a server under load",
     SetUpEval},
    {"read-archive", "", SetUpReadArchive},    // for this program itself: see archive_reader.h
    {"read-document", "", SetUpReadDocument},  // likewise: document_reader.h
    {"help", "explains a topic: models, folders, settings, cache, keys, ledger, exit", SetUpHelp},
};

// INTERFACE: 0 done, 1 it failed, 2 wrong usage, 3 the input is invalid.
int ExitStatus(StatusCode code) {
  switch (code) {
    case StatusCode::kUsage:
      return 2;
    case StatusCode::kInvalidInput:
      return 3;
    case StatusCode::kCancelled:
      return 130;  // as a shell reports a command that SIGINT ended
    default:
      return 1;
  }
}

// Messages name files, flags and what models hold: they are escaped here, whoever wrote them.
// Unlike fmt::print, fputs does not throw where standard error is closed.
int Fail(const Status& status) {
  std::fputs(fmt::format("kinglet: {}\n", EscapeForDisplay(status.message())).c_str(), stderr);
  return ExitStatus(status.code());
}

// A standard descriptor that is closed would go to the next file that is opened, and what is
// printed would be written into it. This way reads and writes go on to fail.
void FillStandardDescriptors() {
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd) {
    if (fcntl(fd, F_GETFD) < 0) open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
  }
}

// What fmt::print throws (a full disk, a pipe that nobody reads) ends here.
Result<void> Call(const CommandRun& run) {
  try {
    return run();
  } catch (const std::system_error& error) {
    return Error(StatusCode::kFailed, "{}", error.what());
  }
}

int FlushOutput() {
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return 0;
  return Fail(Status(StatusCode::kFailed, "cannot write to standard output"));
}

// Wrong usage in one line. CLI11's own text spans several and names no program.
int UsageError(const CLI::App& app, const CLI::ParseError& error) {
  std::string command = "kinglet";
  for (const CLI::App* at = &app; !at->get_subcommands().empty();) {
    at = at->get_subcommands().front();
    command += ' ' + at->get_name();
  }
  std::string message = error.what();
  for (char& c : message) {
    if (c == '\n') c = ' ';
  }
  return Fail(
      Status(StatusCode::kUsage, fmt::format("{} ({} --help tells more)", message, command)));
}

int Main(int argc, char** argv) {
  FillStandardDescriptors();
  std::signal(SIGPIPE, SIG_IGN);  // a closed pipe is a failed write
  std::signal(SIGXFSZ, SIG_IGN);  // so is a file that may grow no more
  const Result<Environment> environment = ReadEnvironment();
  if (!environment) return Fail(environment.error());

  CLI::App app("Answers from your own documents, on your own machine, with quotes and a bill.",
               "kinglet");
  app.set_version_flag("--version", std::string("kinglet ") + KINGLET_VERSION);
  app.require_subcommand(1);
  app.get_formatter()->column_width(34);
  std::vector<std::pair<const CLI::App*, CommandRun>> runs;
  for (const Command& command : kCommands) {
    CLI::App* sub = app.add_subcommand(std::string(command.name), std::string(command.summary));
    if (command.summary.empty()) sub->group("");  // not for people
    sub->option_defaults()->always_capture_default();
    runs.emplace_back(sub, command.set_up(*sub, *environment));
  }
  if (argc > 1 && *argv[1] != '-' &&
      std::ranges::find(kCommands, std::string_view(argv[1]), &Command::name) ==
          std::end(kCommands)) {
    return Fail(Status(StatusCode::kUsage,
                       fmt::format("no command {}; kinglet --help lists them", argv[1])));
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& wanted) {  // --help, --version
    app.exit(wanted);
    return FlushOutput();
  } catch (const CLI::ParseError& error) {
    return UsageError(app, error);
  }
  for (const auto& [sub, run] : runs) {
    if (!sub->parsed()) continue;
    if (const Result<void> result = Call(run); !result) return Fail(result.error());
  }
  return FlushOutput();
}

}  // namespace
}  // namespace kinglet

int main(int argc, char** argv) { return kinglet::Main(argc, argv); }
