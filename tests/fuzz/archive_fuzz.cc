// SPDX-License-Identifier: Apache-2.0
// Bytes as an archive, or as what its reader sends; the first byte says as which. Whatever they
// are, members keep to the limits, lie in the archive, and arrive as they were sent.
// Covers: src/knowledge/archive.cc src/knowledge/archive_stream.cc
// Covers: src/knowledge/archive_name.cc src/knowledge/formats/archive_walk.cc
// Longest input: 65536
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/utf8.h"
#include "knowledge/archive.h"
#include "knowledge/archive_stream.h"

namespace kinglet {
namespace {

constexpr ArchiveLimits kLimits = {
    .members = 50,
    .member_bytes = 20'000,
    .total_bytes = 100'000,
    .ratio = 50,
    .suspect_bytes = 50'000,
};
constexpr std::size_t kPieceBytes = 777;

void CheckMember(const ArchiveMember& member) {
  KINGLET_CHECK(member.content.size() <= kLimits.member_bytes, "{} bytes", member.content.size());
  if (member.fate == ArchiveMember::Fate::kRefused) return;
  const std::string inside = "/" + member.path + "/";
  KINGLET_CHECK(IsUtf8(member.path) && !inside.contains("/../") && !inside.contains("//") &&
                    !inside.contains("/./") && !inside.contains('\0'),
                "{}", member.path);
}

// What comes of the bytes as a reader's output; they may be anything.
std::vector<ArchiveMember> Receive(std::string_view bytes) {
  std::vector<ArchiveMember> members;
  const MemberSink sink = [&](ArchiveMember member) {
    CheckMember(member);
    members.push_back(std::move(member));
    return true;
  };
  MemberStream stream(kLimits, sink);
  for (; !bytes.empty(); bytes.remove_prefix(std::min(bytes.size(), kPieceBytes))) {
    if (!stream.Take(bytes.substr(0, kPieceBytes))) break;
  }
  KINGLET_CHECK(members.size() <= kLimits.members, "{} members", members.size());
  return members;
}

void Unpack(std::string_view bytes, ArchiveKind kind, const WalkOptions& options) {
  std::vector<ArchiveMember> sent;
  std::string stream;
  std::size_t total_bytes = 0;
  const Result<void> result =
      UnpackArchive(bytes, kind, options, kLimits, [&](ArchiveMember member) {
        CheckMember(member);
        if (member.fate == ArchiveMember::Fate::kRead) total_bytes += member.content.size();
        stream += MemberToBytes(member);
        sent.push_back(std::move(member));
        return true;
      });
  KINGLET_CHECK(result || !result.error().message().empty(), "an error without a word");
  KINGLET_CHECK(sent.size() <= kLimits.members && total_bytes <= kLimits.total_bytes,
                "{} members, {} bytes", sent.size(), total_bytes);
  const std::vector<ArchiveMember> received = Receive(stream);
  KINGLET_CHECK(received.size() == sent.size(), "{} of {}", received.size(), sent.size());
  for (std::size_t i = 0; i < sent.size(); ++i) {
    KINGLET_CHECK(sent[i].fate == received[i].fate && sent[i].path == received[i].path &&
                      sent[i].content == received[i].content,
                  "member {}", i);
  }
}

}  // namespace
}  // namespace kinglet

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const kinglet::WalkOptions some = {
      .include = {"*.md", "*.bin"}, .exclude = {"b"}, .hidden = true};
  // A digit is easy to write into a seed.
  switch (data[0] % 5) {
    case '0' % 5:
      kinglet::Unpack(bytes, kinglet::ArchiveKind::kZip, {});
      break;
    case '1' % 5:
      kinglet::Unpack(bytes, kinglet::ArchiveKind::kTar, {});
      break;
    case '2' % 5:
      kinglet::Unpack(bytes, kinglet::ArchiveKind::kZip, some);
      break;
    case '3' % 5:
      kinglet::Unpack(bytes, kinglet::ArchiveKind::kTar, some);
      break;
    default:
      kinglet::Receive(bytes);
  }
  return 0;
}
