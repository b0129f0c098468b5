// SPDX-License-Identifier: Apache-2.0
// Figures of outcomes that are given, and probabilities that never saw the truth that they are of.
#include "eval/grounding.h"

#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "text/language_model_for_test.h"

namespace kinglet {
namespace {

// Outcomes of questions in groups: what is answerable has a high gate, what is right a likely span.
class GroundingTest : public testing::Test {
 protected:
  GroundingTest() {
    for (std::size_t i = 0; i < 80; ++i) {
      questions_.push_back({.id = std::to_string(i), .group = std::string(1, "abcd"[i % 4])});
      if (i % 8 < 4) questions_.back().answers = {"Paris"};
    }
    for (std::size_t i = 0; i < 80; ++i) {
      GroundingOutcome outcome{.question = &questions_[i], .quote = "It is Paris, of course."};
      const bool is_right = i % 8 < 2;
      outcome.reading.text = is_right ? "Paris" : "Lyon";
      outcome.reading.signals = {.gate = i % 8 < 4 ? 2.0 : -2.0, .span = is_right ? -1.0 : -6.0};
      outcome.score = ScoreAnswer(outcome.reading.text, questions_[i].answers);
      outcome.plain = {.text = i % 8 == 7 ? "" : "Paris"};
      outcome.plain->score = ScoreAnswer(outcome.plain->text, questions_[i].answers);
      outcome.best_sentence = "Lyon is old.";
      outcomes_.push_back(std::move(outcome));
    }
  }

  double Figure(const json::object& figures, const char* system, const char* name) {
    return figures.at("systems").as_object().at(system).as_object().at(name).to_number<double>();
  }

