// SPDX-License-Identifier: Apache-2.0
// An object that is small is a record: one block, a line for each value under its path. What is
// larger becomes sections; long texts stand as paragraphs under their name.
#include "knowledge/formats/json_text.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "base/json.h"
#include "knowledge/cleaner.h"
#include "knowledge/formats/plain.h"
#include "knowledge/formats/table_rows.h"

namespace kinglet {
namespace {

constexpr JsonLimits kLimits{.max_bytes = std::size_t{16} << 20, .max_depth = 64};
constexpr std::size_t kMaxRecordLines = 100;
constexpr std::size_t kMaxNameBytes = 200;  // paths repeat the names above them
constexpr std::size_t kProseBytes = 200;    // a string that is longer is a text, not a value

bool IsProse(const json::value& value) {
  const json::string* text = value.if_string();
  return text != nullptr && (text->size() > kProseBytes || text->find('\n') != json::string::npos);
}

bool IsShort(const json::value& value) { return !value.is_structured() && !IsProse(value); }

bool IsListOfShort(const json::value& value) {
  const json::array* array = value.if_array();
  return array != nullptr && std::ranges::all_of(*array, IsShort);
}

// Empty for null: a value that is not there.
std::string ScalarText(const json::value& value) {
  if (const json::string* text = value.if_string()) return std::string(*text);
  if (const double* number = value.if_double()) return fmt::format("{}", *number);
  return value.is_null() ? "" : ToJson(value);
}

std::vector<std::string> ScalarTexts(const json::array& array) {
  std::vector<std::string> texts;
  for (const json::value& value : array) texts.push_back(ScalarText(value));
  return texts;
}

std::string NameText(std::string_view name) {
  std::string line = OneLine(CleanText(name));
  TruncateUtf8(line, kMaxNameBytes);
  return line;
}

enum class Lists {
  kNumber,  // lists of records inside a record: "items.1.name"
  kRefuse,  // they are sections
};

// Lines that a value is as a record; more than the most where it can be none. Looks at no more of
// the value than that takes.
std::size_t CountLines(const json::value& value, Lists lists) {
  std::size_t lines = 0;
  const auto add = [&](const json::value& member) {
    lines += CountLines(member, lists);
    return lines <= kMaxRecordLines;
  };
  if (const json::object* object = value.if_object()) {
    for (const auto& [name, member] : *object) {
      if (!add(member)) return lines;
    }
  } else if (const json::array* array = value.if_array(); array != nullptr) {
    if (std::ranges::all_of(*array, IsShort)) return 1;
    if (lists == Lists::kRefuse) return kMaxRecordLines + 1;
    for (const json::value& element : *array) {
      if (!add(element)) return lines;
    }
  }
  return std::max<std::size_t>(lines, 1);
}

bool IsRecord(const json::value& value, Lists lists) {
  return CountLines(value, lists) <= kMaxRecordLines;
}

// The lines of a record, and its long texts beside them.
class Record {
 public:
  void Add(const std::string& path, const json::value& value) {
    if (const json::object* object = value.if_object()) {
      for (const auto& [name, member] : *object) Add(Join(path, NameText(name)), member);
    } else if (IsListOfShort(value)) {
      std::string list;
      for (const std::string& text : ScalarTexts(value.get_array())) {
        if (text.empty()) continue;
        if (!list.empty()) list += ", ";
        list += text;
      }
      AddLine(path, list);
    } else if (const json::array* array = value.if_array()) {
      std::size_t number = 0;
      for (const json::value& element : *array)
        Add(Join(path, fmt::format("{}", ++number)), element);
    } else if (IsProse(value)) {
      texts_.emplace_back(path, value.get_string());
    } else {
      AddLine(path, ScalarText(value));
    }
  }

  bool has_texts() const { return !texts_.empty(); }

  void Write(DocumentBuilder& builder) const {
    builder.AddCode(lines_);  // a block whose lines stay whole
    for (const auto& [path, text] : texts_) {
      builder.BeginBox();
      builder.AddBoxHeading(path);
      AppendPlainText(text, builder);
      builder.EndBox();
    }
  }

 private:
  static std::string Join(const std::string& path, std::string_view name) {
    return path.empty() ? std::string(name) : fmt::format("{}.{}", path, name);
  }

  void AddLine(const std::string& path, std::string_view text) {
    if (text.empty()) return;
    if (!path.empty()) lines_ += path + ": ";
    lines_ += text;
    lines_ += '\n';
  }

