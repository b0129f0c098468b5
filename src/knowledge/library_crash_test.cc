// SPDX-License-Identifier: Apache-2.0
// The process dies before, amid and after every single write, sync, truncation and deletion that
// SQLite does during an ingest. What was reported as stored must be there, and the library sound.
#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <set>

#include <gmock/gmock.h>
#include <sys/wait.h>

#include "knowledge/ingest.h"

namespace kinglet {
namespace {

namespace fs = std::filesystem;
using ::testing::IsEmpty;

enum class Moment { kBefore, kAmid, kAfter };

constexpr int kCrashed = 42;

// The state of the one instrumented file system of this test program.
struct FaultyDisk {
  sqlite3_vfs* real = nullptr;
  std::int64_t countdown = -1;  // the step, from 1, at which the process dies; -1: it lives
  Moment moment = Moment::kBefore;
};
FaultyDisk disk;

struct FaultyFile {
  sqlite3_file base;
  sqlite3_file* Real() { return reinterpret_cast<sqlite3_file*>(this + 1); }
};

sqlite3_file* Real(sqlite3_file* file) { return reinterpret_cast<FaultyFile*>(file)->Real(); }

// True when this is the step to die at; dies at once where that is before the step.
bool IsLastStep() {
  if (disk.countdown < 0 || --disk.countdown != 0) return false;
  if (disk.moment == Moment::kBefore) _exit(kCrashed);
  return true;
}

template <typename Step>
int Run(const Step& step) {
  const bool last = IsLastStep();
  const int result = step();
  if (last) _exit(kCrashed);
  return result;
}

int Write(sqlite3_file* file, const void* data, int bytes, sqlite3_int64 offset) {
  sqlite3_file* real = Real(file);
  const bool last = IsLastStep();
  if (last && disk.moment == Moment::kAmid) bytes = bytes / 2;
  const int result = real->pMethods->xWrite(real, data, bytes, offset);
  if (last) _exit(kCrashed);
  return result;
}

const sqlite3_io_methods kMethods = {
    .iVersion = 2,  // without memory mapping, so that every write comes by here
    .xClose = [](sqlite3_file* f) { return Real(f)->pMethods->xClose(Real(f)); },
    .xRead =
        [](sqlite3_file* f, void* to, int bytes, sqlite3_int64 offset) {
          return Real(f)->pMethods->xRead(Real(f), to, bytes, offset);
        },
    .xWrite = Write,
    .xTruncate =
        [](sqlite3_file* f, sqlite3_int64 bytes) {
          return Run([&] { return Real(f)->pMethods->xTruncate(Real(f), bytes); });
        },
    // A dead process loses nothing that it has written, so the disk need not be waited for.
    .xSync = [](sqlite3_file*, int) { return Run([] { return SQLITE_OK; }); },
    .xFileSize = [](sqlite3_file* f,
                    sqlite3_int64* bytes) { return Real(f)->pMethods->xFileSize(Real(f), bytes); },
    .xLock = [](sqlite3_file* f, int lock) { return Real(f)->pMethods->xLock(Real(f), lock); },
    .xUnlock = [](sqlite3_file* f, int lock) { return Real(f)->pMethods->xUnlock(Real(f), lock); },
    .xCheckReservedLock =
        [](sqlite3_file* f, int* out) {
          return Real(f)->pMethods->xCheckReservedLock(Real(f), out);
        },
    .xFileControl = [](sqlite3_file* f, int op,
                       void* arg) { return Real(f)->pMethods->xFileControl(Real(f), op, arg); },
    .xSectorSize = [](sqlite3_file* f) { return Real(f)->pMethods->xSectorSize(Real(f)); },
    .xDeviceCharacteristics =
        [](sqlite3_file* f) { return Real(f)->pMethods->xDeviceCharacteristics(Real(f)); },
    .xShmMap =
        [](sqlite3_file* f, int page, int bytes, int extend, void volatile** out) {
          return Real(f)->pMethods->xShmMap(Real(f), page, bytes, extend, out);
        },
    .xShmLock = [](sqlite3_file* f, int offset, int n,
                   int flags) { return Real(f)->pMethods->xShmLock(Real(f), offset, n, flags); },
    .xShmBarrier = [](sqlite3_file* f) { Real(f)->pMethods->xShmBarrier(Real(f)); },
    .xShmUnmap = [](sqlite3_file* f,
                    int remove) { return Real(f)->pMethods->xShmUnmap(Real(f), remove); },
};

int OpenFile(sqlite3_vfs*, const char* name, sqlite3_file* file, int flags, int* out_flags) {
  auto* faulty = reinterpret_cast<FaultyFile*>(file);
  const int result = disk.real->xOpen(disk.real, name, faulty->Real(), flags, out_flags);
  file->pMethods = faulty->Real()->pMethods == nullptr ? nullptr : &kMethods;
  return result;
}

int DeleteFile(sqlite3_vfs*, const char* name, int sync_folder) {
  return Run([&] { return disk.real->xDelete(disk.real, name, sync_folder); });
}

void UseFaultyDisk() {
  if (disk.real != nullptr) return;
  disk.real = sqlite3_vfs_find(nullptr);
  static sqlite3_vfs vfs = *disk.real;
  vfs.zName = "faulty";
  vfs.szOsFile = static_cast<int>(sizeof(FaultyFile)) + disk.real->szOsFile;
  vfs.pNext = nullptr;
  vfs.xOpen = OpenFile;
  vfs.xDelete = DeleteFile;
  sqlite3_vfs_register(&vfs, 1);
}

class LibraryCrashTest : public ::testing::Test {
 protected:
  LibraryCrashTest() : folder_(fs::absolute(::testing::TempDir()) / "crash") {
    UseFaultyDisk();
    fs::remove_all(folder_);
    fs::create_directories(folder_ / "in");
    // The first version of every document is in; the second version of some, and some new ones,
    // come while the process dies.
    for (int i = 0; i < 2; ++i) Write(i, "first");
    MustIngest(folder_ / "start");
    for (int i = 1; i < 3; ++i) Write(i, "second");
  }

