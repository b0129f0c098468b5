// SPDX-License-Identifier: Apache-2.0
// Schemas become shapes. A schema here is a conjunction: parts of the document, constants, and
// schemas that must not hold. Equal conjunctions are one, so that recursion ends where it began.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include <boost/json.hpp>

#include "base/status.h"
#include "grammar/schema_document.h"
#include "grammar/schema_shape.h"

namespace kinglet {

class SchemaReader final : public SchemaAlgebra {
 public:
  SchemaReader(SchemaDocument document, RegexPool& pool);

  SchemaId root();
  SchemaId And(SchemaId a, SchemaId b) override;
  SchemaId Not(SchemaId a) override;

  // Computed once. kInvalidInput, with the JSON pointer of what is wrong or cannot be enforced.
  Result<const Shape*> ShapeOf(SchemaId id);
  // Known to have no value. A schema that leads back to itself is taken to have one.
  Result<bool> IsNothing(SchemaId id);

  const Shapes& shapes() const { return shapes_; }

 private:
  struct Atom {
    enum class Kind : std::uint8_t { kSchema, kConstant, kNot };
    Kind kind;
    const boost::json::value* value = nullptr;  // of the document
    SchemaId schema = kAnySchema;               // that must not hold
    auto operator<=>(const Atom&) const = default;
  };
  using AtomId = std::uint32_t;

  SchemaId Single(const Atom& atom);
  SchemaId Schema(const boost::json::value& part);
  SchemaId Intern(std::vector<AtomId> atoms);
  std::unexpected<Status> Fault(const boost::json::value& part, std::string_view what) const;
  Result<Shape> Located(const boost::json::value& part, Result<Shape> shape) const;

  Result<Shape> Compute(SchemaId id);
  Result<Shape> OfAtom(const Atom& atom);
  Result<Shape> OfConstant(const boost::json::value& constant);
  Result<Shape> OfPart(const boost::json::value& part);
  Result<Shape> OfObject(const boost::json::value& part, const boost::json::object& schema);

  // What each group of keywords leaves of `shape`.
  RegexId Integers();
  Result<void> ReadType(const boost::json::object& schema, Shape& shape);
  Result<void> ReadValues(const boost::json::object& schema, Shape& shape);
  Result<void> ReadNumbers(const boost::json::object& schema, Shape& shape);
  Result<void> ReadStrings(const boost::json::object& schema, Shape& shape);
  Result<void> ReadArrays(const boost::json::object& schema, Shape& shape);
  Result<void> ReadItems(const boost::json::object& schema, ArrayShape& array);
  Result<void> ReadObjects(const boost::json::object& schema, Shape& shape);
  Result<void> ReadMembers(const boost::json::object& schema, ObjectShape& object);
  Result<void> ReadDependencies(const boost::json::object& schema, Shape& shape);
  Result<void> ReadCombinations(const boost::json::object& schema, Shape& shape);
  Result<void> ReadConditions(const boost::json::object& schema, Shape& shape);
  Result<Shape> ExactlyOne(const boost::json::array& parts);
  Result<void> RefuseUnenforced(const boost::json::object& schema) const;

  Result<Shape> HasMember(std::string_view name, bool has);
  // The keyword's value, where the schema has it.
  Result<std::optional<std::uint32_t>> Count(const boost::json::object& schema,
                                             std::string_view keyword) const;
  bool Knows(SchemaDraft since) const { return document_.draft() >= since; }

  SchemaDocument document_;
  RegexPool* pool_;
  Shapes shapes_;
  std::map<Atom, AtomId> atom_index_;
  std::vector<Atom> atoms_;
  std::map<std::vector<AtomId>, SchemaId> schema_index_;
  std::vector<std::vector<AtomId>> schemas_;
  enum class Progress : std::uint8_t { kNone, kOpen, kDone };
  std::vector<Progress> progress_;
  std::vector<std::unique_ptr<Shape>> shape_of_;
  std::vector<Progress> emptiness_progress_;
  std::size_t open_count_ = 0;  // being computed, both ways
  std::vector<bool> is_nothing_;
};

}  // namespace kinglet
