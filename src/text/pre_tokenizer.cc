// SPDX-License-Identifier: Apache-2.0
// The table of pre-tokenizers, and the regular expressions in it at work.
//
// The expressions are those of the models' own tokenizer.json files (Hugging Face tokenizers) or
// tiktoken definitions; which name in GGUF stands for which, llama.cpp's conversion defines.
#include "text/pre_tokenizer.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <algorithm>
#include <iterator>
#include <limits>
#include <span>
#include <utility>

#include <unicode/bytestream.h>
#include <unicode/normalizer2.h>
#include <unicode/stringpiece.h>
#include <unicode/uchar.h>

#include "base/check.h"
#include "base/utf8.h"

namespace kinglet {

struct PreTokenizerRule {
  std::string_view name;  // tokenizer.ggml.pre
  // Each splits the pieces that the ones before it left: what it matches and what lies between
  // matches are pieces of their own.
  std::span<const std::string_view> steps;
  struct Flags {
    bool whole_words = false;
    bool add_bos = false;
    bool nfc = false;
  } flags = {};
};

namespace {

// Not an expression but a rule of its own, as its expression (?=(\d{3})+(?!\d)) takes quadratic
// time: a run of digits is cut into threes, counted from its end.
constexpr std::string_view kDigitsInThreesFromTheEnd = "digits in threes";

constexpr std::string_view kOneDigit = R"(\p{N})";
constexpr std::string_view kThreeDigits = R"(\p{N}{1,3})";
constexpr std::string_view kNewline = R"([\r\n])";
constexpr std::string_view kGpt2Words =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";
constexpr std::string_view kCjkOrHangul =
    R"([\x{4E00}-\x{9FA5}\x{800}-\x{4E00}\x{AC00}-\x{D7FF}]+)";

constexpr std::string_view kGpt2[] = {kGpt2Words};
constexpr std::string_view kStarCoder[] = {kOneDigit, kGpt2Words};
constexpr std::string_view kLlama3[] = {
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3})"
    R"(| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)"};
constexpr std::string_view kQwen2[] = {
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N})"
    R"(| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)"};
constexpr std::string_view kQwen35[] = {
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N})"
    R"(| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)"};
constexpr std::string_view kSeedCoder[] = {
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N})"
    R"(| ?[^\s\p{L}\p{N}\r\n]+|\s*[\r\n]+|\s+(?!\S)|\s+)"};
constexpr std::string_view kBailingMoe[] = {
    R"('(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N})"
    R"(| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+)"};
constexpr std::string_view kTekken[] = {
    R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+)"
    R"(|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*)"
    R"(|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)"};
constexpr std::string_view kGpt4o[] = {
    R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+)"
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)?)"
    R"(|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*)"
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)?)"
    R"(|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)"};
// GPT-4o's with Chinese characters on their own. PCRE2 has no intersection of classes; the letters
// and marks that are not Han are written as what is none of all the rest.
constexpr std::string_view kKimiK2[] = {
    R"(\p{sc:Han}+)"
    R"(|[^\r\n\p{L}\p{N}]?[^\p{Ll}\p{N}\p{P}\p{S}\p{Z}\p{C}\p{sc:Han}]*)"
    R"([^\p{Lu}\p{Lt}\p{N}\p{P}\p{S}\p{Z}\p{C}\p{sc:Han}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?)"
    R"(|[^\r\n\p{L}\p{N}]?[^\p{Ll}\p{N}\p{P}\p{S}\p{Z}\p{C}\p{sc:Han}]+)"
    R"([^\p{Lu}\p{Lt}\p{N}\p{P}\p{S}\p{Z}\p{C}\p{sc:Han}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?)"
    R"(|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)"};
constexpr std::string_view kFalcon[] = {R"([\p{P}\$\+<=>\^~\|`]+)", kGpt2Words,
                                        R"([0-9][0-9][0-9])"};
constexpr std::string_view kBloom[] = {
    R"( ?[^(\s|.,!?\x{2026}\x{3002}\x{FF0C}\x{3001}\x{964}\x{6D4}\x{60C})]+)"};
