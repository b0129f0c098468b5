// SPDX-License-Identifier: Apache-2.0
// Children: what they write comes back, what they are told is told word for word, and none outlives
// its welcome.
#include "base/process.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include <gtest/gtest.h>

#include "base/clock.h"

namespace kinglet {
namespace {

ProcessOptions Shell(const std::string& script) { return {.argv = {"sh", "-c", script}}; }

TEST(ProcessTest, ReturnsOutputErrorAndStatus) {
  const auto output = RunProcess(Shell("echo out; echo first >&2; echo last >&2; exit 7"));
  ASSERT_TRUE(output) << output.error().message();
  EXPECT_EQ(output->exit_status, 7);
  EXPECT_EQ(output->standard_output, "out\n");
  EXPECT_EQ(output->standard_error, "first\nlast\n");
  EXPECT_EQ(output->LastError(), "last");
}

TEST(ProcessTest, PassesArgumentsWordForWord) {
  const std::string hostile = "a b'; $(echo x) *\n";
  const auto output = RunProcess({.argv = {"printf", "%s", hostile}});
  ASSERT_TRUE(output);
  EXPECT_EQ(output->standard_output, hostile);
}

TEST(ProcessTest, GivesAnEmptyStandardInputAndNoOtherFile) {
  const int fd = open("/dev/null", O_RDONLY);  // without O_CLOEXEC
  ASSERT_GE(fd, 3);
  const auto output =
      RunProcess(Shell("cat; [ -e /proc/self/fd/" + std::to_string(fd) + " ] && echo leaked"));
  close(fd);
  ASSERT_TRUE(output);
  EXPECT_EQ(output->standard_output, "");
}

TEST(ProcessTest, SetsVariablesOverInheritedOnes) {
  setenv("KINGLET_PROCESS_TEST", "ours", 1);
  ProcessOptions options = Shell("echo $KINGLET_PROCESS_TEST");
  options.environment = {{"KINGLET_PROCESS_TEST", "theirs"}};
  const auto output = RunProcess(options);
  unsetenv("KINGLET_PROCESS_TEST");
  ASSERT_TRUE(output);
  EXPECT_EQ(output->standard_output, "theirs\n");
}

TEST(ProcessTest, NamesAProgramThatIsNotThere) {
  const auto output = RunProcess({.argv = {"kinglet-no-such-program"}});
  ASSERT_FALSE(output);
  EXPECT_EQ(output.error().code(), StatusCode::kNotFound);
  EXPECT_NE(output.error().message().find("kinglet-no-such-program"), std::string::npos);
}

TEST(ProcessTest, SaysThatASignalEndedIt) {
  const auto output = RunProcess(Shell("kill -SEGV $$"));
  ASSERT_FALSE(output);
  EXPECT_EQ(output.error().message(), "sh was ended by signal 11");
}

TEST(ProcessTest, KillsTheWholeGroupWhenTimeIsUp) {
  ProcessOptions options = Shell("sleep 60 & echo $!; wait");
  std::string pid;
  options.on_stdout = [&pid](std::string_view bytes) -> Result<void> {
    pid += bytes;
    return {};
  };
  options.timeout_ms = 300;
  const auto output = RunProcess(options);
  ASSERT_FALSE(output);
  EXPECT_EQ(output.error().message(), "sh did not end within 300 ms");
  // The grandchild is gone, or is a zombie that init has yet to bury.
  const std::string alive =
      "for i in $(seq 100); do state=$(cut -d' ' -f3 /proc/$0/stat 2>/dev/null) || exit 0;"
      " [ \"$state\" = Z ] && exit 0; sleep 0.1; done; exit 1";
  const auto check =
      RunProcess({.argv = {"sh", "-c", alive, std::to_string(std::atoi(pid.c_str()))}});
  ASSERT_TRUE(check);
  EXPECT_EQ(check->exit_status, 0);
}

TEST(ProcessTest, EndsAChildThatClosedItsPipesWhenTimeIsUp) {
  ProcessOptions options = Shell("exec >&- 2>&-; sleep 60");
  options.timeout_ms = 200;
  EXPECT_FALSE(RunProcess(options));
}

TEST(ProcessTest, StopsWhenAsked) {
  ProcessOptions options = {.argv = {"sleep", "60"}};
  int asked = 0;
  options.should_stop = [&asked] { return ++asked > 2; };
  const auto output = RunProcess(options);
  ASSERT_FALSE(output);
  EXPECT_EQ(output.error().code(), StatusCode::kCancelled);
}

TEST(ProcessTest, HoldsItsLimitOnOutput) {
  ProcessOptions options = {.argv = {"yes"}};
  options.max_stdout_bytes = 1000;
  const auto output = RunProcess(options);
  ASSERT_FALSE(output);
  EXPECT_EQ(output.error().code(), StatusCode::kLimitExceeded);
}

TEST(ProcessTest, StreamsMoreThanTheLimitAndKeepsTheEndOfErrors) {
  ProcessOptions options =
      Shell("head -c 300000 /dev/zero; yes error | head -n 20000 >&2; echo end >&2");
  options.max_stdout_bytes = 10;
  std::size_t bytes = 0;
  options.on_stdout = [&bytes](std::string_view piece) -> Result<void> {
    bytes += piece.size();
    return {};
  };
  const auto output = RunProcess(options);
  ASSERT_TRUE(output) << output.error().message();
  EXPECT_EQ(bytes, 300000U);
  EXPECT_EQ(output->standard_error.size(), std::size_t{16} << 10);
  EXPECT_EQ(output->LastError(), "end");
}

TEST(ProcessTest, HandsTheChildAFileToSeekIn) {
  const std::string input = std::string(200'000, 'a') + '\0' + "end";
  ProcessOptions options = Shell("wc -c; python3 -c 'import os; os.lseek(0, 200001, 0)'; cat");
  options.input = input;
  const auto output = RunProcess(options);
  ASSERT_TRUE(output) << output.error().message();
  EXPECT_EQ(output->standard_output, "200004\nend");
  options.input = "";
  EXPECT_EQ(RunProcess(options)->standard_output, "0\n");
}

TEST(ProcessTest, LendsTheChildAnOpenFile) {
  const FileDescriptor file(open("/dev/zero", O_RDONLY));
  ProcessOptions options = Shell("head -c 3 | od -An -tx1");
  options.input_file = &file;
  EXPECT_EQ(RunProcess(options)->standard_output, " 00 00 00\n");
  EXPECT_EQ(fcntl(file.get(), F_GETFD), 0);  // still open
}

TEST(ProcessTest, PassesOnTheErrorOfWhoTakesTheOutput) {
  ProcessOptions options = {.argv = {"yes"}};
  options.on_stdout = [](std::string_view) -> Result<void> {
    return Error(StatusCode::kFailed, "disk full");
  };
  const auto output = RunProcess(options);
  ASSERT_FALSE(output);
  EXPECT_EQ(output.error().message(), "disk full");
}

}  // namespace
}  // namespace kinglet
