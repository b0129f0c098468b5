// SPDX-License-Identifier: Apache-2.0
// Shapes become rules, from the closing bracket to the opening one.
#include "grammar/json_schema.h"

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "grammar/decimal.h"
#include "grammar/schema_reader.h"

namespace kinglet {
namespace {

using NodeId = Grammar::NodeId;

constexpr std::uint32_t kMaxCounted = 1000;  // members or items that are counted one by one
constexpr std::size_t kMaxRules = 20'000;

std::uint32_t Less(std::uint32_t count, std::uint32_t taken) {
  if (count == kUnbounded) return kUnbounded;
  return count > taken ? count - taken : 0;
}

class Emitter {
 public:
  Emitter(SchemaReader& reader, Grammar& grammar) : reader_(reader), grammar_(grammar) {}

  // The values of a schema that are objects.
  Result<NodeId> Objects(SchemaId id) {
    const Shape* const shape = TRY(reader_.ShapeOf(id));
    std::vector<NodeId> ways;
    for (const ObjectShape& object : shape->objects) ways.push_back(TRY(Object(object)));
    return ways.empty() ? Nothing() : grammar_.Choice(std::move(ways));
  }

  // The rule of a schema. Its body comes with Finish(): schemas may lead to each other in rows of
  // any length.
  Result<NodeId> Rule(SchemaId id) {
    if (const auto found = rules_.find(id); found != rules_.end()) return found->second;
    if (rules_.size() >= kMaxRules)
      return Error(StatusCode::kInvalidInput, "the schema has more than {} parts", kMaxRules);
    const NodeId rule = grammar_.NewRule(fmt::format("schema {}", id));
    rules_.emplace(id, rule);
    open_.emplace_back(id, rule);
    return rule;
  }

  Result<void> Finish() {
    while (!open_.empty()) {
      const auto [id, rule] = open_.back();
      open_.pop_back();
      grammar_.SetBody(rule, TRY(Body(id)));
    }
    return {};
  }

 private:
  Result<NodeId> Body(SchemaId id) {
    const Shape* const shape = TRY(reader_.ShapeOf(id));
    RegexPool& pool = grammar_.regex();
    std::vector<RegexId> scalars = {shape->string, NumberTexts(shape->number)};
    if (shape->has_null) scalars.push_back(pool.Literal("null"));
    if (shape->has_true) scalars.push_back(pool.Literal("true"));
    if (shape->has_false) scalars.push_back(pool.Literal("false"));
    std::vector<NodeId> ways = {grammar_.Terminal(pool.Or(scalars))};
    for (const ArrayShape& array : shape->arrays) ways.push_back(TRY(Array(array)));
    ways.push_back(TRY(Objects(id)));
    return grammar_.Choice(std::move(ways));
  }

  // One text of each number, so that no model writes zeros without an end; where only integers are
  // allowed, they are written as such.
  RegexId NumberTexts(RegexId number) {
    RegexPool& pool = grammar_.regex();
    if (number == kNoText) return number;
    if (number == reader_.shapes().any_number()) return WrittenAnyNumber(pool);
    const RegexId fractions = pool.And({number, pool.Not(IntegralNumber(pool))});
    const bool integers_only = pool.IsNothing(fractions);
    const RegexId texts = pool.And({number, WrittenNumber(pool, integers_only, kWrittenDigits)});
    // A bound or a constant may want more digits.
    if (!pool.IsNothing(texts)) return texts;
    return pool.And({number, WrittenNumber(pool, integers_only, kDoubleDigits)});
  }

  Result<NodeId> Array(const ArrayShape& array) {
    if (array.min > array.max) return Nothing();
    if (array.contains.size() > 1) {
      return Error(StatusCode::kInvalidInput, "two \"contains\" of one array cannot be enforced");
    }
    const NodeId body =
        array.contains.empty() ? TRY(Items(array)) : TRY(CountedItems(array, array.contains[0]));
    return grammar_.Sequence(grammar_.Literal("["), body);
  }

  NodeId Nothing() { return grammar_.Terminal(kNoText); }
  NodeId Comma(bool is_first) { return is_first ? Grammar::kEmpty : grammar_.Literal(","); }

  // All items and the closing bracket.
  Result<NodeId> Items(const ArrayShape& array) {
    const NodeId close = grammar_.Literal("]");
    const auto prefix = static_cast<std::uint32_t>(array.prefix.size());
    NodeId tail = close;
    if (array.max > prefix && array.rest != kNoSchema) {
      const NodeId item = TRY(Rule(array.rest));
      const std::uint32_t min = Less(array.min, prefix);
      const std::uint32_t max = Less(array.max, prefix);
      const NodeId next = grammar_.Sequence(grammar_.Literal(","), item);
      if (prefix > 0) {
        tail = grammar_.Sequence(grammar_.Repeat(next, min, max), close);
      } else {
        const NodeId some =
            grammar_.Sequence({item, grammar_.Repeat(next, Less(min, 1), Less(max, 1)), close});
        return min > 0 ? some : grammar_.Choice({some, close});
      }
    } else if (array.min > prefix) {
      return Nothing();
    }
    for (std::uint32_t i = prefix; i-- > 0;) {
      if (i >= array.max) {
        tail = close;
        continue;
      }
      const NodeId item = TRY(Rule(array.prefix[i]));
      const NodeId some = grammar_.Sequence({Comma(i == 0), item, tail});
      tail = i >= array.min ? grammar_.Choice({some, close}) : some;
    }
    return tail;
  }

