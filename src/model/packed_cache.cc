// SPDX-License-Identifier: Apache-2.0
// Find, or else lock, pack, sync, rename.
#include "model/packed_cache.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <mutex>
#include <optional>

#include <sys/file.h>

#include "base/checksum.h"
#include "base/digest.h"
#include "kernels/panels.h"

namespace kinglet {
namespace {

// All but the digests.
PackedHeader HeaderOf(const GgufFile& file, const PackedLayout& layout) {
  PackedHeader header;
  header.panels = kPanelLayout;
  std::error_code error;
  header.source_path = std::filesystem::absolute(file.path(), error).string();
  header.sources = file.Identities();
  header.data_bytes = layout.bytes;
  for (const PackedTensor& packed : layout.tensors) {
    header.tensors.push_back({.name = std::string(packed.tensor->name),
                              .dtype = static_cast<std::uint32_t>(packed.tensor->dtype),
                              .shape = packed.tensor->shape,
                              .offset = packed.offset,
                              .bytes = packed.bytes(),
                              .panel_bytes = packed.panel_bytes});
  }
  std::ranges::sort(header.tensors, {}, &PackedTensorRow::offset);
  return header;
}

// By what the file is, not by what it is called.
std::string NameOf(const PackedHeader& header) {
  std::string key = header.panels;
  for (const FileIdentity& source : header.sources) {
    key += fmt::format(" {} {} {} {}", source.device, source.inode, source.size_bytes,
                       source.modified_ns);
  }
  return Sha256::HexOf(key).substr(0, 32) + ".packed";
}

// Nothing where there is no such file, or one that was packed otherwise or is broken.
std::optional<PackedWeights> MapIfPacked(const std::filesystem::path& path,
                                         const PackedHeader& wanted, const PackedLayout& layout) {
  const Result<OpenedPackedFile> file = OpenPackedFile(path);
  if (!file || !file->header.SamePacking(wanted)) return std::nullopt;
  Result<MappedFile> mapping = MappedFile::Map(file->fd, path);
  if (!mapping) return std::nullopt;
  MarkUsed(file->fd);
  return PackedWeights::Mapped(layout, *std::move(mapping), file->data_offset);
}

// Opens the file to pack into and waits for whoever else packs the same. A writer that dies leaves
// the lock, and its file to the next.
Result<FileDescriptor> LockPackingFile(const std::filesystem::path& path) {
  while (true) {
    FileDescriptor fd(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
    if (!fd.is_open()) return ErrnoError(path, "create it");
    while (flock(fd.get(), LOCK_EX) != 0) {
      if (errno != EINTR) return ErrnoError(path, "lock it");
    }
    const FileIdentity locked = TRY(IdentityOf(fd, path));
    const Result<FileIdentity> named = IdentityOf(path);
    if (named && named->device == locked.device && named->inode == locked.inode) return fd;
    // It got its final name, or was removed, while this process waited.
  }
}

// Packs piece by piece into memory of a piece a thread, and writes each where it belongs.
class FilePacker {
 public:
  FilePacker(const GgufFile& file, const PackedLayout& layout, const FileDescriptor& fd,
             const std::filesystem::path& path)
      : file_(file), pieces_(PiecesOf(layout)), fd_(fd), path_(path) {}

  // Fills in the digests.
  Result<void> Run(std::uint64_t data_offset, ThreadPool& pool, PackedHeader& header) {
    std::size_t largest = 0;
    for (const PackedPiece& piece : pieces_) largest = std::max(largest, piece.bytes());
    const auto threads = static_cast<std::size_t>(pool.thread_count());
    const auto buffers = std::make_unique_for_overwrite<std::uint8_t[]>(threads * largest);
    header.digests.assign(pieces_.size(), 0);
    pool.ParallelFor(pieces_.size(), 1, [&](std::size_t begin, std::size_t, int thread) {
      if (failed()) return;
      const PackedPiece& piece = pieces_[begin];
      const std::span out(buffers.get() + static_cast<std::size_t>(thread) * largest,
                          piece.bytes());
      PackPiece(file_, piece, out.data());
      const auto bytes = std::as_bytes(out);
      header.digests[begin] = Xxh64(bytes);
      Note(Write(data_offset + piece.offset(), bytes));
    });
    return error_;
  }

 private:
  Result<void> Write(std::uint64_t offset, std::span<const std::byte> bytes) {
    TRY(WriteAt(fd_, offset, bytes, path_));
    // The disk begins now, not when all is packed: the sync at the end finds little left to do.
    sync_file_range(fd_.get(), static_cast<off_t>(offset), static_cast<off_t>(bytes.size()),
                    SYNC_FILE_RANGE_WRITE);
    return {};
  }
  bool failed() {
    const std::scoped_lock lock(mutex_);
    return !error_.has_value();
  }
  void Note(Result<void> result) {
    if (result) return;
    const std::scoped_lock lock(mutex_);
    error_ = std::move(result);
  }

  const GgufFile& file_;
  std::vector<PackedPiece> pieces_;
  const FileDescriptor& fd_;
  const std::filesystem::path& path_;
  std::mutex mutex_;
  Result<void> error_;  // the last one
};

// The digests have the same size whatever they are, so the header's size is known before.
std::uint64_t HeaderBytes(PackedHeader header) {
  header.digests.assign(header.pieces(), 0);
  return WritePackedHeader(header).size();
}

Result<void> WritePackedFile(const GgufFile& file, const PackedLayout& layout,
                             const FileDescriptor& fd, const std::filesystem::path& path,
                             PackedHeader header, ThreadPool& pool) {
  const std::uint64_t data_offset = PackedDataOffset(HeaderBytes(header));
  const auto total = static_cast<off_t>(data_offset + header.data_bytes);
  if (ftruncate(fd.get(), 0) != 0 || ftruncate(fd.get(), total) != 0) {
    return ErrnoError(path, "make room in it");
  }
  // Says at once that the disk is full. Not every file system knows it.
  if (fallocate(fd.get(), 0, 0, total) != 0 && errno != EOPNOTSUPP && errno != ENOSYS) {
    return ErrnoError(path, "make room in it");
  }
  FilePacker packer(file, layout, fd, path);
  TRY(packer.Run(data_offset, pool, header));
  const std::string bytes = WritePackedHeader(header);
  TRY(WriteAt(fd, 0, std::as_bytes(std::span(bytes)), path));
  if (fsync(fd.get()) != 0) return ErrnoError(path, "write it");
  return {};
}

Result<PackedWeights> MapOrPack(const GgufFile& file, const PackedLayout& layout,
                                const PackedCacheOptions& cache, ThreadPool& pool) {
  const PackedHeader header = HeaderOf(file, layout);
  const std::filesystem::path path = cache.folder / NameOf(header);
  if (auto weights = MapIfPacked(path, header, layout)) return *std::move(weights);

  std::error_code error;
  std::filesystem::create_directories(cache.folder, error);
  if (error) {
    return Error(StatusCode::kFailed, "{}: cannot create it: {}", cache.folder.string(),
                 error.message());
  }
  const std::filesystem::path packing = path.string() + std::string(kPackingSuffix);
  const FileDescriptor fd = TRY(LockPackingFile(packing));
  const auto pack = [&]() -> Result<PackedWeights> {
    // Another process may have packed it while this one waited.
    if (auto weights = MapIfPacked(path, header, layout)) {
      unlink(packing.c_str());
      return *std::move(weights);
    }
    TRY(MakeRoomInPackedCache(cache, header.data_bytes));
    TRY(WritePackedFile(file, layout, fd, packing, header, pool));
    if (rename(packing.c_str(), path.c_str()) != 0) return ErrnoError(path, "replace it");
    RemoveSupersededPackings(cache.folder, header);
    MappedFile mapping = TRY(MappedFile::Map(fd, path));
    return PackedWeights::Mapped(layout, std::move(mapping), PackedDataOffset(HeaderBytes(header)));
  };
  Result<PackedWeights> weights = pack();
  if (!weights) unlink(packing.c_str());
  return weights;
}

}  // namespace

Result<LoadedWeights> LoadPackedWeights(const GgufFile& file, PackedLayout layout,
                                        const PackedCacheOptions& cache, ThreadPool& pool) {
  LoadedWeights loaded;
  const bool cached = !cache.folder.empty() && cache.max_bytes > 0 && !file.path().empty() &&
                      layout.bytes >= cache.min_file_bytes;
  if (cached) {
    Result<PackedWeights> weights = MapOrPack(file, layout, cache, pool);
    if (weights) {
      loaded.weights = *std::move(weights);
      return loaded;
    }
    loaded.warning =
        fmt::format("weights are packed in memory, at every start: {}", weights.error().message());
  }
  loaded.weights = TRY(PackedWeights::InMemory(file, std::move(layout), pool));
  return loaded;
}

}  // namespace kinglet