  std::vector<PassageQuestion> questions_;
  std::vector<GroundingOutcome> outcomes_;
};

TEST_F(GroundingTest, ComesToTheFiguresOfItsOutcomes) {
  const Confidences confidences = CrossFit(outcomes_);
  const double threshold = BestThreshold(outcomes_, confidences.right);
  const json::object figures = MeasureGrounding(outcomes_, confidences, threshold).figures;
  // A quarter is right and answered; half is unanswerable and not answered.
  EXPECT_NEAR(Figure(figures, "kinglet", "em"), 0.75, 1e-9);
  EXPECT_NEAR(Figure(figures, "kinglet", "f1"), 0.75, 1e-9);
  EXPECT_NEAR(Figure(figures, "kinglet", "f1_without_abstaining"), 0.5, 1e-9);
  EXPECT_NEAR(Figure(figures, "kinglet", "answered_share"), 0.5, 1e-9);
  EXPECT_EQ(Figure(figures, "kinglet", "false_answer_rate"), 0);
  EXPECT_EQ(Figure(figures, "kinglet", "auroc"), 1);
  EXPECT_EQ(Figure(figures, "kinglet", "auroc_right"), 1);
  EXPECT_EQ(Figure(figures, "kinglet", "quote_holds_answer"), 1);
  EXPECT_NEAR(Figure(figures, "kinglet", "f1_answerable"), 0.5, 1e-9);
  EXPECT_NEAR(Figure(figures, "plain", "em"), 0.625, 1e-9);
  EXPECT_NEAR(Figure(figures, "plain", "em_answerable"), 1, 1e-9);
  EXPECT_NEAR(Figure(figures, "plain", "false_answer_rate"), 0.75, 1e-9);
  EXPECT_EQ(Figure(figures, "plain", "answered_share"), 1);
  EXPECT_EQ(Figure(figures, "best_sentence", "quote_holds_answer"), 0);
  EXPECT_FALSE(figures.at("systems").as_object().contains("closed_book")) << "it was not asked";
  EXPECT_FALSE(figures.contains("retrieval")) << "passages were given";
}

TEST_F(GroundingTest, DrawsDocumentsWhole) {
  // Plainly asked, all of two documents are right and none of the others.
  for (std::size_t i = 0; i < outcomes_.size(); ++i) {
    outcomes_[i].plain->score = i % 4 < 2 ? AnswerScore{.exact = 1, .f1 = 1} : AnswerScore{};
  }
  const auto interval = [&] {
    const json::object figures = MeasureGrounding(outcomes_, CrossFit(outcomes_), 0.5).figures;
    const json::object& plain = figures.at("systems").as_object().at("plain").as_object();
    const json::array& ends = plain.at("ci95").as_object().at("em").as_array();
    return std::pair(ends[0].to_number<double>(), ends[1].to_number<double>());
  };
  EXPECT_EQ(interval(), std::pair(0.0, 1.0)) << "of four documents";
  for (PassageQuestion& question : questions_) question.group.clear();
  EXPECT_GT(interval().first, 0.35) << "each question by itself";
  EXPECT_LT(interval().second, 0.65);
  for (PassageQuestion& question : questions_) question.group = "one";
  EXPECT_TRUE(std::isinf(interval().second)) << "how another would differ is not known";
}

TEST_F(GroundingTest, OfAKindThatIsMissingThereIsNoFigure) {
  for (PassageQuestion& question : questions_) question.answers = {"Paris"};
  const json::object figures = MeasureGrounding(outcomes_, CrossFit(outcomes_), 0.5).figures;
  for (const char* const name : {"auroc", "false_answer_rate", "false_answers_at_80"}) {
    EXPECT_TRUE(std::isnan(Figure(figures, "kinglet", name))) << name;
  }
  EXPECT_EQ(ToJson(figures.at("systems").at("kinglet").at("auroc")), "null");
  EXPECT_GT(Figure(figures, "kinglet", "f1_answerable"), 0);
}

// Of five that are answerable four are kept, and so is what ranks above the fourth.
TEST_F(GroundingTest, KeepsNoMoreThanAskedFor) {
  std::vector<double> ranks;
  for (std::size_t i = 0; i < 10; ++i) {
    questions_[i].answers =
        i % 2 == 0 ? std::vector<std::string>{"Paris"} : std::vector<std::string>();
    ranks.push_back(1 - 0.1 * static_cast<double>(i));
  }
  outcomes_.resize(10);
  const json::object figures = MeasureGrounding(outcomes_, {ranks, ranks, ranks}, 0.5).figures;
  EXPECT_NEAR(Figure(figures, "kinglet", "false_answers_at_80"), 0.6, 1e-9);
}

TEST_F(GroundingTest, ComparesSystemsQuestionByQuestion) {
  for (std::size_t i = 0; i < outcomes_.size(); ++i) {
    const bool is_right = i % 8 == 2 || i % 8 == 3;  // where Kinglet is not
    outcomes_[i].closed_book = {.text = is_right ? "Paris" : "Lyon"};
    outcomes_[i].closed_book->score =
        ScoreAnswer(outcomes_[i].closed_book->text, questions_[i].answers);
  }
  const Confidences confidences = CrossFit(outcomes_);
  const double threshold = BestThreshold(outcomes_, confidences.right);
  const GroundingResult result = MeasureGrounding(outcomes_, confidences, threshold);
  EXPECT_NEAR(Figure(result.figures, "closed_book", "em"), 0.25, 1e-9);
  EXPECT_EQ(Figure(result.figures, "closed_book", "false_answer_rate"), 1);
  const json::object& paired = result.figures.at("paired").as_object();
  const json::object& closed = paired.at("kinglet - closed_book").as_object();
  EXPECT_NEAR(closed.at("em").to_number<double>(), 0.5, 1e-9);
  EXPECT_NEAR(closed.at("f1").to_number<double>(), 0.5, 1e-9);
  EXPECT_NEAR(closed.at("em_answerable").to_number<double>(), 0, 1e-9);
  const json::object& plain = paired.at("kinglet - plain").as_object();
  EXPECT_NEAR(plain.at("f1_answerable").to_number<double>(), -0.5, 1e-9);
  // A system and itself: no sample shows a difference.
  ASSERT_EQ(result.scores.size(), 3U);
  const json::object same = CompareSystems(outcomes_, result.scores[0], result.scores[0]);
  EXPECT_EQ(same.at("ci95").as_object().at("em"), json::value({0.0, 0.0}));
}

TEST_F(GroundingTest, AnEmptySpanIsNoAnswer) {
  for (GroundingOutcome& outcome : outcomes_) outcome.reading.text.clear();
  const std::vector<double> all(80, 1.0);
  const json::object figures = MeasureGrounding(outcomes_, {all, all, all}, 0.5).figures;
  EXPECT_EQ(Figure(figures, "kinglet", "answered_share"), 0);
  EXPECT_EQ(Figure(figures, "kinglet", "em"), 0.5);
}

TEST_F(GroundingTest, HoldsQuotesAgainstGoldSentences) {
  questions_[0].sentences = {"It is Paris, of course."};
  questions_[1].sentences = {"It is Paris, I think.", "It was Lyon before."};
  const Confidences confidences = CrossFit(outcomes_);
  const json::object figures = MeasureGrounding(outcomes_, confidences, 0.5).figures;
  // 5 of 5 words, then "it is paris" of 5, and of the 9 of the gold ones.
  EXPECT_NEAR(Figure(figures, "kinglet", "quote_precision"), (1 + 3.0 / 5) / 2, 1e-9);
  EXPECT_NEAR(Figure(figures, "kinglet", "quote_recall"), (1 + 3.0 / 9) / 2, 1e-9);
  EXPECT_NEAR(Figure(figures, "kinglet", "quote_f1"), (1 + 6.0 / 14) / 2, 1e-9);
  EXPECT_EQ(Figure(figures, "kinglet", "quote_is_gold"), 0.5);
  EXPECT_EQ(Figure(figures, "best_sentence", "quote_is_gold"), 0);
}

TEST_F(GroundingTest, SaysWhatTheSearchFound) {
  const auto passages =
      std::make_shared<const std::vector<Passage>>(std::vector<Passage>{{.text = "It is Paris."}});
  const auto others =
      std::make_shared<const std::vector<Passage>>(std::vector<Passage>{{.text = "It is Lyon."}});
  for (std::size_t i = 0; i < questions_.size(); ++i) {
    questions_[i].gold_retrieved = i % 8 == 0;  // a quarter of the answerable ones
    questions_[i].passages = i % 8 < 2 ? passages : others;
  }
  const json::object figures = MeasureGrounding(outcomes_, CrossFit(outcomes_), 0.5).figures;
  const json::object& retrieval = figures.at("retrieval").as_object();
  EXPECT_EQ(retrieval.at("gold_retrieved").to_number<double>(), 0.25);
  EXPECT_EQ(retrieval.at("answer_retrieved").to_number<double>(), 0.5);
}

TEST_F(GroundingTest, JudgesAGroupByOthersAlone) {
  // In group "a" the signals say the opposite: those who saw it would have learnt so.
  const Confidences before = CrossFit(outcomes_);
  for (std::size_t i = 0; i < outcomes_.size(); i += 4) {
    questions_[i].answers.clear();
    if (i % 8 >= 4) questions_[i].answers = {"Paris"};
  }
  const Confidences after = CrossFit(outcomes_);
  for (std::size_t i = 0; i < outcomes_.size(); i += 4) {
    EXPECT_EQ(after.answerable[i], before.answerable[i]);
  }
  EXPECT_NE(after.answerable[1], before.answerable[1]);
}

TEST_F(GroundingTest, ACalibrationGivesWhatItWasFittedTo) {
  const Calibration calibration = Calibrate(outcomes_);
  EXPECT_EQ(calibration.questions, 80);
  for (const GroundingOutcome& outcome : outcomes_) {
    const ConfidenceFeatures features = outcome.features(calibration.probe);
    EXPECT_EQ(calibration.answerable.Probability(features) > 0.5, outcome.is_answerable());
    EXPECT_EQ(calibration.quoted.Probability(features) > 0.5, outcome.is_quoted());
  }
}

TEST_F(GroundingTest, AbstainsAlwaysWhereNoAnswerIsWorthIt) {
  for (GroundingOutcome& outcome : outcomes_) outcome.score = {};
  const std::vector<double> right(outcomes_.size(), 0.5);
  EXPECT_EQ(BestThreshold(outcomes_, right), 1);
}

// Reads the first word of every passage.
class FirstWordModel : public SilentModel {
 public:
  std::vector<TokenId> EncodeText(std::string_view text) const override {
    return {static_cast<TokenId>(text.back())};
  }
  std::string_view TokenBytes(TokenId) const override { return "Paris"; }
  Result<std::vector<GenerationResult>> GenerateAll(std::span<const GenerationRequest> requests,
                                                    const BatchSink&) override {
    std::vector<GenerationResult> results;
    for (const GenerationRequest& request : requests) {
      GenerationResult result;
      result.candidate_logprobs.assign(request.candidates.size(), -1);
      if (request.logprobs) result.odds = {{.logprob = -1}};
      if (!request.logprobs && request.candidates.empty()) result.text = "Unanswerable.";
      result.prompt_tokens = 100;
      result.cached_tokens = 40;
      result.tokens = {1, 2};
      results.push_back(std::move(result));
    }
    return results;
  }
};

TEST(AskQuestionsTest, JudgesSpanQuoteAndPlainAnswer) {
  const auto passages = std::make_shared<const std::vector<Passage>>(
      std::vector<Passage>{{.title = "t", .text = "Lyon is old. Paris is the capital."}});
  std::vector<PassageQuestion> questions(3);
  for (PassageQuestion& question : questions) {
    question.question = "What is the capital?";
    question.passages = passages;
  }
  questions[0].answers = {"Paris"};
  FirstWordModel model;
  std::vector<std::size_t> told;
  const auto sink = [&](std::span<const GroundingOutcome> some) -> Result<void> {
    told.push_back(some.size());
    return {};
  };
  const auto outcomes = AskQuestions(model, questions, {.at_once = 2}, {}, sink);
  ASSERT_TRUE(outcomes) << outcomes.error().message();
  ASSERT_EQ(outcomes->size(), 3U);
  EXPECT_EQ(told, (std::vector<std::size_t>{2, 1}));
  const GroundingOutcome& first = outcomes->front();
  EXPECT_EQ(first.reading.text, "Paris");
  EXPECT_EQ(first.quote, "Paris is the capital.");
  EXPECT_EQ(first.best_sentence, "Paris is the capital.");
  EXPECT_EQ(first.plain->text, "");
  EXPECT_FALSE(first.closed_book);
  EXPECT_EQ(first.score.exact, 1);
  EXPECT_TRUE(first.is_right());
  EXPECT_EQ(first.cost.computed_tokens, 3 * 62) << "two of its reading and a plain one";
  EXPECT_GT(first.cost.machine_ms, 0);
  EXPECT_EQ(first.cost.machine_ms, (*outcomes)[1].cost.machine_ms) << "asked together";
  EXPECT_FALSE(outcomes->back().is_right());
  EXPECT_EQ(outcomes->back().plain->score.exact, 1) << "it says that there is none";
  const auto stops = [](std::span<const GroundingOutcome>) -> Result<void> {
    return Error(StatusCode::kCancelled, "stop");
  };
  EXPECT_EQ(AskQuestions(model, questions, {}, {}, stops).error().code(), StatusCode::kCancelled);
}

TEST(AskQuestionsTest, AsksOfAModelByItselfNothingElse) {
  const PassageQuestion question{.question = "What?",
                                 .passages = std::make_shared<const std::vector<Passage>>(
                                     std::vector<Passage>{{.text = "It."}})};
  FirstWordModel model;
  const auto outcomes = AskQuestions(
      model, {&question, 1}, {.reads = false, .asks_plainly = false, .asks_closed_book = true}, {},
      [](std::span<const GroundingOutcome>) -> Result<void> { return {}; });
  ASSERT_TRUE(outcomes) << outcomes.error().message();
  EXPECT_TRUE(outcomes->front().closed_book);
  EXPECT_EQ(outcomes->front().reading.text, "");
  EXPECT_EQ(outcomes->front().cost.computed_tokens, 62);
}

TEST(AskQuestionsTest, GoesOnBehindWhatIsDone) {
  std::vector<PassageQuestion> questions(3);
  for (PassageQuestion& question : questions) {
    question.passages =
        std::make_shared<const std::vector<Passage>>(std::vector<Passage>{{.text = "Paris."}});
  }
  std::vector<GroundingOutcome> done = {{.question = &questions[0], .quote = "before"}};
  FirstWordModel model;
  std::size_t told = 0;
  const auto sink = [&](std::span<const GroundingOutcome> some) -> Result<void> {
    told += some.size();
    return {};
  };
  const auto outcomes = AskQuestions(
      model, questions, {.asks_plainly = false, .asks_closed_book = true}, std::move(done), sink);
  ASSERT_TRUE(outcomes) << outcomes.error().message();
  EXPECT_EQ(told, 2U);
  ASSERT_EQ(outcomes->size(), 3U);
  EXPECT_EQ(outcomes->front().quote, "before");
  EXPECT_EQ(outcomes->back().question, &questions[2]);
  EXPECT_FALSE(outcomes->back().plain);
  ASSERT_TRUE(outcomes->back().closed_book);
  EXPECT_EQ(outcomes->back().closed_book->text, "") << "it says that there is none";
}

}  // namespace
}  // namespace kinglet
