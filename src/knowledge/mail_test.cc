// SPDX-License-Identifier: Apache-2.0
// Messages and mailboxes against what a reader wants of them, and messages that nobody would send.
#include <gtest/gtest.h>

#include "base/display.h"
#include "knowledge/extractor.h"

namespace kinglet {
namespace {

Result<Document> TryExtract(const std::filesystem::path& path, std::string_view bytes) {
  const Format* format = FindFormat(path, bytes, UnknownSuffix::kReadAsText);
  if (format == nullptr) return Error(StatusCode::kNotFound, "no format");
  return ExtractDocument(path, bytes, *format);
}

Document Extract(const std::filesystem::path& path, std::string_view bytes) {
  Result<Document> document = TryExtract(path, bytes);
  EXPECT_TRUE(document) << document.error().message();
  return document ? *std::move(document) : Document();
}

std::string Text(std::string_view bytes) { return Extract("a.eml", bytes).text; }

bool Contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

// The section that the block with this text belongs to.
std::string HeadingOf(const Document& document, std::string_view text) {
  for (const Block& block : document.blocks) {
    if (block.range.Of(document.text) == text) return document.headings[block.heading];
  }
  return "not there";
}

// A message with subject S whose body has this content type and text.
std::string Mail(std::string_view type, std::string_view body) {
  return fmt::format("Subject: S\nContent-Type: {}\n\n{}", type, body);
}

std::string Part(std::string_view headers, std::string_view body) {
  return fmt::format("--b\n{}\n\n{}\n", headers, body);
}

std::string Multipart(std::string_view kind, std::initializer_list<std::string> parts) {
  std::string body;
  for (const std::string& part : parts) body += part;
  return Mail(fmt::format("multipart/{}; boundary=b", kind), body + "--b--\n");
}

TEST(ExtractMail, ReadsHeaderAndText) {
  const Document document = Extract("a.eml",
                                    "From: =?utf-8?q?J=C3=BCrgen?= <j@hen.example>\r\n"
                                    "To: Ann <ann@hen.example>,\r\n \"B, C\" <b@hen.example>\r\n"
                                    "Cc: d@hen.example\r\n"
                                    "Subject: =?iso-8859-1?Q?Eier_f=FCr?= =?utf-8?B?IEvDtmxu?=\r\n"
                                    "Date: Tue, 5 Mar 2024 14:03:00 +0100\r\n"
                                    "X-Spam: no\r\n\r\n"
                                    "Hello Ann,\r\n\r\n> How many?\r\nThree.\r\n");
  EXPECT_EQ(document.title, "Eier für Köln");
  EXPECT_EQ(document.text,
            "Eier für Köln\n\n"
            "From: Jürgen <j@hen.example>\nTo: Ann <ann@hen.example>, \"B, C\" <b@hen.example>\n"
            "Cc: d@hen.example\nDate: Tue, 5 Mar 2024 14:03:00 +0100\n\n"
            "Hello Ann,\n\n> How many?\nThree.");
  EXPECT_EQ(document.headings.back(), "Eier für Köln");
  EXPECT_EQ(document.blocks[0].kind, BlockKind::kHeading);
}

TEST(ExtractMail, DecodesWordsInHeaders) {
  const auto subject = [](std::string_view raw) {
    return Extract("a.eml", fmt::format("Subject: {}\n\n", raw)).title;
  };
  EXPECT_EQ(subject("=?utf-8?b?R3Jvw58=?=\n =?utf-8?b?ZSBF?=\n =?utf-8?b?aWVy?= alle"),
            "Große Eier alle");
  EXPECT_EQ(subject("=?utf-8?B?w?= =?utf-8?B?w7w=?="), "ü") << "a word that is broken";
  EXPECT_EQ(subject("=?utf-8?Q?=C3?= =?utf-8?Q?=BC_x?="), "ü x") << "a character in two words";
  EXPECT_EQ(subject("a =?koi8-r*ru?q?=EB?= b =?no-such?q?x=3D?="), "a К b x=");
  EXPECT_EQ(subject("=?a =?b?c?d?= 1 =? 2 ?="), "=?a =?b?c?d?= 1 =? 2 ?=");
  EXPECT_EQ(subject("caf\xE9"), "café");
  std::string hostile;
  for (int i = 0; i < 200'000; ++i) hostile += "=?a?b?";
  EXPECT_EQ(subject(hostile).size(), 300U);
}

TEST(ExtractMail, DecodesWordsInNamesOfFiles) {
  EXPECT_TRUE(Contains(Text(Multipart("mixed", {Part("Content-Disposition: attachment; "
                                                     "filename=\"=?utf-8?B?aMO8aA==?=\n "
                                                     "=?utf-8?Q?n.csv?=\"",
                                                     "a,b\n1,2")})),
                       "hühn.csv\n\na: 1; b: 2"));
}

TEST(ExtractMail, DecodesTransferEncodingsAndCharsets) {
  EXPECT_EQ(Text(Mail("text/plain; charset=koi8-r\nContent-Transfer-Encoding: base64", "68/U\n")),
            "S\n\nКот");
  EXPECT_EQ(Text(Mail("text/plain; charset=iso-8859-15\n"
                      "Content-Transfer-Encoding: quoted-printable",
                      "5=A4 is=\n enough=2E")),
            "S\n\n5€ is enough.");
  EXPECT_EQ(Text(Mail("text/plain; charset=us-ascii", "caf\xC3\xA9")), "S\n\ncafé");
  EXPECT_EQ(Text(Mail("text/plain; charset=no-such", "caf\xE9")), "S\n\ncafé");
  EXPECT_EQ(Text("Subject: none\n\nPlain caf\xE9."), "none\n\nPlain café.");
}

TEST(ExtractMail, PrefersPlainTextWhereThereIsSome) {
  const std::string html = Part("Content-Type: text/html", "<h1>Big</h1><p>As <b>HTML</b>.</p>");
  EXPECT_EQ(Text(Multipart("alternative", {Part("Content-Type: text/plain", "As text."), html})),
            "S\n\nAs text.");
  EXPECT_EQ(Text(Multipart("alternative", {Part("Content-Type: text/plain", " \n"), html})),
            "S\n\nBig\n\nAs HTML.");
  EXPECT_EQ(Text(Multipart("alternative", {Part("Content-Type: text/calendar", "BEGIN")})),
            "S\n\n- Attached: without a name (text/calendar, 5 bytes)");
}

TEST(ExtractMail, ReadsHtmlInItsCharset) {
  EXPECT_EQ(Text(Mail("text/html; charset=koi8-r", "<meta charset=utf-8><p>\xEB\xCF\xD4</p>")),
            "S\n\nКот");
  EXPECT_EQ(Text(Mail("text/html", "<meta charset=koi8-r><p>\xEB\xCF\xD4</p>")), "S\n\nКот");
  const Document document = Extract("a.eml", Mail("text/html", "<h1>Big</h1><p>Small.</p>"));
  EXPECT_EQ(document.title, "S");
  EXPECT_EQ(HeadingOf(document, "Small."), "S > Big");
}

TEST(ExtractMail, HandsOnAnAttachedPdf) {
  const Document document =
      Extract("a.eml",
              "Subject: S\nContent-Type: multipart/mixed; boundary=c\n\n--c\n\nSee.\n--c\n"
              "Content-Type: application/pdf\nContent-Disposition: attachment; filename=a.pdf\n\n"
              "%PDF-1.7\n--c--");
  EXPECT_EQ(document.text, "S\n\nSee.\n\na.pdf");
  ASSERT_EQ(document.embedded.size(), 1U);
  EXPECT_EQ(document.embedded[0].name, "a.pdf");
  EXPECT_EQ(document.embedded[0].bytes, "%PDF-1.7");
  EXPECT_EQ(document.embedded[0].block, 2U);
}

TEST(ExtractMail, ReadsWhatIsAttachedByItsName) {
  const Document document = Extract(
      "a.eml",
      Multipart("mixed",
                {Part("Content-Type: text/plain", "See below."),
                 Part("Content-Type: application/octet-stream\nContent-Transfer-Encoding: base64\n"
                      "Content-Disposition: attachment; filename=\"eggs.csv\"",
                      "bmFtZSxlZ2dzCkJlcnRhLDMK"),
                 Part("Content-Type: text/html; charset=koi8-r\n"
                      "Content-Disposition: attachment; filename*=utf-8''k%C3%B6ln.html",
                      "<title>T</title><h1>Cat</h1><p>\xEB\xCF\xD4</p>"),
                 Part("Content-Type: image/jpeg; name=hen.jpg\n"
                      "Content-Transfer-Encoding: base64",
                      "/9j/4AAQ"),
                 Part("Content-Type: text/plain", "The list's footer.")}));
  EXPECT_EQ(document.title, "S");
  EXPECT_EQ(HeadingOf(document, "See below."), "S");
  EXPECT_EQ(HeadingOf(document, "The list's footer."), "S");
  EXPECT_EQ(HeadingOf(document, "name: Berta; eggs: 3"), "S > eggs.csv");
  EXPECT_EQ(HeadingOf(document, "Кот"), "S > köln.html > Cat");
  EXPECT_EQ(HeadingOf(document, "- Attached: hen.jpg (image/jpeg, 6 bytes)"), "S");
}

TEST(ExtractMail, FindsFilesInTheOtherFormOfTheText) {
  const std::string mixed =
      "--c\nContent-Type: text/html\n\n<p>Html.\n--c\nContent-Type: text/plain; name=a.md\n"
      "Content-Disposition: attachment; filename=a.md\n\n# Attached\n--c--";
  const std::string text =
      Text(Multipart("alternative", {Part("Content-Type: text/plain", "Plain."),
                                     Part("Content-Type: multipart/mixed; boundary=c", mixed)}));
  EXPECT_EQ(text, "S\n\nPlain.\n\na.md\n\nAttached");
}

TEST(ExtractMail, ReadsWhyAMailWasNotDelivered) {
  EXPECT_EQ(Text(Multipart("report", {Part("Content-Type: text/plain", "Could not deliver."),
                                      Part("Content-Type: message/delivery-status",
                                           "Reporting-MTA: dns; x\n\nStatus: 5.1.1\n")})),
            "S\n\nCould not deliver.\n\nReporting-MTA: dns; x\n\nStatus: 5.1.1");
}

TEST(ExtractMail, LeavesOutPicturesThatThePageShows) {
  EXPECT_EQ(Text(Multipart("related", {Part("Content-Type: text/html", "<p>See <img src=cid:1>"),
                                       Part("Content-Type: image/png\nContent-ID: <1>", "x")})),
            "S\n\nSee");
}

TEST(ExtractMail, ReadsMessagesInMessages) {
  const std::string inner = "Subject: Inner\nFrom: x@hen.example\n\nThe inner text.";
  const Document document =
      Extract("a.eml", Multipart("mixed", {Part("Content-Type: text/plain", "Forwarded:"),
                                           Part("Content-Type: message/rfc822", inner)}));
  EXPECT_EQ(document.title, "S");
  EXPECT_EQ(HeadingOf(document, "The inner text."), "S > Inner");
  EXPECT_EQ(HeadingOf(document, "From: x@hen.example"), "S > Inner");
  EXPECT_EQ(HeadingOf(Extract("a.eml", Multipart("mixed", {Part("Content-Type: text/x-mail\n"
                                                                "Content-Disposition: attachment; "
                                                                "filename=b.eml",
                                                                inner)})),
                      "The inner text."),
            "S > b.eml > Inner");
}

TEST(ExtractMail, SaysWhatItCannotDecrypt) {
  EXPECT_EQ(Text(Multipart("encrypted; protocol=\"application/pgp-encrypted\"",
                           {Part("Content-Type: application/pgp-encrypted", "Version: 1"),
                            Part("Content-Type: application/octet-stream", "hQEMA")})),
            "S\n\n(A part that is encrypted with PGP is left out.)");
  EXPECT_EQ(Text(Mail("application/pkcs7-mime; smime-type=enveloped-data; name=smime.p7m\n"
                      "Content-Transfer-Encoding: base64",
                      "MIAGCSqG")),
            "S\n\n(A part that is encrypted or signed with S/MIME is left out.)");
  EXPECT_EQ(Text(Mail("text/plain",
                      "-----BEGIN PGP MESSAGE-----\n\nhQEMA\n"
                      "-----END PGP MESSAGE-----\n")),
            "S\n\n(The text is encrypted with PGP and left out.)");
  EXPECT_EQ(Text(Multipart("signed", {Part("Content-Type: text/plain", "Signed."),
                                      Part("Content-Type: application/pgp-signature", "iQEz")})),
            "S\n\nSigned.");
}

TEST(ExtractMail, RefusesWhatIsNoMail) {
  for (const std::string_view bytes : {"", "Just some text.\n", "\n\nbody"}) {
    const Result<Document> document = TryExtract("a.eml", bytes);
    ASSERT_FALSE(document) << bytes;
    EXPECT_EQ(document.error().code(), StatusCode::kInvalidInput);
  }
}

TEST(ExtractMail, EndsWhereItNestsTooDeep) {
  std::string mail = "Subject: deep\n";
  for (int i = 0; i < 3000; ++i) {
    mail += fmt::format("Content-Type: multipart/mixed; boundary=b{}\n\n--b{}\n", i, i);
  }
  EXPECT_TRUE(Contains(Text(mail), "nested deeper"));
  std::string forwarded;
  for (int i = 0; i < 300; ++i) {
    forwarded += fmt::format("Subject: level {}\nContent-Type: message/rfc822\n\n", i);
  }
  const std::string text = Text(forwarded + "Subject: last\n\nEnd.");
  EXPECT_TRUE(Contains(text, "level 3"));
  EXPECT_FALSE(Contains(text, "level 30"));
}

TEST(ExtractMail, RefusesTooManyParts) {
  std::string mail = "Subject: S\nContent-Type: multipart/mixed; boundary=b\n\n";
  for (int i = 0; i < 100'000; ++i) mail += "--b\n\n";
  EXPECT_EQ(TryExtract("a.eml", mail).error().code(), StatusCode::kLimitExceeded);
  std::string headers = "Subject: S\n";
  for (int i = 0; i < 500'000; ++i) headers += "a:\n";
  EXPECT_EQ(TryExtract("a.eml", headers).error().code(), StatusCode::kLimitExceeded);
}

TEST(ExtractMail, SurvivesWhatIsCutOff) {
  const std::string mail =
      "From: =?utf-8?B?w7w=?= <a@b>\n" +
      Multipart("mixed",
                {Part("Content-Type: text/plain; charset=\"utf-8\"\n"
                      "Content-Transfer-Encoding: quoted-printable",
                      "=C3=BC=\nx"),
                 Part("Content-Type: text/csv; name=\"a.csv\"\n"
                      "Content-Disposition: attachment; filename*0=\"a\"; filename*1=.csv\n"
                      "Content-Transfer-Encoding: base64",
                      "YSxiCjEsMgo="),
                 Part("Content-Type: message/rfc822", "Subject: x\n\ny")});
  for (std::size_t end = 0; end < mail.size(); ++end) {
    const Result<Document> document = TryExtract("a.eml", std::string_view(mail).substr(0, end));
    EXPECT_TRUE(!document || IsUtf8(document->text)) << end;
  }
  std::string nul = mail;
  for (std::size_t at = 1100; at < nul.size(); at += 7) nul[at] = '\0';
  const Result<Document> document = TryExtract("a.eml", nul);
  EXPECT_TRUE(!document || IsUtf8(document->text));
}

TEST(ExtractMail, BoundsLongHeaders) {
  std::string to = "a@b";
  for (int i = 0; i < 20'000; ++i) to += fmt::format(",\n \"Name {}\" <a{}@hen.example>", i, i);
  const Document document =
      Extract("a.eml", "Subject: " + std::string(100'000, 's') + "\nTo: " + to + "\n\nText.");
  EXPECT_LT(document.text.size(), 10'000U);
  EXPECT_TRUE(document.text.ends_with("Text."));
}

constexpr std::string_view kMailbox =
    "From ann@hen.example Tue Mar  5 14:03:00 2024\n"
    "From: ann@hen.example\nSubject: First\n\nHello.\n>From here on it rains.\n>>From there.\n\n"
    "From the desk of Ann: no new message.\n\n"
    "From - Wed Mar  6 08:00:00 2024\n"
    "From: bob@hen.example\nSubject: Second\nContent-Type: text/html\n\n<h1>Big</h1><p>Html.\n";

TEST(ExtractMailbox, MakesASectionOfEachMessage) {
  const Document document = Extract("in.mbox", kMailbox);
  EXPECT_EQ(document.title, "in.mbox");
  EXPECT_EQ(HeadingOf(document, "Hello.\nFrom here on it rains.\n>From there."), "First");
  EXPECT_EQ(HeadingOf(document, "From the desk of Ann: no new message."), "First");
  EXPECT_EQ(HeadingOf(document, "From: bob@hen.example"), "Second");
  EXPECT_EQ(HeadingOf(document, "Html."), "Second > Big");
  std::string carriage_returns;
  for (const char c : kMailbox)
    carriage_returns += c == '\n' ? std::string("\r\n") : std::string(1, c);
  EXPECT_EQ(Extract("in.mbox", carriage_returns).text, document.text);
}

TEST(ExtractMailbox, GoesOnAfterABrokenMessage) {
  const Document document =
      Extract("in.mbox", "From x Tue Mar  5 14:03:00 2024\n\nnothing\n\n" + std::string(kMailbox));
  EXPECT_TRUE(Contains(document.text, "(A message could not be read: "));
  EXPECT_EQ(HeadingOf(document, "From: bob@hen.example"), "Second");
}

TEST(ExtractMailbox, RefusesOtherFiles) {
  EXPECT_EQ(TryExtract("in.mbox", "From here to there.\n").error().code(),
            StatusCode::kInvalidInput);
  EXPECT_EQ(TryExtract("in.mbox", "").error().code(), StatusCode::kInvalidInput);
}

TEST(ExtractMailbox, SurvivesWhatIsCutOff) {
  for (std::size_t end = 0; end < kMailbox.size(); ++end) {
    const Result<Document> document = TryExtract("in.mbox", kMailbox.substr(0, end));
    EXPECT_TRUE(!document || IsUtf8(document->text)) << end;
  }
}

}  // namespace
}  // namespace kinglet
