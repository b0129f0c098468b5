// SPDX-License-Identifier: Apache-2.0
// Conjunctions of parts, and what they come to.
#include "grammar/schema_reader.h"

#include <algorithm>
#include <utility>

#include "grammar/decimal.h"

namespace kinglet {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaxSchemas = 20'000;
constexpr std::size_t kMaxOpen = 400;  // schemas that wait for what they refer to

std::unexpected<Status> TooDeep() {
  return Error(StatusCode::kInvalidInput, "more than {} parts lead to each other in a row",
               kMaxOpen);
}

}  // namespace

SchemaReader::SchemaReader(SchemaDocument document, RegexPool& pool)
    : document_(std::move(document)), pool_(&pool), shapes_(pool, *this) {
  Intern({});                                                // kAnySchema
  Single({.kind = Atom::Kind::kNot, .schema = kAnySchema});  // kNoSchema
}

SchemaId SchemaReader::Intern(std::vector<AtomId> atoms) {
  std::ranges::sort(atoms);
  atoms.erase(std::ranges::unique(atoms).begin(), atoms.end());
  const auto [found, is_new] =
      schema_index_.try_emplace(atoms, static_cast<SchemaId>(schemas_.size()));
  if (is_new) {
    schemas_.push_back(std::move(atoms));
    progress_.push_back(Progress::kNone);
    shape_of_.push_back(nullptr);
    emptiness_progress_.push_back(Progress::kNone);
    is_nothing_.push_back(false);
  }
  return found->second;
}

SchemaId SchemaReader::Single(const Atom& atom) {
  const auto [found, is_new] = atom_index_.try_emplace(atom, static_cast<AtomId>(atoms_.size()));
  if (is_new) atoms_.push_back(atom);
  return Intern({found->second});
}

SchemaId SchemaReader::Schema(const json::value& part) {
  if (part.is_bool()) return part.get_bool() ? kAnySchema : kNoSchema;
  if (part.is_object() && part.get_object().empty()) return kAnySchema;
  return Single({.kind = Atom::Kind::kSchema, .value = &part});
}

SchemaId SchemaReader::root() { return Schema(document_.root()); }

SchemaId SchemaReader::And(SchemaId a, SchemaId b) {
  if (a == kAnySchema || a == b) return b;
  if (b == kAnySchema) return a;
  if (a == kNoSchema || b == kNoSchema) return kNoSchema;
  std::vector<AtomId> atoms = schemas_[a];
  atoms.insert(atoms.end(), schemas_[b].begin(), schemas_[b].end());
  return Intern(std::move(atoms));
}

SchemaId SchemaReader::Not(SchemaId a) {
  if (a == kAnySchema) return kNoSchema;
  if (a == kNoSchema) return kAnySchema;
  if (schemas_[a].size() == 1 && atoms_[schemas_[a][0]].kind == Atom::Kind::kNot)
    return atoms_[schemas_[a][0]].schema;
  return Single({.kind = Atom::Kind::kNot, .schema = a});
}

std::unexpected<Status> SchemaReader::Fault(const json::value& part, std::string_view what) const {
  return Error(StatusCode::kInvalidInput, "the schema at {:?}: {}", document_.PointerTo(part),
               what);
}

// Tells where an error of the shapes came from.
Result<Shape> SchemaReader::Located(const json::value& part, Result<Shape> shape) const {
  if (shape || shape.error().message().starts_with("the schema")) return shape;
  return Fault(part, shape.error().message());
}

Result<const Shape*> SchemaReader::ShapeOf(SchemaId id) {
  if (progress_[id] == Progress::kDone) return shape_of_[id].get();
  if (progress_[id] == Progress::kOpen) {
    return Error(StatusCode::kInvalidInput, "the schema holds only what it holds itself");
  }
  if (schemas_.size() > kMaxSchemas) {
    return Error(StatusCode::kInvalidInput, "the schema combines its parts in more than {} ways",
                 kMaxSchemas);
  }
  if (open_count_ >= kMaxOpen) return TooDeep();
  progress_[id] = Progress::kOpen;
  ++open_count_;
  auto shape = Compute(id);
  --open_count_;
  progress_[id] = Progress::kNone;
  if (!shape) return std::unexpected(shape.error());
  shape_of_[id] = std::make_unique<Shape>(std::move(*shape));
  progress_[id] = Progress::kDone;
  return shape_of_[id].get();
}

