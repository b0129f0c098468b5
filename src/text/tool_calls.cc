// SPDX-License-Identifier: Apache-2.0
// What could be the begin of a call is read again with each piece until it is one or is none; a
// limit on its length keeps that cheap.
#include "text/tool_calls.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "base/json.h"

namespace kinglet {
namespace {

// Of what stands between text and arguments, blanks included.
constexpr std::size_t kMaxHeadBytes = 1024;
constexpr std::size_t kMaxNameBytes = 128;

using Texts = std::array<std::string_view, 1>;
constexpr Texts kHermesOpens = {"<tool_call>\n"};
constexpr Texts kHermesBetweens = {"\n</tool_call>\n<tool_call>\n"};
constexpr std::array<std::string_view, 2> kHermesMarkers = {"<tool_call>", "</tool_call>"};
constexpr std::array<std::string_view, 3> kUnmarkedOpens = {"```json\n", "```\n", ""};
constexpr std::array<std::string_view, 2> kUnmarkedBetweens = {"\n", ",\n"};
constexpr Texts kLlamaOpens = {"<|python_tag|>"};
constexpr std::array<std::string_view, 2> kLlamaBetweens = {"; ", "\n"};
constexpr std::array<std::string_view, 2> kMistralOpens = {"[TOOL_CALLS][", "[TOOL_CALLS] ["};
constexpr Texts kMistralMarkers = {"[TOOL_CALLS]"};
constexpr std::array<std::string_view, 3> kMistralArgsMarkers = {"[TOOL_CALLS]", "[CALL_ID]",
                                                                 "[ARGS]"};
constexpr Texts kJsonOpens = {"{\"tool_calls\": ["};
constexpr Texts kCommas = {", "};

constexpr ToolNotation kHermesUnmarked = {.opens = kUnmarkedOpens,
                                          .betweens = kUnmarkedBetweens,
                                          .close = "\n```",
                                          .before_name = "{ \"name\": \"",
                                          .before_arguments = "\", \"arguments\": ",
                                          .after_call = "}"};
constexpr ToolNotation kHermes = {.marker = "<tool_call>",
                                  .opens = kHermesOpens,
                                  .betweens = kHermesBetweens,
                                  .close = "\n</tool_call>",
                                  .before_name = "{\"name\": \"",
                                  .before_arguments = "\", \"arguments\": ",
                                  .after_call = "}",
                                  .markers = kHermesMarkers,
                                  .unmarked = &kHermesUnmarked};
constexpr ToolNotation kLlama = {.marker = "<|python_tag|>",
                                 .is_bare = true,
                                 .opens = kLlamaOpens,
                                 .betweens = kLlamaBetweens,
                                 .before_name = "{\"name\": \"",
                                 .before_arguments = "\", \"parameters\": ",
                                 .after_call = "}",
                                 .markers = kLlamaOpens};
constexpr ToolNotation kMistral = {.marker = "[TOOL_CALLS]",
                                   .opens = kMistralOpens,
                                   .betweens = kCommas,
                                   .close = "]",
                                   .before_name = "{\"name\": \"",
                                   .before_arguments = "\", \"arguments\": ",
                                   .after_call = "}",
                                   .markers = kMistralMarkers};
constexpr ToolNotation kMistralArgs = {.marker = "[TOOL_CALLS]",
                                       .opens = kMistralMarkers,
                                       .betweens = kMistralMarkers,
                                       .before_arguments = "[ARGS]",
                                       .markers = kMistralArgsMarkers};
constexpr ToolNotation kJson = {.marker = "{\"tool_calls\"",
                                .opens = kJsonOpens,
                                .betweens = kCommas,
                                .close = "]}",
                                .before_name = "{\"name\": \"",
                                .before_arguments = "\", \"arguments\": ",
                                .after_call = "}"};

bool IsBlank(char c) { return kToolBlanks.find(c) != std::string_view::npos; }

bool IsNameByte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("_-.:/").find(c) != std::string_view::npos;
}

// Reads a head or a tail off a text that may go on. Once something is not as it must be, nothing
// more is read.
class Reader {
 public:
  explicit Reader(std::string_view text)
      : text_(text.substr(0, kMaxHeadBytes)), may_go_on_(text.size() < kMaxHeadBytes) {}

