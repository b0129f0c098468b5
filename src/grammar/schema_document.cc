// SPDX-License-Identifier: Apache-2.0
// All parts are indexed once, with the URI that holds where they stand.
#include "grammar/schema_document.h"

#include <algorithm>
#include <array>
#include <utility>

namespace kinglet {
namespace {

namespace json = boost::json;

constexpr int kMaxDepth = 200;

SchemaDraft DraftOf(const json::value& schema) {
  const json::object* const object = schema.if_object();
  const json::value* const uri = object == nullptr ? nullptr : object->if_contains("$schema");
  const json::string* const text = uri == nullptr ? nullptr : uri->if_string();
  if (text == nullptr) return SchemaDraft::k2020;
  constexpr std::array<std::pair<std::string_view, SchemaDraft>, 6> kDrafts = {
      {{"draft-03", SchemaDraft::k4},
       {"draft-04", SchemaDraft::k4},
       {"draft-06", SchemaDraft::k6},
       {"draft-07", SchemaDraft::k7},
       {"2019-09", SchemaDraft::k2019},
       {"2020-12", SchemaDraft::k2020}}};
  for (const auto& [name, draft] : kDrafts) {
    if (std::string_view(*text).contains(name)) return draft;
  }
  return SchemaDraft::k2020;
}

// RFC 3986, 5.2, as far as schemas need it.
std::string JoinUri(std::string_view base, std::string_view reference) {
  const std::size_t colon = reference.find(':');
  if (colon != std::string_view::npos && reference.find_first_of("/?#") > colon)
    return std::string(reference);
  const std::string_view document = base.substr(0, base.find('#'));
  if (reference.empty() || reference.starts_with('#'))
    return std::string(document) + std::string(reference);
  const std::size_t scheme = document.find("://");
  const std::size_t path =
      scheme == std::string_view::npos ? document.find('/') : document.find('/', scheme + 3);
  if (reference.starts_with('/'))
    return std::string(document.substr(0, path)) + std::string(reference);
  const std::size_t slash = document.rfind('/');
  const bool has_folder =
      slash != std::string_view::npos && (scheme == std::string_view::npos || slash > scheme + 2);
  return std::string(has_folder ? document.substr(0, slash + 1) : std::string_view()) +
         std::string(reference);
}

std::string EscapeKey(std::string_view key) {
  std::string escaped;
  for (const char c : key) {
    if (c == '~') {
      escaped += "~0";
    } else if (c == '/') {
      escaped += "~1";
    } else {
      escaped += c;
    }
  }
  return escaped;
}

std::string UnescapePercent(std::string_view text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto digit = [&](std::size_t at) -> int {
      if (at >= text.size()) return -1;
      const char c = text[at];
      if (c >= '0' && c <= '9') return c - '0';
      if ((c | 32) >= 'a' && (c | 32) <= 'f') return (c | 32) - 'a' + 10;
      return -1;
    };
    if (text[i] == '%' && digit(i + 1) >= 0 && digit(i + 2) >= 0) {
      plain += static_cast<char>(digit(i + 1) * 16 + digit(i + 2));
      i += 2;
    } else {
      plain += text[i];
    }
  }
  return plain;
}

// What is data or a comment in a schema, not a schema.
bool HoldsData(std::string_view key) {
  return key == "enum" || key == "const" || key == "default" || key == "examples" ||
         key == "example";
}

const json::string* TextAt(const json::object& object, std::string_view key) {
  const json::value* const value = object.if_contains(key);
  return value == nullptr ? nullptr : value->if_string();
}

}  // namespace

Result<SchemaDocument> SchemaDocument::Read(json::value schema) {
  SchemaDocument document;
  document.root_ = std::make_unique<json::value>(std::move(schema));
  document.draft_ = DraftOf(*document.root_);
  TRY(document.Index(*document.root_, {}, 0, /*is_data=*/false));
  document.by_uri_.try_emplace("", document.root_.get());
  return document;
}

Result<void> SchemaDocument::Index(const json::value& part, const Place& place, int depth,
                                   bool is_data) {
  if (depth > kMaxDepth)
    return Error(StatusCode::kInvalidInput, "the schema is more than {} deep", kMaxDepth);
  Place here = place;
  const json::object* const object = part.if_object();
  if (object != nullptr && !is_data) {
    // In draft 4 the id of what is a reference is ignored with its other neighbours.
    const bool is_old = draft_ <= SchemaDraft::k7;
    const json::string* id = TextAt(*object, draft_ == SchemaDraft::k4 ? "id" : "$id");
    if (id != nullptr && is_old && TextAt(*object, "$ref") != nullptr) id = nullptr;
    if (id != nullptr) {
      const std::string uri = JoinUri(here.base, *id);
      const std::size_t hash = uri.find('#');
      if (hash != std::string::npos && hash + 1 < uri.size()) {
        by_uri_.try_emplace(uri, &part);  // an anchor, as drafts up to 7 spell it
      } else {
        here.base = uri.substr(0, hash);
        by_uri_.try_emplace(here.base, &part);
      }
    }
    for (const std::string_view key : {"$anchor", "$dynamicAnchor"}) {
      if (const json::string* const anchor = TextAt(*object, key)) {
        by_uri_.try_emplace(here.base + "#" + std::string(*anchor), &part);
      }
    }
  }
  if (object != nullptr) {
    for (const json::key_value_pair& member : *object) {
      TRY(Index(member.value(), {here.pointer + "/" + EscapeKey(member.key()), here.base},
                depth + 1, is_data || HoldsData(member.key())));
    }
  } else if (const json::array* const array = part.if_array()) {
    for (std::size_t i = 0; i < array->size(); ++i) {
      TRY(Index((*array)[i], {here.pointer + "/" + std::to_string(i), here.base}, depth + 1,
                is_data));
    }
  }
  places_.emplace(&part, std::move(here));
  return {};
}

const std::string& SchemaDocument::PointerTo(const json::value& part) const {
  static const std::string kNowhere;
  const auto found = places_.find(&part);
  return found == places_.end() ? kNowhere : found->second.pointer;
}

Result<const json::value*> SchemaDocument::Resolve(const json::value& part,
                                                   std::string_view ref) const {
  const std::string uri = JoinUri(places_.at(&part).base, ref);
  if (const auto found = by_uri_.find(uri); found != by_uri_.end()) return found->second;
  const std::size_t hash = std::min(uri.find('#'), uri.size());
  const auto resource = by_uri_.find(uri.substr(0, hash));
  if (resource == by_uri_.end()) {
    return Error(StatusCode::kInvalidInput, "$ref {:?} is outside of the schema", ref);
  }
  const std::string fragment =
      UnescapePercent(std::string_view(uri).substr(std::min(hash + 1, uri.size())));
  if (fragment.empty()) return resource->second;
  boost::system::error_code error;
  const json::value* const target = resource->second->find_pointer(fragment, error);
  if (target == nullptr) return Error(StatusCode::kInvalidInput, "$ref {:?} leads nowhere", ref);
  return target;
}

}  // namespace kinglet
