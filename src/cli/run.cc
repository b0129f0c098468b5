// SPDX-License-Identifier: Apache-2.0
// kinglet run MODEL: a chat in the terminal, or one answer with -p.
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "base/display.h"
#include "catalog/store.h"
#include "cli/commands.h"
#include "cli/interrupt.h"
#include "cli/model_account.h"
#include "cli/open_engine.h"
#include "cli/sampling_flags.h"
#include "engine/engine.h"

namespace kinglet {
namespace {

struct RunFlags {
  std::string model;
  std::optional<std::string> prompt;
  std::string system;
  bool raw = false;
  SamplingFlags sampling;
};

constexpr std::string_view kHelp =
    "/help   this\n"
    "/clear  forget the conversation\n"
    "/exit   leave; so does Ctrl-D\n"
    "A line that ends in \\ goes on in the next one; so does all between \"\"\" and \"\"\".\n"
    "Ctrl-C ends an answer early.\n";

enum class Input { kText, kEnd, kInterrupted };

// Lines from a person, or from a pipe, which is shown no prompt.
class Reader {
 public:
  explicit Reader(bool interactive) : interactive_(interactive) {}
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;
  ~Reader() { std::free(line_); }

  // One message, of one line or several.
  Input ReadMessage(std::string& message) {
    message.clear();
    std::string line;
    if (const Input input = ReadLine("> ", line); input != Input::kText) return input;
    if (line.starts_with(kFence)) return ReadFenced(line.substr(kFence.size()), message);
    while (line.ends_with('\\')) {
      message += line.substr(0, line.size() - 1) + '\n';
      if (const Input input = ReadLine(". ", line); input != Input::kText) return input;
    }
    message += line;
    return Input::kText;
  }

 private:
  static constexpr std::string_view kFence = "\"\"\"";

  Input ReadFenced(std::string line, std::string& message) {
    while (!line.ends_with(kFence)) {
      message += line + '\n';
      if (const Input input = ReadLine(". ", line); input != Input::kText) return input;
    }
    message += line.substr(0, line.size() - kFence.size());
    return Input::kText;
  }

  Input ReadLine(const char* prompt, std::string& line) {
    if (interactive_) fmt::print("{}", prompt);
    std::fflush(stdout);
    if (interactive_ && !WaitForInput()) return Input::kInterrupted;
    errno = 0;
    const ssize_t size = ::getline(&line_, &capacity_, stdin);
    if (size < 0) {
      const bool interrupted = errno == EINTR;
      std::clearerr(stdin);
      return interrupted && TakeInterrupt() ? Input::kInterrupted : Input::kEnd;
    }
    line.assign(line_, static_cast<std::size_t>(size));
    while (line.ends_with('\n') || line.ends_with('\r')) line.pop_back();
    return Input::kText;
  }

  // False: Ctrl-C came first. A signal just before a read blocks would not end it, so the flag is
  // asked again and again. A terminal gives one line a read: none waits in the buffer of stdin.
  static bool WaitForInput() {
    pollfd input{.fd = STDIN_FILENO, .events = POLLIN, .revents = 0};
    while (poll(&input, 1, kAskInterruptEveryMs) <= 0) {
      if (TakeInterrupt()) return false;
    }
    return true;
  }

  static constexpr int kAskInterruptEveryMs = 50;

  bool interactive_;
  char* line_ = nullptr;  // getline's
  std::size_t capacity_ = 0;
};

class Chat {
 public:
  Chat(Engine& engine, const RunFlags& flags, ModelAccount& account, bool to_terminal)
      : engine_(engine), flags_(flags), account_(account), to_terminal_(to_terminal) {
    Clear();
  }

  void Clear() {
    messages_.clear();
    if (!flags_.system.empty()) messages_.push_back({"system", flags_.system});
  }

