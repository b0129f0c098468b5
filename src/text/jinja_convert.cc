// SPDX-License-Identifier: Apache-2.0
// One walk over a JSON value, members in their order.
#include "text/jinja_convert.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

namespace kinglet::jinja {
namespace {

Result<Value> Convert(const boost::json::value& value, bool is_data, std::size_t depth) {
  if (depth > kMaxValueDepth) {
    return Error(StatusCode::kLimitExceeded, "JSON nested more than {} deep", kMaxValueDepth);
  }
  switch (value.kind()) {
    case boost::json::kind::null:
      return Value(None{});
    case boost::json::kind::bool_:
      return Value(value.get_bool());
    case boost::json::kind::int64:
      return Value(value.get_int64());
    case boost::json::kind::uint64:
      return Value(static_cast<double>(value.get_uint64()));
    case boost::json::kind::double_:
      return Value(value.get_double());
    case boost::json::kind::string:
      return Value::OfText(Text(std::string(value.get_string()), is_data));
    case boost::json::kind::array: {
      auto sequence = std::make_shared<Sequence>();
      for (const boost::json::value& item : value.get_array()) {
        sequence->items.push_back(TRY(Convert(item, is_data, depth + 1)));
        sequence->depth = std::max(sequence->depth, sequence->items.back().depth() + 1);
      }
      return Value(std::shared_ptr<const Sequence>(std::move(sequence)));
    }
    case boost::json::kind::object: {
      auto dict = std::make_shared<Dict>();
      for (const auto& member : value.get_object()) {
        Value item = TRY(Convert(member.value(), is_data, depth + 1));
        dict->depth = std::max(dict->depth, item.depth() + 1);
        dict->entries.emplace_back(Value::OfText(Text(std::string(member.key()), is_data)),
                                   std::move(item));
      }
      return Value(std::shared_ptr<const Dict>(std::move(dict)));
    }
  }
  return Value(None{});
}

}  // namespace

Result<Value> FromJson(const boost::json::value& value, bool is_data) {
  return Convert(value, is_data, 0);
}

}  // namespace kinglet::jinja
