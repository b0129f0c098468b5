// SPDX-License-Identifier: Apache-2.0
// The cache of packed weights: whatever happens to its files, a load gives the bytes that packing
// gives.
#include "model/packed_cache.h"

#include <fcntl.h>

#include <chrono>
#include <cstring>
#include <fstream>
#include <thread>

#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "tensor/gguf_writer_for_test.h"

namespace kinglet {
namespace {

namespace fs = std::filesystem;

// A matrix, a mixture of three experts of which no panel is full, and a vector, with bytes that
// `seed` decides.
std::string FileBytes(unsigned seed) {
  GgufForTest file;
  file.Text("general.architecture", "test");
  file.F32("a.weight", {64, 48}).F32("b.weight", {32, 21, 3}).F32("c.weight", {64});
  for (char& byte : file.data) byte = static_cast<char>((seed = seed * 1664525 + 1013904223) >> 24);
  return file.Bytes();
}

class PackedCacheTest : public testing::Test {
 protected:
  PackedCacheTest() : folder_(testing::TempDir() + "kinglet_packed_cache_test") {
    fs::remove_all(folder_);
    fs::create_directories(folder_);
    cache_.folder = folder_ / "cache";
    cache_.min_file_bytes = 0;
    Write(model_, FileBytes(1));
  }
  ~PackedCacheTest() override { fs::remove_all(folder_); }

  static void Write(const fs::path& path, std::string_view bytes) {
    std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
  }

  static PackedLayout PlanOf(const GgufFile& file) {
    return PlanPacking(std::vector{file.FindTensor("a.weight"), file.FindTensor("b.weight")});
  }
  static std::string BytesOf(const GgufFile& file, const PackedWeights& weights) {
    std::string bytes;
    for (const char* name : {"a.weight", "b.weight"}) {
      const PackedTensor* packed = weights.Find(*file.FindTensor(name));
      bytes.append(reinterpret_cast<const char*>(weights.data(*packed)), packed->bytes());
    }
    return bytes;
  }

  struct Load {
    bool right = false;  // the bytes are those of packing in memory
    std::string warning;
  };
  Load LoadFrom(const fs::path& path) const {
    ThreadPool pool(2);
    const GgufFile file = GgufFile::Open(path).value();
    const auto wanted = PackedWeights::InMemory(file, PlanOf(file), pool).value();
    const auto loaded = LoadPackedWeights(file, PlanOf(file), cache_, pool).value();
    return {BytesOf(file, loaded.weights) == BytesOf(file, wanted), loaded.warning};
  }
  void ExpectQuietAndRight(const fs::path& path) const {
    const Load load = LoadFrom(path);
    EXPECT_TRUE(load.right);
    EXPECT_EQ(load.warning, "");
  }

  std::vector<fs::path> Files() const {
    std::vector<fs::path> files;
    for (const auto& entry : fs::directory_iterator(cache_.folder)) files.push_back(entry.path());
    return files;
  }
  // The only file of the cache.
  fs::path File() const {
    const std::vector<fs::path> files = Files();
    EXPECT_EQ(files.size(), 1U);
    return files.empty() ? fs::path() : files.front();
  }
  static std::string Read(const fs::path& path) { return ReadFile(path, 1 << 24).value(); }
  // The files of the cache were used an hour ago: the system's clock of files may stand still
  // from one load to the next.
  void LetAnHourPass() const {
    for (const fs::path& file : Files()) {
      fs::last_write_time(file, fs::last_write_time(file) - std::chrono::hours(1));
    }
  }
  // Tells a file that was packed anew from the one before.
  static std::uint64_t InodeOf(const fs::path& path) { return IdentityOf(path).value().inode; }

