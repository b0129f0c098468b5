// SPDX-License-Identifier: Apache-2.0
// What is not wanted stays packed where the archive allows it: in a zip archive, not in a tar.
#include "knowledge/archive.h"

#include <utility>

#include "base/display.h"
#include "knowledge/cleaner.h"

namespace kinglet {
namespace {

constexpr std::size_t kShownNameBytes = 200;  // of a name that is refused

class Unpacker {
 public:
  Unpacker(std::string_view bytes, ArchiveKind kind, const WalkOptions& options,
           const ArchiveLimits& limits, const MemberSink& sink)
      : bytes_(bytes), kind_(kind), options_(options), limits_(limits), sink_(sink) {}

  Result<void> Run() {
    ArchiveWalk walk = TRY(ArchiveWalk::Begin(bytes_, kind_));
    while (TRY(walk.Next())) {
      if (++count_ > limits_.members) {
        return Error(StatusCode::kLimitExceeded, "it has more than {} members", limits_.members);
      }
      if (walk.IsFile() && !sink_(TRY(Take(walk)))) {
        return Error(StatusCode::kCancelled, "interrupted");
      }
      if (walk.is_lost()) {
        if (++damaged_ > limits_.damaged_members) {
          return Error(StatusCode::kLimitExceeded, "it has more than {} damaged members",
                       limits_.damaged_members);
        }
        walk = TRY(BeginAfter());
      } else {
        TRY(Pass(walk));
      }
    }
    return {};
  }

 private:
  using Fate = ArchiveMember::Fate;

  // The specification of zip has two encodings for names: UTF-8, and that of DOS.
  std::string NameOf(const ArchiveWalk& walk) const {
    const std::string_view name = walk.Name();
    const bool is_of_dos = kind_ == ArchiveKind::kZip && !IsUtf8(name);
    return is_of_dos ? DecodeToUtf8(name, "IBM437") : std::string(name);
  }

  Result<ArchiveMember> Take(ArchiveWalk& walk) {
    const Result<std::string> path = MemberPath(NameOf(walk));
    if (!path) {
      return ArchiveMember{Fate::kRefused, std::string(walk.Name().substr(0, kShownNameBytes)),
                           path.error().message()};
    }
    if (!IsSelected(options_, *path)) return ArchiveMember{Fate::kLeftOut, *path, {}};
    if (ArchiveKindOf(*path)) {
      return ArchiveMember{Fate::kRefused, *path,
                           "an archive in an archive is not read: unpack the outer one"};
    }
    // As in folders: whoever includes a name wants it whatever its suffix.
    if (options_.include.empty() && IsUnknownSuffix(*path)) {
      return ArchiveMember{Fate::kSkipped, *path, {}};
    }
    if (walk.IsEncrypted()) {
      return ArchiveMember{Fate::kRefused, *path, "it is encrypted, and needs a password"};
    }
    return Unpack(walk, *path);
  }

  // An error is the archive's, not the member's.
  Result<ArchiveMember> Unpack(ArchiveWalk& walk, const std::string& path) {
    ArchiveMember member{Fate::kRead, path, {}};
    bool is_too_large = false;
    const Result<void> result = walk.Read([&](std::string_view piece) -> Result<void> {
      TRY(Count(piece.size()));
      is_too_large = piece.size() > limits_.member_bytes - member.content.size();
      if (is_too_large) {
        return Error(StatusCode::kLimitExceeded, "it unpacks to more than the limit of {} bytes",
                     limits_.member_bytes);
      }
      member.content += piece;
      return {};
    });
    if (result) return member;
    const std::string& reason = result.error().message();
    if (is_too_large) return ArchiveMember{Fate::kRefused, path, reason};
    if (result.error().code() == StatusCode::kLimitExceeded) {
      return std::unexpected(result.error());
    }
    // Behind a fault in the one stream of a tar archive there is nothing.
    if (kind_ == ArchiveKind::kTar) return Broken(reason);
    return ArchiveMember{Fate::kRefused, path, "it cannot be unpacked: " + reason};
  }

  // The rest of a member. libarchive would do it by itself, but without a limit.
  Result<void> Pass(ArchiveWalk& walk) {
    if (kind_ == ArchiveKind::kZip) return {};
    const Result<void> result =
        walk.Read([&](std::string_view piece) { return Count(piece.size()); });
    if (!result && result.error().code() == StatusCode::kInvalidInput) {
      return Broken(result.error().message());
    }
    return result;
  }

  static std::unexpected<Status> Broken(const std::string& reason) {
    return Error(StatusCode::kInvalidInput, "the archive is broken: {}", reason);
  }

  // A walk that has come to where another was lost.
  Result<ArchiveWalk> BeginAfter() const {
    ArchiveWalk walk = TRY(ArchiveWalk::Begin(bytes_, kind_));
    for (std::size_t i = 0; i < count_ && TRY(walk.Next()); ++i) {
    }
    return walk;
  }

  Result<void> Count(std::size_t bytes) {
    unpacked_bytes_ += bytes;
    if (unpacked_bytes_ > limits_.total_bytes) {
      return Error(StatusCode::kLimitExceeded, "it unpacks to more than the limit of {} bytes",
                   limits_.total_bytes);
    }
    if (unpacked_bytes_ > limits_.suspect_bytes &&
        unpacked_bytes_ / limits_.ratio > bytes_.size()) {
      return Error(StatusCode::kLimitExceeded,
                   "it unpacks to more than {} times its size, which looks like a bomb",
                   limits_.ratio);
    }
    return {};
  }

  std::string_view bytes_;
  ArchiveKind kind_;
  const WalkOptions& options_;
  const ArchiveLimits& limits_;
  const MemberSink& sink_;
  std::size_t count_ = 0;  // of members that the walk has come to
  std::size_t damaged_ = 0;
  std::uint64_t unpacked_bytes_ = 0;
};

}  // namespace

Result<void> UnpackArchive(std::string_view bytes, ArchiveKind kind, const WalkOptions& options,
                           const ArchiveLimits& limits, const MemberSink& sink) {
  const Utf8Names utf8_names;
  return Unpacker(bytes, kind, options, limits, sink).Run();
}

}  // namespace kinglet
