// SPDX-License-Identifier: Apache-2.0
#include "knowledge/text_language.h"

#include <string>

#include <gtest/gtest.h>

namespace kinglet {
namespace {

TEST(TextLanguage, IsToldByAFewSentences) {
  const struct {
    const char* language;
    const char* text;
  } kTexts[] = {
      {"en", "The hen is a bird that lays eggs. It is kept for them in all parts of the world."},
      {"de",
       "Die Henne ist ein Vogel, der Eier legt. Sie wird auch von Bauern für den Markt "
       "gehalten, und das nicht erst seit heute."},
      {"fr",
       "La poule est un oiseau qui pond des œufs. Elle est élevée dans toutes les parties du "
       "monde pour ses œufs et sa viande."},
      {"es",
       "La gallina es un ave que pone huevos. Se cría en todas las partes del mundo por los "
       "huevos y por la carne."},
      {"pt",
       "A galinha é uma ave que põe ovos. Não é criada apenas para os ovos, mas também para "
       "a carne, como em outras partes do mundo."},
      {"it",
       "La gallina è un uccello che depone le uova. Il suo allevamento non è nuovo e si fa "
       "anche per la carne della specie."},
      {"nl",
       "De kip is een vogel die eieren legt. Het dier wordt in de hele wereld gehouden voor "
       "de eieren en ook voor het vlees."},
      {"sv",
       "Hönan är en fågel som lägger ägg. Den hålls över hela världen och det är inte bara "
       "för äggen, utan också för köttet från den."},
      {"pl",
       "Kura jest ptakiem, który znosi jaja. Hoduje się ją na całym świecie, nie tylko dla "
       "jaj, oraz może to być do mięsa."},
      {"ru",
       "Курица — это птица, которая несёт яйца. Её держат во всём мире не только из-за яиц, "
       "но и для мяса, и так было всегда."},
      {"uk",
       "Курка — це птах, що несе яйця. Її тримають у всьому світі не тільки для яєць, але й "
       "за м'ясо, яке може бути різним, або як прикрасу."},
      {"el", "Η κότα είναι ένα πουλί που γεννά αυγά σε όλο τον κόσμο."},
      {"he", "התרנגולת היא עוף שמטיל ביצים ומגדלים אותה בכל העולם."},
      {"ar", "الدجاجة طائر يبيض في كل مكان من العالم، وهي التي تربى على نطاق واسع أو في البيوت."},
      {"zh", "母鸡是一种会下蛋的鸟，在世界各地都有饲养。"},
      {"ja", "めんどりは卵を産む鳥で、世界中で飼育されています。"},
      {"ko", "암탉은 알을 낳는 새로 전 세계에서 사육되고 있습니다. 사람들은 달걀과 고기를 얻는다."},
      {"th", "แม่ไก่เป็นนกที่ออกไข่และเลี้ยงกันทั่วโลก"},
      {"hi", "मुर्गी एक पक्षी है जो अंडे देती है और इसे पूरी दुनिया में पाला जाता है"},
  };
  for (const auto& [language, text] : kTexts) EXPECT_EQ(LanguageOf(text), language) << text;
}

TEST(TextLanguage, IsUnknownWhereNothingTellsIt) {
  for (const char* text : {"", "Hens", "1 2 3 4 5 6 7 8 9 10", "int main() { return argc; }",
                           "qwe rty uio pas dfg hjk lzx cvb nmq wer tyu iop", "\xFF\xFE"}) {
    EXPECT_EQ(LanguageOf(text), "") << text;
  }
}

TEST(TextLanguage, IsThatOfMostOfALongText) {
  std::string text;
  for (int i = 0; i < 100; ++i) text += "The first page of this is in English. ";
  for (int i = 0; i < 1000; ++i) text += "Das Übrige ist auf Deutsch, und das nicht nur zum Teil. ";
  EXPECT_EQ(LanguageOf(text), "de");
}

}  // namespace
}  // namespace kinglet
