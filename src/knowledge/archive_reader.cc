// SPDX-License-Identifier: Apache-2.0
// One child for a whole archive: to unpack a member of a tar archive again from its beginning would
// take the square of the time.
#include "knowledge/archive_reader.h"

#include <fcntl.h>

#include <cstdio>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/process.h"
#include "knowledge/archive_stream.h"
#include "knowledge/confined_reader.h"
#include "knowledge/extractor.h"

namespace kinglet {
namespace {

constexpr ArchiveLimits kLimits;
// As much work as unpacking all that the limits allow takes, by the slowest packing.
constexpr SandboxLimits kSandboxLimits = {.memory_bytes = std::uint64_t{1} << 30, .cpu_s = 600};

json::array ToJsonArray(const std::vector<std::string>& texts) {
  json::array array;
  for (const std::string& text : texts) array.emplace_back(text);
  return array;
}

std::vector<std::string> TextsOf(const json::value& selection, std::string_view key) {
  std::vector<std::string> texts;
  const json::value* const found = Find(selection, key);
  if (found == nullptr || !found->is_array()) return texts;
  for (const json::value& text : found->get_array()) {
    if (text.is_string()) texts.emplace_back(text.get_string());
  }
  return texts;
}

std::string_view Name(ArchiveKind kind) { return kind == ArchiveKind::kZip ? "zip" : "tar"; }

// By a process that gets what `input` says.
Result<void> Read(ProcessOptions input, ArchiveKind kind, const WalkOptions& walk,
                  const ReadOptions& options, const MemberSink& sink) {
  MemberStream stream(kLimits, sink);
  double heard_ms = MonotonicMs();
  bool is_silent = false;
  const auto take = [&](std::string_view bytes) {
    const Result<void> taken = stream.Take(bytes);
    heard_ms = MonotonicMs();
    return taken;
  };
  const auto should_stop = [&] {
    is_silent = MonotonicMs() - heard_ms > options.timeout_ms;
    return is_silent || (options.should_stop && options.should_stop());
  };
  input.argv = {options.program, "read-archive", std::string(Name(kind)), SelectionOf(walk)};
  input.on_stdout = take;
  input.should_stop = should_stop;
  const Result<ProcessOutput> output = RunProcess(input);
  if (is_silent) {
    return Error(StatusCode::kFailed, "its reader was stopped: no member within {} ms",
                 options.timeout_ms);
  }
  if (!output && output.error().code() == StatusCode::kFailed) {
    return Error(StatusCode::kFailed, "its reader was stopped: {}", output.error().message());
  }
  if (!output) return std::unexpected(output.error());
  if (output->exit_status != 0) return std::unexpected(ErrorOfReader(*output));
  return stream.Finish();
}

}  // namespace

std::string SelectionOf(const WalkOptions& walk) {
  return ToJson(json::object{{"include", ToJsonArray(walk.include)},
                             {"exclude", ToJsonArray(walk.exclude)},
                             {"hidden", walk.hidden},
                             {"formats", CountFormats()}});
}

Result<void> ReadArchive(const std::filesystem::path& path, ArchiveKind kind,
                         const WalkOptions& walk, const ReadOptions& options,
                         const MemberSink& sink) {
  const FileDescriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file.is_open()) return ErrnoError(path, "open it");
  ProcessOptions input;
  input.input_file = &file;
  return Read(std::move(input), kind, walk, options, sink);
}

Result<void> ReadArchiveBytes(std::string_view bytes, ArchiveKind kind, const WalkOptions& walk,
                              const ReadOptions& options, const MemberSink& sink) {
  ProcessOptions input;
  input.input = bytes;
  return Read(std::move(input), kind, walk, options, sink);
}

Result<void> ServeArchive(std::string_view kind, std::string_view selection) {
  const json::value selected = TRY(ParseJson(selection));
  WalkOptions walk;
  walk.include = TextsOf(selected, "include");
  walk.exclude = TextsOf(selected, "exclude");
  const json::value* const hidden = Find(selected, "hidden");
  walk.hidden = hidden != nullptr && hidden->is_bool() && hidden->get_bool();
  const ConfinedInput input = TRY(ConfinedInput::Take(kSandboxLimits));
  bool is_written = true;
  const Result<void> result = UnpackArchive(
      input.bytes(), kind == Name(ArchiveKind::kZip) ? ArchiveKind::kZip : ArchiveKind::kTar, walk,
      kLimits, [&](const ArchiveMember& member) {
        const std::string bytes = MemberToBytes(member);
        is_written = std::fwrite(bytes.data(), 1, bytes.size(), stdout) == bytes.size();
        return is_written;
      });
  if (!is_written) return Error(StatusCode::kFailed, "cannot write to standard output");
  return result;
}

}  // namespace kinglet
