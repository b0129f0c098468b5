// SPDX-License-Identifier: Apache-2.0
// Function words are a quarter of any text and differ even between close languages. Each word that
// is in a language's list is a vote for it; scripts that one language alone writes vote for it.
#include "knowledge/text_language.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string>
#include <unordered_map>

#include "base/utf8.h"
#include "text/plain_words.h"

namespace kinglet {
namespace {

constexpr std::size_t kSamples = 4;
constexpr std::size_t kSampleBytes = 1 << 10;

// Words that are frequent in it and, where two languages are close, in it alone.
struct FunctionWords {
  std::string_view language;
  std::string_view words;
};
constexpr FunctionWords kFunctionWords[] = {
    {"en", "the and of to in is that for it with as was on be are this by from or have which not"},
    {"de",
     "der die das und den von zu mit sich des auf für ist im dem nicht ein eine auch es wird"},
    {"fr",
     "le la les et des du un une que est pour dans qui sur par pas plus au avec ce cette sont"},
    {"es", "el la los las que y del se por un una para con no es como más su pero este también"},
    {"pt", "o os que não uma um para com do da dos das em no na se por mais como são ser você ao"},
    {"it",
     "il di che è la e un per una non del della sono con nel gli le alla dei delle anche più"},
    {"ca", "el els la les que i amb per una és del dels aquest aquesta no més com també són però"},
    {"ro", "și în de la care cu pe este un o nu pentru din sau sunt mai să ca prin acest fi fiind"},
    {"nl", "de het een en van in is dat op te zijn voor met niet aan er ook als naar worden wordt"},
    {"sv", "och att det som en är av för på med den till inte ett har om kan de eller från"},
    {"da",
     "og at det er en af til på som for med de den ikke der et har kan eller fra bliver ikke"},
    {"nb",
     "og i det er en av til på som for med at ikke den et har kan eller fra blir være også å"},
    {"fi", "ja on ei se että oli ovat joka kun mutta tai myös niin kuin voi ole sen tämä hän"},
    {"pl", "i w nie na się z do jest to że jak od po za przez dla są lub może tylko oraz być"},
    {"cs", "a v se na je že s z do pro o jako ale který nebo tak jsou by být lze pokud při může"},
    {"sk", "a v sa na je že s z do pre o ako ale ktorý alebo tak sú by byť môže pri ktoré iba"},
    {"hr", "i u je se na da za od su s kao koji ili ako što može nije te biti koje koja iz će"},
    {"hu", "a az és hogy nem egy ez van meg csak vagy ha mint már azt kell lehet amely ezt minden"},
    {"tr", "ve bir bu için da de ile olarak olan daha çok gibi veya değil ancak ise kadar sonra"},
    {"id", "yang dan di dengan untuk dari ini itu pada adalah dalam tidak akan dapat atau ke anda"},
    {"vi", "và của là có không được các cho một trong với những để người này khi đã từ bạn thể"},
    {"ru", "и в не на что с он как это по но из у за от так для или быть если можно при его"},
    {"uk", "і в не на що з як це та але за до від для або про є бути якщо її який можна цей"},
    {"bg", "и в не на че с е да за от се като но по са или при ако може към който която това"},
    {"sr", "и у је се на да за од су са као који или ако што може није те бити које која из"},
    {"ar", "في من على أن إلى هذا التي الذي مع هو أو ما لا عن هذه كان ذلك يمكن قد كل تم"},
    {"fa", "در از به که این را با است برای آن یک می و شود خود تا بر یا هم نیز شما اگر"},
};

// Scripts by their first and last code point, and the language that is written in them.
struct Script {
  char32_t first;
  char32_t last;
  std::string_view language;
};
constexpr Script kScripts[] = {
    {0x370, 0x3FF, "el"},   {0x590, 0x5FF, "he"},   {0x900, 0x97F, "hi"},   {0xE00, 0xE7F, "th"},
    {0x3040, 0x30FF, "ja"}, {0x4E00, 0x9FFF, "zh"}, {0xAC00, 0xD7AF, "ko"},
};

using Votes = std::array<std::uint32_t, std::size(kFunctionWords)>;

// For each function word the languages that have it, a bit each.
using Ballot = std::unordered_map<std::string_view, std::uint32_t>;
static_assert(std::size(kFunctionWords) <= 32);

Ballot MakeBallot() {
  Ballot ballot;
  for (std::size_t i = 0; i < std::size(kFunctionWords); ++i) {
    std::string_view words = kFunctionWords[i].words;
    while (!words.empty()) {
      const std::size_t end = std::min(words.find(' '), words.size());
      ballot[words.substr(0, end)] |= std::uint32_t{1} << i;
      words.remove_prefix(std::min(end + 1, words.size()));
    }
  }
  return ballot;
}

class Count {
 public:
  void Add(std::string_view text) {
    static const Ballot ballot = MakeBallot();
    for (PlainWords words(text); words.Next();) {
      ++words_;
      const char32_t first = DecodeUtf8(words.word()).code_point;
      for (std::size_t i = 0; first >= 0x370 && i < std::size(kScripts); ++i) {
        if (first >= kScripts[i].first && first <= kScripts[i].last) ++script_words_[i];
      }
      const auto found = ballot.find(words.word());
      if (found == ballot.end()) continue;
      for (std::size_t i = 0; i < votes_.size(); ++i) votes_[i] += (found->second >> i) & 1U;
    }
  }

  std::string_view Best() const {
    // Japanese is a mixture of kana and of the characters of Chinese.
    constexpr std::size_t kKana = 4;
    constexpr std::size_t kHan = 5;
    std::size_t script =
        static_cast<std::size_t>(std::ranges::max_element(script_words_) - script_words_.begin());
    std::uint32_t in_script = script_words_[script];
    if (script == kHan || script == kKana) {
      in_script = script_words_[kHan] + script_words_[kKana];
      script = script_words_[kKana] * 10 > in_script ? kKana : kHan;
    }
    // Names and commands in Latin letters stand in every text.
    if (in_script >= kMinWords && in_script * 3 >= words_) return kScripts[script].language;
    const auto most = static_cast<std::size_t>(std::ranges::max_element(votes_) - votes_.begin());
    const bool is_text = votes_[most] >= kMinVotes && votes_[most] * 12 >= words_;
    return is_text ? kFunctionWords[most].language : std::string_view();
  }

 private:
  static constexpr std::uint32_t kMinWords = 8;
  static constexpr std::uint32_t kMinVotes = 4;

  Votes votes_{};
  std::array<std::uint32_t, std::size(kScripts)> script_words_{};
  std::uint32_t words_ = 0;
};

}  // namespace

std::string_view LanguageOf(std::string_view utf8) {
  Count count;
  if (utf8.size() <= kSamples * kSampleBytes) {
    count.Add(utf8);
  } else {
    for (std::size_t i = 0; i < kSamples; ++i) {
      count.Add(utf8.substr(i * (utf8.size() - kSampleBytes) / (kSamples - 1), kSampleBytes));
    }
  }
  return count.Best();
}

}  // namespace kinglet
