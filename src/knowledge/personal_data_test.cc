// SPDX-License-Identifier: Apache-2.0
#include "knowledge/personal_data.h"

#include <random>
#include <string>

#include <gmock/gmock.h>

#include "base/utf8.h"

namespace kinglet {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::string Mask(std::string_view text) { return MaskPersonalData(text, FindPersonalData(text)); }

// "kind: text" of each.
std::vector<std::string> Find(std::string_view text) {
  std::vector<std::string> found;
  for (const PersonalData& data : FindPersonalData(text)) {
    found.push_back(std::string(Name(data.kind)) + ": " + std::string(data.range.Of(text)));
  }
  return found;
}

void ExpectFound(std::string_view kind, std::string_view before, std::string_view data,
                 std::string_view behind) {
  const std::string text = std::string(before) + std::string(data) + std::string(behind);
  EXPECT_THAT(Find(text), ElementsAre(std::string(kind) + ": " + std::string(data))) << text;
}

TEST(PersonalData, FindsMail) {
  for (const char* mail :
       {"a@b.de", "jane.doe+news@mail.example.co.uk", "x_y-z%q@host-1.example.org",
        "jürgen.müller@bücher-köln.de", "иван@пример.рф", "u@example.xn--p1ai", "JOE@EXAMPLE.COM",
        "01711234567@web.de", "4111111111111111@pay.example"}) {
    ExpectFound("email", "", mail, "");
    ExpectFound("email", "Mail: ", mail, ".");
    ExpectFound("email", "(<mailto:", mail, ">), or");
    ExpectFound("email", "“", mail, "”");
    ExpectFound("email", "联系", mail, "查询");
  }
  EXPECT_THAT(Find("a@b.de,c@d.fr;e@f.it"),
              ElementsAre("email: a@b.de", "email: c@d.fr", "email: e@f.it"));
}

TEST(PersonalData, KnowsWhatIsNoMail) {
  for (const char* text : {"root@localhost",
                           "icon@2x.png",
                           "getty@tty1.service",
                           "user@1000.service",
                           "react@18.2.0",
                           "@decorator.name",
                           "foo@",
                           "@",
                           "a @ b.de",
                           "git@github.com:user/repo.git",
                           "https://user:secret@host.example/path",
                           "ssh://joe@host.example/",
                           "a@b..de",
                           "a@-b.de",
                           "name.@b.de",
                           "@user@instance.social",
                           "a@b.c",
                           "a@b.c0m",
                           "x@y_z.de",
                           "a@b@c.de"}) {
    EXPECT_THAT(Find(text), IsEmpty()) << text;
  }
}

TEST(PersonalData, FindsPhones) {
  for (const char* phone :
       {"+49 30 1234567", "+49 (0)30 / 123 456-78", "+1-415-555-2671", "+1 (415) 555-2671",
        "+442079460958",  "+33 6 12 34 56 78",      "0049 30 1234567", "001 415 555 2671",
        "(030) 1234567",  "(415) 555-2671",         "415-555-2671",    "1-800-555-1234",
        "800.555.1234",   "030 12345678",           "0171/1234567",    "020 7946 0958",
        "01 23 45 67 89", "02 9374 4000",           "0711-1234567",    "090-1234-5678"}) {
    ExpectFound("phone", "", phone, "");
    ExpectFound("phone", "Call me at ", phone, ", please.");
    ExpectFound("phone", "Name: Doe; Phone: ", phone, "; Room: 12");
    ExpectFound("phone", "电话", phone, "。");
    ExpectFound("phone", "", phone, "\n2024");
  }
  for (const char* phone : {"555 1234", "1234567", "13800138000", "555-0199", "12 34 56 78"}) {
    EXPECT_THAT(Find(phone), IsEmpty()) << phone;
    ExpectFound("phone", "Tel.: ", phone, "");
    ExpectFound("phone", "Phone number: ", phone, " (home)");
    ExpectFound("phone", "Телефон ", phone, "");
  }
}

TEST(PersonalData, KnowsWhatIsNoPhone) {
  for (const char* text : {"2023-01-02",
                           "02.01.2023",
                           "2023/01/02 12:30",
                           "1999-2003",
                           "ISBN 978-3-16-148410-0",
                           "ISBN 0-306-40615-2",
                           "ISSN 0378-5955",
                           "0000-0002-1825-0097",
                           "10.1000/182",
                           "C++11 2014",
                           "1 234 567 890",
                           "12 345 678",
                           "+12 345 678",
                           "+5 %",
                           "1+1234567890",
                           "3.14159265358979",
                           "00 49 30 12 aa",
                           "0.123456789",
                           "1234567890123456789012",
                           "$415-555-2671x",
                           "Tel. 01.02.2023",
                           "Fax 2019-2020",
                           "mobile 2023",
                           "hotel 1234567",
                           "20230102123000",
                           "0x0123 4567 8901 zz",
                           "(2019) 12",
                           "12:30:45",
                           "192-168-1",
                           "05-06-2024",
                           "0123456789-abc-4567",
                           "v1-800-555-1234-5"}) {
    EXPECT_THAT(Find(text), IsEmpty()) << text;
  }
}

TEST(PersonalData, FindsAccounts) {
  for (const char* iban :
       {"DE89370400440532013000", "DE89 3704 0044 0532 0130 00", "GB29 NWBK 6016 1331 9268 19",
        "FR14 2004 1010 0505 0001 3M02 606", "NO93 8601 1117 947",
        "MT84MALT011000012345MTLCAST001S", "CH93-0076-2011-6238-5295-7"}) {
    ExpectFound("iban", "", iban, "");
    ExpectFound("iban", "IBAN: ", iban, ", BIC COBADEFFXXX");
  }
  for (const char* text :
       {"DE88370400440532013000", "DE8937040044053201300", "DE893704004405320130001",
        "XX89370400440532013000", "de89370400440532013000", "ADE89370400440532013000", "DE89",
        "GB29 NWBK 6016 1331"}) {
    EXPECT_THAT(Find(text), IsEmpty()) << text;
  }
}

TEST(PersonalData, FindsCards) {
  for (const char* card :
       {"4111111111111111", "4111 1111 1111 1111", "4111-1111-1111-1111", "5555555555554444",
        "2223 0031 2200 3222", "378282246310005", "3782 822463 10005", "6011111111111117",
        "30569309025904", "3056 930902 5904", "3530111333300000", "6200000000000005"}) {
    ExpectFound("card", "", card, "");
    ExpectFound("card", "Card: ", card, ", 12/27");
    ExpectFound("card", "", card, " 12/27");
  }
  for (const char* text : {"4111111111111112", "1111111111111117", "4006381333931", "9780306406157",
                           "41111111111111111", "0.4111111111111111", "4111111111111111-a",
                           "a4111111111111111", "/4111111111111111", "4111 1111 1111 1111 2024",
                           "1999 4111 1111 1111 1111", "411111 1111111111", "4111 1111-1111 1111",
                           "1700000000000000000", "00000000000000", "0000 0000 0000 0000"}) {
    EXPECT_THAT(Find(text), IsEmpty()) << text;
  }
}

TEST(PersonalData, FindsAddressesOfMachines) {
  for (const char* address : {"192.168.10.5", "10.0.0.128", "203.0.113.7"}) {
    ExpectFound("ipv4", "", address, "");
    ExpectFound("ipv4", "from ", address, ".");
    ExpectFound("ipv4", "http://", address, ":8080/x");
    ExpectFound("ipv4", "net ", address, "/24");
  }
  ExpectFound("ipv4", "ping ", "8.8.8.8", "");
  ExpectFound("ipv4", "Host: a; IP address: ", "1.2.3.4", "; Port: 22");
  ExpectFound("ipv4", "ssh root@", "1.2.3.4", "");
  ExpectFound("ipv4", "to ", "1.2.3.4", ":443");
  EXPECT_THAT(Find("10.0.0.100-10.0.0.200"), ElementsAre("ipv4: 10.0.0.100"));
  for (const char* address : {"2001:db8::1", "2001:0db8:85a3:0000:0000:8a2e:0370:7334", "fe80::1",
                              "fd12:3456:789a:1::1", "2001:db8::", "FE80::1"}) {
    ExpectFound("ipv6", "", address, "");
    ExpectFound("ipv6", "at ", address, "/64");
    ExpectFound("ipv6", "[", address, "]:80");
  }
}

TEST(PersonalData, KnowsWhatIsNoAddressOfAMachine) {
  for (const char* text : {"1.2.3.4 Scope",
                           "see 1.2.3.4",
                           "10.2.1.3. Filling in",
                           "version 2.4.200.1",
                           "v2.4.200.1",
                           "Version: 10.123.4.1",
                           "section 10.100.2.1",
                           "1.3.6.1.4.1.311",
                           "2.4.200.1-3",
                           "2.4.200.1+b1",
                           "2.4.200.1~rc1",
                           ">=2.4.200.1",
                           "lib-2.4.200.1",
                           "256.1.1.1",
                           "1.2.3",
                           "192.168.010.1",
                           "127.0.0.1",
                           "0.0.0.0",
                           "255.255.255.0",
                           "/pool/2.4.200.1/x",
                           "120.0.6099.109",
                           "12.10.2023",
                           "2.4.200.1a",
                           "12:30:45",
                           "00:1a:2b:3c:4d:5e",
                           "std::vector",
                           "dead::beef",
                           "a::b",
                           "::1",
                           "2023:10:05",
                           "2023::fa",
                           "fe80:1:2",
                           "2001:db8:::1",
                           "2001:db8::12345",
                           "face:b00c",
                           "1:2:3:4:5:6:7:8"}) {
    EXPECT_THAT(Find(text), IsEmpty()) << text;
  }
}

TEST(PersonalData, IsMaskedByItsKind) {
  EXPECT_EQ(Mask("Über jane@doe.de, Tel. 030 1234567 — IBAN DE89 3704 0044 0532 0130 00."),
            "Über [email], Tel. [phone] — IBAN [iban].");
  EXPECT_EQ(Mask("4111 1111 1111 1111 from 192.168.10.5, 2001:db8::1"),
            "[card] from [ipv4], [ipv6]");
  EXPECT_EQ(Mask(""), "");
  EXPECT_EQ(Mask("nobody"), "nobody");
}

// Text that is made of what the rules look at, and bytes that are no text.
TEST(PersonalData, StaysWithinTextAndCharacters) {
  constexpr std::string_view kPieces[] = {"+",  "(",   ")",    "0",    "49", "030", "4111", "1111",
                                          "@",  ".",   "de",   "a",    ":",  "::",  "fe80", "2001",
                                          "-",  "/",   " ",    "\n",   "ü",  "名",  "tel",  "DE89",
                                          "10", "255", "\xFF", "\xC3", "[",  "://", "_"};
  std::mt19937 random(1);
  std::size_t found_count = 0;
  for (int round = 0; round < 20000; ++round) {
    std::string text;
    for (auto count = random() % 30; count > 0; --count) {
      text += kPieces[random() % std::size(kPieces)];
    }
    std::size_t end = 0;
    for (const PersonalData& data : FindPersonalData(text)) {
      ++found_count;
      ASSERT_LE(end, data.range.begin) << text;
      ASSERT_LT(data.range.begin, data.range.end) << text;
      ASSERT_LE(data.range.end, text.size()) << text;
      end = data.range.end;
      EXPECT_FALSE(IsUtf8Continuation(text[data.range.begin])) << text;
      EXPECT_TRUE(end == text.size() || !IsUtf8Continuation(text[end])) << text;
      EXPECT_EQ(data.range.Of(text).find('\n'), std::string_view::npos) << text;
    }
    EXPECT_EQ(IsUtf8(Mask(text)), IsUtf8(text)) << text;
  }
  EXPECT_GT(found_count, 100U);
}

}  // namespace
}  // namespace kinglet