  // As Items(), with so many of them that one schema holds for.
  Result<NodeId> CountedItems(const ArrayShape& array, const ArrayShape::Contains& contains) {
    const bool is_limited = contains.max != kUnbounded;
    const std::uint32_t most = is_limited ? contains.max : contains.min;
    const std::uint32_t counted = std::max({static_cast<std::uint32_t>(array.prefix.size()),
                                            array.min, array.max == kUnbounded ? 0 : array.max});
    if (most > kMaxCounted || counted > kMaxCounted) {
      return Error(StatusCode::kInvalidInput,
                   "\"contains\" beside a count above {} cannot be enforced", kMaxCounted);
    }
    const NodeId close = grammar_.Literal("]");
    // [items so far, as far as they matter][of them counted]
    const std::uint32_t last = counted + 1;  // the position that stands for all that follow
    std::vector<NodeId> next(most + 1, Nothing());
    std::vector<NodeId> here(most + 1, Nothing());
    for (std::uint32_t position = last + 1; position-- > 0;) {
      const bool may_have_more = position < array.max;
      const bool may_end = position >= array.min && position <= array.max;
      for (std::uint32_t found = 0; found <= most; ++found) {
        if (position == last)
          here[found] = grammar_.NewRule(fmt::format("{} of an array's items", found));
      }
      for (std::uint32_t found = 0; found <= most; ++found) {
        const auto& then = position == last ? here : next;
        std::vector<NodeId> ways;
        if (may_end && found >= contains.min) ways.push_back(close);
        if (may_have_more) {
          const SchemaId item = array.at(position);
          const SchemaId with = reader_.And(item, contains.schema);
          const SchemaId without =
              is_limited ? reader_.And(item, reader_.Not(contains.schema)) : item;
          if (found < most) {
            ways.push_back(
                grammar_.Sequence({Comma(position == 0), TRY(Rule(with)), then[found + 1]}));
          }
          ways.push_back(
              grammar_.Sequence({Comma(position == 0), TRY(Rule(without)), then[found]}));
        }
        const NodeId way = grammar_.Choice(std::move(ways));
        if (position == last) {
          grammar_.SetBody(here[found], way);
        } else {
          here[found] = way;
        }
      }
      next = here;
    }
    return next[0];
  }

  Result<NodeId> Object(const ObjectShape& object) {
    if (object.min > object.max) return Nothing();
    if (object.exists.size() > 1) {
      return Error(StatusCode::kInvalidInput,
                   "two conditions on some unnamed member of one object cannot be enforced");
    }
    std::uint32_t named = 0;
    std::uint32_t required = 0;
    for (const ObjectShape::Member& member : object.members) {
      if (member.name) ++named;
      if (member.is_required) ++required;
    }
    const bool counts = object.min > required || object.max != kUnbounded;
    // Counts of members so far that make a difference.
    const std::uint32_t most = !counts ? 1 : object.max != kUnbounded ? object.max : object.min;
    if (most > kMaxCounted)
      return Error(StatusCode::kInvalidInput, "a count of members above {} cannot be enforced",
                   kMaxCounted);
    std::vector<NodeId> next(most + 2, Nothing());
    for (std::uint32_t so_far = 0; so_far <= most; ++so_far) {
      next[so_far] = TRY(Others(object, so_far, counts));
    }
    next[most + 1] = object.max == kUnbounded ? next[most] : Nothing();
    std::vector<NodeId> here = next;
    for (std::uint32_t i = named; i-- > 0;) {
      const ObjectShape::Member& member = object.members[i];
      const bool can_be = !TRY(reader_.IsNothing(member.schema));
      for (std::uint32_t so_far = 0; so_far <= most; ++so_far) {
        std::vector<NodeId> ways;
        if (can_be) {
          const NodeId key = Key(member.keys, so_far == 0);
          ways.push_back(grammar_.Sequence({key, TRY(Rule(member.schema)), next[so_far + 1]}));
        }
        if (!member.is_required) ways.push_back(next[so_far]);
        here[so_far] = ways.empty() ? Nothing() : grammar_.Choice(std::move(ways));
      }
      here[most + 1] = object.max == kUnbounded ? here[most] : Nothing();
      next = here;
    }
    return grammar_.Sequence(grammar_.Literal("{"), next[0]);
  }

