// SPDX-License-Identifier: Apache-2.0
// Ctrl-C as a question that long work asks: "should I stop?". The signal handler only sets a flag.
#pragma once

namespace kinglet {

// For a command that asks: SIGINT sets the flag; a second one before anybody has asked ends the
// program as usual.
void HandleInterrupts();

// True once for each interrupt.
bool TakeInterrupt();

}  // namespace kinglet
