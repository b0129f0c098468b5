// SPDX-License-Identifier: Apache-2.0
// Two layouts, what is wrong with a file, and what is drawn.
#include "eval/claim_set.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace kinglet {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr std::string_view kHaluEval =
    R"({"knowledge": "Hens lay eggs.", "question": "What do hens lay?", )"
    R"("right_answer": "eggs", "hallucinated_answer": "Hens lay stones."})"
    "\n";

std::string Begin(std::string_view rows) {
  return "model_name\tdata_source\tknowledge\tmessage\tresponse\tbegin_label\r\n" +
         std::string(rows);
}

TEST(ClaimSetTest, ReadsPairsOfHaluEval) {
  const auto rows = ParseClaimSet(kHaluEval).value();
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].set, "halueval");
  EXPECT_EQ(rows[0].passage, "Hens lay eggs.");
  EXPECT_EQ(rows[0].question, "What do hens lay?");
  ASSERT_EQ(rows[0].claims.size(), 2U);
  EXPECT_EQ(rows[0].claims[0].text, "eggs");
  EXPECT_TRUE(rows[0].claims[0].is_supported);
  EXPECT_EQ(rows[0].claims[1].text, "Hens lay stones.");
  EXPECT_FALSE(rows[0].claims[1].is_supported);
}

TEST(ClaimSetTest, ReadsLabelsOfBegin) {
  const auto rows = ParseClaimSet(Begin("t5\twow\tHens lay eggs.\thi\tThey lay.\tFully "
                                        "attributable\r\n"
                                        "t5\twow\tHens lay eggs.\t\tI do.\tNot fully attributable\n"
                                        "\n"
                                        "t5\twow\tHens lay eggs.\thi\tOh.\tGeneric"))
                        .value();
  ASSERT_EQ(rows.size(), 3U);
  EXPECT_EQ(rows[0].set, "begin");
  EXPECT_EQ(rows[0].passage, "Hens lay eggs.");
  EXPECT_THAT(rows[0].question, IsEmpty()) << "what was said before is no question";
  EXPECT_EQ(rows[0].claims.at(0).text, "They lay.");
  EXPECT_TRUE(rows[0].claims[0].is_supported);
  EXPECT_FALSE(rows[1].claims.at(0).is_supported);
  EXPECT_FALSE(rows[2].claims.at(0).is_supported);
}

TEST(ClaimSetTest, NamesTheLineThatIsWrong) {
  const auto message = [](std::string_view text) {
    const auto rows = ParseClaimSet(text);
    EXPECT_EQ(rows.error().code(), StatusCode::kInvalidInput);
    return std::string(rows.error().message());
  };
  EXPECT_THAT(message(std::string(kHaluEval) + "{\"knowledge\": 1}\n"),
              AllOf(HasSubstr("line 2"), HasSubstr("knowledge")));
  EXPECT_THAT(message(std::string(kHaluEval) + "{\"knowl"), HasSubstr("line 2"));
  EXPECT_THAT(message(Begin("a\tb\tc\td\te\tGeneric\na\tb\tc\n")),
              AllOf(HasSubstr("line 3"), HasSubstr("3 cells")));
  EXPECT_THAT(message(Begin("a\tb\tc\td\te\tf\tGeneric\n")), HasSubstr("line 2: 7 cells"));
  EXPECT_THAT(message(Begin("a\tb\tc\td\te\tPerhaps\n")),
              AllOf(HasSubstr("line 2"), HasSubstr("Perhaps")));
  EXPECT_THAT(message("model_name\tdata_source\tknowledge\tmessage\tbegin_label\tresponse\n"),
              HasSubstr("line 1"));
  EXPECT_THAT(message("model_name"), HasSubstr("line 1"));
  EXPECT_THAT(message("id,claim\n"), HasSubstr("line 1"));
  EXPECT_THAT(message(""), HasSubstr("line 1"));
}

TEST(ClaimSetTest, DrawsSoManyOfEachSetInTheirOrder) {
  std::vector<ClaimRow> all(60);
  for (std::size_t i = 0; i < all.size(); ++i) {
    all[i].set = i < 50 ? "a" : "b";
    all[i].passage = std::string(1, static_cast<char>('0' + i));
  }
  const auto some = DrawRows(all, 20, 1);
  ASSERT_EQ(some.size(), 30U) << "b has no more than 10";
  EXPECT_EQ(std::ranges::count(some, "a", &ClaimRow::set), 20);
  EXPECT_TRUE(std::ranges::is_sorted(some, {}, &ClaimRow::passage));
  EXPECT_NE(DrawRows(all, 20, 2)[0].passage + DrawRows(all, 20, 2)[1].passage,
            some[0].passage + some[1].passage);
  EXPECT_EQ(DrawRows(all, 0, 1).size(), 60U);
}

}  // namespace
}  // namespace kinglet
