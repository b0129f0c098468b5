// SPDX-License-Identifier: Apache-2.0
// A folder for each test of a library, with one in it for files to ingest.
#pragma once

#include <filesystem>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "knowledge/retriever.h"

namespace kinglet {

// By words alone.
inline Result<std::vector<Passage>> Search(Library& library, std::string_view query, int limit) {
  return Retriever{library}.Search(query, limit);
}

class LibraryFolderTest : public testing::Test {
 protected:
  LibraryFolderTest()
      : folder_(std::filesystem::absolute(testing::TempDir()) /
                testing::UnitTest::GetInstance()->current_test_info()->test_suite_name() /
                testing::UnitTest::GetInstance()->current_test_info()->name()) {
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_ / "in");
  }
  ~LibraryFolderTest() override { std::filesystem::remove_all(folder_); }

  const std::filesystem::path folder_;
};

}  // namespace kinglet
