// SPDX-License-Identifier: Apache-2.0
// PCRE2 without its compiler to machine code: a task's texts are few and short.
#define PCRE2_CODE_UNIT_WIDTH 8
#include "eval/text_pattern.h"

#include <pcre2.h>

#include <array>

namespace kinglet {
namespace {

constexpr std::uint32_t kMaxSteps = 1'000'000;
constexpr std::uint32_t kMaxHeapKib = 16 << 10;

struct Free {
  void operator()(pcre2_match_data* data) const { pcre2_match_data_free(data); }
  void operator()(pcre2_match_context* context) const { pcre2_match_context_free(context); }
};

std::unique_ptr<pcre2_match_context, Free> Limits() {
  std::unique_ptr<pcre2_match_context, Free> context(pcre2_match_context_create(nullptr));
  pcre2_set_match_limit(context.get(), kMaxSteps);
  pcre2_set_heap_limit(context.get(), kMaxHeapKib);
  return context;
}

PCRE2_SPTR Units(std::string_view text) { return reinterpret_cast<PCRE2_SPTR>(text.data()); }

}  // namespace

Result<TextPattern> TextPattern::Compile(std::string_view pattern) {
  int error = 0;
  std::size_t offset = 0;
  pcre2_code* const code =
      pcre2_compile(Units(pattern), pattern.size(), PCRE2_UTF | PCRE2_UCP | PCRE2_NEVER_BACKSLASH_C,
                    &error, &offset, nullptr);
  if (code == nullptr) {
    std::array<PCRE2_UCHAR, 128> message{};
    pcre2_get_error_message(error, message.data(), message.size());
    return Error(StatusCode::kInvalidInput, "the pattern {:?}: {}", pattern,
                 reinterpret_cast<const char*>(message.data()));
  }
  return TextPattern(std::shared_ptr<const pcre2_code>(
      code, [](const pcre2_code* one) { pcre2_code_free(const_cast<pcre2_code*>(one)); }));
}

bool TextPattern::IsIn(std::string_view text) const {
  const auto limits = Limits();
  const std::unique_ptr<pcre2_match_data, Free> data(pcre2_match_data_create(1, nullptr));
  return pcre2_match(code_.get(), Units(text), text.size(), 0, 0, data.get(), limits.get()) >= 0;
}

std::string TextPattern::Without(std::string_view text) const {
  const auto limits = Limits();
  std::string rest(text.size() + 1, '\0');  // and the null that PCRE2 puts behind it
  std::size_t size = rest.size();
  const int count = pcre2_substitute(code_.get(), Units(text), text.size(), 0,
                                     PCRE2_SUBSTITUTE_GLOBAL, nullptr, limits.get(), Units(""), 0,
                                     reinterpret_cast<PCRE2_UCHAR*>(rest.data()), &size);
  if (count < 0) return std::string(text);
  rest.resize(size);
  return rest;
}

}  // namespace kinglet
