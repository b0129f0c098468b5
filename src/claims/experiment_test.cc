// SPDX-License-Identifier: Apache-2.0
#include "claims/experiment.h"

#include <gtest/gtest.h>

namespace kinglet {
namespace {

Finding State() { return {.claim = "It is so", .bound = Bound{Side::kAbove, 1}}; }

Result<void> Holds(const ClaimSetup& /*setup*/, Finding& finding) {
  Conclude(finding, {.value = 2}, "Counted.");
  return {};
}

Result<void> Fails(const ClaimSetup& /*setup*/, Finding& finding) {
  finding.tables.push_back({.title = "Half of it"});
  return Error(StatusCode::kNotFound, "there is no such model");
}

Result<void> IsStopped(const ClaimSetup& /*setup*/, Finding& /*finding*/) {
  return Error(StatusCode::kCancelled, "interrupted");
}

TEST(Experiment, SaysWhatItWouldTake) {
  const auto finding =
      TestClaim({"x", {Part::kSmall, Part::kData}, State, Holds}, {.files = {{Part::kSmall, "m"}}});
  ASSERT_TRUE(finding);
  EXPECT_EQ(finding->letter, "x");
  EXPECT_EQ(finding->verdict, Verdict::kNotTestable);
  EXPECT_NE(finding->why.find("--data FILE"), std::string::npos) << finding->why;
  EXPECT_EQ(finding->why.find("--small"), std::string::npos) << finding->why;
}

TEST(Experiment, HoldsWhatItFinds) {
  const auto finding = TestClaim({"x", {}, State, Holds}, {});
  ASSERT_TRUE(finding);
  EXPECT_EQ(finding->claim, "It is so");
  EXPECT_EQ(finding->verdict, Verdict::kHeld);
}

TEST(Experiment, ThatFailsLeavesItsClaimUntested) {
  const auto finding = TestClaim({"x", {}, State, Fails}, {});
  ASSERT_TRUE(finding);
  EXPECT_EQ(finding->verdict, Verdict::kNotTestable);
  EXPECT_EQ(finding->why, "It failed: there is no such model");
  EXPECT_TRUE(finding->tables.empty());  // what half of it found says nothing
}

TEST(Experiment, ThatIsStoppedEndsAll) {
  const auto finding = TestClaim({"x", {}, State, IsStopped}, {});
  ASSERT_FALSE(finding);
  EXPECT_EQ(finding.error().code(), StatusCode::kCancelled);
}

}  // namespace
}  // namespace kinglet
