// SPDX-License-Identifier: Apache-2.0
// A language model with real weights, for many at once: requests come in from any thread, one
// thread of the engine's own computes all of them together, step by step, and each hears of its
// own.
//
// What was computed once is kept (prefix_cache.h), in memory and, with a folder for it, on the
// disk. A request's tokens are the same whatever else is computed with it and wherever its prompt
// came from.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "base/status.h"
#include "engine/generation.h"
#include "engine/page_store.h"
#include "engine/prefix_cache.h"
#include "engine/prompt_encoder.h"
#include "engine/scheduler.h"
#include "engine/step_cost.h"
#include "grammar/grammar_constraint.h"
#include "model/model.h"
#include "text/language_model.h"
#include "text/tokenizer.h"
#include "text/tool_calls.h"

namespace kinglet {

struct EngineOptions {
  int thread_count = 0;             // 0: one for each CPU that this process may use
  std::size_t context_tokens = 0;   // 0: the model's own, at most kDefaultContextTokens
  bool reuse_prefix = true;         // false: every prompt is computed from its first token
  std::size_t kv_bytes = 0;         // as ModelOptions has it
  std::size_t kv_contexts = 1;      // as ModelOptions has it
  bool exact = false;               // as ModelOptions has it
  KvType kv_type = KvType::kF16;    // as ModelOptions has it
  bool count_experts = false;       // as ModelOptions has it
  std::string isa;                  // as ModelOptions has it
  PackedCacheOptions packed_cache;  // without a folder weights are packed in memory
  std::size_t max_waiting = 512;    // requests; more are not let in
  std::size_t max_running = 64;     // at once
  // Tokens are guessed and several checked in a step, as long as it takes at most so many times
  // what it takes without them, and as it pays; 0: none, infinite: always.
  double guess_ratio = 1.5;
  std::filesystem::path page_folder;    // of pages on the disk; empty: none
  std::uint64_t page_folder_bytes = 0;  // at most
};

// How the engine is at this moment.
struct EngineState {
  std::size_t waiting = 0, running = 0;
  std::size_t tokens_to_read = 0;  // of the prompts of both
  std::size_t page_count = 0, free_pages = 0, cached_pages = 0, pages_on_disk = 0;
  std::uint64_t steps = 0;
  std::uint64_t prompt_tokens = 0, cached_tokens = 0;  // since the start
  std::uint64_t preemptions = 0;
  std::uint64_t guessed_tokens = 0, right_guesses = 0;
};

class Engine : public LanguageModel {
 public:
  // kNotFound, kInvalidInput or kUsage (a context beyond the model's), each naming the file.
  static Result<std::unique_ptr<Engine>> Open(const std::filesystem::path& path,
                                              const EngineOptions& options);
  // Ends what is running: its sinks hear of kCancelled.
  ~Engine() override;

  // ---- any thread ----

  int context_tokens() const override { return static_cast<int>(max_length_); }
  const PromptEncoder& prompts() const { return *prompts_; }
  const Tokenizer& tokenizer() const { return prompts_->tokenizer(); }
  Result<std::vector<TokenId>> EncodeChat(std::span<const ChatMessage> messages) const override;
  std::string_view TokenBytes(TokenId token) const override {
    return tokenizer().TokenBytes(token);
  }
  std::vector<TokenId> EncodeText(std::string_view text) const override {
    return tokenizer().Encode(text);
  }

  // Lets a request in and returns its number; the sink hears the rest. kUsage: it can never be
  // computed, and why. kLimitExceeded: not now; `predicted_ms`, where it is not null, is when its
  // first token would have come.
  Result<std::uint64_t> Submit(GenerationRequest request, GenerationSink sink,
                               double* predicted_ms = nullptr);
  // Within a step nothing more is computed for it; its sink hears of kCancelled. Nothing where it
  // has ended.
  void Cancel(std::uint64_t id);

  Result<GenerationResult> Generate(const GenerationRequest& request,
                                    const TextSink& on_text) override;
  Result<std::vector<GenerationResult>> GenerateAll(std::span<const GenerationRequest> requests,
                                                    const BatchSink& on_event) override;
  std::shared_ptr<const TokenConstraint> SpansOf(
      std::span<const SpanSource> sources) const override;
  Result<std::vector<float>> NextTokenLogprobs(std::span<const TokenId> prompt,
                                               std::span<const TokenId> candidates) override;

  // What constraints of this model's requests are made of, its template's tool calls included.
  GrammarCache& grammars() const;
  ToolFormat tool_format() const { return ToolFormatOf(prompts_->template_source()); }