  fs::path folder_;
  fs::path model_ = folder_ / "m.gguf";
  PackedCacheOptions cache_;
};

TEST_F(PackedCacheTest, PacksOnceThenMaps) {
  ExpectQuietAndRight(model_);
  const fs::path file = File();
  const std::uint64_t inode = InodeOf(file);
  ASSERT_TRUE(VerifyPackedFile(file)) << VerifyPackedFile(file).error().message();
  ExpectQuietAndRight(model_);
  EXPECT_EQ(InodeOf(File()), inode);
  const auto entries = ListPackedCache(cache_.folder);
  ASSERT_EQ(entries.size(), 1U);
  EXPECT_EQ(entries[0].header.value().source_path, model_.string());
  EXPECT_FALSE(entries[0].stale());
}

TEST_F(PackedCacheTest, PacksAnewWhatIsBroken) {
  ExpectQuietAndRight(model_);
  const fs::path file = File();
  const std::string sound = Read(file);
  const std::size_t header_bytes =
      PackedHeaderBytes(std::as_bytes(std::span(sound)).first(kPackedPrefixBytes)).value();
  std::vector<std::string> broken = {"",
                                     "foreign",
                                     std::string(1 << 20, 'x'),
                                     sound + "more",
                                     sound.substr(0, sound.size() - 1),
                                     sound.substr(0, header_bytes),
                                     sound.substr(0, 20)};
  for (std::size_t at = 0; at < header_bytes; at += 13) {
    broken.push_back(sound);
    broken.back()[at] ^= 0x10;
  }
  for (const std::string& bytes : broken) {
    Write(file, bytes);
    ExpectQuietAndRight(model_);
    EXPECT_EQ(Read(File()), sound);
  }
}

TEST_F(PackedCacheTest, PacksAnewWhatIsPackedOtherwise) {
  ExpectQuietAndRight(model_);
  const fs::path file = File();
  const std::string sound = Read(file);
  const auto write_with = [&](auto&& change) {
    PackedHeader header = OpenPackedFile(file).value().header;
    change(header);
    std::string bytes = WritePackedHeader(header);
    std::string other = sound;
    other.replace(0, bytes.size(), bytes);
    Write(file, other);
    ASSERT_TRUE(OpenPackedFile(file)) << OpenPackedFile(file).error().message();
    ExpectQuietAndRight(model_);
    EXPECT_EQ(Read(File()), sound);
  };
  write_with([](PackedHeader& h) { h.panels = "rows16-0"; });
  write_with([](PackedHeader& h) { h.sources[0].inode += 1; });
  write_with([](PackedHeader& h) { h.sources[0].modified_ns += 1; });
  write_with([](PackedHeader& h) { h.tensors[0].name = "d.weight"; });
  write_with([](PackedHeader& h) { h.tensors[0].dtype = 1; });
  write_with([](PackedHeader& h) { std::swap(h.tensors[0].shape[0], h.tensors[0].shape[1]); });
  write_with([](PackedHeader& h) { h.tensors[0].bytes -= h.tensors[0].panel_bytes; });
}

TEST_F(PackedCacheTest, VerifyNamesTheTensorThatADiskHasSpoilt) {
  ExpectQuietAndRight(model_);
  const fs::path file = File();
  std::string bytes = Read(file);
  bytes.back() ^= 1;  // b.weight comes last
  Write(file, bytes);
  const auto verified = VerifyPackedFile(file);
  ASSERT_FALSE(verified);
  EXPECT_NE(verified.error().message().find("b.weight"), std::string::npos);
  EXPECT_EQ(verified.error().code(), StatusCode::kInvalidInput);
}

TEST_F(PackedCacheTest, AModelReplacedUnderItsNameIsPackedAnew) {
  ExpectQuietAndRight(model_);
  const fs::path old = File();
  Write(folder_ / "new.gguf", FileBytes(2));
  fs::rename(folder_ / "new.gguf", model_);
  ExpectQuietAndRight(model_);
  EXPECT_NE(File(), old);  // and the old packing is gone

  // Written in place: the same inode and size, another time.
  const fs::file_time_type before = fs::last_write_time(model_);
  Write(model_, FileBytes(3));
  fs::last_write_time(model_, before + std::chrono::hours(1));
  ExpectQuietAndRight(model_);
  EXPECT_EQ(Files().size(), 1U);
}

TEST_F(PackedCacheTest, AModelThatMovesKeepsItsPacking) {
  ExpectQuietAndRight(model_);
  const std::uint64_t inode = InodeOf(File());
  fs::rename(model_, folder_ / "moved.gguf");
  ExpectQuietAndRight(folder_ / "moved.gguf");
  EXPECT_EQ(InodeOf(File()), inode);
  EXPECT_TRUE(ListPackedCache(cache_.folder).at(0).stale());
}

TEST_F(PackedCacheTest, WithoutAFolderToWriteToWeightsArePackedInMemory) {
  Write(folder_ / "file", "");
  cache_.folder = folder_ / "file" / "cache";
  const Load load = LoadFrom(model_);
  EXPECT_TRUE(load.right);
  EXPECT_NE(load.warning.find("packed in memory"), std::string::npos) << load.warning;
  EXPECT_NE(load.warning.find(cache_.folder.string()), std::string::npos) << load.warning;
}

TEST_F(PackedCacheTest, SmallWeightsNeedNoFile) {
  cache_.min_file_bytes = 1 << 20;
  ExpectQuietAndRight(model_);
  EXPECT_FALSE(fs::exists(cache_.folder));
}

TEST_F(PackedCacheTest, ALimitTooSmallMeansMemory) {
  cache_.max_bytes = 1000;
  const Load load = LoadFrom(model_);
  EXPECT_TRUE(load.right);
  EXPECT_NE(load.warning.find("the limit of the cache is 1000"), std::string::npos) << load.warning;
  EXPECT_TRUE(Files().empty());
  cache_.max_bytes = 0;  // as asked for: no warning
  ExpectQuietAndRight(model_);
}

TEST(PackedCacheRoom, LeavesAFifthOfTheDiskToOthers) {
  EXPECT_EQ(PackedCacheRoom(50, 20, 200), 50U);
  EXPECT_EQ(PackedCacheRoom(50, 46, 4), 40U);  // a disk that the cache has filled: it shrinks
  EXPECT_EQ(PackedCacheRoom(50, 0, 10), 8U);
  EXPECT_EQ(PackedCacheRoom(50, 0, 0), 0U);
}

TEST_F(PackedCacheTest, EvictsWhatWasUsedLeastLately) {
  const fs::path second = folder_ / "second.gguf";
  const fs::path third = folder_ / "third.gguf";
  Write(second, FileBytes(2));
  Write(third, FileBytes(3));
  ExpectQuietAndRight(model_);
  cache_.max_bytes = 2 * fs::file_size(File()) + 1000;
  LetAnHourPass();
  ExpectQuietAndRight(second);
  LetAnHourPass();
  ExpectQuietAndRight(model_);  // used again: second is the older one
  LetAnHourPass();
  ExpectQuietAndRight(third);
  std::vector<std::string> models;
  for (const PackedCacheEntry& entry : ListPackedCache(cache_.folder)) {
    models.push_back(entry.header.value().source_path);
  }
  EXPECT_EQ(models, (std::vector{third.string(), model_.string()}));
}

TEST_F(PackedCacheTest, WhatADeadProcessLeftIsTakenOverOrRemoved) {
  ExpectQuietAndRight(model_);
  const fs::path file = File();
  const std::string sound = Read(file);
  fs::remove(file);
  Write(file.string() + std::string(kPackingSuffix), std::string(1 << 20, 'x'));
  Write(cache_.folder / ("other.packed" + std::string(kPackingSuffix)), "half");
  ExpectQuietAndRight(model_);
  EXPECT_EQ(Read(File()), sound);
}

TEST_F(PackedCacheTest, ClearLeavesAFileThatIsBeingPacked) {
  ExpectQuietAndRight(model_);
  const fs::path packing = cache_.folder / ("other.packed" + std::string(kPackingSuffix));
  Write(packing, "half");
  const FileDescriptor writer(open(packing.c_str(), O_RDWR | O_CLOEXEC));
  ASSERT_EQ(flock(writer.get(), LOCK_EX | LOCK_NB), 0);
  EXPECT_GT(ClearPackedCache(cache_.folder).value(), 0U);
  EXPECT_EQ(File(), packing);
}

TEST_F(PackedCacheTest, ManyAtOncePackOnce) {
  std::vector<std::thread> threads;
  std::vector<Load> loads(6);
  for (Load& load : loads) threads.emplace_back([&] { load = LoadFrom(model_); });
  for (std::thread& thread : threads) thread.join();
  for (const Load& load : loads) {
    EXPECT_TRUE(load.right);
    EXPECT_EQ(load.warning, "");
  }
  EXPECT_TRUE(VerifyPackedFile(File()));
}

}  // namespace
}  // namespace kinglet
