// SPDX-License-Identifier: Apache-2.0
// Marks as they stand; and phrases, whose words come in their order but may have others between
// them.
#include "knowledge/model_instructions.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string>
#include <tuple>
#include <unordered_map>

#include "text/plain_words.h"

namespace kinglet {
namespace {

// Of chat formats; and what languages that are written without spaces say for "ignore the
// instructions before this", "you are now", "system prompt".
constexpr std::string_view kMarks[] = {"<start_of_turn>",
                                       "<end_of_turn>",
                                       "[INST]",
                                       "<<SYS>>",
                                       "<｜User｜>",
                                       "忽略之前的",
                                       "忽略先前的",
                                       "忽略以上",
                                       "忽略上述",
                                       "忽略所有之前",
                                       "无视之前的",
                                       "无视以上",
                                       "你现在是",
                                       "系统提示词",
                                       "以前の指示を無視",
                                       "これまでの指示を無視",
                                       "上記の指示を無視",
                                       "前の指示を無視",
                                       "システムプロンプト"};

// One word of each part, the parts in their order, all within so many words.
struct Phrase {
  std::size_t words;
  std::array<std::string_view, 4> parts;  // those at the end may be empty
};
constexpr Phrase kPhrases[] = {
    {8,
     {"ignore disregard forget override ignoring",
      "previous prior above earlier preceding foregoing all your",
      "instruction instructions prompt prompts"}},
    {8,
     {"ignore disregard forget override", "previous prior above earlier preceding",
      "rules guidelines directives orders"}},
    {6, {"you", "are", "now", "ai assistant chatbot bot dan gpt llm unrestricted jailbroken"}},
    {8, {"pretend act roleplay", "ai chatbot dan llm unrestricted jailbroken unfiltered"}},
    {2, {"system", "prompt prompts"}},
    {8,
     {"ignoriere ignorieren vergiss vergessen missachte missachten",
      "vorherigen vorherige bisherigen bisherige obigen obige vorigen früheren alle deine",
      "anweisung anweisungen instruktionen vorgaben befehle"}},
    {6, {"du", "bist", "jetzt nun", "ki assistent chatbot dan"}},
    {8,
     {"ignore ignorez oublie oubliez", "instructions consignes directives",
      "précédentes antérieures dessus"}},
    {8, {"ignore ignorez oublie oubliez", "toutes tes vos", "instructions consignes"}},
    {8,
     {"ignora ignore ignorar olvida olvide", "instrucciones indicaciones órdenes",
      "anteriores previas"}},
    {8, {"ignora ignore ignorar olvida olvide", "todas tus sus", "instrucciones indicaciones"}},
    {8, {"ignora ignori ignorare dimentica", "istruzioni indicazioni", "precedenti sopra"}},
    {8, {"ignora ignori ignorare dimentica", "tutte tue precedenti", "istruzioni indicazioni"}},
    {8, {"ignore ignora ignorar esqueça", "instruções ordens", "anteriores prévias acima"}},
    {8, {"ignore ignora ignorar esqueça", "todas suas tuas", "instruções ordens"}},
    {8,
     {"negeer vergeet", "vorige voorgaande eerdere bovenstaande alle",
      "instructie instructies opdrachten aanwijzingen"}},
    {8,
     {"игнорируй игнорируйте забудь забудьте", "предыдущие прежние вышеуказанные все",
      "инструкции указания команды"}},
};
constexpr std::size_t kPhraseCount = std::size(kPhrases);
static_assert(kPhraseCount <= 32);

// For each word the phrases that have it, a bit each, by part.
using Places = std::array<std::uint32_t, std::tuple_size_v<decltype(Phrase::parts)>>;

class Vocabulary {
 public:
  Vocabulary() {
    for (std::size_t phrase = 0; phrase < kPhraseCount; ++phrase) {
      for (std::size_t part = 0; part < kPhrases[phrase].parts.size(); ++part) {
        std::string_view words = kPhrases[phrase].parts[part];
        while (!words.empty()) {
          const std::size_t end = std::min(words.find(' '), words.size());
          Add(words.substr(0, end))[part] |= std::uint32_t{1} << phrase;
          words.remove_prefix(std::min(end + 1, words.size()));
        }
      }
    }
  }

