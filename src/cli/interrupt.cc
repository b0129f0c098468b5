// SPDX-License-Identifier: Apache-2.0
// The flag behind Ctrl-C: the one global of the command line, since a signal handler can reach
// nothing else.
#include "cli/interrupt.h"

#include <csignal>

namespace kinglet {
namespace {

volatile std::sig_atomic_t interrupted = 0;

void OnInterrupt(int signal) {
  if (interrupted != 0) {
    std::signal(signal, SIG_DFL);
    std::raise(signal);
  }
  interrupted = 1;
}

}  // namespace

void HandleInterrupts() {
  struct sigaction action{};
  action.sa_handler =
      OnInterrupt;  // no SA_RESTART: a blocked read returns, so that a prompt can react
  sigaction(SIGINT, &action, nullptr);
}

bool TakeInterrupt() {
  if (interrupted == 0) return false;
  interrupted = 0;
  return true;
}

}  // namespace kinglet
