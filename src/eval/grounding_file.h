// SPDX-License-Identifier: Apache-2.0
// What came of questions, in a file: a line of JSON that says what they are of, then a line for
// each as it comes, so that a run that was stopped goes on where it was.
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "eval/grounding.h"

namespace kinglet {

// What outcomes depend on, the program left aside.
struct GroundingRun {
  std::string model;     // SHA-256 of its file
  std::string data;      // SHA-256 of the files
  std::string passages;  // where they come from
  std::string asked;     // SHA-256 of the questions, and of the passages that were found for them
  std::string embedder;  // that finds them
  bool reads = true;
  bool asks_plainly = false;
  bool asks_closed_book = false;
  std::size_t limit = 0;  // of questions, as they were drawn
  std::uint64_t seed = 0;
};

class OutcomeFile {
 public:
  // Whatever was there is gone.
  static Result<OutcomeFile> Begin(const std::filesystem::path& path, const GroundingRun& run);
  // Goes on behind what is there, which `done` gets, without a last line that was torn; begins
  // where there is nothing. kInvalidInput: the file is of another run. questions outlive `done`.
  static Result<OutcomeFile> Resume(const std::filesystem::path& path, const GroundingRun& run,
                                    std::span<const PassageQuestion> questions,
                                    std::vector<GroundingOutcome>& done);

  Result<void> Append(std::span<const GroundingOutcome> some);
  // Puts in its place all of them, with what only all together tell.
  Result<void> Finish(std::span<const GroundingOutcome> outcomes, const Confidences& confidences,
                      std::span<const SystemScores> scores) const;

 private:
  OutcomeFile(std::filesystem::path path, const GroundingRun& run, std::ios::openmode mode);
  Result<void> Written();

  std::filesystem::path path_;
  GroundingRun run_;
  std::ofstream file_;
};

// Of a file that is finished. kInvalidInput: it is not, or of other questions; data is the digest
// of theirs.
Result<std::vector<SystemScores>> ReadScores(const std::filesystem::path& path,
                                             std::string_view data,
                                             std::span<const PassageQuestion> questions);

}  // namespace kinglet
