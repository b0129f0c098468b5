// SPDX-License-Identifier: Apache-2.0
// A JSON Schema as the validator looks at it: each part's keywords by number, references followed,
// patterns compiled. Nothing of it changes once it is read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include "base/status.h"
#include "grammar/ecma_pattern.h"
#include "grammar/json_validator.h"

namespace kinglet::validation {

enum class Keyword : std::uint8_t {
  kRef,
  kDynamicRef,
  kRecursiveRef,
  kDefs,
  kDefinitions,
  kType,
  kEnum,
  kConst,
  kMinimum,
  kMaximum,
  kExclusiveMinimum,
  kExclusiveMaximum,
  kMultipleOf,
  kMinLength,
  kMaxLength,
  kPattern,
  kFormat,
  kItems,
  kPrefixItems,
  kAdditionalItems,
  kContains,
  kMinContains,
  kMaxContains,
  kMinItems,
  kMaxItems,
  kUniqueItems,
  kUnevaluatedItems,
  kProperties,
  kPatternProperties,
  kAdditionalProperties,
  kPropertyNames,
  kMinProperties,
  kMaxProperties,
  kRequired,
  kDependencies,
  kDependentRequired,
  kDependentSchemas,
  kUnevaluatedProperties,
  kAllOf,
  kAnyOf,
  kOneOf,
  kNot,
  kIf,
  kThen,
  kElse,
};

std::string_view NameOf(Keyword keyword);

// A schema, wherever it stands in the document.
struct SchemaPart {
  const boost::json::value* schema = nullptr;  // an object, true or false
  std::size_t resource = 0;
  // Those that the draft knows, with their values; few, so that they are looked for one by one.
  std::vector<std::pair<Keyword, const boost::json::value*>> keywords = {};
  const SchemaPart* ref = nullptr;
  // Where $dynamicRef or $recursiveRef leads; where it is dynamic, a resource further out that has
  // the same dynamic anchor is meant instead.
  const SchemaPart* dynamic_ref = nullptr;
  std::string_view dynamic_name = {};
  bool is_dynamic = false;
  bool is_prepared = false;

  // Null where it is not there.
  const boost::json::value* operator[](Keyword keyword) const {
    for (const auto& [each, value] : keywords) {
      if (each == keyword) return value;
    }
    return nullptr;
  }
};

// A document, or a part of one with an $id, which stands for a document.
struct SchemaResource {
  std::string uri;  // without a fragment; "" where nothing names it
  JsonSchemaDraft draft = JsonSchemaDraft::k2020;
  const SchemaPart* root = nullptr;
  // $dynamicAnchor; and "" for the root where it has $recursiveAnchor.
  std::map<std::string, const SchemaPart*, std::less<>> dynamic_anchors;
};

class ValidatorSchema {
 public:
  // kInvalidInput as JsonValidator::Create says.
  static Result<std::unique_ptr<ValidatorSchema>> Read(boost::json::value schema,
                                                       JsonSchemaDraft default_draft);

  ValidatorSchema(const ValidatorSchema&) = delete;
  ValidatorSchema& operator=(const ValidatorSchema&) = delete;

  const SchemaPart& root() const { return parts_.at(&document_); }
  // Of a schema that a keyword of another part holds.
  const SchemaPart& PartOf(const boost::json::value& schema) const { return parts_.at(&schema); }
  const SchemaResource& ResourceOf(const SchemaPart& part) const {
    return resources_[part.resource];
  }
  const EcmaPattern& PatternOf(std::string_view text) const { return patterns_.find(text)->second; }
  // Whether unevaluatedItems or unevaluatedProperties stand anywhere.
  bool asks_for_unevaluated() const { return asks_for_unevaluated_; }

 private:
  explicit ValidatorSchema(boost::json::value document) : document_(std::move(document)) {}

  Result<void> Index(const boost::json::value& schema, std::size_t resource, int depth);
  Result<std::size_t> ResourceAt(const boost::json::object& keywords, std::size_t outer,
                                 const SchemaPart& part);
  void AddAnchors(const boost::json::object& keywords, const SchemaPart& part, bool is_root);
  void AddDynamicAnchor(SchemaResource& resource, std::string_view name, const SchemaPart& part);
  Result<const SchemaPart*> Resolve(const SchemaPart& part, std::string_view reference);
  Result<const SchemaPart*> Follow(const SchemaPart& root, std::string_view pointer);
  Result<void> PrepareAll();
  Result<void> Prepare(SchemaPart& part);
  Result<void> PrepareReferences(SchemaPart& part);
  Result<void> AddPattern(std::string_view text);

  boost::json::value document_;
  std::vector<SchemaResource> resources_;
  std::unordered_map<const boost::json::value*, SchemaPart> parts_;
  std::unordered_map<std::string, const SchemaPart*> by_uri_;  // with an anchor, or without one
  std::map<std::string, EcmaPattern, std::less<>> patterns_;
  std::size_t pattern_bytes_ = 0;
  std::vector<const boost::json::value*> open_;  // schemas that can be applied, to be prepared
  // All dynamic anchors by name, and the names that a reference looks for: any of them may be
  // meant.
  std::map<std::string, std::vector<const SchemaPart*>, std::less<>> dynamic_anchors_;
  std::set<std::string, std::less<>> wanted_names_;
  bool asks_for_unevaluated_ = false;
};

}  // namespace kinglet::validation
