// SPDX-License-Identifier: Apache-2.0
// Members of an archive as bytes, on their way from the process that unpacks them to the one that
// has them read.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/status.h"
#include "knowledge/archive.h"

namespace kinglet {

std::string MemberToBytes(const ArchiveMember& member);

// The other end: takes the bytes in whatever pieces they come in, and holds those of one member.
// Any bytes are members within the limits, with paths that are sound where they are not refused, or
// an error: whoever wrote them may have been taken over by what it read.
class MemberStream {
 public:
  MemberStream(const ArchiveLimits& limits, const MemberSink& sink)
      : limits_(limits), sink_(sink) {}

  // kInvalidInput: no members, or beyond the limits. kCancelled: the sink wants no more.
  Result<void> Take(std::string_view bytes);
  // kInvalidInput where the bytes end inside a member.
  Result<void> Finish() const;

 private:
  Result<void> TakeMember(std::string_view bytes);

  const ArchiveLimits& limits_;
  const MemberSink& sink_;
  std::string held_;
  std::size_t members_ = 0;
  std::uint64_t total_bytes_ = 0;
};

}  // namespace kinglet
