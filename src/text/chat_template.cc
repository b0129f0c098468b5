// SPDX-License-Identifier: Apache-2.0
// The wrapper of the Jinja machine: context in, prompt and its data ranges out.
#include "text/chat_template.h"

#include <algorithm>
#include <utility>

#include "text/jinja_convert.h"
#include "text/jinja_evaluator.h"
#include "text/jinja_parser.h"

namespace kinglet {
namespace {

constexpr std::size_t kMaxMessageBytes = 400;

// A status is one line: what a template or a message says in it may not break that.
Status OneLine(const Status& status) {
  std::string message = status.message().substr(0, kMaxMessageBytes);
  std::ranges::replace_if(
      message, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, ' ');
  return {status.code(), "chat template: " + message};
}

}  // namespace

ChatTemplate::ChatTemplate(std::shared_ptr<const jinja::Program> program)
    : program_(std::move(program)) {}

Result<ChatTemplate> ChatTemplate::Parse(std::string_view source) {
  Result<jinja::Program> program = jinja::ParseProgram(source);
  if (!program) return std::unexpected(OneLine(program.error()));
  return ChatTemplate(std::make_shared<const jinja::Program>(*std::move(program)));
}

Result<RenderedPrompt> ChatTemplate::Render(const boost::json::object& context,
                                            const RenderLimits& limits,
                                            std::int64_t unix_seconds) const {
  jinja::Evaluator evaluator(*program_, limits, unix_seconds);
  for (jinja::NameId id = 0; id < program_->names.size(); ++id) {
    const boost::json::value* value = context.if_contains(program_->names[id]);
    if (value == nullptr) continue;
    const bool is_vocabulary = value->is_string() && program_->names[id].ends_with("_token");
    Result<jinja::Value> converted = jinja::FromJson(*value, !is_vocabulary);
    if (!converted) return std::unexpected(OneLine(converted.error()));
    evaluator.Define(id, *std::move(converted));
  }
  Result<jinja::Text> text = evaluator.Run();
  if (!text) return std::unexpected(OneLine(text.error()));
  RenderedPrompt prompt;
  prompt.literal.assign(text->data().begin(), text->data().end());
  prompt.text = std::move(*text).TakeBytes();
  return prompt;
}

}  // namespace kinglet