constexpr std::string_view kViking[] = {kBloom[0], kOneDigit};
constexpr std::string_view kDeepSeekLlm[] = {
    kNewline,
    R"(\s?[)"
    R"(A-Za-z\x{B5}\x{C0}-\x{D6}\x{D8}-\x{F6}\x{F8}-\x{1BA}\x{1BC}-\x{1BF}\x{1C4}-\x{293})"
    R"(\x{295}-\x{2AF}\x{370}-\x{373}\x{376}\x{377}\x{37B}-\x{37D}\x{37F}\x{386})"
    R"(\x{388}-\x{38A}\x{38C}\x{38E}-\x{3A1}\x{3A3}-\x{3F5}\x{3F7}-\x{481}\x{48A}-\x{52F})"
    R"(\x{531}-\x{556}\x{10A0}-\x{10C5}\x{13A0}-\x{13F5}\x{13F8}-\x{13FD}\x{1C90}-\x{1CBA})"
    R"(\x{1CBD}-\x{1CBF}\x{1D00}-\x{1D2B}\x{1D6B}-\x{1D77}\x{1D79}-\x{1D9A})"
    R"(\x{1E00}-\x{1F15}\x{1F18}-\x{1F1D}\x{1F20}-\x{1F45}\x{1F48}-\x{1F4D})"
    R"(\x{1F50}-\x{1F57}\x{1F59}\x{1F5B}\x{1F5D}\x{1F5F}-\x{1F7D}\x{1F80}-\x{1FB4})"
    R"(\x{1FB6}-\x{1FBC}\x{1FBE}\x{1FC2}-\x{1FC4}\x{1FC6}-\x{1FCC}\x{1FD0}-\x{1FD3})"
    R"(\x{1FD6}-\x{1FDB}\x{1FE0}-\x{1FEC}\x{1FF2}-\x{1FF4}\x{1FF6}-\x{1FFC}\x{2102}\x{2107})"
    R"(\x{210A}-\x{2113}\x{2115}\x{2119}-\x{211D}\x{2124}\x{2126}\x{2128}\x{212A}-\x{212D})"
    R"(\x{212F}-\x{2134}\x{2139}\x{213C}-\x{213F}\x{2145}-\x{2149}\x{214E}\x{2183}\x{2184})"
    R"(\x{2C00}-\x{2C7B}\x{2C7E}-\x{2CE4}\x{2CEB}-\x{2CEE}\x{2CF2}\x{2CF3}\x{A640}-\x{A66D})"
    R"(\x{A680}-\x{A69B}\x{A722}-\x{A76F}\x{A771}-\x{A787}\x{A78B}-\x{A78E})"
    R"(\x{AB70}-\x{ABBF}\x{FB00}-\x{FB06}\x{FB13}-\x{FB17}\x{FF21}-\x{FF3A})"
    R"(\x{FF41}-\x{FF5A}\x{10400}-\x{1044F}\x{104B0}-\x{104D3}\x{104D8}-\x{104FB})"
    R"(\x{10C80}-\x{10CB2}\x{10CC0}-\x{10CF2}\x{118A0}-\x{118DF}\x{1E900}-\x{1E943})"
    R"(]+)",
    R"(\s?[!-/:-~\x{FF01}-\x{FF0F}\x{FF1A}-\x{FF5E}\x{2018}-\x{201F}\x{3000}-\x{3002}]+)",
    R"(\s+$)",
    kCjkOrHangul,
    R"(\p{N}+)"};
constexpr std::string_view kDeepSeekCoder[] = {kNewline, R"(\s?\p{L}+)", R"(\s?\p{P}+)",
                                               kCjkOrHangul, kOneDigit};
constexpr std::string_view kDeepSeekV3[] = {
    kThreeDigits, R"([\x{4E00}-\x{9FA5}\x{3040}-\x{309F}\x{30A0}-\x{30FF}]+)",
    R"([!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+)"
    R"(| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)"};