  // The text ended before it was clear whether it is as it must be.
  bool is_open() const { return is_open_; }
  // Bytes that were read; all, where more would have been.
  std::size_t bytes() const { return is_open_ ? text_.size() : at_; }

  bool Take(std::string_view literal) {
    const std::string_view rest = text_.substr(at_);
    if (rest.starts_with(literal)) {
      at_ += literal.size();
      return true;
    }
    if (literal.starts_with(rest)) is_open_ = may_go_on_;
    return false;
  }
  bool TakeBlanks() {
    while (at_ < text_.size() && IsBlank(text_[at_])) ++at_;
    return true;
  }
  // A blank in the pattern stands for any number of blanks.
  bool Follow(std::string_view pattern) {
    while (!pattern.empty()) {
      if (IsBlank(pattern[0])) {
        TakeBlanks();
        pattern.remove_prefix(1);
        continue;
      }
      const std::string_view word = pattern.substr(0, pattern.find_first_of(kToolBlanks));
      if (!Take(word)) return false;
      pattern.remove_prefix(word.size());
    }
    return true;
  }
  // The next byte is there and satisfies.
  template <typename Predicate>
  bool Sees(Predicate predicate) {
    if (at_ == text_.size()) is_open_ = may_go_on_;
    return at_ < text_.size() && predicate(text_[at_]);
  }
  template <typename Predicate>
  std::string_view TakeWhile(Predicate predicate) {
    const std::size_t begin = at_;
    while (Sees(predicate)) ++at_;
    return text_.substr(begin, at_ - begin);
  }
  // A JSON string without escapes.
  std::optional<std::string_view> String() {
    if (!Take("\"")) return {};
    const auto content = TakeWhile([](char c) { return c != '"' && c != '\\' && (c & 0xE0) != 0; });
    return Take("\"") ? std::optional(content) : std::nullopt;
  }

 private:
  std::string_view text_;
  bool may_go_on_;
  std::size_t at_ = 0;
  bool is_open_ = false;
};

struct Head {
  enum class Is : std::uint8_t { kNone, kOpen, kWhole };
  Is is = Is::kNone;
  std::string_view name;
  std::size_t bytes = 0;  // to the arguments' first brace
};

bool SeesArguments(Reader& reader) {
  reader.TakeBlanks();
  return reader.Sees([](char c) { return c == '{'; });
}

// "key": "value", behind a comma.
bool TakeMember(Reader& reader) {
  reader.TakeBlanks();
  if (!reader.String()) return false;
  reader.TakeBlanks();
  if (!reader.Take(":")) return false;
  reader.TakeBlanks();
  return reader.String() && reader.TakeBlanks();
}

// {"name": "x", "arguments": and the first brace.
std::optional<std::string_view> ReadObjectHead(Reader& reader) {
  reader.TakeBlanks();
  if (!reader.Take("{")) return {};
  std::string_view name;
  for (;;) {
    reader.TakeBlanks();
    const auto key = reader.String();
    reader.TakeBlanks();
    if (!key || !reader.Take(":")) return {};
    reader.TakeBlanks();
    if (*key == "arguments" || *key == "parameters") {
      return IsToolName(name) && SeesArguments(reader) ? std::optional(name) : std::nullopt;
    }
    const auto value = reader.String();
    reader.TakeBlanks();
    if (!value || !reader.Take(",")) return {};
    if (*key == "name") name = *value;
  }
}

// name[ARGS] and the first brace; some models have [CALL_ID] and an id before [ARGS].
std::optional<std::string_view> ReadArgsHead(Reader& reader) {
  reader.TakeBlanks();
  const std::string_view name = reader.TakeWhile(IsNameByte);
  if (!IsToolName(name)) return {};
  if (reader.Take("[CALL_ID]")) {
    (void)reader.TakeWhile(IsNameByte);
  } else if (reader.is_open()) {
    return {};
  }
  return reader.Take("[ARGS]") && SeesArguments(reader) ? std::optional(name) : std::nullopt;
}

Head ReadHead(std::string_view text, std::string_view open, const ToolNotation& notation) {
  Reader reader(text);
  if (reader.Follow(open)) {
    const auto name = notation.after_call.empty() ? ReadArgsHead(reader) : ReadObjectHead(reader);
    if (name) return {.is = Head::Is::kWhole, .name = *name, .bytes = reader.bytes()};
  }
  return {.is = reader.is_open() ? Head::Is::kOpen : Head::Is::kNone};
}

// The best of the ways in which a call may begin.
Head ReadHead(std::string_view text, std::span<const std::string_view> opens,
              const ToolNotation& notation) {
  Head best;
  for (const std::string_view open : opens) {
    const Head head = ReadHead(text, open, notation);
    if (head.is > best.is) best = head;
  }
  return best;
}

}  // namespace

