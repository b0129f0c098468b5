// SPDX-License-Identifier: Apache-2.0
// What a client gets of an answer that may be given up, and when; and who keeps count of what.
#include "server/generation_call.h"

#include <atomic>
#include <future>
#include <latch>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/clock.h"
#include "server/metrics.h"
#include "server/openai_chat.h"

namespace kinglet {
namespace {

constexpr const char* kModel = KINGLET_TEST_DATA "/models/stories-q4_0.gguf";

// Remembers what is sent to it, in one order with what the test notes.
class ClientForTest : public HttpExchange {
 public:
  explicit ClientForTest(bool is_gone = false) : is_gone_(is_gone) {}

  void Respond(HttpResponse response) override {
    body = response.body;
    Note(std::to_string(response.status));
  }
  bool Begin(int, std::string_view, const HttpHeaders&) override { return Note("begin"); }
  bool Write(std::string piece) override {
    text += piece;
    return Note("piece");
  }
  void End() override { Note("end"); }
  void OnGone(std::function<void()> gone) override {
    if (!is_gone_) return;
    gone();
    told_gone.count_down();
  }

  bool Note(std::string what) {
    const std::scoped_lock lock(mutex_);
    notes.push_back(std::move(what));
    return !is_gone_;
  }

  std::vector<std::string> notes;
  std::string text, body;
  std::latch told_gone{1};

 private:
  const bool is_gone_;
  std::mutex mutex_;
};

// What holds an engine up.
struct Hold {
  std::atomic<bool> begun = false;
  std::latch go_on{1};
};

class GenerationCallTest : public testing::Test {
 protected:
  GenerationPlan Plan(int max_tokens) {
    GenerationRequest request{.prompt = engine_->prompts().EncodePrompt("Once upon"),
                              .max_tokens = max_tokens};
    OutputRules rules{.kind = OutputRules::Kind::kSchema,
                      .schema = json::object{{"const", "a text of several tokens"}}};
    CompiledRules compiled = Compile(rules, *engine_, /*thought_begun=*/false).value();
    request.constraint = compiled.constraint;
    return {.engine = engine_.get(),
            .requests = {std::move(request)},
            .stream = true,
            .rules = std::move(compiled),
            .may_give_up = true,
            .received_ms = MonotonicMs()};
  }

  // To its end; the account notes "account".
  GenerationOutcome Run(GenerationPlan plan, const std::shared_ptr<ClientForTest>& client) {
    const auto ended = std::make_shared<std::promise<GenerationOutcome>>();
    GenerationCall::Start(
        std::move(plan), MakeChatFormat("model", nullptr, /*include_usage=*/false), client,
        [&](const GenerationOutcome&) {
          client->Note("account");
          return json::object();
        },
        [ended](const GenerationOutcome& outcome) { ended->set_value(outcome); });
    return ended->get_future().get();
  }

  std::unique_ptr<Engine> engine_ = Engine::Open(kModel, {.thread_count = 1}).value();
};

TEST_F(GenerationCallTest, PublishesAtOnceWhatKeepsTheRules) {
  const auto client = std::make_shared<ClientForTest>();
  const GenerationOutcome outcome = Run(Plan(100), client);
  EXPECT_FALSE(outcome.given_up);
  EXPECT_EQ(outcome.valid, true);
  EXPECT_GT(outcome.first_byte_ms, 0);
  // The text in one piece, its finish, and the stream's end.
  EXPECT_EQ(client->notes,
            (std::vector<std::string>{"begin", "piece", "account", "piece", "piece", "end"}));
  EXPECT_NE(client->text.find("a text of several tokens"), std::string::npos);
}

TEST_F(GenerationCallTest, SendsNothingOfWhatItGivesUp) {
  const auto client = std::make_shared<ClientForTest>();
  const GenerationOutcome outcome = Run(Plan(3), client);
  EXPECT_TRUE(outcome.given_up);
  EXPECT_EQ(client->notes, std::vector<std::string>{"account"});
  EXPECT_EQ(outcome.totals.completion_tokens, 3);
  EXPECT_EQ(outcome.first_byte_ms, 0);
}

TEST_F(GenerationCallTest, GivesUpNothingForWhoHasGone) {
  const auto client = std::make_shared<ClientForTest>(/*is_gone=*/true);
  // The engine is held meanwhile: three tokens may be written before the client is asked for.
  const auto held =
      engine_->Submit({.prompt = engine_->prompts().EncodePrompt("One day"), .max_tokens = 1},
                      [client](const GenerationEvent&) { client->told_gone.wait(); });
  ASSERT_TRUE(held.has_value());
  const GenerationOutcome outcome = Run(Plan(3), client);
  EXPECT_FALSE(outcome.given_up);
  EXPECT_TRUE(outcome.client_gone);
  EXPECT_EQ(client->notes.back(), "end");
}

TEST_F(GenerationCallTest, AccountsForWhatIsRefusedBeforeTheClientIsTold) {
  const auto client = std::make_shared<ClientForTest>();
  GenerationPlan plan = Plan(3);
  plan.requests.front().prompt.resize(static_cast<std::size_t>(engine_->context_tokens()));
  const GenerationOutcome outcome = Run(std::move(plan), client);
  EXPECT_TRUE(outcome.choices.empty());
  EXPECT_EQ(client->notes, (std::vector<std::string>{"account", "400"}));
}

TEST_F(GenerationCallTest, TellsAFullQueueFromABudgetThatIsMissed) {
  engine_ = Engine::Open(kModel, {.thread_count = 1, .max_waiting = 1}).value();
  const auto refuse = [&](double budget_ms, const char* reason) {
    const auto client = std::make_shared<ClientForTest>();
    GenerationPlan plan = Plan(3);
    plan.requests.front().terms.first_byte_budget_ms = budget_ms;
    const GenerationOutcome outcome = Run(std::move(plan), client);
    EXPECT_EQ(outcome.status, 429);
    EXPECT_NE(client->body.find(reason), std::string::npos) << client->body;
    Metrics metrics;
    metrics.CountGeneration("model", ServiceClass::kInteractive, outcome);
    return metrics.Text({}, 0);
  };
  EXPECT_NE(refuse(0, "first_byte_budget").find("reason=\"first_byte_budget\""), std::string::npos);
  // The engine is held, and its queue is full.
  const auto hold = std::make_shared<Hold>();
  const GenerationRequest request{.prompt = engine_->prompts().EncodePrompt("One day"),
                                  .max_tokens = 1};
  ASSERT_TRUE(engine_->Submit(request, [hold](const GenerationEvent&) {
    hold->begun = true;
    hold->begun.notify_one();
    hold->go_on.wait();
  }));
  hold->begun.wait(false);
  while (engine_->Submit(request, [](const GenerationEvent&) {})) {
  }
  EXPECT_NE(refuse(1e9, "queue_full").find("reason=\"queue\""), std::string::npos);
  hold->go_on.count_down();
}

}  // namespace
}  // namespace kinglet
