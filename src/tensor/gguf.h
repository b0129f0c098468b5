// SPDX-License-Identifier: Apache-2.0
// A GGUF file (versions 2 and 3, little-endian), mapped and checked whole before any byte of it is
// used. Format: the GGUF specification of the ggml project (docs/gguf.md).
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/file.h"
#include "base/status.h"
#include "tensor/dtype.h"

namespace kinglet {

// A tensor as a file holds it: a view into the mapping, which the GgufFile owns.
struct Tensor {
  std::string_view name;
  DType dtype = DType::kF32;
  // Innermost first, as in GGUF: shape[0] values are contiguous; a weight matrix (rows, columns)
  // has shape {columns, rows}. 1 to 4 dimensions, each at least 1; their product is below 2^63.
  std::vector<std::uint64_t> shape;
  // rows() * columns() / block_values * block_bytes bytes, aligned to the file's alignment.
  std::span<const std::byte> data;

  std::uint64_t columns() const { return shape[0]; }
  std::uint64_t rows() const;  // product of all dimensions but the first
};

// "2048 x 64", innermost first, as messages and `inspect` show a shape.
std::string ShapeText(std::span<const std::uint64_t> shape);

// The numbers of the specification (gguf_metadata_value_type).
enum class GgufType : std::uint32_t {
  kUint8 = 0,
  kInt8 = 1,
  kUint16 = 2,
  kInt16 = 3,
  kUint32 = 4,
  kInt32 = 5,
  kFloat32 = 6,
  kBool = 7,
  kString = 8,
  kArray = 9,
  kUint64 = 10,
  kInt64 = 11,
  kFloat64 = 12,
};

// A key's value: a view into the mapping. An array is copied out only when As asks for it.
class GgufValue {
 public:
  GgufValue(GgufType element, bool is_array, std::uint64_t count, std::span<const std::byte> bytes)
      : element_(element), is_array_(is_array), count_(count), bytes_(bytes) {}

  bool is_array() const { return is_array_; }
  GgufType element_type() const { return element_; }  // of each element, where it is an array
  std::uint64_t count() const { return count_; }      // elements; 1 where it is no array
  std::string TypeName() const;                       // "uint32", "string", "array of int32"

  // The value as T, or nothing where it is of another type. T is one of:
  //   bool, std::string_view,
  //   std::int64_t              from integers of any width (a uint64 beyond 2^63 - 1 is nothing)
  //   double                    from float32 and float64
  //   std::vector<T'> of std::int64_t, float, bool, std::string_view; std::vector<std::uint8_t>
  //                             takes arrays of uint8 and int8, byte for byte
  // Strings and views of them live as long as the GgufFile. They need not be UTF-8.
  template <typename T>
  std::optional<T> As() const;

 private:
  GgufType element_;
  bool is_array_;
  std::uint64_t count_;
  std::span<const std::byte> bytes_;  // the elements, without the array's own header
};

struct GgufKey {
  std::string_view name;  // not empty, UTF-8
  GgufValue value;
};

class GgufFile {
 public:
  // Opens path, and its siblings where it is the first part of a split file
  // (-00001-of-000NN.gguf; another part is refused with the name of the first). Errors begin with
  // the path; a broken file is kInvalidInput. A file that is cut short while it is mapped ends the
  // program with SIGBUS, as with any mapping.
  static Result<GgufFile> Open(const std::filesystem::path& path);
  // The same checks on bytes that the caller keeps alive, and at an address that is a multiple of
  // 16. A part of a split file is refused.
  static Result<GgufFile> Parse(std::span<const std::byte> bytes);

  // What another format holds, under GGUF's names, as if it had been a file of version 3. `owner`
  // keeps alive what the keys and tensors view.
  static Result<GgufFile> Of(std::vector<GgufKey> keys, std::vector<Tensor> tensors,
                             const std::filesystem::path& path, std::uint64_t file_bytes,
                             std::shared_ptr<const void> owner);

  std::uint32_t version() const { return version_; }
  std::uint64_t alignment() const { return alignment_; }
  std::uint64_t file_bytes() const { return file_bytes_; }  // of all parts
  std::size_t part_count() const { return part_count_; }
  // Where it was opened, and what was there: a file for each part. Both empty for Parse.
  const std::filesystem::path& path() const { return path_; }
  std::vector<FileIdentity> Identities() const;
  // `data`, of one of the tensors, is not needed soon: its pages leave this process' memory, and
  // come back from the file when they are read. Without effect for Parse.
  void GiveBack(std::span<const std::byte> data) const;
  // In the order of the file. Of a split file: the first part's keys, and all parts' tensors.
  std::span<const GgufKey> keys() const { return keys_; }
  std::span<const Tensor> tensors() const { return tensors_; }

  const GgufValue* Find(std::string_view key) const;
  const Tensor* FindTensor(std::string_view name) const;

  // The value of a key that must be there. The error names the key, the type expected and the type
  // found. T as for GgufValue::As.
  template <typename T>
  Result<T> Require(std::string_view key) const;
  // Nothing where the key is missing; an error where its type is another.
  template <typename T>
  Result<std::optional<T>> Optional(std::string_view key) const;
  // The fallback where the key is missing; an error where its type is another.
  template <typename T>
  Result<T> Get(std::string_view key, T fallback) const {
    return TRY(Optional<T>(key)).value_or(std::move(fallback));
  }

 private:
  GgufFile() = default;
  static Result<GgufFile> ReadPart(std::span<const std::byte> bytes);
  static Result<GgufFile> OpenPart(const std::filesystem::path& path);
  // number counts from 1, as in the names of the files.
  Result<void> AddPart(GgufFile part, std::int64_t number, std::int64_t count);
  Result<void> IndexParts(std::optional<std::int64_t> tensor_count);

  std::filesystem::path path_;
  std::vector<MappedFile> mappings_;
  std::shared_ptr<const void> owner_;  // of what another format holds
  std::uint32_t version_ = 0;
  std::uint64_t alignment_ = 0;
  std::uint64_t file_bytes_ = 0;
  std::size_t part_count_ = 1;
  std::vector<GgufKey> keys_;
  std::vector<Tensor> tensors_;
  // Indices of keys_ and tensors_, by name. Sorted rather than hashed: names are hostile.
  std::vector<std::uint32_t> keys_by_name_;
  std::vector<std::uint32_t> tensors_by_name_;
};

}  // namespace kinglet
