// SPDX-License-Identifier: Apache-2.0
// Claim g: a router that sends each message to a small model in the right mode does mixed work
// better and cheaper than one large model that is told to do all of it.
#pragma once

#include <span>
#include <string>

#include "claims/finding.h"
#include "claims/setup.h"

namespace kinglet {

enum class MessageKind {
  kQuestion,  // to be answered from a library, or not at all
  kForm,      // to be filled in
  kOffTopic,  // to be refused
};

// What became of a message.
struct HandledMessage {
  MessageKind kind = MessageKind::kQuestion;
  std::string group;  // for intervals; empty: its own
  bool is_right = false;
  double machine_ms = 0;
};

Finding StateRoutedWork();
Result<void> TestRoutedWork(const ClaimSetup& setup, Finding& finding);

// The same messages, in the same order.
void JudgeRoutedWork(std::span<const HandledMessage> routed,
                     std::span<const HandledMessage> one_model, Finding& finding);

}  // namespace kinglet
