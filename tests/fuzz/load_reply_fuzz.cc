// SPDX-License-Identifier: Apache-2.0
// A streamed answer of a server, which may send anything. The first byte cuts the rest in pieces:
// what is read must not depend on how it came.
// Covers: src/net/event_stream.cc src/eval/load_reply.cc
#include <algorithm>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "eval/load_reply.h"

namespace kinglet {
namespace {

LoadRecord Read(std::string_view bytes, std::size_t piece) {
  LoadReply reply(LoadRecord{});
  reply.OnSent(1);
  bool goes_on = true;
  while (goes_on && !bytes.empty()) {
    goes_on = reply.OnBody(200, bytes.substr(0, piece), 2);
    bytes.remove_prefix(std::min(piece, bytes.size()));
  }
  reply.OnEnd(goes_on ? HttpPostEnd::kWhole : HttpPostEnd::kCancelled, 200, 3);
  return reply.record();
}

void Run(std::string_view bytes) {
  if (bytes.empty()) return;
  const std::size_t piece = static_cast<unsigned char>(bytes[0]) + 1U;
  bytes.remove_prefix(1);
  const LoadRecord whole = Read(bytes, std::max<std::size_t>(bytes.size(), 1));
  const LoadRecord pieces = Read(bytes, piece);
  KINGLET_CHECK(whole.outcome == pieces.outcome, "{} or {}", Name(whole.outcome),
                Name(pieces.outcome));
  if (whole.outcome != LoadOutcome::kCompleted) return;
  KINGLET_CHECK(whole.gaps_ms.size() == pieces.gaps_ms.size(), "other pieces of text");
  KINGLET_CHECK(whole.tokens() == pieces.tokens(), "other counts");
}

}  // namespace
}  // namespace kinglet

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  kinglet::Run({reinterpret_cast<const char*>(data), size});
  return 0;
}