  std::string lines_;
  std::vector<std::pair<std::string, std::string_view>> texts_;
};

// What a person would call it, or nothing.
std::string TitleOf(const json::value& value) {
  for (const char* name : {"title", "name"}) {
    const json::value* title = Find(value, name);
    if (title != nullptr && title->is_string() && !IsProse(*title)) {
      return std::string(title->get_string());
    }
  }
  return {};
}

class JsonWriter {
 public:
  explicit JsonWriter(DocumentBuilder& builder) : builder_(builder) {}

  // As the content of a section.
  void Write(const json::value& value) {
    if (const json::object* object = value.if_object()) {
      WriteObject(*object);
    } else if (const json::array* array = value.if_array()) {
      for (const json::value& element : *array) {
        if (builder_.is_full()) return;
        WriteElement(element);
      }
    } else {
      AppendPlainText(ScalarText(value), builder_);
    }
  }

  // As one of many.
  void WriteElement(const json::value& value) {
    if (IsListOfShort(value)) {
      TableRows(builder_).AddRow(CellsOf(ScalarTexts(value.get_array())));
    } else if (IsShort(value)) {
      const std::string text = ScalarText(value);
      if (!text.empty()) builder_.AddListItem("- " + text);
    } else if (!value.is_object()) {
      Write(value);
    } else if (IsRecord(value, Lists::kNumber)) {
      Record record;
      record.Add("", value);
      if (!record.has_texts()) return record.Write(builder_);
      builder_.BeginBox();
      builder_.AddBoxHeading(TitleOf(value));
      record.Write(builder_);
      builder_.EndBox();
    } else {
      WriteSection(TitleOf(value), value);
    }
  }

 private:
  void WriteSection(std::string_view heading, const json::value& value) {
    builder_.BeginBox();
    builder_.AddBoxHeading(heading);
    Write(value);
    builder_.EndBox();
  }

  // What belongs to the object itself comes first, for a section has no end that a reader sees.
  void WriteObject(const json::object& object) {
    // Records by their names, each a block like those of a list.
    const bool is_table = object.size() > 1 && std::ranges::all_of(object, [](const auto& member) {
                            return member.value().is_object();
                          });
    Record own;
    std::size_t own_lines = 0;
    std::vector<const json::key_value_pair*> sections;
    for (const json::key_value_pair& member : object) {
      if (IsRecord(member.value(), Lists::kRefuse)) {
        own.Add(NameText(member.key()), member.value());
        // Thousands of small members are still written as they come.
        const bool is_whole = is_table || ++own_lines % kMaxRecordLines == 0;
        if (is_whole) std::exchange(own, {}).Write(builder_);
      } else {
        sections.push_back(&member);
      }
      if (builder_.is_full()) return;
    }
    own.Write(builder_);
    for (const json::key_value_pair* section : sections) {
      if (builder_.is_full()) return;
      WriteSection(section->key(), section->value());
    }
  }

  DocumentBuilder& builder_;
};

Result<void> AppendJsonLines(std::string_view text, DocumentBuilder& builder) {
  JsonWriter writer(builder);
  std::size_t number = 0;
  for (std::size_t begin = 0; begin < text.size() && !builder.is_full();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    const std::string_view line = text.substr(begin, end - begin);
    begin = end + 1;
    ++number;
    if (std::ranges::all_of(line, IsSpace)) continue;
    const Result<json::value> value = ParseJson(line, kLimits);
    if (!value) return std::unexpected(value.error().WithContext(fmt::format("line {}", number)));
    builder.AtLine(number, DocumentBuilder::Lines::kNone);
    writer.WriteElement(*value);
  }
  return {};
}

}  // namespace

Result<void> ExtractJson(std::string_view bytes, DocumentBuilder& builder) {
  const std::string text = DecodeToUtf8(bytes);
  const Result<json::value> value = ParseJson(text, kLimits);
  if (!value) {
    const std::string_view first = std::string_view(text).substr(0, text.find('\n'));
    const bool has_lines = first.size() < text.size() && ParseJson(first, kLimits);
    if (!has_lines) return std::unexpected(value.error());
    return AppendJsonLines(text, builder);
  }
  if (const std::string title = TitleOf(*value); !title.empty()) builder.SetTitle(title);
  JsonWriter(builder).Write(*value);
  return {};
}

Result<void> ExtractJsonLines(std::string_view bytes, DocumentBuilder& builder) {
  return AppendJsonLines(DecodeToUtf8(bytes), builder);
}

}  // namespace kinglet
