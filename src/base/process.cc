// SPDX-License-Identifier: Apache-2.0
// Children by posix_spawn, their pipes by poll.
#include "base/process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <span>

#include <sys/mman.h>
#include <sys/wait.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/display.h"

extern char** environ;

namespace kinglet {
namespace {

constexpr int kTickMs = 100;  // between two looks at should_stop
constexpr std::size_t kMaxStderrBytes = std::size_t{16} << 10;

struct Pipe {
  int read_fd = -1;
  int write_fd = -1;

  Pipe() = default;
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  ~Pipe() {
    CloseRead();
    CloseWrite();
  }
  void CloseRead() { Close(read_fd); }
  void CloseWrite() { Close(write_fd); }

  Result<void> Open() {
    std::array<int, 2> fds{};
    if (pipe2(fds.data(), O_CLOEXEC) != 0) {
      return Error(StatusCode::kFailed, "cannot make a pipe: {}", std::strerror(errno));
    }
    read_fd = fds[0];
    write_fd = fds[1];
    return {};
  }

 private:
  static void Close(int& fd) {
    if (fd >= 0) close(fd);
    fd = -1;
  }
};

// A child that is dead and waited for when this goes.
class Child {
 public:
  explicit Child(pid_t pid) : pid_(pid) {}
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() {
    if (pid_ < 0) return;
    kill(-pid_, SIGKILL);  // the group: what it started too
    while (waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
    }
  }

  // The status for WIFEXITED and its like once it has ended.
  std::optional<int> Ended() {
    int status = 0;
    const pid_t ended = waitpid(pid_, &status, WNOHANG);
    if (ended == 0 || (ended < 0 && errno == EINTR)) return std::nullopt;
    pid_ = -1;
    return ended < 0 ? -1 : status;
  }

 private:
  pid_t pid_;
};

std::vector<std::string> ChildEnvironment(
    const std::vector<std::pair<std::string, std::string>>& changes) {
  std::vector<std::string> variables;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const std::string_view text = *variable;
    const bool replaced = std::ranges::any_of(
        changes, [&](const auto& change) { return text.starts_with(change.first + "="); });
    if (!replaced) variables.emplace_back(text);
  }
  for (const auto& [name, value] : changes) variables.push_back(name + "=" + value);
  return variables;
}

std::vector<char*> Pointers(std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  for (std::string& text : strings) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

// A file without a name that holds the bytes and is read from its beginning.
Result<FileDescriptor> InputFile(std::string_view bytes) {
  FileDescriptor file(memfd_create("input", MFD_CLOEXEC));
  const auto failed = [] {
    return Error(StatusCode::kFailed, "cannot hand a child its input: {}", std::strerror(errno));
  };
  if (!file.is_open()) return failed();
  TRY(WriteAt(file, 0, std::as_bytes(std::span(bytes)), "input"));
  if (lseek(file.get(), 0, SEEK_SET) != 0) return failed();
  return file;
}

Result<pid_t> Spawn(const ProcessOptions& options, const FileDescriptor& input, const Pipe& out,
                    const Pipe& err) {
  std::vector<std::string> arguments = options.argv;
  std::vector<std::string> variables = ChildEnvironment(options.environment);

  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_init(&actions);
  posix_spawnattr_init(&attributes);
  if (input.is_open()) {
    posix_spawn_file_actions_adddup2(&actions, input.get(), STDIN_FILENO);
  } else {
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  }
  posix_spawn_file_actions_adddup2(&actions, out.write_fd, STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, err.write_fd, STDERR_FILENO);
  posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
  // A child must not inherit that we ignore SIGPIPE, nor a mask of ours.
  sigset_t defaults;
  sigset_t none;
  sigemptyset(&none);
  sigemptyset(&defaults);
  sigaddset(&defaults, SIGPIPE);
  sigaddset(&defaults, SIGINT);
  posix_spawnattr_setsigdefault(&attributes, &defaults);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setflags(&attributes,
                           POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);

  pid_t pid = -1;
  const int error = posix_spawnp(&pid, arguments[0].c_str(), &actions, &attributes,
                                 Pointers(arguments).data(), Pointers(variables).data());
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) {
    return Error(error == ENOENT ? StatusCode::kNotFound : StatusCode::kFailed,
                 "cannot start {}: {}", arguments[0], std::strerror(error));
  }
  return pid;
}

Result<void> Take(const ProcessOptions& options, std::string_view bytes, std::string& out) {
  if (options.on_stdout) return options.on_stdout(bytes);
  if (bytes.size() > options.max_stdout_bytes - out.size()) {
    return Error(StatusCode::kLimitExceeded, "{} wrote more than the limit of {} bytes",
                 options.argv[0], options.max_stdout_bytes);
  }
  out += bytes;
  return {};
}

void KeepTail(std::string_view bytes, std::string& tail) {
  tail += bytes;
  if (tail.size() > kMaxStderrBytes) tail.erase(0, tail.size() - kMaxStderrBytes);
}

// What can be read now; closes the pipe at its end.
Result<void> Drain(Pipe& pipe, const std::function<Result<void>(std::string_view)>& take) {
  std::array<char, std::size_t{64} << 10> buffer{};
  const ssize_t n = read(pipe.read_fd, buffer.data(), buffer.size());
  if (n < 0 && errno == EINTR) return {};
  if (n <= 0) {
    pipe.CloseRead();
    return {};
  }
  return take({buffer.data(), static_cast<std::size_t>(n)});
}

Result<void> MayGoOn(const ProcessOptions& options, double start_ms) {
  if (options.should_stop && options.should_stop()) {
    return Error(StatusCode::kCancelled, "interrupted");
  }
  if (options.timeout_ms && MonotonicMs() - start_ms > *options.timeout_ms) {
    return Error(StatusCode::kFailed, "{} did not end within {} ms", options.argv[0],
                 *options.timeout_ms);
  }
  return {};
}

}  // namespace

