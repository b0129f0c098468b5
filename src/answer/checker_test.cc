// SPDX-License-Identifier: Apache-2.0
// The checker and the gate on passages made by hand: what is carried, what is invented, what is off
// topic.
#include "answer/checker.h"

#include <gtest/gtest.h>

#include "answer/gate.h"

namespace kinglet {
namespace {

Passage MakePassage(std::string text, std::string heading = "", double score = 1) {
  const auto size = static_cast<std::int64_t>(text.size());
  return {.document = "/doc",
          .title = "Doc",
          .heading = std::move(heading),
          .start_byte = 100,
          .end_byte = 100 + size,
          .text = std::move(text),
          .score = score};
}

// As a library of 1000 chunks in which each word that the passages hold stands 10 times.
std::vector<Term> TermsOf(std::string_view text, const Evidence& evidence) {
  QueryStatistics statistics{.total_chunks = 1000};
  const QueryStatistics none{.total_chunks = 1000};
  for (const Term& term : FindTerms(text, none)) {
    for (std::size_t i = 0; i < evidence.passages().size(); ++i) {
      if (!evidence.passage_stems(i).contains(term.stem)) continue;
      statistics.terms.push_back({term.stem, 10});
      break;
    }
  }
  return FindTerms(text, statistics);
}

const Evidence& Handbook() {
  static const Evidence evidence(
      {MakePassage(
           "Editing system files needs care. Use the vipw command to edit the password file. It "
           "locks the file first.",
           "Users"),
       MakePassage(
           "The alien utility converts RPM packages into Debian packages. It was written in 1997.",
           "Other Packaging Systems", 0.5)});
  return evidence;
}

std::string SupportOf(std::string_view claim, std::string_view question) {
  const auto support =
      FindSupport(TermsOf(claim, Handbook()), TermsOf(question, Handbook()), Handbook());
  return support ? std::string(Handbook().Text(Handbook().windows()[support->window])) : "";
}

TEST(FindSupport, FindsTheSentenceThatCarriesAClaim) {
  EXPECT_EQ(SupportOf("You should use vipw.", "How do I edit the password file?"),
            "Use the vipw command to edit the password file.");
}

TEST(FindSupport, TakesTwoSentencesWhereOneIsNotEnough) {
  EXPECT_EQ(SupportOf("The vipw command edits the file and locks it first.", "Which tool?"),
            "Use the vipw command to edit the password file. It locks the file first.");
}

TEST(FindSupport, RefusesInventedNamesAndNumbers) {
  EXPECT_EQ(SupportOf("Alien converts RPM packages since 1998.", "What does alien do?"), "");
  EXPECT_EQ(SupportOf("The alien utility by Microsoft converts RPM packages.", "What does it do?"),
            "");
  EXPECT_NE(SupportOf("The alien utility was written in 1997.", "When was alien written?"), "");
}

TEST(FindSupport, RefusesAQuoteThatDoesNotSpeakOfTheQuestion) {
  EXPECT_EQ(SupportOf("The first leader of the mail project was alien.",
                      "Who was the first leader of the mail project?"),
            "");
}

TEST(FindSupport, RefusesAClaimThatOnlyRepeatsTheQuestion) {
  EXPECT_EQ(SupportOf("The password file can be edited.", "How do I edit the password file?"), "");
}

TEST(BestWindows, RanksWhatSpeaksOfTheQuestionAndNeverOverlaps) {
  const auto best =
      BestWindows(TermsOf("Which command edits the password file?", Handbook()), Handbook(), 3);
  ASSERT_FALSE(best.empty());
  const auto windows = Handbook().windows();
  EXPECT_NE(Handbook().Text(windows[best[0].window]).find("vipw"), std::string_view::npos);
  for (std::size_t i = 0; i < best.size(); ++i) {
    for (std::size_t k = i + 1; k < best.size(); ++k) {
      const Window& a = windows[best[i].window];
      const Window& b = windows[best[k].window];
      EXPECT_TRUE(a.passage != b.passage || a.end <= b.begin || b.end <= a.begin);
    }
  }
}

TEST(BestWindows, GivesNothingWithoutACommonWord) {
  EXPECT_TRUE(BestWindows(TermsOf("sourdough bread", Handbook()), Handbook(), 3).empty());
}

TEST(ClosestWindow, IsTheBestByWordsWithoutVectors) {
  const auto closest =
      ClosestWindow(TermsOf("Who repairs the password file queue?", Handbook()), Handbook());
  ASSERT_TRUE(closest);
  EXPECT_NE(Handbook().Text(Handbook().windows()[*closest]).find("edit the password file"),
            std::string_view::npos);
  EXPECT_FALSE(ClosestWindow(TermsOf("sourdough file", Handbook()), Handbook()));
}

TEST(ClosestWindow, IsOfTheClosestPassageByMeaning) {
  Passage pets = MakePassage("The rent is due on Monday. No pets. Tenants may keep a garden.");
  pets.similarity = 0.5;
  Passage animals = MakePassage("Animals are permitted to leave the burning stable by both doors.");
  animals.similarity = 0.2;
  const Evidence evidence({std::move(animals), std::move(pets)});
  const auto text = [&](std::string_view question) {
    const auto closest = ClosestWindow(TermsOf(question, evidence), evidence);
    return closest ? evidence.Text(evidence.windows()[*closest]) : "";
  };
  EXPECT_EQ(text("May tenants have animals permitted?"), "Tenants may keep a garden.");
  EXPECT_EQ(text("Are animals permitted?"), "The rent is due on Monday.") << "no word in common";
}

TEST(Evidence, QuotesAreBytesOfTheDocument) {
  for (const Window& window : Handbook().windows()) {
    const Quote quote = Handbook().ToQuote(window);
    const Passage& passage = Handbook().passages()[window.passage];
    EXPECT_EQ(passage.text.substr(static_cast<std::size_t>(quote.start_byte - passage.start_byte),
                                  quote.text.size()),
              quote.text);
    EXPECT_EQ(quote.end_byte - quote.start_byte, static_cast<std::int64_t>(quote.text.size()));
    EXPECT_LE(window.sentence_count, 2);
  }
}

TEST(Gate, LetsACoveredQuestionPass) {
  const GateDecision decision =
      Gate(TermsOf("Which command edits the password file?", Handbook()), Handbook());
  EXPECT_FALSE(decision.abstain);
  EXPECT_GT(decision.coverage, 0.9);
}

TEST(Gate, AbstainsOffTopic) {
  const GateDecision decision =
      Gate(TermsOf("How long should sourdough rise?", Handbook()), Handbook());
  EXPECT_EQ(decision.abstain, AbstainReason::kOffTopic);
  EXPECT_NE(decision.explanation.find("sourdough"), std::string::npos);
}

TEST(Gate, AbstainsWhereANameIsUnknown) {
  const GateDecision decision = Gate(
      TermsOf("Does the alien utility convert RPM packages on Solaris?", Handbook()), Handbook());
  EXPECT_EQ(decision.abstain, AbstainReason::kMissing);
}

TEST(Gate, AbstainsWhereNothingIsAsked) {
  EXPECT_EQ(Gate(TermsOf("What is the", Handbook()), Handbook()).abstain, AbstainReason::kMissing);
}

TEST(Gate, AbstainsOnAnEmptyLibrary) {
  const Evidence nothing({});
  EXPECT_EQ(Gate(TermsOf("anything", nothing), nothing).abstain, AbstainReason::kOffTopic);
}

}  // namespace
}  // namespace kinglet
