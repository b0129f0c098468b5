// SPDX-License-Identifier: Apache-2.0
// Chat templates: the Jinja that models carry in tokenizer.chat_template turns a conversation into
// the model's prompt, and keeps track of which bytes of the prompt are data.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/object.hpp>

#include "base/byte_range.h"
#include "base/clock.h"
#include "base/status.h"

namespace kinglet {

namespace jinja {
struct Program;
}  // namespace jinja

// A template is a program of a stranger. A render that reaches one of these ends in
// kLimitExceeded, with the line of the template and the limit's name.
struct RenderLimits {
  std::size_t max_depth = 1000;                          // evaluations inside one another
  std::size_t max_steps = 20'000'000;                    // evaluations; big values count more
  std::size_t max_output_bytes = std::size_t{32} << 20;  // of the prompt
  std::size_t max_value_bytes = std::size_t{256} << 20;  // of all values that are ever made
  std::size_t max_range_items = 100'000;                 // of one range()
};

// The rendered prompt and which bytes of it came from data (messages, tools, documents ...), not
// from the template. A tokenizer must read no control token that touches a literal range.
struct RenderedPrompt {
  std::string text;
  std::vector<ByteRange> literal;  // sorted, disjoint, not empty
};

// A parsed template. Immutable; copies share it; many threads may render at once.
class ChatTemplate {
 public:
  // kInvalidInput, with line and reason, where source is no template that Kinglet understands.
  static Result<ChatTemplate> Parse(std::string_view source);

  // context holds what templates read: messages, add_generation_prompt, bos_token, eos_token,
  // tools, documents ... All strings in it, keys too, are data, except the strings at the top whose
  // name ends in "_token": these are the vocabulary's own. unix_seconds is what strftime_now shows,
  // in UTC. kInvalidInput where the template refuses the conversation or errs.
  Result<RenderedPrompt> Render(const boost::json::object& context, const RenderLimits& limits = {},
                                std::int64_t unix_seconds = UnixSeconds()) const;

 private:
  explicit ChatTemplate(std::shared_ptr<const jinja::Program> program);

  std::shared_ptr<const jinja::Program> program_;
};

}  // namespace kinglet
