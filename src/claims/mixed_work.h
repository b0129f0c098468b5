// SPDX-License-Identifier: Apache-2.0
// Messages as a front door gets them: questions for a library, forms to be filled in, and what is
// for neither. And a router that has learnt from others of them which is which.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "claims/asked_questions.h"
#include "claims/form.h"
#include "claims/routed_work.h"

namespace kinglet {

struct WorkMessage {
  MessageKind kind = MessageKind::kQuestion;
  std::size_t number = 0;  // of the question or the form
  std::string text;
  MessageKind route = MessageKind::kQuestion;  // where the router sends it
  double router_ms = 0;
};

struct MixedWork {
  ClaimQuestions questions;  // drawn as for the other claims; some of them are messages
  std::vector<Form> forms;
  std::vector<WorkMessage> messages;  // questions, then forms, then what is for neither
  std::size_t examples = 0;           // that the router has learnt from
};

// A third of setup.limit of each kind; none of them did the router learn from.
Result<MixedWork> MakeMixedWork(const ClaimSetup& setup, std::vector<PassageQuestion> data);

}  // namespace kinglet