constexpr std::string_view kChameleon[] = {R"(<sentinel:[0-9]+>)",    R"(IMGIMG[A-I]{1,4}Z)",
                                           R"([\t\n]|    |  )",       kOneDigit,
                                           R"([\p{P}!-/:-@\[-`{-~])", kGpt2Words};
constexpr std::string_view kSuperBpe[] = {R"(\p{N}+)", kDigitsInThreesFromTheEnd};

constexpr PreTokenizerRule kRules[] = {
    {"gpt-2", kGpt2},
    {"phi-2", kGpt2},
    {"jina-es", kGpt2},
    {"jina-de", kGpt2},
    {"jina-v1-en", kGpt2},
    {"jina-v2-es", kGpt2},
    {"jina-v2-de", kGpt2},
    {"jina-v2-code", kGpt2},
    {"gigachat", kGpt2},
    {"a.x-4.0", kGpt2},
    {"mellum", kGpt2},
    {"jais", kGpt2},
    {"exaone4", kGpt2},
    {"trillion", kGpt2},
    {"granite-docling", kGpt2},
    {"mpt", kGpt2, {.nfc = true}},
    {"olmo", kGpt2, {.nfc = true}},
    {"modern-bert", kGpt2, {.nfc = true}},
    {"starcoder", kStarCoder},
    {"refact", kStarCoder},
    {"smollm", kStarCoder},
    {"codeshell", kStarCoder},
    {"exaone", kStarCoder},
    {"minerva-7b", kStarCoder},
    {"mellum2", kStarCoder},
    {"command-r", kStarCoder, {.nfc = true}},
    {"llama-bpe", kLlama3, {.whole_words = true, .add_bos = true}},
    {"llama3", kLlama3, {.whole_words = true, .add_bos = true}},
    {"llama-v3", kLlama3, {.whole_words = true, .add_bos = true}},
    {"falcon3", kLlama3, {.whole_words = true, .add_bos = true}},
    {"falcon-h1", kLlama3, {.whole_words = true, .add_bos = true}},
    {"pixtral", kLlama3, {.whole_words = true, .add_bos = true}},
    {"midm-2.0", kLlama3, {.whole_words = true, .add_bos = true}},
    {"lfm2", kLlama3, {.whole_words = true, .add_bos = true}},
    {"dbrx", kLlama3},
    {"smaug-bpe", kLlama3},
    {"glm4", kLlama3},
    {"chatglm-bpe", kLlama3},
    {"qwen2", kQwen2, {.nfc = true}},
    {"deepseek-r1-qwen", kQwen2, {.nfc = true}},
    {"megrez", kQwen2},
    {"stablelm2", kQwen2},
    {"hunyuan", kQwen2},
    {"grok-2", kQwen2},
    {"solar-open", kQwen2},
    {"qwen35", kQwen35, {.nfc = true}},
    {"seed-coder", kSeedCoder},
    {"bailingmoe", kBailingMoe},
    {"bailingmoe2", kBailingMoe},
    {"llada-moe", kBailingMoe},
    {"tekken", kTekken, {.whole_words = true, .add_bos = true}},
    {"gpt-4o", kGpt4o},
    {"llama4", kGpt4o},
    {"kanana2", kGpt4o},
    {"minimax-m2", kGpt4o},
    {"kimi-k2", kKimiK2},
    {"falcon", kFalcon},
    {"bloom", kBloom},
    {"gpt3-finnish", kBloom},
    {"poro-chat", kBloom},
    {"viking", kViking},
    {"deepseek-llm", kDeepSeekLlm},
    {"deepseek-coder", kDeepSeekCoder},
    {"deepseek-v3", kDeepSeekV3},
    {"hunyuan-dense", kDeepSeekV3},
    {"joyai-llm", kDeepSeekV3},
    {"chameleon", kChameleon, {.add_bos = true}},
    {"superbpe", kSuperBpe},
};

}  // namespace

// A pcre2_code, compiled for the machine where it allows that.
struct CompiledPattern {
  struct Free {
    void operator()(pcre2_code* compiled) const { pcre2_code_free(compiled); }
  };
  std::unique_ptr<pcre2_code, Free> code;  // null: kDigitsInThreesFromTheEnd
};

