// SPDX-License-Identifier: Apache-2.0
// Files are the same where the system says so, whatever their names.
#include "cli/output_files.h"

#include <filesystem>
#include <system_error>

#include <CLI/CLI.hpp>

#include "base/display.h"
#include "base/file.h"

namespace kinglet {
namespace {

namespace fs = std::filesystem;

// A link that leads to nothing is replaced itself.
fs::path PlaceOf(const fs::path& file) {
  std::error_code error;
  const fs::path folder = fs::weakly_canonical(fs::absolute(file, error).parent_path(), error);
  return folder / file.filename();
}

bool IsSame(const fs::path& one, const fs::path& other) {
  std::error_code error;
  return fs::equivalent(one, other, error) || PlaceOf(one) == PlaceOf(other);
}

// Whether a file is in a folder, or below it.
bool IsIn(const fs::path& file, const fs::path& folder) {
  std::error_code error;
  if (!fs::is_directory(folder, error)) return false;
  const fs::path real = fs::canonical(file, error);
  if (error) return false;  // not there yet: nothing is lost
  for (fs::path above = real.parent_path(); above != above.root_path();
       above = above.parent_path()) {
    if (fs::equivalent(above, folder, error)) return true;
  }
  return false;
}

Result<void> CheckOutput(const OutputFile& output, std::span<const std::string> inputs) {
  const auto refuse = [&](std::string_view why) {
    return Error(StatusCode::kUsage, "{} {}: {}", output.flag, EscapeForDisplay(output.file), why);
  };
  for (const std::string& input : inputs) {
    std::error_code error;
    if (fs::equivalent(output.file, input, error)) return refuse("it is read, too");
    if (IsIn(output.file, input)) {
      return refuse(fmt::format("it is there, in {}, which is read; give another name or remove it",
                                EscapeForDisplay(input)));
    }
  }
  const auto begun = ReplacementFile::Begin(output.file);  // nothing is left of it
  if (!begun) return std::unexpected(begun.error().WithContext(output.flag));
  return {};
}

}  // namespace

CLI::Option* AddOutputFlag(CLI::App& app, const std::string& flag, std::string& file,
                           const std::string& what) {
  const auto has_name = [](const std::string& name) {
    return std::string(name.empty() ? "the name of the file is empty" : "");
  };
  return app.add_option(flag, file, what)->check(CLI::Validator(has_name, ""));
}

Result<void> CheckOutputs(std::initializer_list<OutputFile> outputs,
                          std::span<const std::string> inputs) {
  std::vector<OutputFile> files;
  for (const OutputFile& output : outputs) {
    std::error_code error;
    if (output.file.empty() || fs::is_other(output.file, error)) continue;
    for (const OutputFile& other : files) {
      if (!IsSame(output.file, other.file)) continue;
      return Error(StatusCode::kUsage, "{} and {} are the same file, {}", other.flag, output.flag,
                   EscapeForDisplay(output.file));
    }
    files.push_back(output);
  }
  for (const OutputFile& output : files) TRY(CheckOutput(output, inputs));
  return {};
}

}  // namespace kinglet
