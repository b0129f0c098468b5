// SPDX-License-Identifier: Apache-2.0
// Names, words and numbers come from short lists: keywords that speak of the same ones meet.
#include "schema_maker.h"

#include <utility>

#include "grammar/schema_shape.h"

namespace kinglet {
namespace {

constexpr std::string_view kNames[] = {"a", "b", "ab", "", "x-1", "\u00E9", "n\"", "c"};
constexpr std::string_view kWords[] = {
    "",    "a",  "b",   "ab",  "aab",        "x-1",  "\u00E9", "n\"",        "\n",
    "bb0", "10", "A b", "\\d", "2024-02-29", "\x1F", "a@b.de", "\U0001F426", "127.0.0.1"};
constexpr std::string_view kTypes[] = {"integer", "string", "object",  "array",
                                       "number",  "null",   "boolean", "integer"};
constexpr std::string_view kFormats[] = {"date",
                                         "time",
                                         "date-time",
                                         "duration",
                                         "email",
                                         "hostname",
                                         "ipv4",
                                         "ipv6",
                                         "uuid",
                                         "uri",
                                         "int32",
                                         "int64",
                                         "uri-reference",
                                         "json-pointer",
                                         "iri",
                                         "uint32",
                                         "relative-json-pointer",
                                         "idn-email",
                                         "float",
                                         "phone"};
constexpr std::string_view kDrafts[] = {
    "https://json-schema.org/draft/2020-12/schema", "https://json-schema.org/draft/2019-09/schema",
    "http://json-schema.org/draft-07/schema#", "http://json-schema.org/draft-06/schema#",
    "http://json-schema.org/draft-04/schema#"};
constexpr std::string_view kReferences[] = {
    "#/$defs/a", "#/$defs/b", "#", "#/properties/a", "#anchor", "other", "#/$defs/none"};
constexpr double kDecimals[] = {0.5, -0.5, 0.25, 1.5, 2.75, 0.01, 3.14, -12.125, 0.1, 99.99};

class SchemaMaker {
 public:
  explicit SchemaMaker(ByteSource& bytes) : bytes_(bytes) {}

  json::value Document() {
    json::object schema = Keywords(0);
    if (bytes_.Below(4) == 1) schema["$schema"] = bytes_.OneOf(kDrafts);
    if (bytes_.Below(3) == 1) {
      json::object definitions;
      definitions["a"] = Schema(1);
      definitions["b"] = Schema(1);
      schema["$defs"] = std::move(definitions);
    }
    return schema;
  }

 private:
  using Add = void (SchemaMaker::*)(json::object&, int);

  json::value Schema(int depth) {
    if (bytes_.empty()) return true;
    switch (bytes_.Below(12)) {
      case 0:
        return true;
      case 1:
        return false;
      case 2:
        return json::object{{"type", bytes_.OneOf(kTypes)}};
      default:
        return Keywords(depth);
    }
  }

  json::object Keywords(int depth) {
    static constexpr Add kScalar[] = {&SchemaMaker::AddType,    &SchemaMaker::AddValues,
                                      &SchemaMaker::AddBounds,  &SchemaMaker::AddLengths,
                                      &SchemaMaker::AddPattern, &SchemaMaker::AddFormat};
    static constexpr Add kAny[] = {
        &SchemaMaker::AddType,       &SchemaMaker::AddValues,      &SchemaMaker::AddBounds,
        &SchemaMaker::AddLengths,    &SchemaMaker::AddPattern,     &SchemaMaker::AddFormat,
        &SchemaMaker::AddItems,      &SchemaMaker::AddItemCounts,  &SchemaMaker::AddContains,
        &SchemaMaker::AddProperties, &SchemaMaker::AddOthers,      &SchemaMaker::AddNameRules,
        &SchemaMaker::AddDependency, &SchemaMaker::AddCombination, &SchemaMaker::AddNot,
        &SchemaMaker::AddCondition,  &SchemaMaker::AddReference,   &SchemaMaker::AddProperties};
    json::object schema;
    for (std::uint32_t count = 1 + bytes_.Below(3); count > 0 && !bytes_.empty(); --count) {
      const Add add = depth < 4 ? bytes_.OneOf(kAny) : bytes_.OneOf(kScalar);
      (this->*add)(schema, depth + 1);
    }
    return schema;
  }

  json::array Schemas(int depth) {
    json::array schemas;
    for (std::uint32_t count = 1 + bytes_.Below(3); count > 0; --count)
      schemas.push_back(Schema(depth));
    return schemas;
  }

  json::array Names() {
    json::array names;
    for (std::uint32_t count = 1 + bytes_.Below(2); count > 0; --count)
      names.emplace_back(bytes_.OneOf(kNames));
    return names;
  }

  json::value Number() { return DrawValue(bytes_, -1); }

