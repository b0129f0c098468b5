// SPDX-License-Identifier: Apache-2.0
// One walk from the magic to the last tensor. Nothing read is trusted: each length and count is
// compared with the bytes that are left before it is used.
#include "tensor/gguf_reader.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <numeric>
#include <utility>

#include "base/display.h"

namespace kinglet {
namespace {

static_assert(std::endian::native == std::endian::little, "GGUF is read in place");

constexpr std::string_view kMagic = "GGUF";
constexpr std::uint64_t kDefaultAlignment = 32;
// A key: length, at least one byte of name, value type, value. A tensor: length, one byte of name,
// dimension count, one dimension, type, offset.
constexpr std::uint64_t kMinKeyBytes = 8 + 1 + 4 + 1;
constexpr std::uint64_t kMinTensorBytes = 8 + 1 + 4 + 8 + 4 + 8;

// A place in the file that only moves forward.
class Cursor {
 public:
  explicit Cursor(std::span<const std::byte> bytes) : bytes_(bytes) {}

  std::uint64_t at() const { return at_; }
  std::uint64_t left() const { return bytes_.size() - at_; }

  Result<std::span<const std::byte>> Take(std::uint64_t size_bytes, std::string_view what) {
    if (size_bytes > left()) {
      return Error(StatusCode::kInvalidInput,
                   "the file ends at byte {}, within {} ({} bytes from byte {}): cut short or "
                   "damaged",
                   bytes_.size(), what, size_bytes, at_);
    }
    const auto taken = bytes_.subspan(at_, size_bytes);
    at_ += size_bytes;
    return taken;
  }

  template <typename T>
  Result<T> Number(std::string_view what) {
    T value;
    std::memcpy(&value, TRY(Take(sizeof value, what)).data(), sizeof value);
    return value;
  }

  Result<std::span<const std::byte>> String(std::string_view what, std::uint64_t max_bytes) {
    const std::uint64_t begin = at_;
    const auto size_bytes = TRY(Number<std::uint64_t>(what));
    if (size_bytes > max_bytes) {
      return Error(StatusCode::kInvalidInput,
                   "{} is {} bytes long, more than the limit of {} "
                   "(byte {})",
                   what, size_bytes, max_bytes, begin);
    }
    return Take(size_bytes, what);
  }