const ToolNotation& NotationOf(ToolFormat format) {
  switch (format) {
    case ToolFormat::kHermes:
      return kHermes;
    case ToolFormat::kLlama:
      return kLlama;
    case ToolFormat::kMistral:
      return kMistral;
    case ToolFormat::kMistralArgs:
      return kMistralArgs;
    case ToolFormat::kJson:
      break;
  }
  return kJson;
}

ToolFormat ToolFormatOf(std::string_view template_source) {
  const auto has = [&](std::string_view text) { return template_source.contains(text); };
  if (has("[TOOL_CALLS]")) return has("[ARGS]") ? ToolFormat::kMistralArgs : ToolFormat::kMistral;
  // Others have XML in blocks of this name, so it is the object behind it that tells. Quotes and
  // ends of strings of the template may stand between the two.
  constexpr std::size_t kMaxGap = 64;
  for (std::size_t at = 0; (at = template_source.find(kHermes.marker, at)) != std::string::npos;) {
    at += kHermes.marker.size();
    const std::string_view near = template_source.substr(at, kMaxGap);
    if (near.contains("{\"name") || near.contains("{\\\"name")) return ToolFormat::kHermes;
  }
  if (has("<|start_header_id|>ipython") && has("\"parameters\": ")) return ToolFormat::kLlama;
  return ToolFormat::kJson;
}

std::string ToolInstructions(const boost::json::array& tools) {
  std::string text = "# Tools\n\nYou can call these functions:\n";
  for (const boost::json::value& tool : tools) text += ToJson(tool) + "\n";
  return text +
         "\nTo call one or more of them, answer with a JSON object of this form and nothing else:\n"
         "{\"tool_calls\": [{\"name\": \"<name of the function>\", \"arguments\": {<its arguments "
         "by name>}}]}\nWhere no function is of use, answer in plain text.";
}

bool IsToolName(std::string_view name) {
  return !name.empty() && name.size() <= kMaxNameBytes && std::ranges::all_of(name, IsNameByte);
}

ToolCallSplitter::ToolCallSplitter(ToolFormat format) : notation_(&NotationOf(format)) {}

std::vector<ToolDelta> ToolCallSplitter::Push(std::string_view piece) {
  held_ += piece;
  while (Step(/*is_last=*/false)) {
  }
  return std::exchange(deltas_, {});
}

std::vector<ToolDelta> ToolCallSplitter::Finish() {
  while (Step(/*is_last=*/true)) {
  }
  return std::exchange(deltas_, {});
}

bool ToolCallSplitter::Step(bool is_last) {
  switch (state_) {
    case State::kText:
      return TakeText(is_last);
    case State::kArguments:
      return TakeArguments(is_last);
    case State::kCallEnd:
      return TakeCallEnd(is_last);
    case State::kNextCall:
      return TakeNextCall(is_last);
  }
  return false;
}

bool ToolCallSplitter::TakeText(bool is_last) {
  constexpr Texts kNothing = {""};
  std::size_t at = 0;
  for (; at < held_.size(); ++at) {
    if (IsBlank(held_[at])) continue;
    const std::string_view rest = std::string_view(held_).substr(at);
    Head head = ReadHead(rest, notation_->opens, *notation_);
    if (notation_->is_bare && is_begin_ && head.is == Head::Is::kNone)
      head = ReadHead(rest, kNothing, *notation_);
    if (notation_->unmarked != nullptr && is_begin_ && head.is == Head::Is::kNone) {
      head = ReadHead(rest, notation_->unmarked->opens, *notation_->unmarked);
      if (head.is == Head::Is::kWhole) notation_ = notation_->unmarked;
    }
    if (head.is == Head::Is::kWhole) {
      AddText(std::string_view(held_).substr(0, at));
      BeginCall(head.name, at + head.bytes);
      return true;
    }
    if (head.is == Head::Is::kOpen && !is_last) break;
    is_begin_ = false;
  }
  AddText(std::string_view(held_).substr(0, at));
  held_.erase(0, at);
  if (is_last && !trims_) Add(ToolDelta::Kind::kText, blanks_);
  return false;
}