namespace {

// PCRE2 counts U+180E among \s, as Unicode did before 6.3; the tokenizers' own expressions do not.
std::string WithWhiteSpaceOfToday(std::string_view step) {
  constexpr std::string_view kWhiteSpace = R"(\p{Z}\t-\r\x{85})";
  std::string pattern;
  bool in_class = false;
  for (std::size_t i = 0; i < step.size(); ++i) {
    if (step[i] != '\\') {
      in_class = step[i] == '[' || (in_class && step[i] != ']');
      pattern.push_back(step[i]);
      continue;
    }
    ++i;
    if (step[i] != 's' && step[i] != 'S') {
      pattern.append({'\\', step[i]});
    } else if (in_class) {
      pattern.append(kWhiteSpace);
    } else {
      pattern.append(step[i] == 's' ? "[" : "[^").append(kWhiteSpace).append("]");
    }
  }
  return pattern;
}

CompiledPattern Compile(std::string_view step) {
  CompiledPattern pattern;
  if (step == kDigitsInThreesFromTheEnd) return pattern;
  const std::string expression = WithWhiteSpaceOfToday(step);
  int error = 0;
  std::size_t offset = 0;
  pattern.code.reset(pcre2_compile(reinterpret_cast<PCRE2_SPTR>(expression.data()),
                                   expression.size(), PCRE2_UTF | PCRE2_UCP | PCRE2_NO_UTF_CHECK,
                                   &error, &offset, nullptr));
  KINGLET_CHECK(pattern.code != nullptr, "{} at {}: error {}", step, offset, error);
  // Where code must not be made at run time this fails, and PCRE2 interprets instead.
  pcre2_jit_compile(pattern.code.get(), PCRE2_JIT_COMPLETE);
  return pattern;
}

// Finds the matches of one pattern in one piece after another.
class PieceSplitter {
 public:
  explicit PieceSplitter(const pcre2_code* code)
      : code_(code),
        match_(pcre2_match_data_create(1, nullptr)),
        context_(pcre2_match_context_create(nullptr)) {
    KINGLET_CHECK(match_ != nullptr && context_ != nullptr, "out of memory");
    // Texts are as long as they are; no expression of the table takes more than linear time.
    pcre2_set_match_limit(context_.get(), std::numeric_limits<std::uint32_t>::max());
    pcre2_set_heap_limit(context_.get(), std::numeric_limits<std::uint32_t>::max());
  }

  // Appends the ends of the parts of text[begin, end).
  void Split(std::string_view text, std::size_t begin, std::size_t end,
             std::vector<std::uint32_t>& ends) const {
    const auto* const piece = reinterpret_cast<PCRE2_SPTR>(text.data()) + begin;
    const std::size_t size = end - begin;
    std::size_t done = 0;
    while (done < size) {
      const int count = pcre2_match(code_, piece, size, done, PCRE2_NO_UTF_CHECK | PCRE2_NOTEMPTY,
                                    match_.get(), context_.get());
      if (count == PCRE2_ERROR_NOMATCH) break;
      KINGLET_CHECK(count >= 0, "PCRE2 error {} in {} bytes", count, size);
      const std::size_t* const range = pcre2_get_ovector_pointer(match_.get());
      if (range[0] > done) ends.push_back(static_cast<std::uint32_t>(begin + range[0]));
      ends.push_back(static_cast<std::uint32_t>(begin + range[1]));
      done = range[1];
    }
    if (done < size) ends.push_back(static_cast<std::uint32_t>(end));
  }

