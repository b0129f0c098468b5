// SPDX-License-Identifier: Apache-2.0
// One keyword after the other. What cannot be enforced is refused with its place.
#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <utility>

#include "grammar/code_points.h"
#include "grammar/decimal.h"
#include "grammar/pattern.h"
#include "grammar/schema_reader.h"
#include "grammar/value_format.h"

namespace kinglet {
namespace {

namespace json = boost::json;

// Keywords that constrain and that this compiler does not enforce.
constexpr std::array<std::string_view, 8> kUnenforced = {"unevaluatedProperties",
                                                         "unevaluatedItems",
                                                         "$dynamicRef",
                                                         "$recursiveRef",
                                                         "extends",
                                                         "disallow",
                                                         "divisibleBy",
                                                         "$data"};

const json::value* At(const json::object& schema, std::string_view keyword) {
  return schema.if_contains(keyword);
}

std::optional<Decimal> DecimalOf(const json::value& value) {
  return value.is_number() ? ParseDecimal(json::serialize(value)) : std::nullopt;
}

}  // namespace

Result<std::optional<std::uint32_t>> SchemaReader::Count(const json::object& schema,
                                                         std::string_view keyword) const {
  const json::value* const value = At(schema, keyword);
  if (value == nullptr) return std::nullopt;
  const auto number = DecimalOf(*value);
  if (!number || number->is_negative || !number->is_integer())
    return Fault(*value, "this is no count");
  if (number->integer.size() > 9) return kUnbounded - 1;
  return static_cast<std::uint32_t>(std::stoul("0" + number->integer));
}

Result<Shape> SchemaReader::OfPart(const json::value& part) {
  if (part.is_bool()) return part.get_bool() ? shapes_.Anything() : shapes_.Nothing();
  if (!part.is_object()) return Fault(part, "this is no schema");
  return OfObject(part, part.get_object());
}

Result<Shape> SchemaReader::OfObject(const json::value& part, const json::object& schema) {
  Shape shape = shapes_.Anything();
  if (const json::value* const ref = At(schema, "$ref"); ref != nullptr && ref->is_string()) {
    auto target = document_.Resolve(part, ref->get_string());
    if (!target) return Fault(*ref, target.error().message());
    const Shape* const referred = TRY(ShapeOf(Schema(**target)));
    if (!Knows(SchemaDraft::k2019)) return *referred;  // its neighbours are ignored
    shape = *referred;
  }
  TRY(RefuseUnenforced(schema));
  TRY(ReadType(schema, shape));
  TRY(ReadValues(schema, shape));
  TRY(ReadNumbers(schema, shape));
  TRY(ReadStrings(schema, shape));
  TRY(ReadArrays(schema, shape));
  TRY(ReadObjects(schema, shape));
  TRY(ReadDependencies(schema, shape));
  TRY(ReadCombinations(schema, shape));
  TRY(ReadConditions(schema, shape));
  return shape;
}

Result<void> SchemaReader::RefuseUnenforced(const json::object& schema) const {
  for (const json::key_value_pair& member : schema) {
    if (std::ranges::find(kUnenforced, std::string_view(member.key())) != kUnenforced.end()) {
      return Fault(member.value(), "this keyword cannot be enforced");
    }
  }
  return {};
}

// Of the type "integer". Draft 4 asks how it is written: 2.0 is none.
RegexId SchemaReader::Integers() {
  if (document_.draft() != SchemaDraft::k4) return IntegralNumber(*pool_);
  const RegexId no_point = pool_->Bytes(~ByteSet::Of('.'));
  return pool_->And({IntegralNumber(*pool_), pool_->Repeat(no_point, 0, kUnbounded)});
}

Result<void> SchemaReader::ReadType(const json::object& schema, Shape& shape) {
  const json::value* const type = At(schema, "type");
  if (type == nullptr) return {};
  Shape allowed = shapes_.Nothing();
  const Shape anything = shapes_.Anything();
  const auto add = [&](const json::value& name) -> Result<void> {
    const std::string_view text =
        name.is_string() ? std::string_view(name.get_string()) : std::string_view();
    if (text == "null") {
      allowed.has_null = true;
    } else if (text == "boolean") {
      allowed.has_true = allowed.has_false = true;
    } else if (text == "number") {
      allowed.number = anything.number;
    } else if (text == "integer") {
      if (allowed.number != anything.number) allowed.number = Integers();
    } else if (text == "string") {
      allowed.string = anything.string;
    } else if (text == "array") {
      allowed.arrays = anything.arrays;
    } else if (text == "object") {
      allowed.objects = anything.objects;
    } else if (text == "any" && document_.draft() == SchemaDraft::k4) {
      allowed = anything;
    } else {
      return Fault(name, "this is no type");
    }
    return {};
  };
  if (type->is_array()) {
    for (const json::value& name : type->get_array()) TRY(add(name));
  } else {
    TRY(add(*type));
  }
  shape = TRY(shapes_.And(shape, allowed));
  return {};
}

Result<void> SchemaReader::ReadValues(const json::object& schema, Shape& shape) {
  if (const json::value* const constant = At(schema, "const");
      constant != nullptr && Knows(SchemaDraft::k6)) {
    shape = TRY(shapes_.And(shape, TRY(OfConstant(*constant))));
  }
  const json::value* const values = At(schema, "enum");
  if (values == nullptr) return {};
  if (!values->is_array()) return Fault(*values, "this is no list");
  Shape any = shapes_.Nothing();
  std::vector<RegexId> numbers;
  std::vector<RegexId> strings;
  for (const json::value& value : values->get_array()) {
    Shape one = TRY(OfConstant(value));
    numbers.push_back(std::exchange(one.number, kNoText));
    strings.push_back(std::exchange(one.string, kNoText));
    any = TRY(shapes_.Or(std::move(any), one));
  }
  any.number = pool_->Or(numbers);
  any.string = pool_->Or(strings);
  shape = TRY(shapes_.And(shape, any));
  return {};
}

Result<void> SchemaReader::ReadNumbers(const json::object& schema, Shape& shape) {
  std::vector<RegexId> bounds;
  for (const bool is_lower : {true, false}) {
    const json::value* const bound = At(schema, is_lower ? "minimum" : "maximum");
    const json::value* const exclusive =
        At(schema, is_lower ? "exclusiveMinimum" : "exclusiveMaximum");
    const auto add = [&](const json::value& value, bool is_exclusive) -> Result<void> {
      const auto number = DecimalOf(value);
      if (!number) return Fault(value, "this is no number, or has too many digits");
      bounds.push_back(is_lower ? NumberAtLeast(*pool_, *number, is_exclusive)
                                : NumberAtMost(*pool_, *number, is_exclusive));
      return {};
    };
    const bool flag = exclusive != nullptr && exclusive->is_bool();
    if (bound != nullptr) TRY(add(*bound, flag && exclusive->get_bool()));
    if (exclusive != nullptr && !flag) TRY(add(*exclusive, /*is_exclusive=*/true));
  }
  if (const json::value* const divisor = At(schema, "multipleOf")) {
    const auto number = DecimalOf(*divisor);
    if (!number || number->is_negative || number->is_zero())
      return Fault(*divisor, "this is no divisor");
    bounds.push_back(NumberMultipleOf(*pool_, *number));
    if (bounds.back() == kNoText)
      return Fault(*divisor, "a divisor with so many digits cannot be enforced");
  }
  if (const json::value* const format = At(schema, "format");
      format != nullptr && format->is_string()) {
    if (const auto range = CompileNumberFormat(*pool_, format->get_string()))
      bounds.push_back(*range);
  }
  std::erase(bounds, shapes_.any_number());
  if (bounds.empty()) return {};
  bounds.push_back(shape.number == shapes_.any_number() ? shapes_.plain_number() : shape.number);
  shape.number = pool_->And(bounds);
  return {};
}

Result<void> SchemaReader::ReadStrings(const json::object& schema, Shape& shape) {
  std::vector<RegexId> bounds;
  const auto min = TRY(Count(schema, "minLength"));
  const auto max = TRY(Count(schema, "maxLength"));
  if (min || max) {
    const RegexId character = CodePointSet::All().ToRegex(*pool_, TextEncoding::kJsonString);
    const RegexId quote = pool_->Literal("\"");
    bounds.push_back(pool_->Concat(
        {quote, pool_->Repeat(character, min.value_or(0), max.value_or(kUnbounded)), quote}));
  }
  if (const json::value* const pattern = At(schema, "pattern")) {
    if (!pattern->is_string()) return Fault(*pattern, "this is no pattern");
    const auto regex = CompileStringPattern(*pool_, pattern->get_string());
    if (!regex) return Fault(*pattern, regex.error().message());
    bounds.push_back(*regex);
  }
  if (const json::value* const format = At(schema, "format");
      format != nullptr && format->is_string()) {
    const auto regex = CompileStringFormat(*pool_, format->get_string());
    if (!regex && !CompileNumberFormat(*pool_, format->get_string())) {
      return Fault(*format, "this format cannot be enforced");
    }
    if (regex && !*regex) return Fault(*format, regex->error().message());
    if (const auto wider = CompileWiderFormat(*pool_, format->get_string()); regex && wider) {
      std::vector<RegexId> outer = bounds;
      outer.insert(outer.end(), {*wider, shape.string});
      shape.more_strings = pool_->And(outer);
    }
    if (regex) bounds.push_back(**regex);
  }
  if (bounds.empty()) return {};
  if (shape.string != shapes_.any_string()) bounds.push_back(shape.string);
  shape.string = pool_->And(bounds);
  return {};
}

Result<void> SchemaReader::ReadItems(const json::object& schema, ArrayShape& array) {
  const json::value* const items = At(schema, "items");
  const json::value* prefix = Knows(SchemaDraft::k2020) ? At(schema, "prefixItems") : nullptr;
  const json::value* rest = items;
  if (items != nullptr && items->is_array()) {
    prefix = items;
    rest = At(schema, "additionalItems");
  }
  if (prefix != nullptr) {
    if (!prefix->is_array()) return Fault(*prefix, "this is no list");
    for (const json::value& item : prefix->get_array()) array.prefix.push_back(Schema(item));
  }
  if (rest != nullptr) array.rest = Schema(*rest);
  return {};
}

Result<void> SchemaReader::ReadArrays(const json::object& schema, Shape& shape) {
  ArrayShape array;
  TRY(ReadItems(schema, array));
  array.min = TRY(Count(schema, "minItems")).value_or(0);
  array.max = TRY(Count(schema, "maxItems")).value_or(kUnbounded);
  if (const json::value* const contains = At(schema, "contains");
      contains != nullptr && Knows(SchemaDraft::k6)) {
    ArrayShape::Contains some{.schema = Schema(*contains)};
    if (Knows(SchemaDraft::k2019)) {
      some.min = TRY(Count(schema, "minContains")).value_or(1);
      some.max = TRY(Count(schema, "maxContains")).value_or(kUnbounded);
    }
    array.contains.push_back(some);
  }
  const json::value* const unique = At(schema, "uniqueItems");
  const bool is_unique = unique != nullptr && unique->is_bool() && unique->get_bool();
  if (is_unique && array.max > 1 && !shape.arrays.empty())
    return Fault(*unique, "unique items cannot be enforced");
  Shape allowed = shapes_.Anything();
  allowed.arrays = {std::move(array)};
  shape = TRY(shapes_.And(shape, allowed));
  return {};
}

Result<void> SchemaReader::ReadMembers(const json::object& schema, ObjectShape& object) {
  const json::value* const properties = At(schema, "properties");
  if (properties != nullptr) {
    if (!properties->is_object()) return Fault(*properties, "this is no object");
    // The names first, so that those that no property has are what is left.
    for (const json::key_value_pair& property : properties->get_object()) {
      ObjectShape::Member& member = object.members[shapes_.Named(object, property.key())];
      member.schema = Schema(property.value());
    }
  }
  const json::value* const patterns = At(schema, "patternProperties");
  RegexId matched = kNoText;
  if (patterns != nullptr) {
    if (!patterns->is_object()) return Fault(*patterns, "this is no object");
    for (const json::key_value_pair& property : patterns->get_object()) {
      const auto keys = CompileStringPattern(*pool_, property.key());
      if (!keys) return Fault(property.value(), keys.error().message());
      shapes_.Refine(object, *keys, Schema(property.value()));
      matched = pool_->Or({matched, *keys});
    }
  }
  if (const json::value* const additional = At(schema, "additionalProperties")) {
    // Named members are known; of the others, those that no pattern matches.
    ObjectShape others;
    for (ObjectShape::Member& member : object.members) {
      if (!member.name) others.members.push_back(std::move(member));
    }
    std::erase_if(object.members, [](const ObjectShape::Member& member) { return !member.name; });
    shapes_.Refine(others,
                   matched == kNoText ? shapes_.any_string()
                                      : pool_->And({shapes_.any_string(), pool_->Not(matched)}),
                   Schema(*additional));
    std::ranges::move(others.members, std::back_inserter(object.members));
  }
  return {};
}

Result<void> SchemaReader::ReadObjects(const json::object& schema, Shape& shape) {
  ObjectShape object = shapes_.AnyObject();
  TRY(ReadMembers(schema, object));
  if (const json::value* const required = At(schema, "required");
      required != nullptr && required->is_array()) {
    for (const json::value& name : required->get_array()) {
      if (!name.is_string()) return Fault(name, "this is no name");
      object.members[shapes_.Named(object, name.get_string())].is_required = true;
    }
  }
  if (const json::value* const names = At(schema, "propertyNames");
      names != nullptr && Knows(SchemaDraft::k6)) {
    const Shape* const keys = TRY(ShapeOf(Schema(*names)));
    if (keys->string != shapes_.any_string()) {
      shapes_.Refine(object, pool_->And({shapes_.any_string(), pool_->Not(keys->string)}),
                     kNoSchema);
    }
  }
  object.min = TRY(Count(schema, "minProperties")).value_or(0);
  object.max = TRY(Count(schema, "maxProperties")).value_or(kUnbounded);
  Shape allowed = shapes_.Anything();
  allowed.objects = {std::move(object)};
  shape = TRY(shapes_.And(shape, allowed));
  return {};
}

// All values but objects, and the objects that have the member or lack it.
Result<Shape> SchemaReader::HasMember(std::string_view name, bool has) {
  Shape shape = has ? shapes_.Nothing() : shapes_.Anything();
  shape.objects = {shapes_.AnyObject()};
  ObjectShape::Member& member = shape.objects[0].members[shapes_.Named(shape.objects[0], name)];
  if (has) {
    member.is_required = true;
  } else {
    member.schema = kNoSchema;
  }
  return shape;
}

Result<void> SchemaReader::ReadDependencies(const json::object& schema, Shape& shape) {
  for (const std::string_view keyword : {"dependencies", "dependentRequired", "dependentSchemas"}) {
    const json::value* const dependencies = At(schema, keyword);
    if (dependencies == nullptr || !dependencies->is_object()) continue;
    if (keyword != "dependencies" && !Knows(SchemaDraft::k2019)) continue;
    for (const json::key_value_pair& dependency : dependencies->get_object()) {
      Shape then = TRY(HasMember(dependency.key(), true));
      if (const json::array* const names = dependency.value().if_array()) {
        for (const json::value& name : *names) {
          if (!name.is_string()) return Fault(name, "this is no name");
          then = TRY(shapes_.And(then, TRY(HasMember(name.get_string(), true))));
        }
      } else if (dependency.value().is_string()) {  // draft 3
        then = TRY(shapes_.And(then, TRY(HasMember(dependency.value().get_string(), true))));
      } else {
        const Shape* const also = TRY(ShapeOf(Schema(dependency.value())));
        then = TRY(shapes_.And(then, *also));
      }
      then = TRY(shapes_.Or(std::move(then), TRY(HasMember(dependency.key(), false))));
      shape = TRY(shapes_.And(shape, then));
    }
  }
  return {};
}

// One of them and none of the others. Where no two have a value in common, any of them.
Result<Shape> SchemaReader::ExactlyOne(const json::array& parts) {
  std::vector<SchemaId> schemas;
  for (const json::value& part : parts) schemas.push_back(Schema(part));
  Shape any = shapes_.Nothing();
  for (std::size_t i = 0; i < schemas.size(); ++i) {
    Shape one = *TRY(ShapeOf(schemas[i]));
    for (std::size_t j = 0; j < schemas.size(); ++j) {
      if (j == i || TRY(IsNothing(And(schemas[i], schemas[j])))) continue;
      const Shape* const none = TRY(ShapeOf(Not(schemas[j])));
      one = TRY(shapes_.And(one, *none));
    }
    any = TRY(shapes_.Or(std::move(any), one));
  }
  return any;
}

Result<void> SchemaReader::ReadCombinations(const json::object& schema, Shape& shape) {
  const auto list = [&](std::string_view keyword) -> Result<const json::array*> {
    const json::value* const parts = At(schema, keyword);
    if (parts == nullptr) return nullptr;
    if (!parts->is_array() || parts->get_array().empty())
      return Fault(*parts, "this is no list of schemas");
    return &parts->get_array();
  };
  if (const json::array* const all = TRY(list("allOf"))) {
    for (const json::value& part : *all) {
      const Shape* const one = TRY(ShapeOf(Schema(part)));
      shape = TRY(shapes_.And(shape, *one));
    }
  }
  if (const json::array* const any = TRY(list("anyOf"))) {
    Shape some = shapes_.Nothing();
    for (const json::value& part : *any) {
      const Shape* const one = TRY(ShapeOf(Schema(part)));
      some = TRY(shapes_.Or(std::move(some), *one));
    }
    shape = TRY(shapes_.And(shape, some));
  }
  if (const json::array* const exactly = TRY(list("oneOf"))) {
    const Shape one = TRY(Located(*At(schema, "oneOf"), ExactlyOne(*exactly)));
    shape = TRY(shapes_.And(shape, one));
  }
  if (const json::value* const refused = At(schema, "not")) {
    const Shape* const none = TRY(ShapeOf(Not(Schema(*refused))));
    shape = TRY(shapes_.And(shape, *none));
  }
  return {};
}

Result<void> SchemaReader::ReadConditions(const json::object& schema, Shape& shape) {
  const json::value* const condition = At(schema, "if");
  const json::value* const then = At(schema, "then");
  const json::value* const otherwise = At(schema, "else");
  if (condition == nullptr || (then == nullptr && otherwise == nullptr) || !Knows(SchemaDraft::k7))
    return {};
  const SchemaId holds = Schema(*condition);
  const Shape* const yes = TRY(ShapeOf(then == nullptr ? holds : And(holds, Schema(*then))));
  const Shape* const no =
      TRY(ShapeOf(otherwise == nullptr ? Not(holds) : And(Not(holds), Schema(*otherwise))));
  shape = TRY(shapes_.And(shape, TRY(shapes_.Or(*yes, *no))));
  return {};
}

}  // namespace kinglet