Result<Shape> SchemaReader::Compute(SchemaId id) {
  const std::vector<AtomId> atoms = schemas_[id];
  if (atoms.size() == 1) return OfAtom(atoms_[atoms[0]]);
  Shape shape = shapes_.Anything();
  for (const AtomId atom : atoms) {
    const Shape* const of_atom = TRY(ShapeOf(Intern({atom})));
    shape = TRY(shapes_.And(shape, *of_atom));
  }
  return shape;
}

Result<Shape> SchemaReader::OfAtom(const Atom& atom) {
  switch (atom.kind) {
    case Atom::Kind::kSchema:
      return Located(*atom.value, OfPart(*atom.value));
    case Atom::Kind::kConstant:
      return OfConstant(*atom.value);
    case Atom::Kind::kNot: {
      const SchemaId schema = atom.schema;
      if (schema == kAnySchema) return shapes_.Nothing();
      const Shape* const shape = TRY(ShapeOf(schema));
      return shapes_.Not(*shape);
    }
  }
  return shapes_.Nothing();
}

Result<Shape> SchemaReader::OfConstant(const json::value& constant) {
  Shape shape = shapes_.Nothing();
  switch (constant.kind()) {
    case json::kind::null:
      shape.has_null = true;
      break;
    case json::kind::bool_:
      (constant.get_bool() ? shape.has_true : shape.has_false) = true;
      break;
    case json::kind::string:
      shape.string = shapes_.KeyNamed(std::string_view(constant.get_string()));
      break;
    case json::kind::array: {
      const json::array& items = constant.get_array();
      ArrayShape array{.rest = kNoSchema,
                       .min = static_cast<std::uint32_t>(items.size()),
                       .max = static_cast<std::uint32_t>(items.size())};
      for (const json::value& item : items) {
        array.prefix.push_back(Single({.kind = Atom::Kind::kConstant, .value = &item}));
      }
      shape.arrays.push_back(std::move(array));
      break;
    }
    case json::kind::object: {
      ObjectShape object = shapes_.AnyObject();
      object.members[0].schema = kNoSchema;
      for (const json::key_value_pair& member : constant.get_object()) {
        ObjectShape::Member& named = object.members[shapes_.Named(object, member.key())];
        named.schema = Single({.kind = Atom::Kind::kConstant, .value = &member.value()});
        named.is_required = true;
      }
      shape.objects.push_back(std::move(object));
      break;
    }
    default: {
      const auto number = ParseDecimal(json::serialize(constant));
      if (!number) return Fault(constant, "a number with too many digits");
      shape.number = NumberEqual(*pool_, *number);
    }
  }
  return shape;
}

Result<bool> SchemaReader::IsNothing(SchemaId id) {
  if (emptiness_progress_[id] == Progress::kOpen) return false;
  if (emptiness_progress_[id] == Progress::kDone) return static_cast<bool>(is_nothing_[id]);
  const Shape* const shape = TRY(ShapeOf(id));
  if (shape->has_null || shape->has_true || shape->has_false) return false;
  if (!pool_->IsNothing(shape->number) || !pool_->IsNothing(shape->string)) return false;
  if (!pool_->IsNothing(shape->more_strings)) return false;
  if (open_count_ >= kMaxOpen) return TooDeep();
  emptiness_progress_[id] = Progress::kOpen;
  ++open_count_;
  bool is_nothing = true;
  for (const ArrayShape& array : shape->arrays) {
    bool has_value = array.min <= array.max;
    for (std::uint32_t i = 0;
         has_value && i < std::min<std::uint32_t>(
                              array.min, static_cast<std::uint32_t>(array.prefix.size()) + 1);
         ++i) {
      has_value = !TRY(IsNothing(array.at(i)));
    }
    for (const ArrayShape::Contains& contains : array.contains) {
      if (has_value && contains.min > 0)
        has_value = contains.min <= contains.max && !TRY(IsNothing(contains.schema));
    }
    if (has_value) is_nothing = false;
  }
  for (const ObjectShape& object : shape->objects) {
    bool has_value = object.min <= object.max;
    for (const ObjectShape::Member& member : object.members) {
      if (has_value && member.is_required) has_value = !TRY(IsNothing(member.schema));
    }
    if (has_value) is_nothing = false;
  }
  --open_count_;
  emptiness_progress_[id] = Progress::kDone;
  is_nothing_[id] = is_nothing;
  return is_nothing;
}

}  // namespace kinglet
