// SPDX-License-Identifier: Apache-2.0
// Texts in the world's encodings, none of which says which it is.
#include "knowledge/encoding_guess.h"

#include <gtest/gtest.h>
#include <unicode/ucnv.h>

#include "base/display.h"
#include "knowledge/cleaner.h"
#include "knowledge/extractor.h"

namespace kinglet {
namespace {

// In another encoding, by ICU.
std::string Encode(std::string_view utf8, const char* encoding) {
  UErrorCode error = U_ZERO_ERROR;
  std::string out(utf8.size() * 4 + 16, '\0');
  const std::int32_t bytes =
      ucnv_convert(encoding, "UTF-8", out.data(), static_cast<std::int32_t>(out.size()),
                   utf8.data(), static_cast<std::int32_t>(utf8.size()), &error);
  EXPECT_TRUE(U_SUCCESS(error)) << encoding << ": " << u_errorName(error);
  out.resize(static_cast<std::size_t>(bytes));
  return out;
}

constexpr std::string_view kRussian =
    "Куры живут во дворе и несут яйца каждый день. Хозяйка кормит их рано утром.";
constexpr std::string_view kPolish =
    "Kury niosą jaja każdego dnia, a gospodarz karmi je wcześnie rano; źrebię śpi w gęstej "
    "trawie. Zbyt wiele słońca też im szkodzi.";

TEST(DecodeToUtf8, TellsEncodingsByTheirText) {
  const struct {
    std::string_view text;
    std::vector<const char*> encodings;
  } cases[] = {
      {kRussian, {"windows-1251", "KOI8-R", "IBM866", "ISO-8859-5"}},
      {"Привет, мир", {"windows-1251", "KOI8-R", "IBM866"}},
      {"ニワトリは毎日卵を産みます。庭で飼うには、囲いと水が必要です。", {"Shift_JIS", "EUC-JP"}},
      {"닭은 매일 알을 낳습니다. 마당에서 기르려면 울타리와 물이 필요합니다.", {"EUC-KR"}},
      {"母鸡每天下蛋。在院子里养鸡需要围栏和水。", {"GBK", "GB18030"}},
      {"母雞每天下蛋。在院子裡養雞需要圍欄和水。", {"Big5"}},
      {kPolish, {"windows-1250", "ISO-8859-2"}},
      {"Příliš žluťoučký kůň úpěl ďábelské ódy. Slepice snášejí vejce každý den.",
       {"windows-1250", "ISO-8859-2"}},
      {"Οι κότες γεννούν αυγά κάθε μέρα στην αυλή του σπιτιού.", {"windows-1253", "ISO-8859-7"}},
      {"Tavuklar her gün yumurta yumurtlar. Bahçede çit ve su gerekir, kışın üşümezler.",
       {"windows-1254"}},
      {"Les poules pondent un œuf chaque jour; l'été, elles préfèrent l'ombre. Ça coûte 5 €.",
       {"windows-1252"}},
      {"Die Hühner legen täglich Eier. Für große Gärten genügt ein Zaun.", {"windows-1252"}},
  };
  for (const auto& each : cases) {
    for (const char* encoding : each.encodings) {
      EXPECT_EQ(DecodeToUtf8(Encode(each.text, encoding)), each.text) << encoding;
    }
  }
}

TEST(DecodeToUtf8, TakesFewAccentsForThoseOfTheWest) {
  for (const std::string_view text :
       {"El niño comió piña", "It’s fine.", "id,name\n1,José\n2,Ana\n3,Zoë\n", "5 € – that’s all",
        "Copyright © 2020", "Grüße aus München"}) {
    EXPECT_EQ(DecodeToUtf8(Encode(text, "windows-1252")), text);
  }
}

TEST(DecodeToUtf8, FindsTheTextBehindMuchAscii) {
  const std::string ascii(1 << 20, 'x');
  EXPECT_EQ(DecodeToUtf8(ascii + Encode(kRussian, "windows-1251")), ascii + std::string(kRussian));
}

TEST(DecodeToUtf8, TellsWideEncodingsByZeroBytes) {
  const std::string_view text = "Hens lay eggs in Köln; “every day”.\n";
  for (const char* encoding : {"UTF-16LE", "UTF-16BE", "UTF-32LE", "UTF-32BE"}) {
    EXPECT_EQ(DecodeToUtf8(Encode(text, encoding)), text) << encoding;
    EXPECT_NE(FindFormat("a.txt", Encode(text, encoding), UnknownSuffix::kSkip), nullptr);
  }
  const std::string_view binary("\0\0\0\1\0\2\0\3\0\4\0\5", 12);
  EXPECT_EQ(FindFormat("a.txt", binary, UnknownSuffix::kReadAsText), nullptr);
}

TEST(DecodeToUtf8, MakesValidTextOfAnyBytes) {
  std::uint32_t state = 7;
  for (int round = 0; round < 200; ++round) {
    std::string bytes;
    for (int i = 0; i < 200; ++i) {
      state = state * 1'664'525 + 1'013'904'223;
      bytes += static_cast<char>(state >> 24);
    }
    EXPECT_TRUE(IsUtf8(DecodeToUtf8(bytes)));
  }
}

}  // namespace
}  // namespace kinglet