Result<ProcessOutput> RunProcess(const ProcessOptions& options) {
  KINGLET_CHECK(!options.argv.empty(), "a child needs a program");
  const double start_ms = MonotonicMs();
  Pipe out;
  Pipe err;
  TRY(out.Open());
  TRY(err.Open());
  FileDescriptor input;
  if (options.input) input = TRY(InputFile(*options.input));
  Child child(
      TRY(Spawn(options, options.input_file == nullptr ? input : *options.input_file, out, err)));
  out.CloseWrite();
  err.CloseWrite();

  ProcessOutput output;
  const auto take_out = [&](std::string_view bytes) {
    return Take(options, bytes, output.standard_output);
  };
  const auto take_err = [&](std::string_view bytes) -> Result<void> {
    KeepTail(bytes, output.standard_error);
    return {};
  };
  while (out.read_fd >= 0 || err.read_fd >= 0) {
    // poll passes over the -1 of a pipe that is closed.
    std::array<pollfd, 2> polled = {pollfd{out.read_fd, POLLIN, 0}, pollfd{err.read_fd, POLLIN, 0}};
    poll(polled.data(), polled.size(), kTickMs);
    if (out.read_fd >= 0 && polled[0].revents != 0) TRY(Drain(out, take_out));
    if (err.read_fd >= 0 && polled[1].revents != 0) TRY(Drain(err, take_err));
    TRY(MayGoOn(options, start_ms));
  }
  // Its pipes are closed; it may live on for a moment, or longer.
  std::optional<int> status;
  for (int wait_ms = 1; !(status = child.Ended()); wait_ms = std::min(2 * wait_ms, kTickMs)) {
    TRY(MayGoOn(options, start_ms));
    poll(nullptr, 0, wait_ms);
  }
  if (!WIFEXITED(*status)) {
    return Error(StatusCode::kFailed, "{} was ended by signal {}", options.argv[0],
                 WTERMSIG(*status));
  }
  output.exit_status = WEXITSTATUS(*status);
  return output;
}

std::string ProcessOutput::LastError() const {
  std::string_view rest = standard_error;
  while (!rest.empty()) {
    const std::size_t end = rest.find_last_not_of(" \r\n\t");
    if (end == std::string_view::npos) break;
    rest = rest.substr(0, end + 1);
    const std::size_t start = rest.find_last_of("\r\n");
    return EscapeForDisplay(rest.substr(start == std::string_view::npos ? 0 : start + 1));
  }
  return fmt::format("exit status {} without a word", exit_status);
}

}  // namespace kinglet
