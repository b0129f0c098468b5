// SPDX-License-Identifier: Apache-2.0
// Each member behind the count of its bytes.
#include "knowledge/archive_stream.h"

#include <utility>

#include "knowledge/byte_fields.h"

namespace kinglet {
namespace {

constexpr std::size_t kCountBytes = sizeof(std::uint64_t);
constexpr std::size_t kMaxOtherBytes = std::size_t{1} << 20;  // of a name and the counts

std::unexpected<Status> Unsound() {
  return Error(StatusCode::kInvalidInput, "its reader sends what is no member of an archive");
}

}  // namespace

std::string MemberToBytes(const ArchiveMember& member) {
  FieldWriter writer;
  // Of all that follows: the fate, and two texts behind their counts.
  writer.Count(3 * kCountBytes + member.path.size() + member.content.size());
  writer.Count(static_cast<std::size_t>(member.fate));
  writer.Text(member.path);
  writer.Text(member.content);
  return std::move(writer).Finish();
}

Result<void> MemberStream::Take(std::string_view bytes) {
  held_ += bytes;
  std::size_t done = 0;
  for (;;) {
    const std::string_view left = std::string_view(held_).substr(done);
    if (left.size() < kCountBytes) break;
    const std::size_t count = FieldReader(left.substr(0, kCountBytes)).Count();
    if (count > limits_.member_bytes + kMaxOtherBytes) return Unsound();
    if (left.size() - kCountBytes < count) break;
    TRY(TakeMember(left.substr(kCountBytes, count)));
    done += kCountBytes + count;
  }
  held_.erase(0, done);
  return {};
}

Result<void> MemberStream::TakeMember(std::string_view bytes) {
  FieldReader reader(bytes);
  const std::size_t fate = reader.Count();
  ArchiveMember member;
  member.path = reader.Text();
  member.content = reader.Text();
  if (!reader.IsWhole() || fate > static_cast<std::size_t>(ArchiveMember::Fate::kLeftOut) ||
      member.content.size() > limits_.member_bytes) {
    return Unsound();
  }
  member.fate = static_cast<ArchiveMember::Fate>(fate);
  const bool is_refused = member.fate == ArchiveMember::Fate::kRefused;
  if (!is_refused && MemberPath(member.path) != member.path) return Unsound();
  total_bytes_ += member.content.size();
  if (++members_ > limits_.members || total_bytes_ > limits_.total_bytes) return Unsound();
  if (!sink_(std::move(member))) return Error(StatusCode::kCancelled, "interrupted");
  return {};
}

Result<void> MemberStream::Finish() const {
  if (!held_.empty()) return Unsound();
  return {};
}

}  // namespace kinglet
