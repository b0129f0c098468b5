// SPDX-License-Identifier: Apache-2.0
// First all parts are indexed, with their ids and anchors; then those that can be applied, from the
// root on, are prepared: a broken reference in an unused definition is no fault.
#include "grammar/validator_schema.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include <boost/json/array.hpp>
#include <boost/json/string.hpp>

#include "grammar/uri_reference.h"

namespace kinglet::validation {
namespace {

namespace json = boost::json;
using Draft = JsonSchemaDraft;

constexpr int kMaxSchemaDepth = 200;
constexpr std::size_t kMaxParts = 100'000;
constexpr std::size_t kMaxUriBytes =
    1024;  // of an id; each part inside may make one that is longer
constexpr std::size_t kMaxPatternBytes = std::size_t{32} << 20;

// What schemas the value of a keyword holds.
enum class Holds : std::uint8_t {
  kNone,
  kOne,
  kList,
  kOneOrList,
  kMembers,       // one a member
  kDependencies,  // one a member, or names
  kDefinitions,   // one a member, which is not applied
};

struct KeywordRow {
  Keyword keyword;
  std::string_view name;
  Draft since = Draft::k4;
  Holds holds = Holds::kNone;
};

// In the order of the enumeration.
constexpr std::array<KeywordRow, static_cast<std::size_t>(Keyword::kElse) + 1> kKeywords = {{
    {Keyword::kRef, "$ref"},
    {Keyword::kDynamicRef, "$dynamicRef", Draft::k2020},
    {Keyword::kRecursiveRef, "$recursiveRef", Draft::k2019},
    {Keyword::kDefs, "$defs", Draft::k4, Holds::kDefinitions},
    {Keyword::kDefinitions, "definitions", Draft::k4, Holds::kDefinitions},
    {Keyword::kType, "type"},
    {Keyword::kEnum, "enum"},
    {Keyword::kConst, "const", Draft::k6},
    {Keyword::kMinimum, "minimum"},
    {Keyword::kMaximum, "maximum"},
    {Keyword::kExclusiveMinimum, "exclusiveMinimum"},
    {Keyword::kExclusiveMaximum, "exclusiveMaximum"},
    {Keyword::kMultipleOf, "multipleOf"},
    {Keyword::kMinLength, "minLength"},
    {Keyword::kMaxLength, "maxLength"},
    {Keyword::kPattern, "pattern"},
    {Keyword::kFormat, "format"},
    {Keyword::kItems, "items", Draft::k4, Holds::kOneOrList},
    {Keyword::kPrefixItems, "prefixItems", Draft::k2020, Holds::kList},
    {Keyword::kAdditionalItems, "additionalItems", Draft::k4, Holds::kOne},
    {Keyword::kContains, "contains", Draft::k6, Holds::kOne},
    {Keyword::kMinContains, "minContains", Draft::k2019},
    {Keyword::kMaxContains, "maxContains", Draft::k2019},
    {Keyword::kMinItems, "minItems"},
    {Keyword::kMaxItems, "maxItems"},
    {Keyword::kUniqueItems, "uniqueItems"},
    {Keyword::kUnevaluatedItems, "unevaluatedItems", Draft::k2019, Holds::kOne},
    {Keyword::kProperties, "properties", Draft::k4, Holds::kMembers},
    {Keyword::kPatternProperties, "patternProperties", Draft::k4, Holds::kMembers},
    {Keyword::kAdditionalProperties, "additionalProperties", Draft::k4, Holds::kOne},
    {Keyword::kPropertyNames, "propertyNames", Draft::k6, Holds::kOne},
    {Keyword::kMinProperties, "minProperties"},
    {Keyword::kMaxProperties, "maxProperties"},
    {Keyword::kRequired, "required"},
    {Keyword::kDependencies, "dependencies", Draft::k4, Holds::kDependencies},
    {Keyword::kDependentRequired, "dependentRequired", Draft::k2019},
    {Keyword::kDependentSchemas, "dependentSchemas", Draft::k2019, Holds::kMembers},
    {Keyword::kUnevaluatedProperties, "unevaluatedProperties", Draft::k2019, Holds::kOne},
    {Keyword::kAllOf, "allOf", Draft::k4, Holds::kList},
    {Keyword::kAnyOf, "anyOf", Draft::k4, Holds::kList},
    {Keyword::kOneOf, "oneOf", Draft::k4, Holds::kList},
    {Keyword::kNot, "not", Draft::k4, Holds::kOne},
    {Keyword::kIf, "if", Draft::k7, Holds::kOne},
    {Keyword::kThen, "then", Draft::k7, Holds::kOne},
    {Keyword::kElse, "else", Draft::k7, Holds::kOne},
}};
constexpr bool IsInOrder() {
  for (std::size_t i = 0; i < kKeywords.size(); ++i) {
    if (kKeywords[i].keyword != static_cast<Keyword>(i)) return false;
  }
  return true;
}
static_assert(IsInOrder());

Holds HeldBy(Keyword keyword) { return kKeywords[static_cast<std::size_t>(keyword)].holds; }

// $recursiveRef leads to "#" alone, in 2019-09, and was replaced.
bool Knows(Draft draft, const KeywordRow& row) {
  return draft >= row.since && (row.keyword != Keyword::kRecursiveRef || draft == Draft::k2019);
}

const json::string* Text(const json::object& keywords, std::string_view name) {
  const json::value* const value = keywords.if_contains(name);
  return value == nullptr ? nullptr : value->if_string();
}

std::optional<Draft> DraftOf(const json::object& keywords) {
  constexpr std::array<std::pair<std::string_view, Draft>, 6> kDrafts = {{
      {"draft-03/", Draft::k4},
      {"draft-04/", Draft::k4},
      {"draft-06/", Draft::k6},
      {"draft-07/", Draft::k7},
      {"draft/2019-09/", Draft::k2019},
      {"draft/2020-12/", Draft::k2020},
  }};
  const json::string* const uri = Text(keywords, "$schema");
  if (uri == nullptr) return std::nullopt;
  const auto* const found = std::ranges::find_if(kDrafts, [&](const auto& draft) {
    return std::string_view(*uri).find("json-schema.org/" + std::string(draft.first)) !=
           std::string_view::npos;
  });
  return found == kDrafts.end() ? std::nullopt : std::optional(found->second);
}

bool IsSchema(const json::value& value) { return value.is_object() || value.is_bool(); }

// All schemas that the value of a keyword holds, and what stands in their places.
std::vector<const json::value*> SchemasIn(const json::value& value, Holds holds) {
  std::vector<const json::value*> schemas;
  const json::array* const list = value.if_array();
  const json::object* const members = value.if_object();
  if (holds == Holds::kOne || (holds == Holds::kOneOrList && list == nullptr)) {
    schemas.push_back(&value);
  } else if ((holds == Holds::kList || holds == Holds::kOneOrList) && list != nullptr) {
    for (const json::value& each : *list) schemas.push_back(&each);
  } else if (holds != Holds::kNone && holds != Holds::kList && members != nullptr) {
    for (const json::key_value_pair& member : *members) {
      const bool has_names = holds == Holds::kDependencies &&
                             (member.value().is_array() || member.value().is_string());
      if (!has_names) schemas.push_back(&member.value());
    }
  }
  return schemas;
}

// The member or item that a token of a JSON pointer names.
const json::value* Step(const json::value& from, std::string_view token) {
  if (const json::object* const object = from.if_object()) {
    std::string name;
    for (std::size_t i = 0; i < token.size(); ++i) {
      const bool is_escape = token[i] == '~' && i + 1 < token.size();
      name += !is_escape ? token[i] : token[++i] == '1' ? '/' : '~';
    }
    return object->if_contains(name);
  }
  const json::array* const array = from.if_array();
  std::size_t index = 0;
  const char* const begin = token.data();
  const char* const end = begin + token.size();
  const bool is_index = !token.empty() && std::from_chars(begin, end, index).ptr == end;
  return array != nullptr && is_index ? array->if_contains(index) : nullptr;
}

}  // namespace

std::string_view NameOf(Keyword keyword) {
  return kKeywords[static_cast<std::size_t>(keyword)].name;
}

Result<std::unique_ptr<ValidatorSchema>> ValidatorSchema::Read(json::value schema,
                                                               Draft default_draft) {
  std::unique_ptr<ValidatorSchema> read(new ValidatorSchema(std::move(schema)));
  const json::value& document = read->document_;
  const json::object* const keywords = document.if_object();
  const auto draft = keywords == nullptr ? std::nullopt : DraftOf(*keywords);
  read->resources_.push_back({.uri = "", .draft = draft.value_or(default_draft)});
  if (!IsSchema(document)) return Error(StatusCode::kInvalidInput, "the document is no schema");
  TRY(read->Index(document, 0, 0));
  read->by_uri_.try_emplace("", &read->root());
  read->resources_[0].root = &read->root();
  read->open_.push_back(&document);
  TRY(read->PrepareAll());
  return read;
}

// What is no schema is left to be told where it is applied.
Result<void> ValidatorSchema::Index(const json::value& schema, std::size_t resource, int depth) {
  if (depth > kMaxSchemaDepth)
    return Error(StatusCode::kInvalidInput, "the schema is more than {} deep", kMaxSchemaDepth);
  if (!IsSchema(schema)) return {};
  const auto [place, is_new] = parts_.try_emplace(&schema);
  if (!is_new) return {};
  if (parts_.size() > kMaxParts)
    return Error(StatusCode::kInvalidInput, "the schema has more than {} parts", kMaxParts);
  SchemaPart& part = place->second;
  part.schema = &schema;
  part.resource = resource;
  const json::object* const keywords = schema.if_object();
  if (keywords == nullptr) return {};
  part.resource = TRY(ResourceAt(*keywords, resource, part));
  AddAnchors(*keywords, part, part.resource != resource || &schema == &document_);
  const Draft draft = resources_[part.resource].draft;
  for (const KeywordRow& row : kKeywords) {
    const json::value* const value = Knows(draft, row) ? keywords->if_contains(row.name) : nullptr;
    if (value == nullptr) continue;
    part.keywords.emplace_back(row.keyword, value);
    for (const json::value* const inner : SchemasIn(*value, row.holds)) {
      TRY(Index(*inner, part.resource, depth + 1));
    }
  }
  const json::value* const ref = part[Keyword::kRef];
  if (draft <= Draft::k7 && ref != nullptr && ref->is_string())
    part.keywords = {{Keyword::kRef, ref}};
  return {};
}

// The resource that a part belongs to: where it has an id, one of its own.
Result<std::size_t> ValidatorSchema::ResourceAt(const json::object& keywords, std::size_t outer,
                                                const SchemaPart& part) {
  Draft draft = resources_[outer].draft;
  const json::string* const id = Text(keywords, draft == Draft::k4 ? "id" : "$id");
  if (id == nullptr || (draft <= Draft::k7 && Text(keywords, "$ref") != nullptr)) return outer;
  std::string uri = ResolveUri(resources_[outer].uri, *id);
  if (uri.size() > kMaxUriBytes)
    return Error(StatusCode::kInvalidInput, "an id has more than {} bytes", kMaxUriBytes);
  const std::size_t hash = uri.find('#');
  if (hash != std::string::npos && hash + 1 < uri.size()) {
    by_uri_.try_emplace(std::move(uri), &part);  // an anchor, as drafts up to 7 spell it
    return outer;
  }
  uri.resize(std::min(hash, uri.size()));
  by_uri_.try_emplace(uri, &part);
  if (draft > Draft::k7) draft = DraftOf(keywords).value_or(draft);
  resources_.push_back({.uri = std::move(uri), .draft = draft, .root = &part});
  return resources_.size() - 1;
}

void ValidatorSchema::AddAnchors(const json::object& keywords, const SchemaPart& part,
                                 bool is_root) {
  SchemaResource& resource = resources_[part.resource];
  if (resource.draft < Draft::k2019) return;
  if (const json::string* const anchor = Text(keywords, "$anchor"))
    by_uri_.try_emplace(resource.uri + '#' + std::string(*anchor), &part);
  if (resource.draft >= Draft::k2020) {
    const json::string* const anchor = Text(keywords, "$dynamicAnchor");
    if (anchor == nullptr) return;
    by_uri_.try_emplace(resource.uri + '#' + std::string(*anchor), &part);
    AddDynamicAnchor(resource, *anchor, part);
  } else {
    const json::value* const recursive = keywords.if_contains("$recursiveAnchor");
    if (is_root && recursive != nullptr && recursive->is_bool() && recursive->get_bool())
      AddDynamicAnchor(resource, "", part);
  }
}

void ValidatorSchema::AddDynamicAnchor(SchemaResource& resource, std::string_view name,
                                       const SchemaPart& part) {
  if (!resource.dynamic_anchors.try_emplace(std::string(name), &part).second) return;
  dynamic_anchors_[std::string(name)].push_back(&part);
  if (wanted_names_.contains(name)) open_.push_back(part.schema);
}

Result<const SchemaPart*> ValidatorSchema::Resolve(const SchemaPart& part,
                                                   std::string_view reference) {
  const std::string uri = ResolveUri(resources_[part.resource].uri, reference);
  const std::size_t hash = std::min(uri.find('#'), uri.size());
  const std::string document = uri.substr(0, hash);
  const std::string fragment =
      DecodePercent(std::string_view(uri).substr(std::min(hash + 1, uri.size())));
  const bool is_anchor = !fragment.empty() && fragment[0] != '/';
  const auto found = by_uri_.find(is_anchor ? document + '#' + fragment : document);
  if (found == by_uri_.end())
    return Error(StatusCode::kInvalidInput, "the schema does not hold {:?}", reference);
  if (is_anchor || fragment.empty()) return found->second;
  return Follow(*found->second, fragment);
}

Result<const SchemaPart*> ValidatorSchema::Follow(const SchemaPart& root,
                                                  std::string_view pointer) {
  const json::value* at = root.schema;
  std::size_t resource = root.resource;
  for (std::string_view rest = pointer; !rest.empty();) {
    const std::size_t end = std::min(rest.find('/', 1), rest.size());
    at = Step(*at, rest.substr(1, end - 1));
    rest.remove_prefix(end);
    if (at == nullptr)
      return Error(StatusCode::kInvalidInput, "the schema holds nothing at {:?}", pointer);
    if (const auto part = parts_.find(at); part != parts_.end()) resource = part->second.resource;
  }
  TRY(Index(*at, resource, 0));  // where no known keyword leads to it
  const auto part = parts_.find(at);
  if (part == parts_.end())
    return Error(StatusCode::kInvalidInput, "what the schema holds at {:?} is no schema", pointer);
  return &part->second;
}

Result<void> ValidatorSchema::PrepareAll() {
  while (!open_.empty()) {
    const auto part = parts_.find(open_.back());
    open_.pop_back();
    if (part == parts_.end())
      return Error(StatusCode::kInvalidInput, "a part of the schema is no schema");
    TRY(Prepare(part->second));
  }
  return {};
}

Result<void> ValidatorSchema::Prepare(SchemaPart& part) {
  if (part.is_prepared) return {};
  part.is_prepared = true;
  TRY(PrepareReferences(part));
  const json::value* const pattern = part[Keyword::kPattern];
  if (pattern != nullptr && pattern->is_string()) TRY(AddPattern(pattern->get_string()));
  const json::value* const by_pattern = part[Keyword::kPatternProperties];
  if (by_pattern != nullptr && by_pattern->is_object()) {
    for (const json::key_value_pair& member : by_pattern->get_object()) {
      TRY(AddPattern(member.key()));
    }
  }
  if (part[Keyword::kUnevaluatedItems] != nullptr ||
      part[Keyword::kUnevaluatedProperties] != nullptr)
    asks_for_unevaluated_ = true;
  for (const auto& [keyword, value] : part.keywords) {
    const Holds holds = HeldBy(keyword);
    if (holds == Holds::kDefinitions) continue;
    for (const json::value* const inner : SchemasIn(*value, holds)) open_.push_back(inner);
  }
  return {};
}

Result<void> ValidatorSchema::PrepareReferences(SchemaPart& part) {
  for (const Keyword keyword : {Keyword::kRef, Keyword::kDynamicRef, Keyword::kRecursiveRef}) {
    const json::value* const reference = part[keyword];
    if (reference == nullptr || !reference->is_string()) continue;
    const std::string_view text = reference->get_string();
    const SchemaPart* const target = TRY(Resolve(part, text));
    open_.push_back(target->schema);
    if (keyword == Keyword::kRef) {
      part.ref = target;
      continue;
    }
    part.dynamic_ref = target;
    const std::size_t hash = text.find('#');
    if (keyword == Keyword::kDynamicRef && hash != std::string_view::npos)
      part.dynamic_name = text.substr(hash + 1);
    const auto& anchors = resources_[target->resource].dynamic_anchors;
    const auto anchor = anchors.find(part.dynamic_name);
    part.is_dynamic = anchor != anchors.end() && anchor->second == target &&
                      part.dynamic_name.empty() == (keyword == Keyword::kRecursiveRef);
    if (!part.is_dynamic || !wanted_names_.emplace(part.dynamic_name).second) continue;
    for (const SchemaPart* const each : dynamic_anchors_.find(part.dynamic_name)->second) {
      open_.push_back(each->schema);
    }
  }
  return {};
}

Result<void> ValidatorSchema::AddPattern(std::string_view text) {
  if (patterns_.contains(text)) return {};
  EcmaPattern pattern = TRY(EcmaPattern::Compile(text));
  pattern_bytes_ += pattern.size_bytes();
  if (pattern_bytes_ > kMaxPatternBytes)
    return Error(StatusCode::kInvalidInput, "the schema's patterns take too much memory");
  patterns_.emplace(std::string(text), std::move(pattern));
  return {};
}

}  // namespace kinglet::validation
