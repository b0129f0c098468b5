// SPDX-License-Identifier: Apache-2.0
// The table of claims, and what becomes of one that cannot be tested.
#include "claims/experiment.h"

#include <utility>

#include <fmt/format.h>

#include "claims/clean_pages.h"
#include "claims/cost_ranking.h"
#include "claims/enforced_schema.h"
#include "claims/first_byte.h"
#include "claims/hardware_gains.h"
#include "claims/retrieval_claim.h"
#include "claims/routed_work.h"
#include "claims/sparse_experts.h"

namespace kinglet {
namespace {

// The flags that would make it testable; empty: nothing is missing.
std::string Missing(const Experiment& experiment, const ClaimSetup& setup) {
  std::string flags;
  for (const Part part : experiment.needs) {
    if (setup.has(part)) continue;
    const PartFlag& flag = FlagOf(part);
    flags +=
        fmt::format("{}{} {} ({})", flags.empty() ? "" : ", ", flag.flag, flag.value, flag.what);
  }
  return flags;
}

}  // namespace

std::span<const Experiment> Experiments() {
  static const std::vector<Experiment> kExperiments = {
      {"a", {Part::kSmall}, StateFirstByte, TestFirstByte},
      {"b", {Part::kSmall, Part::kLarge, Part::kData}, StateRetrieval, TestRetrieval},
      {"c", {Part::kSparse, Part::kDense}, StateSparseExperts, TestSparseExperts},
      {"d", {Part::kSmall, Part::kLarge, Part::kData}, StateRanking, TestRanking},
      {"e1", {Part::kSmall, Part::kData, Part::kPages}, StateCleanPages, TestCleanPages},
      {"e2", {Part::kSmall, Part::kData}, StateEnforcedSchema, TestEnforcedSchema},
      {"f", {Part::kSmall}, StateHardwareGains, TestHardwareGains},
      {"g",
       {Part::kSmall, Part::kLarge, Part::kData, Part::kIntents},
       StateRoutedWork,
       TestRoutedWork},
  };
  return kExperiments;
}

Result<Finding> TestClaim(const Experiment& experiment, const ClaimSetup& setup) {
  Finding finding = experiment.state();
  finding.letter = experiment.letter;
  if (const std::string missing = Missing(experiment, setup); !missing.empty()) {
    finding.why = fmt::format("Testable with {}.", missing);
    return finding;
  }
  Finding tested = finding;
  const Result<void> result = experiment.test(setup, tested);
  if (result) return tested;
  if (result.error().code() == StatusCode::kCancelled) return std::unexpected(result.error());
  finding.why = fmt::format("It failed: {}", result.error().message());
  return finding;
}

}  // namespace kinglet