  void AddType(json::object& schema, int /*depth*/) {
    const std::string_view type = bytes_.OneOf(kTypes);
    schema["type"] = type;
    if (bytes_.Below(4) == 1) schema["type"] = json::array{type, bytes_.OneOf(kTypes)};
  }

  void AddValues(json::object& schema, int /*depth*/) {
    const std::uint32_t count = bytes_.Below(4);
    if (count == 0) {
      schema["const"] = DrawValue(bytes_, 1);
      return;
    }
    json::array values;
    for (std::uint32_t i = 0; i < count; ++i) values.push_back(DrawValue(bytes_, 1));
    schema["enum"] = std::move(values);
  }

  void AddBounds(json::object& schema, int /*depth*/) {
    constexpr std::string_view kBounds[] = {"minimum", "maximum", "exclusiveMinimum",
                                            "exclusiveMaximum"};
    // Small: an automaton has so many states.
    constexpr double kDivisors[] = {1, 2, 3, 7, 0.5, 0.25, 1.5, 0.01};
    const std::string_view bound = bytes_.OneOf(kBounds);
    schema[bound] = Number();
    if (bytes_.Below(3) == 1) schema[bytes_.OneOf(kBounds)] = Number();
    if (bytes_.Below(4) == 1) schema["multipleOf"] = bytes_.OneOf(kDivisors);
    if (bytes_.Below(16) == 1) schema[bytes_.OneOf(kBounds)] = true;
  }

  void AddCounts(json::object& schema, std::string_view min, std::string_view max) {
    const std::uint32_t which = bytes_.Below(3);
    if (which != 1) schema[min] = bytes_.Below(5);
    if (which != 0) schema[max] = bytes_.Below(6);
  }

  void AddLengths(json::object& schema, int /*depth*/) {
    AddCounts(schema, "minLength", "maxLength");
  }
  void AddPattern(json::object& schema, int /*depth*/) {
    schema["pattern"] = DrawPattern(bytes_, 2);
  }
  void AddFormat(json::object& schema, int /*depth*/) { schema["format"] = bytes_.OneOf(kFormats); }

  void AddItems(json::object& schema, int depth) {
    switch (bytes_.Below(4)) {
      case 0:
        schema["items"] = Schema(depth);
        break;
      case 1:
        schema["prefixItems"] = Schemas(depth);
        break;
      case 2:
        schema["items"] = Schemas(depth);
        schema["additionalItems"] = Schema(depth);
        break;
      default:
        schema["prefixItems"] = Schemas(depth);
        schema["items"] = Schema(depth);
    }
  }

  void AddItemCounts(json::object& schema, int /*depth*/) {
    AddCounts(schema, "minItems", "maxItems");
    if (bytes_.Below(6) == 1) schema["uniqueItems"] = true;
  }

  void AddContains(json::object& schema, int depth) {
    schema["contains"] = Schema(depth);
    if (bytes_.Below(2) == 1) AddCounts(schema, "minContains", "maxContains");
  }

  void AddProperties(json::object& schema, int depth) {
    json::object properties;
    for (std::uint32_t count = 1 + bytes_.Below(3); count > 0; --count) {
      const std::string_view name = bytes_.OneOf(kNames);
      properties[name] = Schema(depth);
    }
    schema["properties"] = std::move(properties);
    if (bytes_.Below(2) == 1) schema["required"] = Names();
    if (bytes_.Below(2) == 1) schema["additionalProperties"] = Schema(depth);
  }

  void AddOthers(json::object& schema, int depth) {
    if (bytes_.Below(2) == 0) {
      schema["additionalProperties"] = Schema(depth);
      return;
    }
    json::object properties;
    properties[DrawPattern(bytes_, 1)] = Schema(depth);
    if (bytes_.Below(3) == 1) properties[DrawPattern(bytes_, 1)] = Schema(depth);
    schema["patternProperties"] = std::move(properties);
  }

  void AddNameRules(json::object& schema, int depth) {
    switch (bytes_.Below(3)) {
      case 0:
        schema["required"] = Names();
        break;
      case 1:
        schema["propertyNames"] = Schema(depth);
        break;
      default:
        AddCounts(schema, "minProperties", "maxProperties");
    }
  }

  void AddDependency(json::object& schema, int depth) {
    const std::string_view name = bytes_.OneOf(kNames);
    const std::uint32_t kind = bytes_.Below(4);
    json::object dependencies;
    if (kind % 2 == 0) {
      dependencies[name] = Names();
    } else {
      dependencies[name] = Schema(depth);
    }
    constexpr std::string_view kKeywords[] = {"dependentRequired", "dependentSchemas",
                                              "dependencies", "dependencies"};
    schema[kKeywords[kind]] = std::move(dependencies);
  }

