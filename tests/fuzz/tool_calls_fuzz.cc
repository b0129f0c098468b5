// SPDX-License-Identifier: Apache-2.0
// Any text as a model's answer, in any notation of tool calls: however it is cut the same comes
// out, and nothing but the notation itself is lost. The first byte says which notation, the second
// how the rest is cut.
// Covers: src/text/tool_calls.cc
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "text/tool_calls_for_test.h"

namespace kinglet {
namespace {

using Kind = ToolDelta::Kind;

// Whether what the splitter dropped is made of the notation's own parts.
class Notation {
 public:
  explicit Notation(ToolFormat format) : format_(format) {}

  // may_break_off: the text ends behind it.
  bool Is(std::string_view text, bool may_break_off) const {
    while (!text.empty()) {
      const std::size_t bytes = Part(text, may_break_off);
      if (bytes == 0) return false;
      text.remove_prefix(bytes);
    }
    return true;
  }

 private:
  // The bytes of the part that the text begins with; 0: there is none.
  std::size_t Part(std::string_view text, bool may_break_off) const {
    for (const std::string_view marker : ToolMarkers(format_)) {
      if (text.starts_with(marker)) return marker.size();
      if (may_break_off && marker.starts_with(text)) return text.size();
    }
    if (NotationOf(format_).unmarked != nullptr) {
      for (const std::string_view fence : {"```json", "```"}) {
        if (text.starts_with(fence)) return fence.size();
        if (may_break_off && fence.starts_with(text)) return text.size();
      }
    }
    const auto is_none_of = [&](std::string_view bytes) {
      return bytes.find(text[0]) == std::string_view::npos;
    };
    if (!is_none_of("{}[],:; \n\r\t")) return 1;
    if (text[0] == '"') {
      const std::size_t end = text.find('"', 1);
      if (end != std::string_view::npos) return end + 1;
      return may_break_off ? text.size() : 0;
    }
    return format_ == ToolFormat::kMistralArgs && IsToolName(text.substr(0, 1)) ? 1 : 0;
  }

  ToolFormat format_;
};

// Whether the deltas from one on are what is left of the text.
bool AccountFor(std::string_view left, const Notation& notation,
                const std::vector<ToolDelta>& deltas, std::size_t index) {
  std::string_view name;
  if (index < deltas.size() && deltas[index].kind == Kind::kCall) name = deltas[index++].text;
  if (index == deltas.size()) return notation.Is(left, /*may_break_off=*/true);
  const ToolDelta& delta = deltas[index];
  if (delta.kind == Kind::kEnd) {
    if (!delta.is_whole) return left.empty() && index + 1 == deltas.size();
    return AccountFor(left, notation, deltas, index + 1);
  }
  for (std::size_t at = 0; (at = left.find(delta.text, at)) != std::string_view::npos; ++at) {
    const std::string_view dropped = left.substr(0, at);
    if (index == 0 && at > 0) return false;
    if (notation.Is(dropped, false) && dropped.find(name) != std::string_view::npos &&
        AccountFor(left.substr(at + delta.text.size()), notation, deltas, index + 1)) {
      return true;
    }
  }
  return false;
}

void Run(std::string_view bytes) {
  if (bytes.size() < 2 || bytes.size() > 4096) return;
  constexpr ToolFormat kFormats[] = {ToolFormat::kHermes, ToolFormat::kLlama, ToolFormat::kMistral,
                                     ToolFormat::kMistralArgs, ToolFormat::kJson};
  const ToolFormat format = kFormats[static_cast<unsigned char>(bytes[0]) % std::size(kFormats)];
  const std::size_t piece = static_cast<unsigned char>(bytes[1]) + 1U;
  bytes.remove_prefix(2);
  const std::vector<ToolDelta> deltas = SplitToolCalls(format, bytes, 0, bytes.size() + 1);
  KINGLET_CHECK(SplitToolCalls(format, bytes, piece, piece) == deltas, "cut by {}", piece);
  KINGLET_CHECK(SplitToolCalls(format, bytes, piece, 1) == deltas, "cut after {}", piece);
  const SaidReply reply = ReplyOf(deltas);
  if (reply.calls.empty()) KINGLET_CHECK(reply.content == bytes, "text changed");
  for (const SaidCall& call : reply.calls) {
    KINGLET_CHECK(IsToolName(call.name), "name {:?}", call.name);
    KINGLET_CHECK(call.arguments.starts_with('{'), "arguments {}", call.arguments);
    KINGLET_CHECK(!call.is_whole || call.arguments.ends_with('}'), "arguments {}", call.arguments);
  }
  KINGLET_CHECK(AccountFor(bytes, Notation(format), deltas, 0), "something is lost");
}

}  // namespace
}  // namespace kinglet

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  kinglet::Run({reinterpret_cast<const char*>(data), size});
  return 0;
}
