// SPDX-License-Identifier: Apache-2.0
// JUnit's XML, as far as Jenkins, GitLab and GitHub's actions read it: a suite of cases.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace kinglet {

struct JUnitCase {
  std::string name;
  std::string failure;  // empty: it passed
  std::string error;    // it could not be told whether it passes; why
  std::string output;   // more about it
};

// Each case is of the class `suite`. What XML 1.0 cannot hold (controls, bytes that are not UTF-8)
// comes out as U+FFFD.
std::string JUnitXml(std::string_view suite, std::span<const JUnitCase> cases);

}  // namespace kinglet
