// SPDX-License-Identifier: Apache-2.0
// GGUF values as C++ types: the only place that knows how each is laid out in bytes.
#include <cstring>
#include <limits>
#include <type_traits>

#include "base/check.h"
#include "tensor/gguf.h"

namespace kinglet {
namespace {

template <typename T>
T Load(const std::byte* at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

bool IsFloat(GgufType type) { return type == GgufType::kFloat32 || type == GgufType::kFloat64; }

bool IsInteger(GgufType type) {
  return !IsFloat(type) && type != GgufType::kBool && type != GgufType::kString;
}

// The integer of a type that IsInteger, or nothing where it is beyond int64.
std::optional<std::int64_t> LoadInteger(GgufType type, const std::byte* at) {
  switch (type) {
    case GgufType::kUint8:
      return Load<std::uint8_t>(at);
    case GgufType::kInt8:
      return Load<std::int8_t>(at);
    case GgufType::kUint16:
      return Load<std::uint16_t>(at);
    case GgufType::kInt16:
      return Load<std::int16_t>(at);
    case GgufType::kUint32:
      return Load<std::uint32_t>(at);
    case GgufType::kInt32:
      return Load<std::int32_t>(at);
    case GgufType::kInt64:
      return Load<std::int64_t>(at);
    default: {
      const auto value = Load<std::uint64_t>(at);
      if (value > std::uint64_t{std::numeric_limits<std::int64_t>::max()}) return std::nullopt;
      return static_cast<std::int64_t>(value);
    }
  }
}

double LoadFloat(GgufType type, const std::byte* at) {
  return type == GgufType::kFloat32 ? double{Load<float>(at)} : Load<double>(at);
}

std::string_view Text(const std::byte* at, std::size_t bytes) {
  return {reinterpret_cast<const char*>(at), bytes};
}

// One element at `at`, or nothing where the type does not fit. bytes is used by strings alone.
template <typename T>
std::optional<T> LoadAs(GgufType type, const std::byte* at, std::size_t bytes) {
  if constexpr (std::is_same_v<T, bool>) {
    if (type == GgufType::kBool) return Load<std::uint8_t>(at) != 0;
  } else if constexpr (std::is_same_v<T, std::int64_t>) {
    if (IsInteger(type)) return LoadInteger(type, at);
  } else if constexpr (std::is_same_v<T, std::uint8_t>) {
    if (type == GgufType::kUint8 || type == GgufType::kInt8) return Load<std::uint8_t>(at);
  } else if constexpr (std::is_floating_point_v<T>) {
    if (IsFloat(type)) return static_cast<T>(LoadFloat(type, at));
  } else {
    if (type == GgufType::kString) return Text(at, bytes);
  }
  return std::nullopt;
}

template <typename T>
struct ElementOf {
  using type = void;
};
template <typename T>
struct ElementOf<std::vector<T>> {
  using type = T;
};

}  // namespace

std::size_t GgufTypeBytes(GgufType type) {
  constexpr std::size_t kBytes[] = {1, 1, 2, 2, 4, 4, 4, 1, 8, 12, 8, 8, 8};
  const auto number = static_cast<std::uint32_t>(type);
  KINGLET_CHECK(number < std::size(kBytes), "type {}", number);
  return kBytes[number];
}

std::string GgufValue::TypeName() const {
  constexpr std::string_view kNames[] = {"uint8",  "int8",    "uint16", "int16",  "uint32",
                                         "int32",  "float32", "bool",   "string", "array",
                                         "uint64", "int64",   "float64"};
  const std::string_view name = kNames[static_cast<std::uint32_t>(element_)];
  return is_array_ ? fmt::format("array of {} {}", count_, name) : std::string(name);
}

template <typename T>
std::optional<T> GgufValue::As() const {
  using Element = typename ElementOf<T>::type;
  if constexpr (std::is_void_v<Element>) {
    if (is_array_) return std::nullopt;
    return LoadAs<T>(element_, bytes_.data(), bytes_.size());
  } else {
    if (!is_array_) return std::nullopt;
    T values;
    // An empty array has the type that it says, too.
    constexpr std::byte kNone[sizeof(std::uint64_t)] = {};
    if (!LoadAs<Element>(element_, kNone, 0)) return std::nullopt;
    values.reserve(count_);
    const std::byte* at = bytes_.data();
    for (std::uint64_t i = 0; i < count_; ++i) {
      std::size_t bytes = GgufTypeBytes(element_);
      if (element_ == GgufType::kString) {
        bytes = Load<std::uint64_t>(at);
        at += sizeof(std::uint64_t);
      }
      const std::optional<Element> value = LoadAs<Element>(element_, at, bytes);
      if (!value) return std::nullopt;
      values.push_back(*value);
      at += bytes;
    }
    return values;
  }
}

template std::optional<bool> GgufValue::As() const;
template std::optional<std::int64_t> GgufValue::As() const;
template std::optional<double> GgufValue::As() const;
template std::optional<std::string_view> GgufValue::As() const;
template std::optional<std::vector<bool>> GgufValue::As() const;
template std::optional<std::vector<std::uint8_t>> GgufValue::As() const;
template std::optional<std::vector<std::int64_t>> GgufValue::As() const;
template std::optional<std::vector<float>> GgufValue::As() const;
template std::optional<std::vector<std::string_view>> GgufValue::As() const;

}  // namespace kinglet
