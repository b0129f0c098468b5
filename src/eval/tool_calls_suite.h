// SPDX-License-Identifier: Apache-2.0
// Questions with functions and the calls that are right, in the layout of the Berkeley Function
// Calling Leaderboard, and as a chat endpoint of OpenAI's API is asked them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/status.h"

namespace kinglet {

struct ToolQuestion {
  std::string id;
  json::array messages;
  json::array functions;  // in BFCL's types
  json::array expected;   // calls; empty: none must be made
};

// simple, multiple, parallel, parallel_multiple and irrelevance, and the same of BFCL's users:
// live_simple and so on. Functions of Java and JavaScript, whose arguments are source text, are in
// none.
std::span<const std::string_view> ToolCategories();

// Where a category's questions are in the folder, and its answers in the one below.
std::string ToolFile(std::string_view category);

// Those of a category; kNotFound where the folder has none. limit: so many, drawn by the seed; 0:
// all.
Result<std::vector<ToolQuestion>> ReadToolQuestions(const std::filesystem::path& folder,
                                                    std::string_view category, std::size_t limit,
                                                    std::uint64_t seed);

// Lines of {"id", "question", "function"}, answers lines of {"id", "ground_truth"}, looked at where
// a call is expected; kInvalidInput names the line.
Result<std::vector<ToolQuestion>> ParseToolQuestions(std::string_view questions,
                                                     std::string_view answers, bool must_call);

// The functions as `tools`: dots of names are underscores, types JSON Schema's. An enum whose
// values are all of another type than the one beside it is left out, as nothing would satisfy both.
json::array ToTools(const json::array& functions);

}  // namespace kinglet
