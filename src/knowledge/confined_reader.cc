// SPDX-License-Identifier: Apache-2.0
// Everything that needs a file is fetched before files are out of reach.
#include "knowledge/confined_reader.h"

#include <unistd.h>

#include <clocale>
#include <string>
#include <utility>

namespace kinglet {
namespace {

constexpr int kInvalidInputStatus = 3;  // a kinglet's that was given something broken
constexpr std::string_view kErrorPrefix = "kinglet: ";

}  // namespace

Result<ConfinedInput> ConfinedInput::Take(const SandboxLimits& limits) {
  MappedFile file = TRY(MappedFile::Map(FileDescriptor(dup(STDIN_FILENO)), "standard input"));
  // Comes from a file; libarchive asks for it to hand out names in UTF-8.
  std::setlocale(LC_CTYPE, "C.UTF-8");
  TRY(EnterSandbox(Sandbox::kComputeOnly, limits));
  return ConfinedInput(std::move(file));
}

std::string_view ConfinedInput::bytes() const {
  return {reinterpret_cast<const char*>(file_.bytes().data()), file_.bytes().size()};
}

bool IsErrorOfOurs(const ProcessOutput& output) {
  return output.LastError().starts_with(kErrorPrefix);
}

Status ErrorOfReader(const ProcessOutput& output) {
  std::string message = output.LastError();
  if (IsErrorOfOurs(output)) message.erase(0, kErrorPrefix.size());
  const bool is_invalid = output.exit_status == kInvalidInputStatus;
  return {is_invalid ? StatusCode::kInvalidInput : StatusCode::kFailed, message};
}

}  // namespace kinglet
