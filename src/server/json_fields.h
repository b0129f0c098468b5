// SPDX-License-Identifier: Apache-2.0
// Reads the fields of a request's JSON object, each at most once, and refuses what is left over:
// nothing that a client asked for is passed over in silence.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/status.h"

namespace kinglet {

// Which field is wrong, and why; the field's path as clients know it ("messages[2].content").
struct FieldError {
  std::string field;
  std::string message;
};

// Every reader takes null for absent, as clients send it for what they leave unset. The first error
// is kept; what is read after it has its default.
class JsonFields {
 public:
  // object must outlive this. path: of the object itself, empty at the top.
  explicit JsonFields(const json::object& object, std::string path = {});

  std::optional<std::string> Text(std::string_view name, std::size_t max_bytes = 1U << 20);
  std::string RequiredText(std::string_view name, std::size_t max_bytes = 1U << 20);
  std::optional<bool> Flag(std::string_view name);
  std::optional<double> Number(std::string_view name, double least, double most);
  std::optional<std::int64_t> Whole(std::string_view name, std::int64_t least, std::int64_t most);
  // One of these words.
  std::optional<std::string> Word(std::string_view name,
                                  std::initializer_list<std::string_view> words);
  // A text, or an array of texts: what a client may give as either.
  std::vector<std::string> Texts(std::string_view name, std::size_t most);
  // The value as it is; null: absent.
  const json::value* Value(std::string_view name);
  const json::object* Object(std::string_view name);
  const json::array* Array(std::string_view name);
  // Fields that change nothing here: see docs/server.md.
  void Ignore(std::initializer_list<std::string_view> names);
  // A field whose effect does not exist here: an error unless it is absent, null, or one of these.
  void OnlyDefault(std::string_view name, std::initializer_list<json::value> defaults,
                   std::string_view why);

  void Fail(std::string_view name, std::string message);
  bool failed() const { return error_.has_value(); }
  // Finishes the fields of a member; an error of theirs is one of these.
  void TakeErrorOf(JsonFields& inner);
  // An error for the first field that nobody has asked for, too.
  std::optional<FieldError> Finish();

  std::string PathOf(std::string_view name) const;

 private:
  const json::object& object_;
  std::string path_;
  std::set<std::string, std::less<>> asked_;
  std::optional<FieldError> error_;
};

}  // namespace kinglet