 private:
  struct Free {
    void operator()(pcre2_match_data* data) const { pcre2_match_data_free(data); }
    void operator()(pcre2_match_context* limits) const { pcre2_match_context_free(limits); }
  };
  const pcre2_code* code_;
  std::unique_ptr<pcre2_match_data, Free> match_;
  std::unique_ptr<pcre2_match_context, Free> context_;
};

// Digits of any script, as \d has them.
void SplitDigits(std::string_view text, std::size_t begin, std::size_t end,
                 std::vector<std::uint32_t>& ends) {
  std::vector<std::size_t> digits;  // where those of the run start
  const auto end_run = [&] {
    for (std::size_t i = digits.size() % 3; i < digits.size(); i += 3)
      if (digits[i] > begin) ends.push_back(static_cast<std::uint32_t>(digits[i]));
    digits.clear();
  };
  for (std::size_t at = begin; at < end;) {
    const Utf8Character character = DecodeUtf8(text.substr(at));
    if (u_isdigit(static_cast<UChar32>(character.code_point))) {
      digits.push_back(at);
    } else {
      end_run();
    }
    at += character.size_bytes;
  }
  end_run();
  ends.push_back(static_cast<std::uint32_t>(end));
}

}  // namespace

PreTokenizer::PreTokenizer(const PreTokenizerRule& rule, std::vector<CompiledPattern> patterns)
    : rule_(&rule), patterns_(std::move(patterns)) {}
PreTokenizer::PreTokenizer(PreTokenizer&&) noexcept = default;
PreTokenizer& PreTokenizer::operator=(PreTokenizer&&) noexcept = default;
PreTokenizer::~PreTokenizer() = default;

Result<PreTokenizer> PreTokenizer::Create(std::string_view name) {
  if (name.empty())
    return Error(StatusCode::kInvalidInput,
                 "the vocabulary names no pre-tokenizer (tokenizer.ggml.pre), and none can be "
                 "guessed; convert the model again with a recent converter");
  const auto* const rule = std::ranges::find(kRules, name, &PreTokenizerRule::name);
  if (rule == std::end(kRules))
    return Error(StatusCode::kInvalidInput,
                 "unknown pre-tokenizer '{}' (tokenizer.ggml.pre); this version cannot tokenize "
                 "for that model",
                 name);
  std::vector<CompiledPattern> patterns;
  for (const std::string_view step : rule->steps) patterns.push_back(Compile(step));
  return PreTokenizer(*rule, std::move(patterns));
}

bool PreTokenizer::whole_words() const { return rule_->flags.whole_words; }
bool PreTokenizer::add_bos() const { return rule_->flags.add_bos; }

std::string_view PreTokenizer::Normalize(std::string_view utf8, std::string& buffer) const {
  const auto is_ascii = [](char c) { return static_cast<signed char>(c) >= 0; };
  if (!rule_->flags.nfc || std::ranges::all_of(utf8, is_ascii)) return utf8;
  UErrorCode error = U_ZERO_ERROR;
  const icu::Normalizer2* const nfc = icu::Normalizer2::getNFCInstance(error);
  KINGLET_CHECK(U_SUCCESS(error), "ICU: {}", u_errorName(error));
  const icu::StringPiece source(utf8.data(), static_cast<std::int32_t>(utf8.size()));
  if (nfc->isNormalizedUTF8(source, error)) return utf8;
  buffer.clear();
  icu::StringByteSink<std::string> sink(&buffer);
  nfc->normalizeUTF8(0, source, sink, nullptr, error);
  KINGLET_CHECK(U_SUCCESS(error), "ICU: {}", u_errorName(error));
  return buffer;
}

std::vector<std::uint32_t> PreTokenizer::Split(std::string_view utf8) const {
  std::vector<std::uint32_t> ends;
  if (!utf8.empty()) ends.push_back(static_cast<std::uint32_t>(utf8.size()));
  std::vector<std::uint32_t> finer;
  for (const CompiledPattern& pattern : patterns_) {
    finer.clear();
    std::size_t begin = 0;
    if (pattern.code == nullptr) {
      for (const std::uint32_t end : ends) SplitDigits(utf8, std::exchange(begin, end), end, finer);
    } else {
      const PieceSplitter splitter(pattern.code.get());
      for (const std::uint32_t end : ends)
        splitter.Split(utf8, std::exchange(begin, end), end, finer);
    }
    ends.swap(finer);
  }
  return ends;
}

}  // namespace kinglet
