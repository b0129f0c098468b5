// SPDX-License-Identifier: Apache-2.0
// What contradicts is found; what speaks of something else, or says the same, is not.
#include "answer/conflicts.h"

#include <gtest/gtest.h>

namespace kinglet {
namespace {

std::vector<Term> TermsOf(std::string_view text) { return FindTerms(text, {}); }

// Whether the second text contradicts what the first says with the span.
bool Conflicts(const std::string& one, std::string_view span, const std::string& other,
               std::string_view question) {
  const Evidence evidence({{.document = "/a", .text = one}, {.document = "/b", .text = other}});
  const auto found = FindConflicts(evidence.windows()[0], span, TermsOf(question), evidence);
  EXPECT_LE(found.size(), 1U);
  return !found.empty() && evidence.windows()[found[0]].passage == 1;
}

TEST(ConflictsTest, FindsAnotherNumber) {
  EXPECT_TRUE(Conflicts("The lease of the workshop ends in 2027.", "2027",
                        "The lease of the workshop ends in 2029.", "When does the lease end?"));
  EXPECT_TRUE(Conflicts("A delivery takes at most 5 working days.", "5 working days",
                        "Any delivery takes at most 14 working days.",
                        "How long does a delivery take?"));
}

TEST(ConflictsTest, FindsAnotherNumberBesideAClauseMore) {
  const std::string with_more =
      "The rent is 850 euros a month, due on the third working day, by bank transfer.";
  const std::string bare = "The rent is 900 euros a month.";
  EXPECT_TRUE(Conflicts(with_more, "850 euros", bare, "How much is the rent?"));
  EXPECT_TRUE(Conflicts(bare, "900 euros", with_more, "How much is the rent?"));
  EXPECT_FALSE(Conflicts(bare, "900 euros",
                         "The rent of a parking space in the yard is 60 euros a month.",
                         "How much is the rent?"))
      << "no clause, another rent";
  EXPECT_FALSE(Conflicts("The deposit is 800 euros.", "800 euros",
                         "The deposit is 20 euros, where only the garden key is borrowed.",
                         "How much is the deposit?"))
      << "too few words to know";
  EXPECT_FALSE(Conflicts(
      "Tenants may keep dogs in the flat.", "dogs",
      "Tenants may not keep dogs in the flat, where neighbours complain of barking at night.",
      "May tenants keep dogs?"))
      << "an exception";
}

TEST(ConflictsTest, FindsAnotherName) {
  EXPECT_TRUE(Conflicts("Orders for the printer go to Maria Lindqvist.", "Maria Lindqvist",
                        "Orders for the printer go to Otto Brandt.",
                        "Who takes orders for the printer?"));
}

TEST(ConflictsTest, FindsANegation) {
  EXPECT_TRUE(Conflicts("Dogs may enter the reading room.", "Dogs",
                        "Dogs may not enter the reading room.", "Who may enter the reading room?"));
  EXPECT_TRUE(Conflicts("The pump doesn't need oil at all.", "oil", "The pump needs oil.",
                        "Does the pump need oil?"));
}

TEST(ConflictsTest, LeavesWhatSpeaksOfAnotherMatter) {
  EXPECT_FALSE(Conflicts("In 1990 the town had 8,000 inhabitants.", "8,000",
                         "In 2000 the town had 9,500 inhabitants.",
                         "How many inhabitants had the town?"))
      << "another year";
  EXPECT_FALSE(Conflicts("The room Alpha holds 30 guests.", "30", "The room Beta holds 50 guests.",
                         "How many guests does a room hold?"))
      << "another room";
  EXPECT_FALSE(Conflicts("The lease of the workshop ends in 2027.", "2027",
                         "The guarantee of the boiler ends in 2029.", "When does the lease end?"))
      << "another contract";
  EXPECT_FALSE(Conflicts("Room 12 has 3 chairs for visitors.", "3",
                         "Room 14 has 4 chairs for visitors.", "How many chairs has room 12?"));
}

TEST(ConflictsTest, LeavesWhatSaysTheSame) {
  EXPECT_FALSE(Conflicts("The lease of the workshop ends in 2027.", "2027",
                         "In 2027 the lease of the workshop ends.", "When does the lease end?"));
  EXPECT_FALSE(Conflicts("The lease of the workshop ends in 2027.", "2027",
                         "The lease of the workshop ends in May 2027.", "When does the lease end?"))
      << "closer, not other";
}

}  // namespace
}  // namespace kinglet
