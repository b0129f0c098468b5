// SPDX-License-Identifier: Apache-2.0
// A reply that a splitter took apart, put together again for tests.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "text/tool_calls.h"

namespace kinglet {

struct SaidCall {
  std::string name, arguments;
  bool is_whole = true;
  bool operator==(const SaidCall&) const = default;
};

struct SaidReply {
  std::string content;
  std::vector<SaidCall> calls;
};

// The deltas of a text that comes as `first` bytes and then by `step` bytes, neighbours of one kind
// joined.
inline std::vector<ToolDelta> SplitToolCalls(ToolFormat format, std::string_view text,
                                             std::size_t first, std::size_t step) {
  ToolCallSplitter splitter(format);
  std::vector<ToolDelta> joined;
  const auto add = [&](const std::vector<ToolDelta>& deltas) {
    for (const ToolDelta& delta : deltas) {
      const bool is_part =
          delta.kind == ToolDelta::Kind::kText || delta.kind == ToolDelta::Kind::kArguments;
      KINGLET_CHECK(!is_part || !delta.text.empty(), "a delta of nothing");
      if (is_part && !joined.empty() && joined.back().kind == delta.kind) {
        joined.back().text += delta.text;
      } else {
        joined.push_back(delta);
      }
    }
  };
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t bytes = at == 0 && first > 0 ? first : step;
    add(splitter.Push(text.substr(at, bytes)));
    at += bytes;
  }
  add(splitter.Finish());
  return joined;
}

// What was said in all. The deltas are in order: a call begins, has arguments and ends.
inline SaidReply ReplyOf(const std::vector<ToolDelta>& deltas) {
  SaidReply reply;
  bool is_open = false;
  for (const ToolDelta& delta : deltas) {
    const bool is_of_call = delta.kind != ToolDelta::Kind::kText;
    const bool begins = delta.kind == ToolDelta::Kind::kCall;
    KINGLET_CHECK(is_open == (is_of_call && !begins), "deltas out of order");
    if (begins) reply.calls.push_back({.name = delta.text});
    if (is_of_call)
      KINGLET_CHECK(delta.call + 1 == static_cast<int>(reply.calls.size()), "call {}", delta.call);
    is_open = is_of_call && delta.kind != ToolDelta::Kind::kEnd;
    if (!is_of_call) reply.content += delta.text;
    if (delta.kind == ToolDelta::Kind::kArguments) reply.calls.back().arguments += delta.text;
    if (delta.kind == ToolDelta::Kind::kEnd) reply.calls.back().is_whole = delta.is_whole;
  }
  KINGLET_CHECK(!is_open, "a call without an end");
  return reply;
}

}  // namespace kinglet
