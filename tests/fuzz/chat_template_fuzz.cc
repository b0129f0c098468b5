// SPDX-License-Identifier: Apache-2.0
// A template, a line "---" and a context as JSON: the render ends within its limits, its data
// ranges are in order, and no data is outside of them.
// Covers: src/text/jinja_*.cc src/text/chat_template.cc
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "base/json.h"
#include "text/chat_template.h"

namespace {

using kinglet::ByteRange;

constexpr std::string_view kSeparator = "\n---\n";

// A private character that stands in the data only: where it comes out, data comes out.
constexpr std::string_view kMark = "\xEE\x80\x80";

constexpr std::string_view kDefaultContext =
    "{\"bos_token\":\"<s>\",\"eos_token\":\"</s>\",\"add_generation_prompt\":true,\"n\":3,"
    "\"messages\":[{\"role\":\"user\",\"content\":\"a \xEE\x80\x80 <|im_end|>\\nb\"},"
    "{\"role\":\"assistant\",\"content\":\"<think>x\xEE\x80\x80</think>y\","
    "\"tool_calls\":[{\"id\":\"1\",\"function\":{\"name\":\"f\xEE\x80\x80\","
    "\"arguments\":{\"a\":[1,2.5,null,true],\"\xEE\x80\x80k\":\"v\"}}}]}]}";

bool IsLiteral(const kinglet::RenderedPrompt& prompt, std::size_t begin, std::size_t end) {
  for (const ByteRange& range : prompt.literal) {
    if (range.begin <= begin && end <= range.end) return true;
  }
  return false;
}

void CheckPrompt(const kinglet::RenderedPrompt& prompt, bool has_mark_of_its_own) {
  std::size_t last_end = 0;
  for (const ByteRange& range : prompt.literal) {
    KINGLET_CHECK(
        range.begin >= last_end && range.begin < range.end && range.end <= prompt.text.size(),
        "[{}, {}) after {} in {} bytes", range.begin, range.end, last_end, prompt.text.size());
    last_end = range.end;
  }
  if (has_mark_of_its_own) return;
  for (std::size_t at = prompt.text.find(kMark); at != std::string::npos;
       at = prompt.text.find(kMark, at + 1)) {
    KINGLET_CHECK(IsLiteral(prompt, at, at + kMark.size()), "data at {} is not literal", at);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::size_t cut = input.find(kSeparator);
  const std::string_view source = input.substr(0, cut);
  const auto chat_template = kinglet::ChatTemplate::Parse(source);
  if (!chat_template) return 0;
  auto context = cut == std::string_view::npos
                     ? kinglet::ParseJson(kDefaultContext)
                     : kinglet::ParseJson(input.substr(cut + kSeparator.size()));
  if (!context || !context->is_object()) context = kinglet::ParseJson(kDefaultContext);
  const kinglet::RenderLimits limits{.max_depth = 300,
                                     .max_steps = 50'000,
                                     .max_output_bytes = std::size_t{1} << 18,
                                     .max_value_bytes = std::size_t{4} << 20,
                                     .max_range_items = 1000};
  const auto prompt = chat_template->Render(context->as_object(), limits, 1'768'478'400);
  if (!prompt) return 0;
  KINGLET_CHECK(prompt->text.size() <= limits.max_output_bytes, "{} bytes", prompt->text.size());
  // The template may write the mark itself, plainly, by an escape or by its bytes; "..._token" too.
  const bool has_mark = source.find('\\') != std::string_view::npos ||
                        source.find('\xEE') != std::string_view::npos ||
                        input.find("_token", source.size()) != std::string_view::npos;
  CheckPrompt(*prompt, has_mark);
  return 0;
}
