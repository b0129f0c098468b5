// SPDX-License-Identifier: Apache-2.0
// Questions whose passages are to be found: those of all questions become a library, and what a
// search finds there takes the place of what was given.
#pragma once

#include <span>
#include <vector>

#include "base/status.h"
#include "eval/question_set.h"
#include "knowledge/retriever.h"

namespace kinglet {

// Each text once, a document of its own.
Result<void> PutPassages(Library& library, std::span<const PassageQuestion> questions);

// The best passages of that library, as many as `kinglet ask` gives a model to read.
Result<void> RetrievePassages(const Retriever& retriever, std::span<PassageQuestion> questions);

}  // namespace kinglet