  // Prints the answer as it comes. Without --raw it joins the conversation, cut short or not; a
  // message that cannot be answered does not.
  Result<FinishReason> Answer(const std::string& message) {
    account_.Begin(message);
    GenerationRequest request;
    if (flags_.raw) {
      request.prompt = engine_.prompts().EncodePrompt(message);
    } else {
      messages_.push_back({"user", message});
      Result<std::vector<TokenId>> prompt = engine_.EncodeChat(messages_);
      if (!prompt) return Fail(prompt.error());
      request.prompt = *std::move(prompt);
    }
    request.sampling = flags_.sampling.options;
    request.stop = flags_.sampling.stop;
    request.max_tokens = flags_.sampling.max_tokens.value_or(engine_.context_tokens());
    request.interrupted = TakeInterrupt;
    bool begun = flags_.raw;
    const auto result = engine_.Generate(request, [&](std::string_view text) {
      // Some models begin every answer with spaces, which belong to no one.
      if (!begun) text.remove_prefix(std::min(text.find_first_not_of(" \n"), text.size()));
      if (text.empty()) return true;
      begun = true;
      account_.ShowsText();
      Print(text);
      return true;
    });
    if (!result) return Fail(result.error());
    account_.Close(engine_, *result, /*valid=*/std::nullopt);
    fmt::print("\n");
    if (!flags_.raw) messages_.push_back({"assistant", result->text});
    return result->finish_reason;
  }

 private:
  std::unexpected<Status> Fail(const Status& status) {
    if (!flags_.raw) messages_.pop_back();
    return std::unexpected(status);
  }

  void Print(std::string_view text) const {
    if (to_terminal_) {
      fmt::print("{}", EscapeForDisplay(text, Lines::kKeep));
    } else {
      std::fwrite(text.data(), 1, text.size(), stdout);
    }
    std::fflush(stdout);
  }

  Engine& engine_;
  const RunFlags& flags_;
  ModelAccount& account_;
  bool to_terminal_;
  std::vector<ChatMessage> messages_;
};

// A command that begins with a slash. False: leave.
bool RunSlashCommand(const std::string& command, Chat& chat) {
  if (command == "/exit" || command == "/quit" || command == "/bye") return false;
  if (command == "/clear") {
    chat.Clear();
  } else if (command == "/help" || command == "/?") {
    fmt::print("{}", kHelp);
  } else {
    fmt::print(stderr, "no command {}; /help lists them\n", EscapeForDisplay(command));
  }
  return true;
}

// From a pipe a message that fails ends the program; a person may ask on.
Result<void> Converse(Chat& chat, bool interactive) {
  Reader reader(interactive);
  std::string message;
  while (true) {
    const Input input = reader.ReadMessage(message);
    if (input == Input::kInterrupted) {
      fmt::print(stderr,
                 "\n(/exit or Ctrl-D leaves too; Ctrl-C during an answer ends that answer)\n");
      return {};
    }
    if (input == Input::kEnd) {
      if (interactive) fmt::print("\n");
      return {};
    }
    if (message.empty()) continue;
    if (message.starts_with('/') && message.find('\n') == std::string::npos) {
      if (!RunSlashCommand(message, chat)) return {};
      continue;
    }
    const Result<FinishReason> answer = chat.Answer(message);
    if (answer) continue;
    if (!interactive) return std::unexpected(answer.error());
    fmt::print(stderr, "kinglet: {}\n", EscapeForDisplay(answer.error().message()));
  }
}

Result<void> Run(const RunFlags& flags, const Environment& environment) {
  HandleInterrupts();
  const std::filesystem::path path = TRY(ResolveModel(flags.model, environment.home));
  const std::unique_ptr<Engine> engine = TRY(OpenEngine(path, flags.sampling.engine, environment));
  ModelAccount account(environment, path, "run");
  Chat chat(*engine, flags, account, environment.stdout_is_terminal);
  if (flags.prompt) {
    const FinishReason reason = TRY(chat.Answer(*flags.prompt));
    if (reason != FinishReason::kCancelled) return {};
    return Error(StatusCode::kCancelled, "the answer was interrupted");
  }
  const bool interactive = isatty(STDIN_FILENO) == 1 && environment.stdout_is_terminal;
  if (interactive) {
    fmt::print("{}, {} tokens of context. /help tells more.\n",
               EscapeForDisplay(path.filename().string()), engine->context_tokens());
  }
  return Converse(chat, interactive);
}

}  // namespace

CommandRun SetUpRun(CLI::App& app, const Environment& environment) {
  auto flags = std::make_shared<RunFlags>();
  flags->model = environment.settings.model.value_or("");
  app.add_option("MODEL", flags->model, "path, catalog name or hf:user/repo:quant");
  app.add_option("-p,--prompt", flags->prompt, "give one answer to this and leave");
  app.add_option("--system", flags->system, "a message that stands before the conversation");
  app.add_flag("--raw", flags->raw,
               "continue the text as it is, without the model's chat template");
  AddSamplingFlags(app, flags->sampling);
  return [flags, environment] { return Run(*flags, environment); };
}

}  // namespace kinglet
