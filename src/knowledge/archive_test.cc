// SPDX-License-Identifier: Apache-2.0
// What comes out of an archive, however it is packed, and what does not; and that a hostile one
// costs no more than the limits allow.
#include "knowledge/archive.h"

#include <algorithm>

#include <gmock/gmock.h>

#include "knowledge/archive_stream.h"
#include "knowledge/zip_writer_for_test.h"

namespace kinglet {
namespace {

using ::testing::ElementsAre;
using ::testing::StartsWith;

// Members as "path: content", "path refused: why", "path skipped", "path left out"; at the end what
// broke it off.
std::vector<std::string> Unpack(std::string_view bytes, ArchiveKind kind,
                                const WalkOptions& options = {}, const ArchiveLimits& limits = {}) {
  std::vector<std::string> lines;
  const Result<void> result =
      UnpackArchive(bytes, kind, options, limits, [&](const ArchiveMember& member) {
        switch (member.fate) {
          case ArchiveMember::Fate::kRead:
            lines.push_back(member.path + ": " + member.content);
            break;
          case ArchiveMember::Fate::kRefused:
            lines.push_back(member.path + " refused: " + member.content);
            break;
          case ArchiveMember::Fate::kSkipped:
            lines.push_back(member.path + " skipped");
            break;
          case ArchiveMember::Fate::kLeftOut:
            lines.push_back(member.path + " left out");
            break;
        }
        return true;
      });
  if (!result) lines.push_back("error: " + result.error().message());
  return lines;
}

std::vector<std::string> UnpackZip(const ZipMembers& members, const WalkOptions& options = {},
                                   const ArchiveLimits& limits = {}) {
  return Unpack(WriteZip(members), ArchiveKind::kZip, options, limits);
}

TEST(Archive, HandsOutItsMembers) {
  const auto all = ElementsAre("a.md: one", "b/ü.txt: two", "empty.md: ");
  EXPECT_THAT(UnpackZip({{"a.md", "one"}, {"b/ü.txt", "two"}, {"empty.md", ""}}), all);
  for (const char* packing : {static_cast<const char*>(nullptr), "gzip", "bzip2", "xz", "zstd"}) {
    const std::string tar = WriteTar({{.name = "./a.md", .content = "one"},
                                      {.name = "b/", .content = "", .type = AE_IFDIR},
                                      {.name = "b/ü.txt", .content = "two"},
                                      {.name = "empty.md", .content = ""}},
                                     packing);
    EXPECT_THAT(Unpack(tar, ArchiveKind::kTar), all) << (packing == nullptr ? "as it is" : packing);
  }
}

TEST(Archive, PassesOverLinksAndDevices) {
  const std::string tar = WriteTar({{.name = "link.md", .content = "", .type = AE_IFLNK},
                                    {.name = "pipe.md", .content = "", .type = AE_IFIFO},
                                    {.name = "disk.md", .content = "", .type = AE_IFBLK},
                                    {.name = "a.md", .content = "one"},
                                    {.name = "hard.md", .content = "", .hard_link = "a.md"}});
  EXPECT_THAT(Unpack(tar, ArchiveKind::kTar, {.follow_links = true}), ElementsAre("a.md: one"));
}

TEST(Archive, KeepsToTheOptions) {
  const ZipMembers members = {
      {"a.md", "1"}, {".b.md", "2"}, {".git/c.md", "3"}, {"old/d.md", "4"}, {"e.bin", "5"}};
  EXPECT_THAT(UnpackZip(members), ElementsAre("a.md: 1", ".b.md left out", ".git/c.md left out",
                                              "old/d.md: 4", "e.bin skipped"));
  EXPECT_THAT(UnpackZip(members, {.hidden = true}),
              ElementsAre("a.md: 1", ".b.md: 2", ".git/c.md: 3", "old/d.md: 4", "e.bin skipped"));
  EXPECT_THAT(
      UnpackZip(members, {.exclude = {"old"}, .hidden = true}),
      ElementsAre("a.md: 1", ".b.md: 2", ".git/c.md: 3", "old/d.md left out", "e.bin skipped"));
  EXPECT_THAT(UnpackZip(members, {.include = {"old/*", "*.bin"}}),
              ElementsAre("a.md left out", ".b.md left out", ".git/c.md left out", "old/d.md: 4",
                          "e.bin: 5"));
}

TEST(Archive, RefusesNamesThatLeadOut) {
  const std::string tar = WriteTar({{.name = "../a.md", .content = "1"},
                                    {.name = "/etc/b.md", .content = "2"},
                                    {.name = "\xFF.md", .content = "3"},
                                    {.name = "c.md", .content = "4"}});
  EXPECT_THAT(Unpack(tar, ArchiveKind::kTar),
              ElementsAre("../a.md refused: its name leads out of the archive",
                          "/etc/b.md refused: its name is absolute, and leads out of the archive",
                          "\xFF.md refused: its name is not UTF-8", "c.md: 4"));
}

TEST(Archive, ReadsNamesOfDos) {
  std::string zip = WriteZip({{"k#/r#k.md", "1"}});
  std::ranges::replace(zip, '#', '\x84');
  EXPECT_THAT(Unpack(zip, ArchiveKind::kZip), ElementsAre("kä/räk.md: 1"));
  std::ranges::replace(zip, '\x84', '\xE2');
  EXPECT_THAT(Unpack(zip, ArchiveKind::kZip), ElementsAre("kΓ/rΓk.md: 1"));
}

TEST(Archive, RefusesWhatIsEncryptedAndGoesOn) {
  const std::string zip = WriteZip({{"a.md", "secret"}, {"b.bin", "secret"}}, "password");
  EXPECT_THAT(Unpack(zip, ArchiveKind::kZip),
              ElementsAre("a.md refused: it is encrypted, and needs a password", "b.bin skipped"));
}

TEST(Archive, RefusesAnArchiveInside) {
  EXPECT_THAT(UnpackZip({{"b.zip", WriteZip({{"a.md", "1"}})}, {"c.docx", "2"}}),
              ElementsAre(StartsWith("b.zip refused: an archive in an archive"), "c.docx: 2"));
}

// Bytes that pack badly.
std::string Noise(std::size_t size) {
  std::string noise;
  for (unsigned state = 1; noise.size() < size;) {
    state = state * 1664525 + 1013904223;
    noise += static_cast<char>('a' + (state >> 24) % 26);
  }
  return noise;
}

TEST(Archive, GoesOnBehindADamagedMemberOfAZip) {
  const std::string zip = WriteZip({{"a.md", "1"}, {"b.md", Noise(3000)}, {"c.md", "3"}});
  const std::size_t begin = zip.find("b.md") + 4;
  int lost = 0;
  for (std::size_t at = begin + 40; at < begin + 1500; at += 50) {
    std::string changed = zip;
    changed[at] = static_cast<char>(changed[at] ^ 0x55);
    const std::vector<std::string> lines = Unpack(changed, ArchiveKind::kZip);
    ASSERT_EQ(lines.size(), 3U) << at;
    EXPECT_EQ(lines[0], "a.md: 1");
    EXPECT_EQ(lines[2], "c.md: 3");
    EXPECT_THAT(lines[1], StartsWith("b.md refused: it cannot be unpacked: ")) << at;
    // Where libarchive's reader is lost by it, another one had to come this far.
    const std::vector<std::string> none =
        Unpack(changed, ArchiveKind::kZip, {}, {.damaged_members = 0});
    if (none.back() == "error: it has more than 0 damaged members") ++lost;
  }
  EXPECT_GT(lost, 0);
}

TEST(Archive, SaysThatItIsBroken) {
  const std::string zip = WriteZip({{"a.md", "1"}});
  EXPECT_THAT(Unpack(zip.substr(0, zip.size() - 30), ArchiveKind::kZip),
              ElementsAre("error: it is no zip archive, or only a part of one"));
  EXPECT_THAT(Unpack("A text.", ArchiveKind::kTar), ElementsAre(StartsWith("error: ")));
  EXPECT_THAT(Unpack("", ArchiveKind::kTar), ElementsAre(StartsWith("error: ")));
  const std::string noise = Noise(1'000'000);
  for (const char* packing : {static_cast<const char*>(nullptr), "gzip", "xz"}) {
    std::string tar = WriteTar({{.name = "a.md", .content = "1"},
                                {.name = "b.md", .content = noise},
                                {.name = "c.md", .content = "3"}},
                               packing);
    tar.resize(tar.size() / 2);
    const std::vector<std::string> lines = Unpack(tar, ArchiveKind::kTar);
    ASSERT_FALSE(lines.empty()) << (packing == nullptr ? "as it is" : packing);
    EXPECT_THAT(lines.back(), StartsWith("error: the archive is broken"))
        << (packing == nullptr ? "as it is" : packing);
    EXPECT_LE(lines.size(), 2U) << (packing == nullptr ? "as it is" : packing);
  }
}

TEST(Archive, RefusesAMemberThatIsTooLarge) {
  const std::string large(100'001, 'a');
  const ArchiveLimits limits = {.member_bytes = 100'000};
  const std::string reason = "b.md refused: it unpacks to more than the limit of 100000 bytes";
  EXPECT_THAT(UnpackZip({{"a.md", "1"}, {"b.md", large}, {"c.md", "3"}}, {}, limits),
              ElementsAre("a.md: 1", reason, "c.md: 3"));
  const std::string tar = WriteTar({{.name = "a.md", .content = "1"},
                                    {.name = "b.md", .content = large},
                                    {.name = "c.md", .content = "3"}},
                                   "gzip");
  EXPECT_THAT(Unpack(tar, ArchiveKind::kTar, {}, limits),
              ElementsAre("a.md: 1", reason, "c.md: 3"));
}

TEST(Archive, HasAMostOfMembers) {
  const ZipMembers members = {{"a.bin", "1"}, {"b.md", "2"}, {"c.md", "3"}};
  EXPECT_THAT(UnpackZip(members, {}, {.members = 3}),
              ElementsAre("a.bin skipped", "b.md: 2", "c.md: 3"));
  EXPECT_THAT(UnpackZip(members, {}, {.members = 2}),
              ElementsAre("a.bin skipped", "b.md: 2", "error: it has more than 2 members"));
}

// In a zip archive what is not wanted stays packed; in a tar archive it must be unpacked too.
TEST(Archive, HasAMostOfBytes) {
  const std::string zeros(100'000, '\0');
  const ArchiveLimits limits = {.total_bytes = 150'000};
  const std::string error = "error: it unpacks to more than the limit of 150000 bytes";
  EXPECT_THAT(UnpackZip({{"a.bin", zeros}, {"b.bin", zeros}, {"c.md", "3"}}, {}, limits),
              ElementsAre("a.bin skipped", "b.bin skipped", "c.md: 3"));
  EXPECT_THAT(UnpackZip({{"a.md", zeros}, {"b.md", zeros}, {"c.md", "3"}}, {}, limits),
              ElementsAre(StartsWith("a.md: "), error));
  const std::string tar = WriteTar({{.name = "a.bin", .content = zeros},
                                    {.name = "b.bin", .content = zeros},
                                    {.name = "c.md", .content = "3"}},
                                   "zstd");
  EXPECT_THAT(Unpack(tar, ArchiveKind::kTar, {}, limits),
              ElementsAre("a.bin skipped", "b.bin skipped", error));
}

TEST(Archive, StopsAtABomb) {
  const std::string zeros(300'000, '\0');
  const std::string error =
      "error: it unpacks to more than 200 times its size, which looks like a bomb";
  const std::string bomb =
      WriteTar({{.name = "a.bin", .content = zeros}, {.name = "b.md", .content = "2"}}, "xz");
  EXPECT_LT(bomb.size() * 200, zeros.size());
  EXPECT_THAT(Unpack(bomb, ArchiveKind::kTar, {}, {.suspect_bytes = 200'000}),
              ElementsAre("a.bin skipped", error));
  // Small enough to do no harm.
  EXPECT_THAT(Unpack(bomb, ArchiveKind::kTar, {}, {.suspect_bytes = 400'000}),
              ElementsAre("a.bin skipped", "b.md: 2"));
  const std::string zip = WriteZip({{"a.md", zeros}});
  EXPECT_LT(zip.size() * 200, zeros.size());
  EXPECT_THAT(Unpack(zip, ArchiveKind::kZip, {}, {.suspect_bytes = 200'000}), ElementsAre(error));
}

TEST(Archive, StopsWhenItIsTold) {
  const std::string zip = WriteZip({{"a.md", "1"}, {"b.md", "2"}});
  int count = 0;
  const Result<void> result =
      UnpackArchive(zip, ArchiveKind::kZip, {}, {}, [&](const ArchiveMember&) {
        ++count;
        return false;
      });
  EXPECT_EQ(result.error().code(), StatusCode::kCancelled);
  EXPECT_EQ(count, 1);
}

const ArchiveMember kMembers[] = {{ArchiveMember::Fate::kRead, "a/b.md", "content"},
                                  {ArchiveMember::Fate::kRefused, "../\xFF", "why"},
                                  {ArchiveMember::Fate::kLeftOut, "c", ""}};

std::string Stream() {
  std::string bytes;
  for (const ArchiveMember& member : kMembers) bytes += MemberToBytes(member);
  return bytes;
}

TEST(MemberStream, TakesMembersInAnyPieces) {
  const std::string bytes = Stream();
  for (std::size_t piece = 1; piece <= bytes.size(); ++piece) {
    std::vector<ArchiveMember> members;
    const MemberSink sink = [&](ArchiveMember member) {
      members.push_back(std::move(member));
      return true;
    };
    const ArchiveLimits limits;
    MemberStream stream(limits, sink);
    for (std::size_t at = 0; at < bytes.size(); at += piece) {
      ASSERT_TRUE(stream.Take(std::string_view(bytes).substr(at, piece)));
    }
    EXPECT_TRUE(stream.Finish());
    ASSERT_EQ(members.size(), std::size(kMembers));
    for (std::size_t i = 0; i < members.size(); ++i) {
      EXPECT_EQ(members[i].fate, kMembers[i].fate);
      EXPECT_EQ(members[i].path, kMembers[i].path);
      EXPECT_EQ(members[i].content, kMembers[i].content);
    }
  }
}

Result<void> TakeAll(std::string_view bytes, const ArchiveLimits& limits) {
  const MemberSink sink = [](const ArchiveMember&) { return true; };
  MemberStream stream(limits, sink);
  TRY(stream.Take(bytes));
  return stream.Finish();
}

TEST(MemberStream, RefusesWhatIsNoMember) {
  const std::string bytes = Stream();
  EXPECT_TRUE(TakeAll(bytes, {.members = 3, .member_bytes = 7, .total_bytes = 10}));
  EXPECT_FALSE(TakeAll(bytes, {.members = 2}));
  EXPECT_FALSE(TakeAll(bytes, {.member_bytes = 6}));
  EXPECT_FALSE(TakeAll(bytes, {.total_bytes = 9}));
  EXPECT_FALSE(TakeAll(std::string_view(bytes).substr(0, bytes.size() - 1), {}));
  EXPECT_FALSE(TakeAll(std::string(8, '\xFF'), {}));
  for (const ArchiveMember& member : {ArchiveMember{ArchiveMember::Fate::kRead, "../a", ""},
                                      ArchiveMember{ArchiveMember::Fate::kLeftOut, "a//b", ""},
                                      ArchiveMember{ArchiveMember::Fate::kSkipped, "", ""}}) {
    EXPECT_FALSE(TakeAll(MemberToBytes(member), {})) << member.path;
  }
  std::string fateless = MemberToBytes({ArchiveMember::Fate::kLeftOut, "a", ""});
  EXPECT_TRUE(TakeAll(fateless, {}));
  ++fateless[8];  // behind the count of its bytes
  EXPECT_FALSE(TakeAll(fateless, {}));
}

}  // namespace
}  // namespace kinglet