  void AddCombination(json::object& schema, int depth) {
    constexpr std::string_view kKeywords[] = {"anyOf", "allOf", "oneOf"};
    const std::string_view keyword = bytes_.OneOf(kKeywords);
    schema[keyword] = Schemas(depth);
  }

  void AddNot(json::object& schema, int depth) { schema["not"] = Schema(depth); }

  void AddCondition(json::object& schema, int depth) {
    schema["if"] = Schema(depth);
    const std::uint32_t which = bytes_.Below(3);
    if (which != 1) schema["then"] = Schema(depth);
    if (which != 0) schema["else"] = Schema(depth);
  }

  void AddReference(json::object& schema, int /*depth*/) {
    schema["$ref"] = bytes_.OneOf(kReferences);
    if (bytes_.Below(8) == 1) schema["$anchor"] = "anchor";
    if (bytes_.Below(8) == 1) schema["$id"] = "other";
  }

  ByteSource& bytes_;
};

// One atom and how often.
std::string DrawTerm(ByteSource& bytes, int depth) {
  constexpr std::string_view kAtoms[] = {"a",      "b",
                                         "[ab]",   "[^a]",
                                         ".",      "\\d",
                                         "\\w",    "0",
                                         "\\.",    "\u00E9",
                                         "[a-c]",  "-",
                                         "\\s",    "\\u0061",
                                         "[^]",    "\\n",
                                         "\\\"",   "[\\w-]",
                                         "x",      "\\W",
                                         "\\D",    "[\\u00e0-\\u00ff]",
                                         "\\p{L}", "[]",
                                         "{",      "\\x41",
                                         "\\S",    "}",
                                         "]",      "[b-]",
                                         "(?:)",   "\\\\"};
  constexpr std::string_view kGroups[] = {"(", "(?:", "(?=", "(?!"};
  constexpr std::string_view kCounts[] = {"", "",      "",      "",     "*",  "+", "?",   "{2}",
                                          "", "{1,2}", "{0,3}", "{2,}", "*?", "",  "{0}", "{,2}"};
  std::string term;
  if (depth > 0 && bytes.Below(4) == 1) {
    term = bytes.OneOf(kGroups);
    term += DrawPattern(bytes, depth - 1) + ")";
  } else {
    term = bytes.OneOf(kAtoms);
  }
  term += bytes.OneOf(kCounts);
  return term;
}

}  // namespace

std::string DrawPattern(ByteSource& bytes, int depth) {
  std::string pattern;
  const std::uint32_t shape = bytes.Below(8);
  if ((shape & 1U) == 0) pattern += "^";
  for (std::uint32_t count = 1 + bytes.Below(4); count > 0 && !bytes.empty(); --count) {
    pattern += DrawTerm(bytes, depth);
    if (bytes.Below(6) == 1) pattern += "|";
  }
  if ((shape & 2U) == 0) pattern += "$";
  return pattern;
}

json::value DrawValue(ByteSource& bytes, int depth) {
  const std::uint32_t kind = depth < 0 ? bytes.Below(2) : bytes.Below(depth == 0 ? 6 : 9);
  switch (kind) {
    case 0:
      return static_cast<std::int64_t>(bytes.Below(16)) - 3;
    case 1:
      if (bytes.Below(4) == 1) return static_cast<std::int64_t>(bytes.Byte()) * 1001 - 100'000;
      return bytes.OneOf(kDecimals);
    case 2:
    case 3:
      return json::value(bytes.OneOf(kWords));
    case 4:
      return nullptr;
    case 5:
      return bytes.Below(2) == 1;
    case 6:
    case 7: {
      json::array items;
      for (std::uint32_t count = bytes.Below(4); count > 0; --count)
        items.push_back(DrawValue(bytes, depth - 1));
      return items;
    }
    default: {
      json::object members;
      for (std::uint32_t count = bytes.Below(3); count > 0; --count) {
        const std::string_view name = bytes.OneOf(kNames);
        members[name] = DrawValue(bytes, depth - 1);
      }
      return members;
    }
  }
}

std::string WrittenValue(const json::value& value) {
  if (value.is_double()) return fmt::format("{}", value.get_double());
  if (value.is_string()) return JsonStringText(value.get_string());
  std::string text;
  if (const json::array* const items = value.if_array()) {
    for (const json::value& item : *items) {
      text += text.empty() ? "[" : ",";
      text += WrittenValue(item);
    }
    return text.empty() ? "[]" : text + "]";
  }
  if (const json::object* const members = value.if_object()) {
    for (const json::key_value_pair& member : *members) {
      text += text.empty() ? "{" : ",";
      text += JsonStringText(member.key()) + ":" + WrittenValue(member.value());
    }
    return text.empty() ? "{}" : text + "}";
  }
  return ToJson(value);
}

json::value DrawSchema(ByteSource& bytes) { return SchemaMaker(bytes).Document(); }

}  // namespace kinglet