bool ToolCallSplitter::TakeArguments(bool is_last) {
  std::size_t at = 0;
  do {
    if (at == held_.size()) {
      Add(ToolDelta::Kind::kArguments, std::exchange(held_, {}));
      if (is_last) Add(ToolDelta::Kind::kEnd, {}, /*is_whole=*/false);
      return false;
    }
    const char c = held_[at++];
    if (in_string_) {
      in_string_ = is_escaped_ || c != '"';
      is_escaped_ = !is_escaped_ && c == '\\';
    } else if (c == '"') {
      in_string_ = true;
    } else if (c == '{') {
      ++depth_;
    } else if (c == '}') {
      --depth_;
    }
  } while (depth_ > 0);
  Add(ToolDelta::Kind::kArguments, std::string_view(held_).substr(0, at));
  Add(ToolDelta::Kind::kEnd, {});
  held_.erase(0, at);
  trims_ = true;
  state_ = notation_->after_call.empty() ? State::kNextCall : State::kCallEnd;
  return true;
}

// The object's last brace, and members before it.
bool ToolCallSplitter::TakeCallEnd(bool is_last) {
  held_.erase(0, held_.find_first_not_of(kToolBlanks));
  Reader reader(held_);
  bool is_sound = true;
  while (is_sound && reader.Take(",")) is_sound = TakeMember(reader);
  const bool is_end = is_sound && reader.Take(notation_->after_call);
  if (reader.is_open() && !is_last) return false;
  state_ = is_end ? State::kNextCall : State::kText;
  if (is_end || reader.is_open()) held_.erase(0, reader.bytes());
  return true;
}

bool ToolCallSplitter::TakeNextCall(bool is_last) {
  held_.erase(0, held_.find_first_not_of(kToolBlanks));
  const Head head = ReadHead(held_, notation_->betweens, *notation_);
  if (head.is == Head::Is::kWhole) {
    BeginCall(head.name, head.bytes);
    return true;
  }
  if (head.is == Head::Is::kOpen && !is_last) return false;
  Reader reader(held_);
  const bool is_closed = reader.Follow(notation_->close);
  if (reader.is_open() && !is_last) return false;
  state_ = State::kText;
  if (is_closed || reader.is_open()) held_.erase(0, reader.bytes());
  return true;
}

void ToolCallSplitter::BeginCall(std::string_view name, std::size_t bytes) {
  ++calls_;
  Add(ToolDelta::Kind::kCall, name);
  held_.erase(0, bytes);
  is_begin_ = false;
  state_ = State::kArguments;
}

void ToolCallSplitter::AddText(std::string_view text) {
  const std::size_t last = text.find_last_not_of(kToolBlanks);
  if (last == std::string_view::npos) {
    blanks_ += text;
    return;
  }
  if (!trims_) Add(ToolDelta::Kind::kText, blanks_);
  const std::size_t begin = trims_ ? text.find_first_not_of(kToolBlanks) : 0;
  Add(ToolDelta::Kind::kText, text.substr(begin, last + 1 - begin));
  blanks_ = text.substr(last + 1);
  trims_ = false;
}

void ToolCallSplitter::Add(ToolDelta::Kind kind, std::string_view text, bool is_whole) {
  const bool is_part = kind == ToolDelta::Kind::kText || kind == ToolDelta::Kind::kArguments;
  if (is_part && text.empty()) return;
  if (is_part && !deltas_.empty() && deltas_.back().kind == kind) {
    deltas_.back().text += text;
    return;
  }
  deltas_.push_back({.kind = kind,
                     .call = kind == ToolDelta::Kind::kText ? 0 : calls_ - 1,
                     .text = std::string(text),
                     .is_whole = is_whole});
}

}  // namespace kinglet
