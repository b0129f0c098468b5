// SPDX-License-Identifier: Apache-2.0
// Where a model's calibration is found: among those that `kinglet eval calibrate` has written, or
// those that come with the program.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "answer/confidence.h"
#include "base/status.h"

namespace kinglet {

// folder: of files NAME.json. builtin: a JSON list of calibrations. model: the stem of its file, of
// which case does not count. Nothing where there is none; kInvalidInput names a file that is wrong.
Result<std::optional<Calibration>> FindCalibration(const std::filesystem::path& folder,
                                                   std::string_view builtin,
                                                   std::string_view model);

// Those of several models, each read once. For threads.
class CalibrationShelf {
 public:
  // As FindCalibration has them.
  CalibrationShelf(std::filesystem::path folder, std::string_view builtin)
      : folder_(std::move(folder)), builtin_(builtin) {}

  // Null where there is none; what is found stays.
  Result<const Calibration*> Find(const std::string& model);

 private:
  std::filesystem::path folder_;
  std::string_view builtin_;
  std::mutex mutex_;
  std::map<std::string, std::unique_ptr<const Calibration>> found_;
};

// The file of a model's calibration in the folder.
std::filesystem::path CalibrationFile(const std::filesystem::path& folder, std::string_view model);

}  // namespace kinglet
