// SPDX-License-Identifier: Apache-2.0
// Claim e, of what comes out: a schema that is enforced gives JSON that can be used where one that
// is only asked for does not.
#pragma once

#include <span>

#include "claims/finding.h"
#include "claims/form.h"
#include "claims/setup.h"

namespace kinglet {

Finding StateEnforcedSchema();
Result<void> TestEnforcedSchema(const ClaimSetup& setup, Finding& finding);

// Of a form, both ways.
struct FormReply {
  std::string group;
  FormScore score;
  AnswerCost cost;
};
void JudgeEnforcedSchema(std::span<const FormReply> enforced, std::span<const FormReply> asked,
                         Finding& finding);

// Forms of --data, a third as many as the limit.
std::vector<Form> DrawForms(const ClaimSetup& setup, std::span<const PassageQuestion> data);
// What the model writes on them. Kept in the work folder.
Result<std::vector<FormReply>> FillIn(const ClaimSetup& setup, Part model,
                                      std::span<const Form> forms, bool enforced);

}  // namespace kinglet