 private:
  std::span<const std::byte> bytes_;
  std::uint64_t at_ = 0;
};

std::string_view AsText(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// The version, once the bytes are known to be a GGUF file that this reader reads.
Result<std::uint32_t> ReadVersion(Cursor& cursor, std::span<const std::byte> bytes) {
  if (bytes.empty()) return Error(StatusCode::kInvalidInput, "the file is empty");
  const auto magic = AsText(bytes.first(std::min(bytes.size(), kMagic.size())));
  if (magic != kMagic) {
    return Error(StatusCode::kInvalidInput, "not a GGUF file: it begins with {}, not \"GGUF\"",
                 Quoted(magic));
  }
  TRY(cursor.Take(kMagic.size(), "the magic"));
  const auto version = TRY(cursor.Number<std::uint32_t>("the version"));
  if (version == 2 || version == 3) return version;
  if (const std::uint32_t swapped = __builtin_bswap32(version); swapped >= 1 && swapped <= 3) {
    return Error(StatusCode::kInvalidInput,
                 "GGUF version {} in big-endian byte order; only little-endian files are read",
                 swapped);
  }
  return Error(StatusCode::kInvalidInput, "GGUF version {}; versions 2 and 3 are read", version);
}

Result<std::uint64_t> ReadCount(Cursor& cursor, std::string_view what, std::uint64_t limit,
                                std::uint64_t min_bytes_each) {
  const std::uint64_t begin = cursor.at();
  const auto count = TRY(cursor.Number<std::uint64_t>(fmt::format("the {} count", what)));
  if (count > cursor.left() / min_bytes_each) {
    return Error(
        StatusCode::kInvalidInput,
        "the file claims {} {}s, but its {} bytes hold {} at most (byte {}): cut short or damaged",
        count, what, cursor.at() + cursor.left(), cursor.left() / min_bytes_each, begin);
  }
  if (count > limit) {
    return Error(StatusCode::kInvalidInput, "the file has {} {}s, more than the limit of {}", count,
                 what, limit);
  }
  return count;
}

Result<GgufType> ReadType(Cursor& cursor, std::string_view what) {
  const std::uint64_t begin = cursor.at();
  const auto number = TRY(cursor.Number<std::uint32_t>(what));
  if (number > static_cast<std::uint32_t>(GgufType::kFloat64)) {
    return Error(StatusCode::kInvalidInput, "{} {} does not exist (byte {})", what, number, begin);
  }
  return GgufType{number};
}

// All elements of a value, whose count is already known to fit.
Result<std::span<const std::byte>> ReadElements(Cursor& cursor, GgufType type, std::uint64_t count,
                                                std::span<const std::byte> rest) {
  const std::uint64_t begin = cursor.at();
  if (type == GgufType::kString) {
    for (std::uint64_t i = 0; i < count; ++i) {
      if (const auto text = cursor.String("a string", kMaxGgufStringBytes); !text) {
        return std::unexpected(text.error().WithContext(fmt::format("element {}", i)));
      }
    }
    return rest.first(cursor.at() - begin);
  }
  const auto bytes = TRY(cursor.Take(count * GgufTypeBytes(type), "the value"));
  if (type == GgufType::kBool) {
    const auto bad = std::ranges::find_if(bytes, [](std::byte b) { return b > std::byte{1}; });
    if (bad != bytes.end()) {
      return Error(StatusCode::kInvalidInput, "a bool is {}, neither 0 nor 1 (byte {})",
                   static_cast<int>(*bad), begin + static_cast<std::uint64_t>(bad - bytes.begin()));
    }
  }
  return bytes;
}

Result<GgufValue> ReadValue(Cursor& cursor, std::span<const std::byte> file) {
  const auto type = TRY(ReadType(cursor, "value type"));
  if (type == GgufType::kString) {
    const auto text = TRY(cursor.String("the string", kMaxGgufStringBytes));
    return GgufValue(type, false, 1, text);
  }
  if (type != GgufType::kArray) {
    const auto bytes = TRY(ReadElements(cursor, type, 1, file.subspan(cursor.at())));
    return GgufValue(type, false, 1, bytes);
  }
  const std::uint64_t begin = cursor.at();
  const auto element = TRY(ReadType(cursor, "array element type"));
  if (element == GgufType::kArray) {
    return Error(StatusCode::kInvalidInput, "an array of arrays is not supported (byte {})", begin);
  }
  const auto count = TRY(cursor.Number<std::uint64_t>("the array's length"));
  if (count > cursor.left() / GgufTypeBytes(element)) {
    return Error(StatusCode::kInvalidInput,
                 "an array claims {} elements, but the {} bytes left in the file hold {} at most "
                 "(byte {}): cut short or damaged",
                 count, cursor.left(), cursor.left() / GgufTypeBytes(element), begin);
  }
  if (count > kMaxGgufArrayElements) {
    return Error(StatusCode::kInvalidInput,
                 "an array has {} elements, more than the limit of {} (byte {})", count,
                 kMaxGgufArrayElements, begin);
  }
  const auto bytes = TRY(ReadElements(cursor, element, count, file.subspan(cursor.at())));
  return GgufValue(element, true, count, bytes);
}

// A key's or a tensor's name.
Result<std::string_view> ReadName(Cursor& cursor, std::uint64_t max_bytes) {
  const std::uint64_t begin = cursor.at();
  const std::string_view name = AsText(TRY(cursor.String("the name", max_bytes)));
  if (name.empty()) {
    return Error(StatusCode::kInvalidInput, "the name is empty (byte {})", begin);
  }
  if (!IsUtf8(name)) {
    return Error(StatusCode::kInvalidInput, "the name {} is not UTF-8 (byte {})", Quoted(name),
                 begin);
  }
  return name;
}

Result<std::vector<GgufKey>> ReadKeys(Cursor& cursor, std::uint64_t count,
                                      std::span<const std::byte> file) {
  std::vector<GgufKey> keys;
  keys.reserve(count);
  for (std::uint64_t i = 0; i < count; ++i) {
    const auto name = ReadName(cursor, kMaxGgufKeyBytes);
    if (!name) {
      return std::unexpected(name.error().WithContext(fmt::format("key {} of {}", i + 1, count)));
    }
    auto value = ReadValue(cursor, file);
    if (!value) {
      return std::unexpected(value.error().WithContext(fmt::format("key {}", Quoted(*name))));
    }
    keys.push_back({*name, *value});
    if (cursor.at() > kMaxGgufHeaderBytes) {
      return Error(StatusCode::kInvalidInput, "key {}: the header is over {} bytes long",
                   Quoted(*name), kMaxGgufHeaderBytes);
    }
  }
  return keys;
}

Result<std::uint64_t> FindAlignment(std::span<const GgufKey> keys,
                                    std::span<const std::uint32_t> by_name) {
  const GgufKey* key = FindKey(keys, by_name, "general.alignment");
  if (key == nullptr) return kDefaultAlignment;
  const std::optional<std::int64_t> value = key->value.As<std::int64_t>();
  if (!value) {
    return Error(StatusCode::kInvalidInput, "key \"general.alignment\" is {}, not an integer",
                 key->value.TypeName());
  }
  const auto alignment = static_cast<std::uint64_t>(*value);
  if (*value < 8 || alignment > kMaxGgufAlignment || !std::has_single_bit(alignment)) {
    return Error(StatusCode::kInvalidInput,
                 "key \"general.alignment\" is {}, not a power of two from 8 to {}", *value,
                 kMaxGgufAlignment);
  }
  return alignment;
}

// A tensor as the header describes it, not yet placed.
struct TensorInfo {
  Tensor tensor;
  std::uint64_t size_bytes = 0;
  std::uint64_t offset = 0;  // from the start of the data
};

// dtype and shape against each other. Returns the bytes of the data.
Result<std::uint64_t> DataBytes(const DTypeInfo& info, std::span<const std::uint64_t> shape) {
  std::uint64_t values = 1;
  for (const std::uint64_t size : shape) {
    if (size == 0) {
      return Error(StatusCode::kInvalidInput, "the shape {} has a dimension of 0",
                   ShapeText(shape));
    }
    if (__builtin_mul_overflow(values, size, &values) || values >> 63 != 0) {
      return Error(StatusCode::kInvalidInput, "the shape {} holds 2^63 values or more",
                   ShapeText(shape));
    }
  }
  if (shape[0] % info.block_values != 0) {
    return Error(StatusCode::kInvalidInput,
                 "rows of {} values are no whole number of {} blocks of {}", shape[0], info.name,
                 info.block_values);
  }
  std::uint64_t bytes = 0;
  if (__builtin_mul_overflow(values / info.block_values, info.block_bytes, &bytes)) {
    return Error(StatusCode::kInvalidInput, "the shape {} takes 2^64 bytes or more",
                 ShapeText(shape));
  }
  return bytes;
}

// What follows a tensor's name.
Result<TensorInfo> ReadTensorInfo(Cursor& cursor) {
  const std::uint64_t begin = cursor.at();
  const auto dimensions = TRY(cursor.Number<std::uint32_t>("the dimension count"));
  if (dimensions < 1 || dimensions > kMaxGgufDimensions) {
    return Error(StatusCode::kInvalidInput, "{} dimensions; 1 to {} are possible (byte {})",
                 dimensions, kMaxGgufDimensions, begin);
  }
  TensorInfo info;
  for (std::uint32_t i = 0; i < dimensions; ++i) {
    info.tensor.shape.push_back(TRY(cursor.Number<std::uint64_t>("the shape")));
  }
  const std::uint64_t type_begin = cursor.at();
  const auto number = TRY(cursor.Number<std::uint32_t>("the type"));
  const DTypeInfo* dtype = FindDType(number);
  if (dtype == nullptr) {
    if (const std::string_view removed = RemovedDTypeName(number); !removed.empty()) {
      return Error(StatusCode::kInvalidInput,
                   "type {} ({}) was removed from GGUF; the model must be converted anew (byte {})",
                   number, removed, type_begin);
    }
    return Error(StatusCode::kInvalidInput, "type {} is unknown (byte {})", number, type_begin);
  }
  info.tensor.dtype = dtype->dtype;
  info.size_bytes = TRY(DataBytes(*dtype, info.tensor.shape));
  info.offset = TRY(cursor.Number<std::uint64_t>("the offset"));
  return info;
}

Result<std::vector<TensorInfo>> ReadTensorInfos(Cursor& cursor, std::uint64_t count) {
  std::vector<TensorInfo> infos;
  infos.reserve(count);
  for (std::uint64_t i = 0; i < count; ++i) {
    const auto name = ReadName(cursor, kMaxGgufTensorNameBytes);
    if (!name) {
      return std::unexpected(
          name.error().WithContext(fmt::format("tensor {} of {}", i + 1, count)));
    }
    auto info = ReadTensorInfo(cursor);
    if (!info) {
      return std::unexpected(info.error().WithContext(fmt::format("tensor {}", Quoted(*name))));
    }
    info->tensor.name = *name;
    infos.push_back(*std::move(info));
  }
  return infos;
}

Result<void> CheckOverlaps(std::span<const TensorInfo> infos) {
  std::vector<const TensorInfo*> by_offset;
  by_offset.reserve(infos.size());
  for (const TensorInfo& info : infos) by_offset.push_back(&info);
  // At the same offset in the order of the file, which is that of the addresses.
  std::ranges::sort(by_offset, {},
                    [](const TensorInfo* info) { return std::pair(info->offset, info); });
  for (std::size_t i = 1; i < by_offset.size(); ++i) {
    const TensorInfo& before = *by_offset[i - 1];
    const TensorInfo& after = *by_offset[i];
    if (after.offset - before.offset < before.size_bytes) {
      return Error(StatusCode::kInvalidInput, "tensors {} and {} overlap at offset {} of the data",
                   Quoted(before.tensor.name), Quoted(after.tensor.name), after.offset);
    }
  }
  return {};
}

// Gives each tensor its data. data_begin may lie past the end where there are no tensors.
Result<std::vector<Tensor>> PlaceTensors(std::vector<TensorInfo> infos, std::uint64_t data_begin,
                                         std::uint64_t alignment, std::span<const std::byte> file) {
  const std::uint64_t data_bytes = file.size() < data_begin ? 0 : file.size() - data_begin;
  for (TensorInfo& info : infos) {
    if (info.offset % alignment != 0) {
      return Error(StatusCode::kInvalidInput, "tensor {}: its offset {} is no multiple of {}",
                   Quoted(info.tensor.name), info.offset, alignment);
    }
    if (info.offset > data_bytes) {
      return Error(StatusCode::kInvalidInput,
                   "tensor {}: its offset {} is past the end of the {} bytes of data",
                   Quoted(info.tensor.name), info.offset, data_bytes);
    }
    if (info.size_bytes > data_bytes - info.offset) {
      return Error(StatusCode::kInvalidInput,
                   "tensor {}: its {} bytes begin at byte {}, but the file ends at byte {}: cut "
                   "short or damaged",
                   Quoted(info.tensor.name), info.size_bytes, data_begin + info.offset,
                   file.size());
    }
    info.tensor.data = file.subspan(data_begin + info.offset, info.size_bytes);
  }
  TRY(CheckOverlaps(infos));
  std::vector<Tensor> tensors;
  tensors.reserve(infos.size());
  for (TensorInfo& info : infos) tensors.push_back(std::move(info.tensor));
  return tensors;
}

template <typename Named>
Result<std::vector<std::uint32_t>> IndexByName(std::span<const Named> named,
                                               std::string_view what) {
  std::vector<std::uint32_t> by_name(named.size());
  std::iota(by_name.begin(), by_name.end(), 0U);
  const auto name = [&](std::uint32_t i) { return named[i].name; };
  std::ranges::sort(by_name, {}, name);
  const auto same = std::ranges::adjacent_find(by_name, {}, name);
  if (same != by_name.end()) {
    return Error(StatusCode::kInvalidInput, "two {}s are named {}", what, Quoted(name(*same)));
  }
  return by_name;
}

}  // namespace

Result<std::vector<std::uint32_t>> IndexKeys(std::span<const GgufKey> keys) {
  return IndexByName(keys, "key");
}

Result<std::vector<std::uint32_t>> IndexTensors(std::span<const Tensor> tensors) {
  return IndexByName(tensors, "tensor");
}

const GgufKey* FindKey(std::span<const GgufKey> keys, std::span<const std::uint32_t> by_name,
                       std::string_view name) {
  const auto at =
      std::ranges::lower_bound(by_name, name, {}, [&](std::uint32_t i) { return keys[i].name; });
  return at == by_name.end() || keys[*at].name != name ? nullptr : &keys[*at];
}

Result<GgufContent> ReadGguf(std::span<const std::byte> bytes) {
  Cursor cursor(bytes);
  GgufContent content;
  content.version = TRY(ReadVersion(cursor, bytes));
  const auto tensor_count = TRY(ReadCount(cursor, "tensor", kMaxGgufTensors, kMinTensorBytes));
  const auto key_count = TRY(ReadCount(cursor, "key", kMaxGgufKeys, kMinKeyBytes));
  content.keys = TRY(ReadKeys(cursor, key_count, bytes));
  content.keys_by_name = TRY(IndexKeys(content.keys));
  content.alignment = TRY(FindAlignment(content.keys, content.keys_by_name));
  std::vector<TensorInfo> infos = TRY(ReadTensorInfos(cursor, tensor_count));
  const std::uint64_t padding = (0 - cursor.at()) & (content.alignment - 1);
  content.tensors =
      TRY(PlaceTensors(std::move(infos), cursor.at() + padding, content.alignment, bytes));
  content.tensors_by_name = TRY(IndexTensors(content.tensors));
  return content;
}

}  // namespace kinglet
