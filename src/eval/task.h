// SPDX-License-Identifier: Apache-2.0
// A task of a user's own: a small TOML file that says what a model is asked about each line of a
// file of JSON beside it, and how its replies are scored. docs/evaluation.md has all of its keys.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "eval/prompt_template.h"
#include "eval/scorers.h"
#include "text/language_model.h"

namespace kinglet {

// What the TOML file says.
struct TaskSpec {
  std::string name;
  std::string data;  // files are named from the task's folder
  bool is_chat = true;
  std::string system;
  PromptTemplate prompt;
  std::string choices_field;            // a list of texts; or
  std::vector<PromptTemplate> choices;  // the same for each question; neither: text is written
  std::vector<std::string> answer_fields;
  std::string id_field;            // empty: the number of the line
  std::string group_field;         // empty: each question is its own group
  std::string delimiter = " ";     // between a raw prompt and what answers it
  std::string examples;            // a file of lines; empty: none are shown
  std::size_t example_count = 0;   // its first ones; 0: all
  std::string separator = "\n\n";  // behind a raw example
  int max_tokens = 64;
  std::vector<std::string> stop;
  const Scorer* scorer = nullptr;
  ScorerOptions scoring;
  std::string schema;  // a file; empty: none
  // Whatever a prompt is made of, and whatever a score depends on, as texts that differ where these
  // do.
  std::string prompt_text;
  std::string scorer_text;
};

// kInvalidInput with "FILE: line N: what is wrong"; a key that is not known is wrong, too.
Result<TaskSpec> ParseTaskSpec(std::string_view toml, const std::string& file);

// Where a text is to be written, or likelihoods of texts are to be told.
struct TaskAsk {
  std::vector<ChatMessage> messages;  // a conversation; empty: `text` goes on
  std::string text;
  std::vector<std::string> choices;  // texts behind it, whose likelihoods are asked for
  int max_tokens = 0;
  std::vector<std::string> stop;
};

struct TaskQuestion {
  std::string id;
  std::string group;  // empty: its own
  TaskAsk ask;
  Gold gold;
};

struct Task {
  TaskSpec spec;
  std::vector<TaskQuestion> questions;
  std::string data_digest;    // SHA-256 of the data,
  std::string prompt_digest;  // of whatever prompts are made of beside it,
  std::string scorer_digest;  // of whatever scores are
};

// The questions of the lines of `data`; examples are lines, too. kInvalidInput names the line.
Result<std::vector<TaskQuestion>> MakeTaskQuestions(const TaskSpec& spec, std::string_view data,
                                                    std::string_view examples);

// The task and the files that it names. `limit` questions (0: all) are drawn by the seed and stay
// in their order.
Result<Task> ReadTask(const std::filesystem::path& file, std::size_t limit, std::uint64_t seed);

}  // namespace kinglet
