// SPDX-License-Identifier: Apache-2.0
// kill -9 of a process that keeps a ledger: each row whose id it has told is there.
#include <signal.h>
#include <unistd.h>

#include <filesystem>
#include <set>

#include <gtest/gtest.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "ledger/ledger.h"

namespace kinglet {
namespace {

constexpr std::size_t kIdBytes = 16;

// Writes rows and tells their ids until it is killed.
[[noreturn]] void WriteForever(const std::filesystem::path& file, int out) {
  Result<Ledger> ledger = Ledger::Open({.file = file, .keep_days = 1});
  while (ledger) {
    const Result<std::string> id =
        ledger->Record(LedgerEntry{.answered_at = UnixSeconds(), .kind = "run", .mode = "text"});
    if (!id || write(out, id->data(), kIdBytes) != kIdBytes) break;
  }
  _exit(1);
}

// What the process told before it was killed, in the middle of whatever it did after `rows` rows.
std::vector<std::string> WriteAndDie(const std::filesystem::path& file, int rows) {
  int ends[2];
  EXPECT_EQ(pipe(ends), 0);
  const pid_t child = fork();
  if (child == 0) WriteForever(file, ends[1]);
  close(ends[1]);
  std::vector<std::string> told;
  std::string id(kIdBytes, ' ');
  while (read(ends[0], id.data(), kIdBytes) == kIdBytes) {
    told.push_back(id);
    if (std::ssize(told) == rows) kill(child, SIGKILL);
  }
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_TRUE(WIFSIGNALED(status)) << "it ended by itself: " << status;
  return told;
}

TEST(LedgerCrash, NoRowThatWasToldIsLost) {
  const auto folder = std::filesystem::path(testing::TempDir()) / "ledger_crash";
  std::filesystem::remove_all(folder);
  const auto file = folder / "ledger.sqlite";
  std::set<std::string> told;
  for (int death = 0; death < 100; ++death) {
    const auto ids = WriteAndDie(file, 1 + death % 7);
    told.insert(ids.begin(), ids.end());
  }
  EXPECT_GE(told.size(), 100U);
  Ledger ledger = Ledger::Open({.file = file}).value();
  const auto entries = ledger.Latest(1'000'000).value();
  for (const LedgerEntry& entry : entries) told.erase(entry.line.id);
  EXPECT_EQ(told.size(), 0U) << *told.begin();
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace kinglet
