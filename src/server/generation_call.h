// SPDX-License-Identifier: Apache-2.0
// One request that wants text from a model: it submits its choices, hears of them, writes them to
// the client in the client's format, and closes the account when all have ended.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "net/http_server.h"
#include "server/output_rules.h"
#include "server/reply_format.h"
#include "text/reasoning.h"

namespace kinglet {

// What is to be done; one request of the engine for each choice.
struct GenerationPlan {
  std::shared_ptr<void> keeps_alive;  // what the engine belongs to
  Engine* engine = nullptr;
  std::vector<GenerationRequest> requests;
  bool stream = false;
  bool separates_reasoning = false;
  bool reasoning_begun = false;  // by the prompt
  CompiledRules rules;           // of all requests
  bool batch_on_miss = false;
  // Another model stands behind: nothing is sent before the end, and nothing at all of what breaks
  // the rules. Of one request without tools.
  bool may_give_up = false;
  double received_ms = 0;  // when the last byte of the request came
};

// How it went, for who keeps count.
struct GenerationOutcome {
  int status = 200;
  ReplyTotals totals;
  std::vector<ReplyChoice> choices;  // none: it was refused
  double first_byte_ms = 0;          // 0: there was none
  double total_ms = 0;
  bool client_gone = false;
  bool given_up = false;                        // nothing was sent: another one answers
  std::optional<double> refused_prediction_ms;  // of the first byte, which came too late
  // Where there were rules: whether all choices kept them to the end.
  std::optional<bool> valid;
  std::string defect;  // what the last look at an answer found; nothing is published then
};

class GenerationCall : public std::enable_shared_from_this<GenerationCall> {
 public:
  // `account` gives the ledger line when all choices have ended, or it was refused, before the
  // client is told; `done` is called once, after the last byte was handed over.
  using Account = std::function<json::object(const GenerationOutcome& outcome)>;
  using Done = std::function<void(const GenerationOutcome& outcome)>;

  static void Start(GenerationPlan plan, std::unique_ptr<ReplyFormat> format,
                    std::shared_ptr<HttpExchange> exchange, Account account, Done done);

 private:
  struct Choice {
    std::uint64_t id = 0;
    std::optional<ReasoningSplitter> splitter;
    std::optional<ToolCallSplitter> calls;
    bool ended = false;
  };

  GenerationCall(GenerationPlan plan, std::unique_ptr<ReplyFormat> format,
                 std::shared_ptr<HttpExchange> exchange, Account account, Done done);
  void Submit();
  // The head of a stream.
  void Begin();
  Result<std::uint64_t> SubmitChoice(std::size_t index);
  void Refuse(const Status& status);
  void TellContext(ApiError& error) const;
  void OnEvent(std::size_t index, GenerationEvent event);
  void SendDelta(std::size_t index, const ReplyDelta& delta);
  ReplyDelta TakeDelta(std::size_t index, GenerationEvent& event);
  // Takes calls out of the delta's text, where there may be some.
  void TakeCalls(std::size_t index, bool is_last, ReplyDelta& delta);
  // The last look at an answer: what was cut short never passes for whole.
  void CheckRules(ReplyChoice& reply);
  void FinishDefect();
  void AddUp();
  void Finish();
  void Send(std::string piece, bool is_answer);
  void CancelAll();

  GenerationPlan plan_;
  std::unique_ptr<ReplyFormat> format_;
  std::shared_ptr<HttpExchange> exchange_;
  Account account_;
  Done done_;

  std::mutex mutex_;  // events of several choices come from several threads
  std::vector<Choice> choices_;
  std::size_t left_ = 0;
  double predicted_ms_ = 0;
  GenerationOutcome outcome_;
};

}  // namespace kinglet
