// SPDX-License-Identifier: Apache-2.0
// Tool calls as models write them: the notations that chat templates teach, and the splitter that
// takes text and calls apart while they come.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/array.hpp>

namespace kinglet {

enum class ToolFormat : std::uint8_t {
  kHermes,       // Hermes, Qwen 2.5 and 3: a block <tool_call> a call; or the bare object
  kLlama,        // Llama 3: the call's bare object, or <|python_tag|> and the object
  kMistral,      // Mistral to v7: [TOOL_CALLS] and an array
  kMistralArgs,  // Mistral from v11: [TOOL_CALLS]name[ARGS]{...} a call
  kJson,         // ours, for all others: {"tool_calls": [...]}
};

// The notation that a chat template teaches its model. kJson: none of these. Such a template is not
// to be given tools: what it would say of them, if anything, is another notation. ToolInstructions
// take their place in the system message.
ToolFormat ToolFormatOf(std::string_view template_source);

// Teaches kJson. tools: as OpenAI's API has them.
std::string ToolInstructions(const boost::json::array& tools);

// How calls are spelled in training, to the byte: a grammar writes exactly this. A call is
// before_name, the name, before_arguments, the arguments and after_call.
struct ToolNotation {
  std::string_view marker;  // text that holds it is no plain text any more
  // Text that begins with '{', blanks aside, begins with a call that nothing else announces.
  bool is_bare = false;
  std::span<const std::string_view> opens;     // one of these comes first; each has the marker
  std::span<const std::string_view> betweens;  // one of these stands between two calls
  std::string_view close;                      // after the last call
  std::string_view before_name, before_arguments, after_call;
  std::span<const std::string_view> markers;
  // How a reply begins instead that is a call but leaves the marker out, as small models do and
  // those for code, most of all; blanks may be others than these. Null: it is text.
  const ToolNotation* unmarked = nullptr;
};
const ToolNotation& NotationOf(ToolFormat format);

// The parts of a notation that are control tokens in some vocabularies. Where they are, both the
// splitter and the grammar must see them as text. What ends a turn after calls (<|eom_id|>,
// <|eot_id|>, <|im_end|>, </s>) is none of them: Tokenizer::IsEndOfGeneration knows it.
inline std::span<const std::string_view> ToolMarkers(ToolFormat format) {
  return NotationOf(format).markers;
}

// 1 to 128 ASCII letters, digits and any of _-.:/ which no notation has to escape.
bool IsToolName(std::string_view name);

// What is trimmed beside calls.
inline constexpr std::string_view kToolBlanks = " \n\r\t";

struct ToolDelta {
  enum class Kind : std::uint8_t {
    kText,       // text: of the answer
    kCall,       // text: the name of the tool that is called
    kArguments,  // text: a part of the arguments' JSON as the model wrote it
    kEnd,        // of the call
  };
  Kind kind = Kind::kText;
  int call = 0;  // its index, from 0, where it is one's
  std::string text;
  bool is_whole = true;  // kEnd: the model wrote the arguments to their last brace

  bool operator==(const ToolDelta&) const = default;
};

// A call is one from the first brace of its arguments on, when its name is known. All that goes
// before is held back until then; where it turns out to be no call, it comes out as text, marker
// and all. From then on the arguments are sent as they come, to the brace that closes the first
// one, so they cannot be taken back: without a grammar they may be no JSON.
//
// Blanks may differ from the notation's. Members of a call other than name and arguments (or
// parameters), which models write at times (type, id), are dropped where they are plain strings.
// Blanks beside calls are dropped, and what is missing of the notation after the last call.
class ToolCallSplitter {
 public:
  explicit ToolCallSplitter(ToolFormat format);

  // What became certain with this piece of the model's text. However the text is cut, the deltas
  // are the same once neighbours of one kind are joined.
  std::vector<ToolDelta> Push(std::string_view piece);
  std::vector<ToolDelta> Finish();

  int calls() const { return calls_; }  // begun so far

 private:
  enum class State : std::uint8_t { kText, kArguments, kCallEnd, kNextCall };

  // Each takes from held_ what it can. False: the rest needs more text to be clear.
  bool Step(bool is_last);
  bool TakeText(bool is_last);
  bool TakeArguments(bool is_last);
  bool TakeCallEnd(bool is_last);
  bool TakeNextCall(bool is_last);

  void BeginCall(std::string_view name, std::size_t bytes);  // of held_, before the arguments
  void AddText(std::string_view text);
  void Add(ToolDelta::Kind kind, std::string_view text, bool is_whole = true);

  const ToolNotation* notation_;
  State state_ = State::kText;
  std::string held_;
  std::vector<ToolDelta> deltas_;
  int calls_ = 0;

  std::string blanks_;      // after the text so far; moot while it trims
  bool is_begin_ = true;    // there was nothing but blanks
  bool trims_ = false;      // since the last call there was nothing but blanks
  std::size_t depth_ = 0;   // of the arguments' braces
  bool in_string_ = false;  // of the arguments
  bool is_escaped_ = false;
};

}  // namespace kinglet