  NodeId Key(RegexId keys, bool is_first) {
    RegexPool& pool = grammar_.regex();
    return grammar_.Terminal(
        pool.Concat({is_first ? kEmptyText : pool.Literal(","), keys, pool.Literal(":")}));
  }

  // A member that has no name of its own, and that is one of those or none of those.
  Result<NodeId> Other(const ObjectShape& object, bool is_first,
                       const ObjectShape::Exists* one_of = nullptr,
                       const ObjectShape::Exists* none_of = nullptr) {
    std::vector<NodeId> ways;
    for (const ObjectShape::Member& member : object.members) {
      if (member.name || member.schema == kNoSchema) continue;
      RegexId keys = member.keys;
      SchemaId schema = member.schema;
      RegexPool& pool = grammar_.regex();
      if (one_of != nullptr) {
        keys = pool.And({keys, one_of->keys});
        schema = reader_.And(schema, one_of->schema);
      }
      if (none_of != nullptr) keys = pool.And({keys, pool.Not(none_of->keys)});
      if (pool.IsNothing(keys) || TRY(reader_.IsNothing(schema))) continue;
      ways.push_back(grammar_.Sequence(Key(keys, is_first), TRY(Rule(schema))));
    }
    return ways.empty() ? Nothing() : grammar_.Choice(std::move(ways));
  }

  // The members without names of their own, and the closing brace. A required one of them is looked
  // for among these alone.
  Result<NodeId> Others(const ObjectShape& object, std::uint32_t so_far, bool counts) {
    const NodeId close = grammar_.Literal("}");
    const std::uint32_t min = counts ? Less(object.min, so_far) : 0;
    const std::uint32_t max = object.max == kUnbounded ? kUnbounded : Less(object.max, so_far);
    if (object.max != kUnbounded && so_far > object.max) return Nothing();
    const NodeId first = TRY(Other(object, so_far == 0));
    const NodeId later = TRY(Other(object, false));
    if (!object.exists.empty()) {
      if (counts)
        return Error(StatusCode::kInvalidInput,
                     "a condition on some member beside a count of members cannot be enforced");
      const ObjectShape::Exists& exists = object.exists[0];
      for (const ObjectShape::Member& member : object.members) {
        if (member.name &&
            !grammar_.regex().IsNothing(grammar_.regex().And({member.keys, exists.keys}))) {
          return Error(StatusCode::kInvalidInput,
                       "a condition on some member, named ones included, cannot be enforced");
        }
      }
      // A name may come twice, and the last is what counts: behind the member that was looked for
      // no other undoes it.
      const NodeId found = TRY(Other(object, false, &exists));
      const NodeId behind = grammar_.Choice({found, TRY(Other(object, false, nullptr, &exists))});
      const NodeId rest = grammar_.Sequence(grammar_.Repeat(behind, 0, kUnbounded), close);
      const NodeId found_first = grammar_.Sequence(TRY(Other(object, so_far == 0, &exists)), rest);
      const NodeId found_later =
          grammar_.Sequence({first, grammar_.Repeat(later, 0, kUnbounded), found, rest});
      return grammar_.Choice({found_first, found_later});
    }
    if (max == 0) return min == 0 ? close : Nothing();
    // Nothing would keep their names apart.
    if (min > 1 && first != Nothing()) {
      return Error(StatusCode::kInvalidInput,
                   "two or more members that have no names of their own cannot be counted");
    }
    const NodeId some =
        grammar_.Sequence({first, grammar_.Repeat(later, Less(min, 1), Less(max, 1)), close});
    return min > 0 ? some : grammar_.Choice({some, close});
  }

  SchemaReader& reader_;
  Grammar& grammar_;
  std::map<SchemaId, NodeId> rules_;
  std::vector<std::pair<SchemaId, NodeId>> open_;  // rules without their bodies
};

}  // namespace

Result<Grammar::NodeId> AddJsonSchema(Grammar& grammar, const boost::json::value& schema) {
  SchemaReader reader(TRY(SchemaDocument::Read(schema)), grammar.regex());
  Emitter emitter(reader, grammar);
  const Grammar::NodeId node = TRY(emitter.Rule(reader.root()));
  TRY(emitter.Finish());
  return node;
}

Result<Grammar::NodeId> AddJsonSchemaObjects(Grammar& grammar, const boost::json::value& schema) {
  SchemaReader reader(TRY(SchemaDocument::Read(schema)), grammar.regex());
  Emitter emitter(reader, grammar);
  const Grammar::NodeId node = TRY(emitter.Objects(reader.root()));
  TRY(emitter.Finish());
  return node;
}

Result<Grammar> CompileJsonSchema(const boost::json::value& schema) {
  Grammar grammar;
  TRY(grammar.Finish(TRY(AddJsonSchema(grammar, schema))));
  return grammar;
}

}  // namespace kinglet
