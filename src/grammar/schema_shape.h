// SPDX-License-Identifier: Apache-2.0
// Sets of JSON values, one kind of value apart from the other, and what "and", "or" and "not" make
// of them. Strings and numbers are regular languages, for which all three are exact. Arrays and
// objects hold schemas of what is in them by number: their shapes are computed when they are looked
// at, so a schema may hold itself.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "grammar/regex.h"

namespace kinglet {

// A schema that something else knows.
using SchemaId = std::uint32_t;
inline constexpr SchemaId kAnySchema = 0;
inline constexpr SchemaId kNoSchema = 1;

struct ArrayShape {
  struct Contains {  // between min and max of the items are of the schema
    SchemaId schema = kAnySchema;
    std::uint32_t min = 1;
    std::uint32_t max = kUnbounded;
  };

  std::vector<SchemaId> prefix = {};  // of the first items, where there are so many
  SchemaId rest = kAnySchema;         // of all others
  std::uint32_t min = 0;
  std::uint32_t max = kUnbounded;
  std::vector<Contains> contains = {};

  SchemaId at(std::size_t i) const { return i < prefix.size() ? prefix[i] : rest; }
};

struct ObjectShape {
  struct Member {
    RegexId keys = kNoText;                // JSON strings, quotes included
    std::optional<std::string> name = {};  // where there is one key only
    SchemaId schema = kAnySchema;
    bool is_required = false;  // has a name
  };
  struct Exists {  // a member whose key is one of these has a value of the schema
    RegexId keys = kNoText;
    SchemaId schema = kAnySchema;
  };

  // Every string is a key of exactly one member. Those with names come first, in the order in which
  // they are written.
  std::vector<Member> members;
  std::uint32_t min = 0;
  std::uint32_t max = kUnbounded;
  std::vector<Exists> exists = {};
};

struct Shape {
  bool has_null = false;
  bool has_true = false;
  bool has_false = false;
  RegexId number = kNoText;
  RegexId string = kNoText;
  RegexId more_strings = kNoText;         // of these some may be meant, too, which `string` lacks
  std::vector<ArrayShape> arrays = {};    // of any of these
  std::vector<ObjectShape> objects = {};  // of any of these
};

// What shapes need to know of schemas.
class SchemaAlgebra {
 public:
  virtual SchemaId And(SchemaId a, SchemaId b) = 0;
  virtual SchemaId Not(SchemaId a) = 0;

 protected:
  ~SchemaAlgebra() = default;
};

class Shapes {
 public:
  Shapes(RegexPool& pool, SchemaAlgebra& algebra);

  Shape Nothing() const { return {}; }
  Shape Anything() const;
  RegexId any_string() const { return any_string_; }
  RegexId any_number() const { return any_number_; }
  RegexId plain_number() const { return plain_number_; }
  RegexId KeyNamed(std::string_view name) const;
  ObjectShape AnyObject() const;

  // kInvalidInput where there are too many ways, or where a "not" cannot be written down.
  Result<Shape> And(const Shape& a, const Shape& b);
  Result<Shape> Or(Shape a, const Shape& b);
  Result<Shape> Not(const Shape& a);
  RegexId NotNumber(RegexId number);

  // Splits members so that each is within the keys or apart from them, and gives `schema` to those
  // within.
  void Refine(ObjectShape& object, RegexId keys, SchemaId schema);
  // The member of that name, made where there is none; the others lose it. By index, since Refine
  // and Named move members.
  std::size_t Named(ObjectShape& object, std::string_view name);

 private:
  // Of strings, or of numbers; `all` is the set of all of them.
  RegexId Both(RegexId a, RegexId b, RegexId all);
  RegexId Either(RegexId a, RegexId b, RegexId all);
  ArrayShape And(const ArrayShape& a, const ArrayShape& b);
  ObjectShape And(const ObjectShape& a, const ObjectShape& b);
  Result<std::vector<ArrayShape>> Not(const ArrayShape& a);
  Result<std::vector<ObjectShape>> Not(const ObjectShape& a);
  bool HoldsKey(RegexId keys, std::string_view name) const;

  RegexPool* pool_;
  SchemaAlgebra* algebra_;
  RegexId any_string_;
  RegexId any_number_;
  RegexId plain_number_;
};

// A JSON string as the grammar writes it.
std::string JsonStringText(std::string_view content);

}  // namespace kinglet
