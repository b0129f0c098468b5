// SPDX-License-Identifier: Apache-2.0
// De Morgan for arrays and objects: a value is not of a shape if one of its conditions fails.
#include "grammar/schema_shape.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "base/utf8.h"
#include "grammar/code_points.h"
#include "grammar/decimal.h"

namespace kinglet {
namespace {

constexpr std::size_t kMaxWays = 512;

std::unexpected<Status> TooManyWays() {
  return Error(StatusCode::kInvalidInput, "more than {} ways to combine its parts", kMaxWays);
}

// Of lists that stand for "any of these".
template <typename T, typename Both>
Result<std::vector<T>> Product(const std::vector<T>& a, const std::vector<T>& b, const Both& both) {
  if (a.size() * b.size() > kMaxWays) return TooManyWays();
  std::vector<T> product;
  for (const T& x : a) {
    for (const T& y : b) product.push_back(both(x, y));
  }
  return product;
}

}  // namespace

std::string JsonStringText(std::string_view content) {
  std::string text = "\"";
  while (!content.empty()) {
    const Utf8Character c = DecodeUtf8(content);
    switch (c.code_point) {
      case U'"':
        text += "\\\"";
        break;
      case U'\\':
        text += "\\\\";
        break;
      case U'\b':
        text += "\\b";
        break;
      case U'\f':
        text += "\\f";
        break;
      case U'\n':
        text += "\\n";
        break;
      case U'\r':
        text += "\\r";
        break;
      case U'\t':
        text += "\\t";
        break;
      default:
        if (c.code_point < 0x20) {
          text += fmt::format("\\u{:04x}", static_cast<std::uint32_t>(c.code_point));
        } else {
          AppendUtf8(c.code_point, text);
        }
    }
    content.remove_prefix(c.size_bytes);
  }
  return text += '"';
}

Shapes::Shapes(RegexPool& pool, SchemaAlgebra& algebra)
    : pool_(&pool),
      algebra_(&algebra),
      any_number_(AnyNumber(pool)),
      plain_number_(PlainNumber(pool)) {
  const RegexId character = CodePointSet::All().ToRegex(pool, TextEncoding::kJsonString);
  any_string_ =
      pool.Concat({pool.Literal("\""), pool.Repeat(character, 0, kUnbounded), pool.Literal("\"")});
}

RegexId Shapes::KeyNamed(std::string_view name) const {
  return pool_->Literal(JsonStringText(name));
}

ObjectShape Shapes::AnyObject() const { return {.members = {{.keys = any_string_}}}; }

Shape Shapes::Anything() const {
  return {.has_null = true,
          .has_true = true,
          .has_false = true,
          .number = any_number_,
          .string = any_string_,
          .arrays = {ArrayShape()},
          .objects = {AnyObject()}};
}

RegexId Shapes::Both(RegexId a, RegexId b, RegexId all) {
  return a == all ? b : b == all ? a : pool_->And({a, b});
}
RegexId Shapes::Either(RegexId a, RegexId b, RegexId all) {
  return a == all || b == all ? all : pool_->Or({a, b});
}

Result<Shape> Shapes::And(const Shape& a, const Shape& b) {
  const auto bound = [this](const Shape& x) {
    return Either(x.string, x.more_strings, any_string_);
  };
  return Shape{.has_null = a.has_null && b.has_null,
               .has_true = a.has_true && b.has_true,
               .has_false = a.has_false && b.has_false,
               .number = Both(a.number, b.number, any_number_),
               .string = Both(a.string, b.string, any_string_),
               .more_strings = a.more_strings == kNoText && b.more_strings == kNoText
                                   ? kNoText
                                   : Both(bound(a), bound(b), any_string_),
               .arrays = TRY(Product(a.arrays, b.arrays,
                                     [this](const auto& x, const auto& y) { return And(x, y); })),
               .objects = TRY(Product(a.objects, b.objects,
                                      [this](const auto& x, const auto& y) { return And(x, y); }))};
}

Result<Shape> Shapes::Or(Shape a, const Shape& b) {
  a.has_null |= b.has_null;
  a.has_true |= b.has_true;
  a.has_false |= b.has_false;
  a.number = Either(a.number, b.number, any_number_);
  a.string = Either(a.string, b.string, any_string_);
  a.more_strings =
      a.string == any_string_ ? kNoText : Either(a.more_strings, b.more_strings, any_string_);
  a.arrays.insert(a.arrays.end(), b.arrays.begin(), b.arrays.end());
  a.objects.insert(a.objects.end(), b.objects.begin(), b.objects.end());
  if (a.arrays.size() > kMaxWays || a.objects.size() > kMaxWays) return TooManyWays();
  return a;
}

RegexId Shapes::NotNumber(RegexId number) {
  if (number == kNoText) return any_number_;
  if (number == any_number_) return kNoText;
  return pool_->And({plain_number_, pool_->Not(number)});
}

Result<Shape> Shapes::Not(const Shape& a) {
  if (a.more_strings == any_string_) {
    return Error(StatusCode::kInvalidInput,
                 "a \"not\" of a format that is written in part cannot be enforced");
  }
  Shape rest{.has_null = !a.has_null,
             .has_true = !a.has_true,
             .has_false = !a.has_false,
             .number = NotNumber(a.number),
             .string = a.string == any_string_ ? kNoText
                                               : pool_->And({any_string_, pool_->Not(a.string),
                                                             pool_->Not(a.more_strings)}),
             .more_strings = a.more_strings,
             .arrays = {ArrayShape()},
             .objects = {AnyObject()}};
  for (const ArrayShape& array : a.arrays) {
    rest.arrays = TRY(Product(rest.arrays, TRY(Not(array)),
                              [this](const auto& x, const auto& y) { return And(x, y); }));
  }
  for (const ObjectShape& object : a.objects) {
    rest.objects = TRY(Product(rest.objects, TRY(Not(object)),
                               [this](const auto& x, const auto& y) { return And(x, y); }));
  }
  return rest;
}

ArrayShape Shapes::And(const ArrayShape& a, const ArrayShape& b) {
  ArrayShape both{.rest = algebra_->And(a.rest, b.rest),
                  .min = std::max(a.min, b.min),
                  .max = std::min(a.max, b.max),
                  .contains = a.contains};
  for (std::size_t i = 0; i < std::max(a.prefix.size(), b.prefix.size()); ++i) {
    both.prefix.push_back(algebra_->And(a.at(i), b.at(i)));
  }
  both.contains.insert(both.contains.end(), b.contains.begin(), b.contains.end());
  return both;
}

bool Shapes::HoldsKey(RegexId keys, std::string_view name) const {
  for (const char c : JsonStringText(name))
    keys = pool_->Derivative(keys, static_cast<std::uint8_t>(c));
  return pool_->MatchesEmpty(keys);
}

void Shapes::Refine(ObjectShape& object, RegexId keys, SchemaId schema) {
  if (schema == kAnySchema) return;
  std::vector<ObjectShape::Member> refined;
  for (ObjectShape::Member& member : object.members) {
    if (member.name) {
      if (HoldsKey(keys, *member.name)) member.schema = algebra_->And(member.schema, schema);
      refined.push_back(std::move(member));
      continue;
    }
    ObjectShape::Member within = member;
    within.keys = pool_->And({member.keys, keys});
    within.schema = algebra_->And(member.schema, schema);
    member.keys = pool_->And({member.keys, pool_->Not(keys)});
    if (!pool_->IsNothing(within.keys)) refined.push_back(std::move(within));
    if (!pool_->IsNothing(member.keys)) refined.push_back(std::move(member));
  }
  object.members = std::move(refined);
}

std::size_t Shapes::Named(ObjectShape& object, std::string_view name) {
  std::size_t named = 0;
  for (; named < object.members.size() && object.members[named].name; ++named) {
    if (object.members[named].name == name) return named;
  }
  ObjectShape::Member member{
      .keys = KeyNamed(name), .name = std::string(name), .schema = kNoSchema};
  for (std::size_t i = named; i < object.members.size(); ++i) {
    ObjectShape::Member& other = object.members[i];
    if (!HoldsKey(other.keys, name)) continue;
    member.schema = other.schema;
    other.keys = pool_->And({other.keys, pool_->Not(member.keys)});
    if (pool_->IsNothing(other.keys))
      object.members.erase(object.members.begin() + static_cast<std::ptrdiff_t>(i));
    break;
  }
  object.members.insert(object.members.begin() + static_cast<std::ptrdiff_t>(named),
                        std::move(member));
  return named;
}

ObjectShape Shapes::And(const ObjectShape& a, const ObjectShape& b) {
  ObjectShape both = a;
  both.min = std::max(a.min, b.min);
  both.max = std::min(a.max, b.max);
  both.exists.insert(both.exists.end(), b.exists.begin(), b.exists.end());
  for (const ObjectShape::Member& member : b.members) {
    if (!member.name) continue;
    ObjectShape::Member& mine = both.members[Named(both, *member.name)];
    mine.schema = algebra_->And(mine.schema, member.schema);
    mine.is_required |= member.is_required;
  }
  // Names of a that b knows only as one of many keys.
  for (ObjectShape::Member& mine : both.members) {
    if (!mine.name) break;
    for (const ObjectShape::Member& member : b.members) {
      if (!member.name && HoldsKey(member.keys, *mine.name))
        mine.schema = algebra_->And(mine.schema, member.schema);
    }
  }
  std::vector<ObjectShape::Member> members;
  for (const ObjectShape::Member& mine : both.members) {
    if (mine.name) {
      members.push_back(mine);
      continue;
    }
    for (const ObjectShape::Member& member : b.members) {
      if (member.name) continue;
      const RegexId keys = pool_->And({mine.keys, member.keys});
      if (pool_->IsNothing(keys)) continue;
      members.push_back({.keys = keys, .schema = algebra_->And(mine.schema, member.schema)});
    }
  }
  both.members = std::move(members);
  return both;
}

Result<std::vector<ArrayShape>> Shapes::Not(const ArrayShape& a) {
  std::vector<ArrayShape> ways;
  for (std::size_t i = 0; i < a.prefix.size(); ++i) {
    if (a.prefix[i] == kAnySchema) continue;
    ArrayShape way{.prefix = std::vector<SchemaId>(i, kAnySchema),
                   .min = static_cast<std::uint32_t>(i + 1)};
    way.prefix.push_back(algebra_->Not(a.prefix[i]));
    ways.push_back(std::move(way));
  }
  if (a.rest == kNoSchema) {
    ways.push_back({.min = static_cast<std::uint32_t>(a.prefix.size() + 1)});
  } else if (a.rest != kAnySchema) {
    if (!a.prefix.empty()) {
      return Error(StatusCode::kInvalidInput,
                   "a \"not\" of items behind others cannot be enforced");
    }
    ways.push_back({.contains = {{.schema = algebra_->Not(a.rest)}}});
  }
  if (a.min > 0) ways.push_back({.max = a.min - 1});
  if (a.max != kUnbounded) ways.push_back({.min = a.max + 1});
  for (const ArrayShape::Contains& contains : a.contains) {
    if (contains.min > 0) {
      ways.push_back(
          {.contains = {{.schema = contains.schema, .min = 0, .max = contains.min - 1}}});
    }
    if (contains.max != kUnbounded) {
      ways.push_back({.contains = {{.schema = contains.schema, .min = contains.max + 1}}});
    }
  }
  return ways;
}

Result<std::vector<ObjectShape>> Shapes::Not(const ObjectShape& a) {
  std::vector<ObjectShape> ways;
  for (const ObjectShape::Member& member : a.members) {
    if (member.name) {
      if (member.is_required) {
        ObjectShape way = AnyObject();
        way.members[Named(way, *member.name)].schema = kNoSchema;
        ways.push_back(std::move(way));
      }
      if (member.schema != kAnySchema) {
        ObjectShape way = AnyObject();
        ObjectShape::Member& mine = way.members[Named(way, *member.name)];
        mine.schema = algebra_->Not(member.schema);
        mine.is_required = true;
        ways.push_back(std::move(way));
      }
    } else if (member.schema != kAnySchema) {
      ObjectShape way = AnyObject();
      way.exists.push_back({.keys = member.keys, .schema = algebra_->Not(member.schema)});
      ways.push_back(std::move(way));
    }
  }
  if (a.min > 0) {
    ways.push_back(AnyObject());
    ways.back().max = a.min - 1;
  }
  if (a.max != kUnbounded) {
    ways.push_back(AnyObject());
    ways.back().min = a.max + 1;
  }
  for (const ObjectShape::Exists& exists : a.exists) {
    ways.push_back(AnyObject());
    Refine(ways.back(), exists.keys, algebra_->Not(exists.schema));
  }
  return ways;
}

}  // namespace kinglet