  // Null for nearly every word.
  const Places* Find(std::string_view word) const {
    if ((lengths_[static_cast<unsigned char>(word.front())] & LengthBit(word)) == 0) return nullptr;
    const auto found = places_.find(word);
    return found == places_.end() ? nullptr : &found->second;
  }

 private:
  static std::uint64_t LengthBit(std::string_view word) {
    return std::uint64_t{1} << std::min<std::size_t>(word.size(), 63);
  }
  Places& Add(std::string_view word) {
    lengths_[static_cast<unsigned char>(word.front())] |= LengthBit(word);
    return places_[word];
  }

  std::unordered_map<std::string_view, Places> places_;
  std::array<std::uint64_t, 256> lengths_{};  // of the words that begin with a byte: a bit each
};

// How far the words so far have come in a phrase.
struct Progress {
  std::size_t part = 0;  // the next one to come
  std::size_t first_word = 0;
  std::size_t begin = 0;  // byte of the first word
};

// Takes the word; true: the phrase is whole.
bool Advance(const Phrase& phrase, std::uint32_t bit, const Places& places, std::size_t word,
             std::size_t begin, Progress& progress) {
  if (progress.part > 0 && word - progress.first_word >= phrase.words) progress.part = 0;
  if ((places[progress.part] & bit) != 0) {
    if (progress.part == 0) progress = {0, word, begin};
    ++progress.part;
  } else if ((places[0] & bit) != 0 && progress.part == 1) {
    progress = {1, word, begin};  // nearer to what follows
  }
  const bool is_whole = progress.part == phrase.parts.size() || phrase.parts[progress.part].empty();
  if (is_whole) progress.part = 0;
  return is_whole;
}

void FindPhrases(std::string_view text, std::vector<ByteRange>& found) {
  static const Vocabulary vocabulary;
  std::array<Progress, kPhraseCount> progress{};
  std::size_t count = 0;
  for (PlainWords words(text); words.Next(); ++count) {
    const Places* const places = vocabulary.Find(words.word());
    if (places == nullptr) continue;
    for (std::size_t i = 0; i < kPhraseCount; ++i) {
      const std::uint32_t bit = std::uint32_t{1} << i;
      if (Advance(kPhrases[i], bit, *places, count, words.range().begin, progress[i])) {
        found.push_back({progress[i].begin, words.range().end});
      }
    }
  }
}

// "<|im_start|>", "<|eot_id|>": the tokens of most models look like this.
void FindSpecialTokens(std::string_view text, std::vector<ByteRange>& found) {
  constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyz_";
  for (std::size_t at = text.find("<|"); at != std::string_view::npos;
       at = text.find("<|", at + 2)) {
    const std::size_t end = text.find_first_not_of(kLetters, at + 2);
    if (end != std::string_view::npos && end > at + 2 && text.substr(end).starts_with("|>")) {
      found.push_back({at, end + 2});
    }
  }
}

void FindMarks(std::string_view text, std::vector<ByteRange>& found) {
  for (const std::string_view mark : kMarks) {
    for (std::size_t at = text.find(mark); at != std::string_view::npos;
         at = text.find(mark, at + mark.size())) {
      found.push_back({at, at + mark.size()});
    }
  }
}

}  // namespace

std::vector<ByteRange> FindModelInstructions(std::string_view utf8) {
  std::vector<ByteRange> found;
  FindSpecialTokens(utf8, found);
  FindMarks(utf8, found);
  FindPhrases(utf8, found);
  std::ranges::sort(found, {}, &ByteRange::begin);
  // Phrases that share words are one.
  std::vector<ByteRange> apart;
  for (const ByteRange& range : found) {
    if (!apart.empty() && range.begin < apart.back().end) {
      apart.back().end = std::max(apart.back().end, range.end);
    } else {
      apart.push_back(range);
    }
  }
  return apart;
}

}  // namespace kinglet
