// SPDX-License-Identifier: Apache-2.0
// A trained classifier as bytes: a line of JSON that says what follows, then the numbers, as this
// machine has them in memory.
#include <bit>
#include <cmath>
#include <cstring>
#include <optional>

#include "base/checksum.h"
#include "base/json.h"
#include "router/classifier.h"

namespace kinglet {
namespace {

static_assert(std::endian::native == std::endian::little, "the file's numbers are little-endian");

constexpr std::string_view kMagic = "kinglet intents ";
// Of the file's layout and of the features that its weights are for: any change of either is
// another version.
constexpr std::int64_t kVersion = 1;
constexpr JsonLimits kHeaderLimits = {.max_bytes = std::size_t{4} << 20U, .max_depth = 4};

std::string_view BytesOf(std::span<const float> values) {
  return {reinterpret_cast<const char*>(values.data()), values.size_bytes()};
}

std::string ChecksumOf(std::string_view bytes) {
  return fmt::format("{:016x}", Xxh64(std::as_bytes(std::span(bytes))));
}

std::optional<double> NumberOf(const json::value& header, std::string_view name) {
  const json::value* const value = Find(header, name);
  if (value == nullptr || !value->is_number()) return std::nullopt;
  const auto number = value->to_number<double>();
  return number >= 0 ? std::optional(number) : std::nullopt;
}

std::string StringOf(const json::value& header, std::string_view name) {
  const json::value* const value = Find(header, name);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : "";
}

std::vector<std::string> LabelsOf(const json::value& header) {
  const json::value* const list = Find(header, "labels");
  std::vector<std::string> labels;
  if (list == nullptr || !list->is_array()) return labels;
  for (const json::value& label : list->get_array()) {
    if (label.is_string()) labels.emplace_back(label.get_string());
  }
  return labels;
}

std::vector<float> FloatsOf(std::string_view bytes) {
  std::vector<float> values(bytes.size() / sizeof(float));
  // Not for none: what stands for no bytes may be null, which memcpy() must not be given.
  if (!values.empty()) std::memcpy(values.data(), bytes.data(), values.size() * sizeof(float));
  return values;
}

}  // namespace

std::string Classifier::Serialize() const {
  std::string numbers(BytesOf(probe_));
  numbers += BytesOf(head_.weights);
  json::array labels;
  for (const std::string& label : labels_) labels.emplace_back(label);
  const std::string header = ToJson(json::object{{"version", kVersion},
                                                 {"digest", digest_},
                                                 {"labels", labels},
                                                 {"width", head_.width},
                                                 {"sharpness", sharpness_},
                                                 {"threshold", threshold_},
                                                 {"checksum", ChecksumOf(numbers)}});
  return std::string(kMagic) + header + '\n' + numbers;
}

Result<Classifier> Classifier::Parse(std::string_view bytes) {
  const auto broken = [](std::string_view why) {
    return Error(StatusCode::kInvalidInput, "not a sound file of a trained classifier: {}", why);
  };
  if (!bytes.starts_with(kMagic)) return broken("it begins otherwise");
  bytes.remove_prefix(kMagic.size());
  const std::size_t end = bytes.find('\n');
  if (end == std::string_view::npos) return broken("its header does not end");
  const json::value header = TRY(ParseJson(bytes.substr(0, end), kHeaderLimits));
  if (NumberOf(header, "version") != kVersion) return broken("it is of another version");
  const auto width = NumberOf(header, "width");
  const auto sharpness = NumberOf(header, "sharpness");
  const auto threshold = NumberOf(header, "threshold");
  Classifier classifier;
  classifier.labels_ = LabelsOf(header);
  classifier.digest_ = StringOf(header, "digest");
  constexpr double kMaxWidth = 65536;
  if (!width || *width > kMaxWidth || *width != std::floor(*width) || !sharpness || !threshold ||
      classifier.labels_.size() < 2) {
    return broken("its header lacks something");
  }
  const std::string_view numbers = bytes.substr(end + 1);
  const auto width_count = static_cast<std::size_t>(*width);
  const std::size_t label_count = classifier.labels_.size();
  const std::size_t count = width_count + LinearHead::RowCount(width_count) * label_count;
  if (numbers.size() != count * sizeof(float)) return broken("it is cut, or something follows");
  if (ChecksumOf(numbers) != StringOf(header, "checksum")) return broken("its bytes have changed");
  classifier.sharpness_ = *sharpness;
  classifier.threshold_ = *threshold;
  classifier.probe_ = FloatsOf(numbers.substr(0, width_count * sizeof(float)));
  classifier.head_ = {.width = width_count,
                      .labels = label_count,
                      .weights = FloatsOf(numbers.substr(width_count * sizeof(float)))};
  return classifier;
}

}  // namespace kinglet
