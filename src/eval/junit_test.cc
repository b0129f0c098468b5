// SPDX-License-Identifier: Apache-2.0
// Text of any kind stays text.
#include "eval/junit.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace kinglet {
namespace {

TEST(JUnitTest, WritesCases) {
  const std::vector<JUnitCase> cases = {{.name = "1"},
                                        {.name = "2", .failure = "wrong", .output = "said"},
                                        {.name = "3", .error = "no"}};
  EXPECT_EQ(JUnitXml("t", cases),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
            "<testsuites name=\"t\" tests=\"3\" failures=\"1\" errors=\"1\">\n"
            "<testsuite name=\"t\" tests=\"3\" failures=\"1\" errors=\"1\">\n"
            "<testcase classname=\"t\" name=\"1\"></testcase>\n"
            "<testcase classname=\"t\" name=\"2\"><failure message=\"wrong\"></failure>"
            "<system-out>said</system-out></testcase>\n"
            "<testcase classname=\"t\" name=\"3\"><error message=\"no\"></error></testcase>\n"
            "</testsuite>\n</testsuites>\n");
}

TEST(JUnitTest, EscapesWhatXmlCannotHold) {
  const std::vector<JUnitCase> cases = {{.name = "<a b=\"c\">&\n\x01\xFF\u00E9\uFFFE"}};
  EXPECT_NE(JUnitXml("t", cases)
                .find("name=\"&#60;a b=&#34;c&#34;&#62;&#38;&#10;"
                      "\uFFFD\uFFFD\u00E9\uFFFD\""),
            std::string::npos);
}

}  // namespace
}  // namespace kinglet
