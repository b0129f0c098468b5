// SPDX-License-Identifier: Apache-2.0
// The user's own before the program's.
#include "answer/calibrations.h"

#include <string>

#include "base/display.h"
#include "base/file.h"
#include "knowledge/cleaner.h"

namespace kinglet {
namespace {

constexpr std::size_t kMaxFileBytes = std::size_t{1} << 20;

}  // namespace

std::filesystem::path CalibrationFile(const std::filesystem::path& folder, std::string_view model) {
  return folder / (LowerAscii(model) + ".json");
}

Result<std::optional<Calibration>> FindCalibration(const std::filesystem::path& folder,
                                                   std::string_view builtin,
                                                   std::string_view model) {
  const std::filesystem::path file = CalibrationFile(folder, model);
  std::error_code error;
  if (std::filesystem::exists(file, error)) {
    const auto value = ParseJson(TRY(ReadFile(file, kMaxFileBytes)));
    auto calibration = value ? ParseCalibration(*value) : std::unexpected(value.error());
    if (!calibration) {
      return std::unexpected(calibration.error().WithContext(EscapeForDisplay(file.string())));
    }
    return *std::move(calibration);
  }
  const json::value list = TRY(ParseJson(builtin));
  for (const json::value& one : list.as_array()) {
    const json::value* const name = Find(one, "model");
    if (name != nullptr && name->is_string() && LowerAscii(name->get_string()) == LowerAscii(model))
      return TRY(ParseCalibration(one));
  }
  return std::nullopt;
}

Result<const Calibration*> CalibrationShelf::Find(const std::string& model) {
  const std::scoped_lock lock(mutex_);
  if (const auto known = found_.find(model); known != found_.end()) return known->second.get();
  std::optional<Calibration> calibration = TRY(FindCalibration(folder_, builtin_, model));
  auto& found = found_[model];
  if (calibration) found = std::make_unique<const Calibration>(*std::move(calibration));
  return found.get();
}

}  // namespace kinglet