  EngineState State() const;
  // Throws away what a scope has left, in memory and on the disk.
  void DropScope(std::string_view scope);
  // Runs a few steps of several lengths, so that the first predictions are worth something. Before
  // any request.
  void MeasureSpeed();

  // Its numbers and its file. Computing with it is the engine's, as long as there are requests.
  Model& model() { return *model_; }
  const Model& model() const { return *model_; }
  std::size_t kv_bytes() const { return model_->pages().bytes(); }

 private:
  Engine(std::unique_ptr<Model> model, std::unique_ptr<const PromptEncoder> prompts,
         const EngineOptions& options);
  void OpenPageStore(const EngineOptions& options);

  class Mailbox;

  // ---- any thread, with the lock ----
  Result<void> Check(const GenerationRequest& request) const;
  // Who is just reading tokens that this prompt shares with it, worth waiting for; null: nobody.
  // shared: how many.
  Generation* FindLeader(const Generation& generation, std::size_t cached_tokens,
                         std::size_t& shared) const;
  bool IsWorthWaitingFor(const Generation& leader, const Generation& generation, std::size_t shared,
                         std::size_t cached_tokens) const;

  // ---- the engine's thread; all but Compute with the lock ----
  struct Item {
    Generation* generation = nullptr;
    std::size_t length = 0;  // tokens before
    std::size_t count = 0;
    std::span<const TokenId> guess;  // of the tokens behind these, computed too,
    std::size_t right = 0;           // and how many of them were written
    bool completes = false;          // all tokens that are known
    bool ended = false;
  };
  struct Step {
    std::vector<Item> items;
    std::vector<BatchItem> batch;
    StepWork work;
  };

  void Run();
  void Housekeep();
  void EndCancelled();
  void LoadPages(Generation& generation);
  void SavePages();
  void SaveTheRest(std::unique_lock<std::mutex>& lock);
  void Preempt(const Preemption& preemption);
  void Prepare(Step& step);
  // Gives it pages for `count` more tokens; false: there are none.
  bool MakeRoom(KvSequence& sequence, std::size_t count);
  // Guesses are computed beside what is planned, as far as that costs little time.
  void AddGuesses(Step& step, double planned_ms);
  void Compute(Step& step);
  // Writes one token, and one more for each guess that was right.
  void WriteToken(Item& item, std::size_t row);
  void Finish(Step& step);
  // What it has computed goes to the cache. lasting_tokens: wanted on the disk.
  void Keep(Generation& generation, std::size_t tokens, bool with_tail);
  // Ends it: its pages go back now, and its sink is told as soon as the lock is free.
  void Remove(Generation& generation, FinishReason reason);
  bool TellEnded(std::unique_lock<std::mutex>& lock);  // true: it let go of the lock
  // Those that waited for it go their own way.
  void Unblock(const Generation& leader);
  std::size_t LayerAt(double depth) const;  // 0: the first, 1: the last
  // What the cache has for one that waits.
  void Look(Generation& generation);

  std::unique_ptr<Model> model_;
  std::unique_ptr<const PromptEncoder> prompts_;
  bool reuse_prefix_;
  double guess_ratio_;
  std::size_t max_length_;  // tokens of a sequence: the context, or all pages
  mutable std::once_flag grammars_made_;
  mutable std::unique_ptr<GrammarCache> grammars_;  // made when it is asked for

  mutable std::mutex mutex_;  // not held while a step computes
  std::condition_variable wake_;
  StepCost cost_;
  Scheduler scheduler_;
  PrefixCache cache_;
  std::map<std::uint64_t, std::unique_ptr<Generation>> generations_;
  std::vector<std::unique_ptr<Generation>> ended_;  // that are still to be told
  std::uint64_t last_id_ = 0;
  bool closing_ = false;
  double step_start_ms_ = 0, step_end_ms_ = 0;  // of the step that computes, as foreseen
  std::vector<std::uint64_t> fresh_;  // requests whose pages on the disk were not asked for yet
  std::vector<PageKey> dropped_;      // scopes that are to be thrown away
  EngineState counts_;                // what is counted from the start on
  // What the store has done, told by its thread.
  struct Stored {
    PageKey key;
    bool good = false;
    std::uint8_t* page = nullptr;  // it was read into; null: it was written
    std::uint64_t generation = 0;  // that waits for it
  };
  std::vector<Stored> stored_;
  std::size_t max_pages_on_disk_ = 0;
  std::unique_ptr<PageStore> store_;
  std::thread thread_;
};

}  // namespace kinglet
