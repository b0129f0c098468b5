// SPDX-License-Identifier: Apache-2.0
// The user's own calibration comes before the program's, and a broken one is named.
#include "answer/calibrations.h"

#include <filesystem>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"

namespace kinglet {
namespace {

using ::testing::HasSubstr;

class CalibrationsTest : public testing::Test {
 protected:
  CalibrationsTest() : folder_(testing::TempDir() + "kinglet_calibrations_test") {
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
  }
  ~CalibrationsTest() override { std::filesystem::remove_all(folder_); }

  static std::string TextOf(const std::string& model, int questions) {
    Calibration calibration{.model = model, .data = "d", .questions = questions};
    calibration.answerable.scale.fill(1);
    calibration.quoted.scale.fill(1);
    return ToJson(json::value(ToJson(calibration)));
  }

  std::filesystem::path folder_;
};

TEST_F(CalibrationsTest, FindsTheUsersOwnFirst) {
  const std::string builtin = "[" + TextOf("Qwen-Q4", 1) + "," + TextOf("other", 2) + "]";
  auto found = FindCalibration(folder_, builtin, "qwen-q4").value();
  ASSERT_TRUE(found);
  EXPECT_EQ(found->questions, 1);
  EXPECT_FALSE(FindCalibration(folder_, builtin, "unknown").value());
  ASSERT_TRUE(WriteFileAtomic(CalibrationFile(folder_, "Qwen-Q4"), TextOf("qwen-q4", 3)));
  found = FindCalibration(folder_, builtin, "QWEN-Q4").value();
  ASSERT_TRUE(found);
  EXPECT_EQ(found->questions, 3);
}

TEST_F(CalibrationsTest, NamesAFileThatIsWrong) {
  ASSERT_TRUE(WriteFileAtomic(CalibrationFile(folder_, "m"), "{}"));
  EXPECT_THAT(FindCalibration(folder_, "[]", "m").error().message(), HasSubstr("m.json"));
  ASSERT_TRUE(WriteFileAtomic(CalibrationFile(folder_, "m"), "no JSON"));
  EXPECT_THAT(FindCalibration(folder_, "[]", "m").error().message(), HasSubstr("m.json"));
}

}  // namespace
}  // namespace kinglet