  void Write(int document, const std::string& version) const {
    std::ofstream file(PathOf(document));
    for (int i = 0; i < 8 * (document + 1); ++i) {
      file << version << " version of document " << document << ", sentence " << i << ".\n\n";
    }
  }

  fs::path PathOf(int document) const { return folder_ / "in" / fmt::format("{}.txt", document); }

  // Ingests, telling of each document that is stored through `out`.
  Result<void> Ingest(const fs::path& library_folder, int out) const {
    Library library = TRY(Library::Open(library_folder, LibraryMode::kWrite));
    const fs::path paths[] = {folder_ / "in"};
    return kinglet::Ingest(library, paths, {}, [&](const IngestEvent& event) {
      const char document = event.uri[event.uri.size() - 5];
      return event.outcome != IngestOutcome::kFailed && write(out, &document, 1) == 1;
    });
  }

  void MustIngest(const fs::path& library_folder) const {
    const int nowhere = open("/dev/null", O_WRONLY);
    const Result<void> result = Ingest(library_folder, nowhere);
    close(nowhere);
    ASSERT_TRUE(result) << result.error().message();
  }

  // Returns the documents reported as stored before the death; `crashed` tells whether it came.
  std::string IngestAndDie(const fs::path& library, std::int64_t step, Moment moment,
                           bool& crashed) const {
    int ends[2];
    EXPECT_EQ(pipe(ends), 0);
    const pid_t child = fork();
    if (child == 0) {
      disk.countdown = step;
      disk.moment = moment;
      _exit(Ingest(library, ends[1]) ? 0 : 1);
    }
    close(ends[1]);
    std::string reported;
    char document = 0;
    while (read(ends[0], &document, 1) == 1) reported += document;
    close(ends[0]);
    int status = 0;
    waitpid(child, &status, 0);
    EXPECT_TRUE(WIFEXITED(status) && (WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == kCrashed))
        << status;
    crashed = WEXITSTATUS(status) == kCrashed;
    return reported;
  }

  void CheckSound(const fs::path& folder, const std::string& reported) const {
    Result<Library> library = Library::Open(folder, LibraryMode::kRead);
    if (!library && library.error().code() == StatusCode::kNotFound) {
      EXPECT_EQ(reported, "");  // it died before there was a library
      return;
    }
    ASSERT_TRUE(library) << library.error().message();
    EXPECT_THAT(library->Verify().value().problems, IsEmpty());
    for (const char document : reported) {
      const int number = document - '0';
      const DocumentDetails details = library->ShowDocument(PathOf(number).string()).value();
      EXPECT_TRUE(details.text.starts_with(number == 0 ? "first" : "second")) << document;
    }
  }

  // From a copy of `start` (none where empty), at every step and moment.
  void DieEverywhere(const fs::path& start) const {
    const fs::path library = folder_ / "library";
    for (const Moment moment : {Moment::kBefore, Moment::kAmid, Moment::kAfter}) {
      bool crashed = true;
      std::int64_t step = 1;
      for (; crashed; ++step) {
        SCOPED_TRACE(fmt::format("step {}, moment {}", step, static_cast<int>(moment)));
        fs::remove_all(library);
        if (!start.empty()) fs::copy(start, library);
        const std::string reported = IngestAndDie(library, step, moment, crashed);
        CheckSound(library, reported);
        MustIngest(library);
        CheckSound(library, "012");
        if (HasFailure()) return;
      }
      EXPECT_GT(step, 20);
    }
  }

  const fs::path folder_;
};

TEST_F(LibraryCrashTest, ANewLibrarySurvivesADeathAtEveryStep) {
  fs::remove_all(folder_ / "in");
  fs::create_directories(folder_ / "in");
  Write(0, "first");
  for (int i = 1; i < 3; ++i) Write(i, "second");
  DieEverywhere({});
}

TEST_F(LibraryCrashTest, AFilledLibrarySurvivesADeathAtEveryStep) {
  DieEverywhere(folder_ / "start");
}

}  // namespace
}  // namespace kinglet
