// SPDX-License-Identifier: Apache-2.0
// What tests of questions share: a small library, a model that says what it is told to, and a
// calibration of it.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "answer/answerer.h"
#include "text/language_model_for_test.h"

namespace kinglet {

// Says its lines whatever it is asked, in pieces of a few bytes, and remembers the prompt.
class ScriptedModel : public SilentModel {
 public:
  explicit ScriptedModel(std::string script) : script_(std::move(script)) {}

  Result<std::vector<TokenId>> EncodeChat(std::span<const ChatMessage> messages) const override {
    prompt_.clear();
    for (const ChatMessage& message : messages) prompt_ += message.content + "\n";
    return EncodeText(prompt_);
  }
  std::vector<TokenId> EncodeText(std::string_view text) const override {
    return std::vector<TokenId>(std::max<std::size_t>(1, text.size() / kBytesPerToken), 0);
  }
  Result<GenerationResult> Generate(const GenerationRequest&, const TextSink&) override {
    return GenerationResult{.text = script_,
                            .tokens = {0, 0, 0},
                            .finish_reason = FinishReason::kStop,
                            .prompt_tokens = 10};
  }
  // Its reading, a span and odds of Yes as they are set, and its draft, whichever comes first.
  Result<std::vector<GenerationResult>> GenerateAll(std::span<const GenerationRequest> requests,
                                                    const BatchSink& on_event) override {
    std::vector<GenerationResult> results(requests.size());
    const auto read = [&] {
      results[0] = {.odds = {{.logprob = -1}}, .prompt_tokens = 10};
      results[1] = {.prompt_tokens = 10};
      results[1].candidate_logprobs.assign(requests[1].candidates.size(), -1);
      results[1].candidate_logprobs.front() = gate;
      return on_event(0, "", results.data()) && on_event(1, "", &results[1]);
    };
    if (requests.size() == 2) {
      read();
      return results;
    }
    GenerationResult& draft = results[2];
    draft.prompt_tokens = static_cast<int>(requests[2].prompt.size());
    draft.finish_reason = finish_reason;
    bool wanted = reads_last || read();
    for (std::size_t i = 0; i < script_.size() && wanted; i += kBytesPerToken) {
      draft.text += script_.substr(i, kBytesPerToken);
      draft.tokens.push_back(0);
      wanted = on_event(2, script_.substr(i, kBytesPerToken), nullptr);
    }
    if (wanted) on_event(2, "", &draft);
    if (wanted && reads_last) read();
    if (!wanted) draft.finish_reason = FinishReason::kCancelled;
    return results;
  }
  std::string_view TokenBytes(TokenId) const override { return span; }

  const std::string& prompt() const { return prompt_; }
  FinishReason finish_reason = FinishReason::kStop;
  float gate = 0;
  bool reads_last = false;
  std::string span = "vipw";

 private:
  static constexpr std::size_t kBytesPerToken = 4;
  std::string script_;
  mutable std::string prompt_;
};

class AskTest : public testing::Test {
 protected:
  AskTest() : folder_(testing::TempDir() + "kinglet_ask_test") {
    std::filesystem::remove_all(folder_);
    library_ = std::make_unique<Library>(Library::Open(folder_, LibraryMode::kWrite).value());
    Put("users",
        "Editing system files needs care. Use the vipw command to edit the password file. It locks "
        "the "
        "file first.");
    Put("packages",
        "The alien utility converts RPM packages into Debian packages. It was written in 1997.");
    Put("mail", "Postfix is the default mail server. Its queue is kept in the spool folder.");
  }
  ~AskTest() override { std::filesystem::remove_all(folder_); }

  void Put(const std::string& name, const std::string& text) {
    Document document{.title = name, .text = text};
    document.blocks.push_back({BlockKind::kParagraph, {0, text.size()}, 0});
    const DocumentSource source{.uri = "/" + name, .media_type = "text/plain", .digest = name};
    ASSERT_TRUE(library_->Put(source, document, 0));
  }

  Answer AskModel(const std::string& question, ScriptedModel& model, const AskEvents& events = {}) {
    Answer answer = Ask(question, {*library_}, &model, {.model_name = "scripted"}, events).value();
    ExpectVerbatim(answer);
    return answer;
  }

  void ExpectVerbatim(const Answer& answer) {
    EXPECT_LE(answer.quotes.size(), static_cast<std::size_t>(kMaxQuotes));
    for (const Quote& quote : answer.quotes) {
      EXPECT_EQ(library_->Text(quote.document, quote.start_byte, quote.end_byte).value(),
                quote.text);
    }
    for (const Claim& claim : answer.claims) {
      ASSERT_FALSE(claim.quotes.empty());
      for (const int quote : claim.quotes) {
        EXPECT_LT(static_cast<std::size_t>(quote), answer.quotes.size());
      }
    }
    EXPECT_EQ(answer.abstained.has_value(), answer.claims.empty());
  }

  std::filesystem::path folder_;
  std::unique_ptr<Library> library_;
};

// Of which the gate alone counts.
inline Calibration GateAlone() {
  Calibration calibration{.model = "scripted"};
  calibration.answerable.scale.fill(1);
  calibration.quoted.scale.fill(1);
  calibration.answerable.weights[0] = 5;
  calibration.quoted.weights[0] = 5;
  return calibration;
}

}  // namespace kinglet
