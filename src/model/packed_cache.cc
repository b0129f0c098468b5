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
                              .dtype = static_cast<std::uint32_t>(packed.dtype),
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

// The system keeps a file in memory in pages as large as what was written at once, up to this,
// where it lay aligned. With large ones a core reads a half more a second (12 against 18 GB/s on a
// virtual machine of Granite Rapids with ext4 on Linux 6.18): fewer of them fall to a miss of the
// tables.
constexpr std::uint64_t kHugePage = std::uint64_t{2} << 20;

// Packs a window of the file in memory, all threads together, then writes its whole huge pages; the
// rest goes on into the next window.
class FilePacker {
 public:
  FilePacker(const GgufFile& file, const PackedLayout& layout, std::uint64_t data_offset,
             const FileDescriptor& fd, const std::filesystem::path& path)
      : file_(file),
        pieces_(PiecesOf(layout)),
        data_offset_(data_offset),
        end_(data_offset + layout.bytes),
        fd_(fd),
        path_(path) {
    std::size_t largest = 0;
    for (const PackedPiece& piece : pieces_) largest = std::max(largest, piece.bytes());
    capacity_ = kHugePage + data_offset + std::max(largest, kWindowBytes);
    window_ = std::make_unique<std::uint8_t[]>(capacity_);
  }

  // Fills in the digests.
  Result<void> Run(ThreadPool& pool, PackedHeader& header) {
    header.digests.assign(pieces_.size(), 0);
    for (std::size_t first = 0; first < pieces_.size();) {
      std::size_t last = first;
      while (last < pieces_.size() && EndOf(pieces_[last]) - begin_ <= capacity_) ++last;
      pool.ParallelFor(last - first, 1, [&](std::size_t index, std::size_t, int) {
        const PackedPiece& piece = pieces_[first + index];
        std::uint8_t* const out = &window_[data_offset_ + piece.offset() - begin_];
        PackPiece(file_, piece, out);
        header.digests[first + index] = Xxh64(std::as_bytes(std::span(out, piece.bytes())));
      });
      const std::uint64_t packed = EndOf(pieces_[last - 1]);
      TRY(WriteTo(last == pieces_.size() ? end_ : packed / kHugePage * kHugePage, packed, pool));
      first = last;
    }
    return {};
  }

 private:
  static constexpr std::size_t kWindowBytes = std::size_t{64} << 20;

  std::uint64_t EndOf(const PackedPiece& piece) const {
    return data_offset_ + piece.offset() + piece.bytes();
  }

  // Writes the window up to `end`; what is packed beyond moves to its front.
  Result<void> WriteTo(std::uint64_t end, std::uint64_t packed, ThreadPool& pool) {
    std::mutex mutex;
    Result<void> result;  // of the last write that failed
    const std::uint64_t size = end - begin_;
    pool.ParallelFor(size, kHugePage, [&](std::size_t from, std::size_t to, int) {
      const auto bytes = std::as_bytes(std::span(&window_[from], to - from));
      if (Result<void> written = Write(begin_ + from, bytes); !written) {
        const std::scoped_lock lock(mutex);
        result = std::move(written);
      }
    });
    TRY(std::move(result));
    const std::uint64_t rest = packed > end ? packed - end : 0;
    std::copy_n(&window_[size], rest, window_.get());
    std::fill_n(&window_[rest], capacity_ - rest, 0);
    begin_ = end;
    return {};
  }

  Result<void> Write(std::uint64_t offset, std::span<const std::byte> bytes) {
    TRY(WriteAt(fd_, offset, bytes, path_));
    // The disk begins now, not when all is packed: the sync at the end finds little left to do.
    sync_file_range(fd_.get(), static_cast<off_t>(offset), static_cast<off_t>(bytes.size()),
                    SYNC_FILE_RANGE_WRITE);
    return {};
  }

  const GgufFile& file_;
  std::vector<PackedPiece> pieces_;
  std::uint64_t data_offset_;
  std::uint64_t end_;  // of the file
  const FileDescriptor& fd_;
  const std::filesystem::path& path_;
  std::uint64_t begin_ = 0;  // the window's, in the file: a multiple of kHugePage
  std::size_t capacity_ = 0;
  std::unique_ptr<std::uint8_t[]> window_;
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
  FilePacker packer(file, layout, data_offset, fd, path);
  TRY(packer.Run(pool, header));
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
