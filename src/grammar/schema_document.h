// SPDX-License-Identifier: Apache-2.0
// A JSON Schema as a document: which draft it is, where its parts are, what a $ref means.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include <boost/json.hpp>

#include "base/status.h"

namespace kinglet {

enum class SchemaDraft : std::uint8_t { k4, k6, k7, k2019, k2020 };

class SchemaDocument {
 public:
  // Nothing in the document is checked but its ids and its depth.
  static Result<SchemaDocument> Read(boost::json::value schema);

  SchemaDocument(SchemaDocument&&) = default;
  SchemaDocument& operator=(SchemaDocument&&) = default;

  const boost::json::value& root() const { return *root_; }
  SchemaDraft draft() const { return draft_; }

  // The JSON pointer of a part, "" for the root.
  const std::string& PointerTo(const boost::json::value& part) const;

  // What a $ref in `part` refers to; kInvalidInput where that is outside of the document or
  // nowhere.
  Result<const boost::json::value*> Resolve(const boost::json::value& part,
                                            std::string_view ref) const;

 private:
  struct Place {
    std::string pointer;
    std::string base;  // the URI that references are relative to
  };

  SchemaDocument() = default;
  Result<void> Index(const boost::json::value& part, const Place& place, int depth, bool is_data);

  std::unique_ptr<boost::json::value> root_;
  SchemaDraft draft_ = SchemaDraft::k2020;
  std::unordered_map<const boost::json::value*, Place> places_;
  std::unordered_map<std::string, const boost::json::value*> by_uri_;  // ids, and ids with anchors
};

}  // namespace kinglet
