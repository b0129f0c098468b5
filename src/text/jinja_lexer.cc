// SPDX-License-Identifier: Apache-2.0
// Jinja's lexer: data up to the next tag, tags by their white-space signs, expressions by longest
// match.
#include "text/jinja_lexer.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/utf8.h"
#include "text/jinja_text.h"

namespace kinglet::jinja {
namespace {

bool IsNameStart(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (c & 0x80) != 0;
}
bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsHexDigit(char c) { return IsDigit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

// All newlines as \n, the last one dropped.
std::string NormalizeNewlines(std::string_view source) {
  std::string normalized;
  normalized.reserve(source.size());
  for (std::size_t i = 0; i < source.size(); ++i) {
    if (source[i] == '\r') {
      normalized += '\n';
      if (i + 1 < source.size() && source[i + 1] == '\n') ++i;
    } else {
      normalized += source[i];
    }
  }
  if (normalized.ends_with('\n')) normalized.pop_back();
  return normalized;
}

// What a backslash in a string literal stands for, as in Python; unknown ones stay as they are.
std::string Unescape(std::string_view body) {
  constexpr std::string_view kLetters = "abfnrtv\\'\"";
  constexpr std::string_view kMeanings = "\a\b\f\n\r\t\v\\'\"";
  std::string text;
  for (std::size_t i = 0; i < body.size(); ++i) {
    if (body[i] != '\\' || i + 1 == body.size()) {
      text += body[i];
      continue;
    }
    const char letter = body[++i];
    if (letter == '\n') continue;
    if (const std::size_t known = kLetters.find(letter); known != std::string_view::npos) {
      text += kMeanings[known];
      continue;
    }
    const std::size_t digits = letter == 'x' ? 2 : letter == 'u' ? 4 : letter == 'U' ? 8 : 0;
    std::size_t end = i + 1;
    char32_t code_point = 0;
    if (digits > 0) {
      while (end < body.size() && end <= i + digits && IsHexDigit(body[end])) ++end;
      if (end == i + 1 + digits) {
        code_point =
            static_cast<char32_t>(std::stoul(std::string(body.substr(i + 1, digits)), nullptr, 16));
      } else {
        end = i;
      }
    } else {
      end = i;
      while (end < body.size() && end < i + 3 && body[end] >= '0' && body[end] <= '7') {
        code_point = code_point * 8 + static_cast<char32_t>(body[end++] - '0');
      }
    }
    if (end == i) {
      text += '\\';
      text += letter;
    } else {
      const bool is_scalar =
          code_point < 0xd800 || (code_point >= 0xe000 && code_point <= 0x10ffff);
      if (is_scalar) {
        AppendUtf8(code_point, text);
      } else {
        text += kReplacementCharacter;
      }
      i = end - 1;
    }
  }
  return text;
}

class Lexer {
 public:
  explicit Lexer(std::string_view source) : source_(NormalizeNewlines(source)) {}

  Result<std::vector<Token>> Run() {
    while (position_ < source_.size()) {
      const std::size_t tag = FindTag();
      if (tag == std::string::npos) {
        AddData(source_.size());
        break;
      }
      const char kind = source_[tag + 1];
      const std::size_t body = BeginTag(tag, kind != '{');
      if (kind == '#') {
        TRY(SkipComment(body));
      } else if (kind == '%' && !TRY(ReadRaw(body))) {
        MoveTo(body);
        Add(TokenType::kBlockBegin);
        TRY(ReadExpression("%}", TokenType::kBlockEnd));
      } else if (kind == '{') {
        MoveTo(body);
        Add(TokenType::kVariableBegin);
        TRY(ReadExpression("}}", TokenType::kVariableEnd));
      }
    }
    Add(TokenType::kEnd);
    return std::move(tokens_);
  }

 private:
  // Offset of the next {{, {% or {#.
  std::size_t FindTag() const {
    for (std::size_t i = source_.find('{', position_); i != std::string::npos;
         i = source_.find('{', i + 1)) {
      if (i + 1 < source_.size() &&
          (source_[i + 1] == '{' || source_[i + 1] == '%' || source_[i + 1] == '#')) {
        return i;
      }
    }
    return std::string::npos;
  }

  void MoveTo(std::size_t position) {
    line_ +=
        static_cast<int>(std::count(source_.begin() + static_cast<std::ptrdiff_t>(position_),
                                    source_.begin() + static_cast<std::ptrdiff_t>(position), '\n'));
    position_ = position;
  }

  void Add(TokenType type, std::string text = {}) {
    tokens_.push_back({type, line_, std::move(text)});
  }

  // The text from here to end is data.
  void AddData(std::size_t end) {
    if (end > position_) Add(TokenType::kData, source_.substr(position_, end - position_));
    MoveTo(std::max(end, position_));
  }

  // Emits the data before the tag at `tag`, less the white space that the tag takes away. Returns
  // the offset of the tag's inside; position_ is the tag's.
  std::size_t BeginTag(std::size_t tag, bool strips_line) {
    const char sign = tag + 2 < source_.size() ? source_[tag + 2] : '\0';
    const std::string_view data = std::string_view(source_).substr(position_, tag - position_);
    std::size_t kept = data.size();
    if (sign == '-') {
      kept = StripRange(data, Ends::kRight).end;
    } else if (sign != '+' && strips_line) {
      const std::size_t line_start = data.rfind('\n') + 1;  // npos + 1 is 0
      const bool at_line_start = line_start > 0 || position_ == 0 || source_[position_ - 1] == '\n';
      if (at_line_start && StripRange(data.substr(line_start), Ends::kRight).end == 0) {
        kept = line_start;
      }
    }
    AddData(position_ + kept);
    MoveTo(tag);
    return tag + (sign == '-' || sign == '+' ? 3 : 2);
  }

  // The offset behind a tag's end at `end` (of "%}" and such), and behind what it takes away.
  std::size_t AfterTag(std::size_t end, char sign, bool trims_newline) const {
    std::size_t after = end + 2;
    if (sign == '-') {
      while (after < source_.size() && IsSpace(CharacterAt(source_, after).code_point)) {
        after += CharacterAt(source_, after).bytes;
      }
    } else if (sign != '+' && trims_newline && after < source_.size() && source_[after] == '\n') {
      ++after;
    }
    return after;
  }

  Result<void> SkipComment(std::size_t body) {
    const std::size_t end = source_.find("#}", body);
    if (end == std::string::npos) return TemplateError("a comment has no end");
    MoveTo(AfterTag(end, end > body ? source_[end - 1] : '\0', true));
    return {};
  }

  // Where `word` and the tag's end follow at `body`, the end's offset and sign; else npos.
  std::pair<std::size_t, char> MatchTag(std::size_t body, std::string_view word) const {
    constexpr std::pair<std::size_t, char> kNone = {std::string::npos, '\0'};
    const auto skip_space = [this](std::size_t i) {
      while (i < source_.size() && IsSpace(CharacterAt(source_, i).code_point)) {
        i += CharacterAt(source_, i).bytes;
      }
      return i;
    };
    std::size_t i = skip_space(body);
    if (source_.compare(i, word.size(), word) != 0) return kNone;
    i = skip_space(i + word.size());
    const char sign =
        i < source_.size() && (source_[i] == '-' || source_[i] == '+') ? source_[i] : '\0';
    if (sign != '\0') ++i;
    if (source_.compare(i, 2, "%}") != 0) return kNone;
    return {i, sign};
  }

  // {% raw %} ... {% endraw %} is data. False where the tag is another one.
  Result<bool> ReadRaw(std::size_t body) {
    const auto [end, sign] = MatchTag(body, "raw");
    if (end == std::string::npos) return false;
    MoveTo(AfterTag(end, sign, false));
    for (std::size_t tag = source_.find("{%", position_); tag != std::string::npos;
         tag = source_.find("{%", tag + 1)) {
      std::size_t inside = tag + 2;
      if (inside < source_.size() && (source_[inside] == '-' || source_[inside] == '+')) ++inside;
      const auto [close, close_sign] = MatchTag(inside, "endraw");
      if (close == std::string::npos) continue;
      BeginTag(tag, true);
      MoveTo(AfterTag(close, close_sign, true));
      return true;
    }
    return TemplateError("a raw block has no end");
  }

  // The tokens of an expression or statement, to its end, which is no end inside brackets.
  Result<void> ReadExpression(std::string_view end, TokenType end_type) {
    std::string open;  // brackets that are open, each by its closing one
    while (position_ < source_.size()) {
      const char c = source_[position_];
      const bool is_sign = c == '-' || (c == '+' && end == "%}");
      if (open.empty() && source_.compare(position_ + (is_sign ? 1 : 0), 2, end) == 0) {
        Add(end_type);
        MoveTo(AfterTag(position_ + (is_sign ? 1 : 0), is_sign ? c : '\0', end == "%}"));
        return {};
      }
      const Character character = CharacterAt(source_, position_);
      if (IsSpace(character.code_point)) {
        MoveTo(position_ + character.bytes);
      } else if (IsNameStart(c)) {
        ReadName();
      } else if (IsDigit(c)) {
        ReadNumber();
      } else if (c == '"' || c == '\'') {
        TRY(ReadString(c));
      } else {
        TRY(ReadOperator(open));
      }
    }
    return TemplateError("a tag has no end: '{}' expected", end);
  }

  void ReadName() {
    std::size_t end = position_ + 1;
    while (end < source_.size() && (IsNameStart(source_[end]) || IsDigit(source_[end]))) ++end;
    Add(TokenType::kName, source_.substr(position_, end - position_));
    MoveTo(end);
  }

  // Digits, with underscores between them; a fraction or an exponent makes a float.
  void ReadNumber() {
    std::string digits;
    std::size_t end = position_;
    const auto digit_at = [this](std::size_t i) {
      return i < source_.size() && IsDigit(source_[i]);
    };
    const auto read_digits = [&] {
      while (digit_at(end) || (end < source_.size() && source_[end] == '_' && digit_at(end + 1))) {
        if (source_[end] != '_') digits += source_[end];
        ++end;
      }
    };
    read_digits();
    bool is_float = false;
    const bool after_dot = position_ > 0 && source_[position_ - 1] == '.';
    if (!after_dot && end < source_.size() && source_[end] == '.' && digit_at(end + 1)) {
      is_float = true;
      digits += '.';
      ++end;
      read_digits();
    }
    if (!after_dot && end < source_.size() && (source_[end] == 'e' || source_[end] == 'E')) {
      const bool is_signed =
          end + 1 < source_.size() && (source_[end + 1] == '+' || source_[end + 1] == '-');
      const std::size_t first = end + (is_signed ? 2 : 1);
      if (digit_at(first)) {
        is_float = true;
        digits += 'e';
        if (is_signed) digits += source_[end + 1];
        end = first;
        read_digits();
      }
    }
    Add(is_float ? TokenType::kFloat : TokenType::kInteger, std::move(digits));
    MoveTo(end);
  }

  Result<void> ReadString(char quote) {
    std::size_t end = position_ + 1;
    while (end < source_.size() && source_[end] != quote) end += source_[end] == '\\' ? 2 : 1;
    if (end >= source_.size()) return TemplateError("a string has no end");
    Add(TokenType::kString,
        Unescape(std::string_view(source_).substr(position_ + 1, end - position_ - 1)));
    MoveTo(end + 1);
    return {};
  }

  Result<void> ReadOperator(std::string& open) {
    constexpr std::array<std::string_view, 26> kOperators = {
        "**", "//", "==", "!=", "<=", ">=", "+", "-", "*", "/", "%", "~", "<",
        ">",  "=",  ".",  ":",  "|",  ",",  ";", "(", ")", "[", "]", "{", "}"};
    const auto* found = std::ranges::find_if(kOperators, [this](std::string_view spelling) {
      return source_.compare(position_, spelling.size(), spelling) == 0;
    });
    const Character character = CharacterAt(source_, position_);
    if (found == kOperators.end()) {
      return TemplateError("'{}' is no operator", source_.substr(position_, character.bytes));
    }
    const char first = found->front();
    if (first == '(') open += ')';
    if (first == '[') open += ']';
    if (first == '{') open += '}';
    if (first == ')' || first == ']' || first == '}') {
      if (open.empty() || open.back() != first) return TemplateError("unexpected '{}'", first);
      open.pop_back();
    }
    Add(TokenType::kOperator, std::string(*found));
    MoveTo(position_ + found->size());
    return {};
  }

  template <typename... Args>
  std::unexpected<Status> TemplateError(fmt::format_string<Args...> format, Args&&... args) const {
    return Error(StatusCode::kInvalidInput, "line {}: {}", line_,
                 fmt::format(format, std::forward<Args>(args)...));
  }

  std::string source_;
  std::size_t position_ = 0;
  int line_ = 1;
  std::vector<Token> tokens_;
};

}  // namespace

Result<std::vector<Token>> Tokenize(std::string_view source) { return Lexer(source).Run(); }

}  // namespace kinglet::jinja
