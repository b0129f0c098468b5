// SPDX-License-Identifier: Apache-2.0
// The doors of the engine: open a model, let requests in, wait for one of them.
#include "engine/engine.h"

#include <algorithm>
#include <chrono>
#include <future>
#include <utility>

#include "base/check.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/display.h"
#include "base/thread_pool.h"
#include "grammar/span_constraint.h"
#include "kernels/panels.h"
#include "model/vocabulary_from_gguf.h"

namespace kinglet {
namespace {

// A change of what is in a page, or of how it is computed, asks for another name.
constexpr std::string_view kPageArithmetic = "kv-1";

// Tokens that another request is just reading are worth waiting for from so many on, and fewer
// where both are through sooner so.
constexpr std::size_t kLeastShared = kPageTokens;

constexpr int kAskInterruptedMs = 20;

// Of all that the bytes of a page depend on: the file, the kernels, the layout.
std::string FingerprintOf(const Model& model) {
  std::string text = fmt::format("{} {} {} {} {} {}", kPageArithmetic, kPanelLayout,
                                 model.ops().name, static_cast<int>(model.pages().layout().type),
                                 model.pages().page_bytes(), model.is_exact() ? "exact" : "");
  for (const FileIdentity& file : model.file().Identities()) {
    text += fmt::format(" {} {} {} {}", file.device, file.inode, file.size_bytes, file.modified_ns);
  }
  return Sha256::HexOf(text);
}

SchedulerOptions OptionsOf(const EngineOptions& options, const Model& model) {
  SchedulerOptions scheduler;
  scheduler.max_running = options.max_running;
  scheduler.max_waiting = options.max_waiting;
  scheduler.step_tokens = kStepTokens;
  scheduler.page_tokens = kPageTokens;
  scheduler.page_count = model.pages().page_count();
  return scheduler;
}

void Append(GenerationEvent& event, GenerationResult& result) {
  result.text += event.text;
  result.tokens.insert(result.tokens.end(), event.tokens.begin(), event.tokens.end());
  std::ranges::move(event.odds, std::back_inserter(result.odds));
}

// end: all of it but what came before, which is in the result. One that was stopped is cancelled,
// however far it came meanwhile.
void Conclude(GenerationResult end, bool wanted, GenerationResult& result) {
  end.text = std::move(result.text);
  end.tokens = std::move(result.tokens);
  end.odds = std::move(result.odds);
  if (!wanted) end.finish_reason = FinishReason::kCancelled;
  result = std::move(end);
}

}  // namespace

Result<std::unique_ptr<Engine>> Engine::Open(const std::filesystem::path& path,
                                             const EngineOptions& options) {
  GgufFile file = TRY(GgufFile::Open(path));
  const auto in_file = [&](const Status& status) {
    return std::unexpected(status.WithContext(EscapeForDisplay(path.string())));
  };
  Result<Vocabulary> vocabulary = ReadVocabulary(file);
  if (!vocabulary) return in_file(vocabulary.error());
  // A start waits for the longer of the two, not for both.
  std::future<Result<std::unique_ptr<Tokenizer>>> made_tokenizer =
      std::async(std::launch::async, [&] { return Tokenizer::Create(*std::move(vocabulary)); });
  ModelOptions model_options;
  model_options.thread_count = options.thread_count > 0 ? options.thread_count : AvailableCpus();
  model_options.context_tokens = options.context_tokens;
  model_options.kv_bytes = options.kv_bytes;
  model_options.kv_contexts = options.kv_contexts;
  model_options.exact = options.exact;
  model_options.kv_type = options.kv_type;
  model_options.count_experts = options.count_experts;
  model_options.isa = options.isa;
  model_options.packed_cache = options.packed_cache;
  Result<std::unique_ptr<Model>> model = Model::Load(std::move(file), model_options);
  Result<std::unique_ptr<Tokenizer>> tokenizer = made_tokenizer.get();
  if (!tokenizer) return in_file(tokenizer.error());
  if (!model) return in_file(model.error());
  auto prompts = std::make_unique<PromptEncoder>((*model)->file(), *std::move(tokenizer));
  std::unique_ptr<Engine> engine(new Engine(*std::move(model), std::move(prompts), options));
  engine->OpenPageStore(options);
  engine->thread_ = std::thread([raw = engine.get()] { raw->Run(); });
  return engine;
}

Engine::Engine(std::unique_ptr<Model> model, std::unique_ptr<const PromptEncoder> prompts,
               const EngineOptions& options)
    : model_(std::move(model)),
      prompts_(std::move(prompts)),
      reuse_prefix_(options.reuse_prefix),
      guess_ratio_(options.guess_ratio),
      max_length_(std::min(model_->context_tokens(),
                           model_->pages().page_count() * std::size_t{kPageTokens})),
      scheduler_(OptionsOf(options, *model_), cost_),
      cache_(model_->pages()) {}

Engine::~Engine() {
  {
    const std::scoped_lock lock(mutex_);
    closing_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
  store_.reset();  // its thread reads pages and tells this object
}

// Without a folder that can be used, pages live as long as the process.
void Engine::OpenPageStore(const EngineOptions& options) {
  const std::size_t page_bytes = model_->pages().page_bytes();
  max_pages_on_disk_ = options.page_folder_bytes / page_bytes;
  if (!reuse_prefix_ || options.page_folder.empty() || max_pages_on_disk_ == 0) return;
  auto store = PageStore::Open(options.page_folder, FingerprintOf(*model_), page_bytes);
  if (!store) return;
  store_ = *std::move(store);
  for (const PageFileHeader& page : store_->found()) {
    cache_.AddOnDisk(page.scope, page.parent, page.key, page.tokens);
  }
}

Result<std::vector<TokenId>> Engine::EncodeChat(std::span<const ChatMessage> messages) const {
  json::array turns;
  for (const ChatMessage& message : messages) {
    turns.push_back(json::object{{"role", message.role}, {"content", message.content}});
  }
  return prompts_->EncodeMessages(std::move(turns));
}

Result<void> Engine::Check(const GenerationRequest& request) const {
  if (request.prompt.empty()) return Error(StatusCode::kUsage, "the prompt is empty");
  if (request.prompt.size() + 1 > max_length_) {
    return Error(StatusCode::kUsage,
                 "the prompt has {} tokens and the context {}, one of which is for the answer",
                 request.prompt.size(), max_length_);
  }
  const std::size_t vocabulary = model_->config().vocab_size;
  const auto is_bad = [&](TokenId id) {
    return id < 0 || static_cast<std::size_t>(id) >= vocabulary;
  };
  for (const std::vector<TokenId>* tokens : {&request.prompt, &request.candidates}) {
    if (const auto bad = std::ranges::find_if(*tokens, is_bad); bad != tokens->end()) {
      return Error(StatusCode::kUsage, "token {} is not in a vocabulary of {}", *bad, vocabulary);
    }
  }
  return {};
}

Generation* Engine::FindLeader(const Generation& generation, std::size_t cached_tokens,
                               std::size_t& shared) const {
  shared = 0;
  if (!reuse_prefix_ || generation.request().prompt_logprobs) return nullptr;
  Generation* leader = nullptr;
  const auto tokens = generation.tokens().first(generation.prompt_tokens() - 1);
  for (const auto& [id, other] : generations_) {
    // Nobody waits for one that may be put off.
    if (other->prompt_read || other->cancelled || other->scope() != generation.scope() ||
        other->request().prompt_logprobs ||
        other->request().terms.service_class > generation.request().terms.service_class) {
      continue;
    }
    const auto differ = std::ranges::mismatch(other->request().prompt, tokens);
    const auto common = static_cast<std::size_t>(differ.in2 - tokens.begin());
    if (common <= cached_tokens || common <= shared) continue;
    if (common >= cached_tokens + kLeastShared ||
        IsWorthWaitingFor(*other, generation, common, cached_tokens)) {
      shared = common;
      leader = other.get();
    }
  }
  return leader;
}

bool Engine::IsWorthWaitingFor(const Generation& leader, const Generation& generation,
                               std::size_t shared, std::size_t cached_tokens) const {
  const std::size_t own = generation.prompt_tokens() - cached_tokens;
  const std::size_t rest = leader.prompt_tokens() - shared;
  if (rest > own) return false;
  const StepWork first = WorkOf(cached_tokens, leader.prompt_tokens() - cached_tokens);
  const StepWork second = WorkOf(shared, generation.prompt_tokens() - shared);
  StepWork both = first;
  both += WorkOf(cached_tokens, own);
  return cost_.PredictMs(first) + cost_.PredictMs(second) < cost_.PredictMs(both);
}

Result<std::uint64_t> Engine::Submit(GenerationRequest request, GenerationSink sink,
                                     double* predicted_ms) {
  TRY(Check(request));
  std::uint64_t id = 0;
  std::unique_ptr<Generation> generation;  // where it is refused, its sink goes without the lock
  {
    const std::scoped_lock lock(mutex_);
    if (closing_) return Error(StatusCode::kCancelled, "the engine is closing");
    id = last_id_ + 1;
    generation = std::make_unique<Generation>(id, std::move(request), std::move(sink), tokenizer(),
                                              max_length_);
    const ServiceTerms& terms = generation->request().terms;
    const double now_ms = MonotonicMs();
    PrefixCache::Found found;
    const auto tokens = generation->tokens().first(generation->prompt_tokens() - 1);
    if (reuse_prefix_ && !generation->request().prompt_logprobs) {
      found = cache_.Look(generation->scope(), tokens);
    }
    std::size_t shared = 0;
    const Generation* const leader = FindLeader(*generation, found.tokens, shared);
    ScheduledRequest scheduled;
    scheduled.id = id;
    scheduled.service_class = terms.service_class;
    scheduled.account = terms.account;
    scheduled.arrival_ms = now_ms;
    if (terms.first_byte_budget_ms) scheduled.deadline_ms = now_ms + *terms.first_byte_budget_ms;
    scheduled.prompt_tokens = generation->prompt_tokens();
    scheduled.cached_tokens = std::max(found.tokens, shared);
    double first_ms =
        std::max(0.0, step_end_ms_ - now_ms) + scheduler_.PredictFirstTokenMs(scheduled, now_ms);
    if (store_ != nullptr) first_ms += static_cast<double>(found.on_disk.size()) * store_->LoadMs();
    if (predicted_ms != nullptr) *predicted_ms = first_ms;
    if (terms.first_byte_budget_ms && first_ms > *terms.first_byte_budget_ms) {
      return Error(StatusCode::kLimitExceeded,
                   "the first token would come after {:.0f} ms, and {:.0f} are allowed", first_ms,
                   *terms.first_byte_budget_ms);
    }
    TRY(scheduler_.Add(scheduled));
    last_id_ = id;
    scheduler_.SetCached(id, scheduled.cached_tokens, found.idle_pages + found.on_disk.size());
    generation->submitted_ms = now_ms;
    generation->result.predicted_first_token_ms = first_ms;
    if (leader != nullptr) {
      generation->leader = leader->id();
      scheduler_.SetBlocked(id, true);
    } else if (!found.on_disk.empty()) {
      fresh_.push_back(id);
      scheduler_.SetBlocked(id, true);
    }
    generations_.emplace(id, std::move(generation));
  }
  wake_.notify_all();
  return id;
}

void Engine::Cancel(std::uint64_t id) {
  {
    const std::scoped_lock lock(mutex_);
    const auto found = generations_.find(id);
    if (found == generations_.end()) return;
    found->second->cancelled = true;
  }
  wake_.notify_all();
}

// What the engine's thread tells one that waits for generations.
class Engine::Mailbox {
 public:
  struct Letter {
    std::size_t request = 0;
    GenerationEvent event;
  };

  void Put(Letter letter) {
    {
      const std::scoped_lock lock(mutex_);
      letters_.push_back(std::move(letter));
    }
    filled_.notify_one();
  }
  // What has come; nothing after some time, so that who waits can look about.
  std::vector<Letter> Take() {
    std::unique_lock lock(mutex_);
    filled_.wait_for(lock, std::chrono::milliseconds(kAskInterruptedMs),
                     [this] { return !letters_.empty(); });
    return std::exchange(letters_, {});
  }

 private:
  std::mutex mutex_;
  std::condition_variable filled_;
  std::vector<Letter> letters_;
};

Result<GenerationResult> Engine::Generate(const GenerationRequest& request,
                                          const TextSink& on_text) {
  const auto on_event = [&](std::size_t, std::string_view text, const GenerationResult*) {
    return text.empty() || on_text == nullptr || on_text(text);
  };
  return std::move(TRY(GenerateAll(std::span(&request, 1), on_event)).front());
}

Result<std::vector<GenerationResult>> Engine::GenerateAll(
    std::span<const GenerationRequest> requests, const BatchSink& on_event) {
  // Shared with the sinks, which may be called once more after a cancelled wait is over.
  const auto mailbox = std::make_shared<Mailbox>();
  std::vector<std::uint64_t> ids;
  const auto stop = [&] {
    for (const std::uint64_t id : ids) Cancel(id);
  };
  Result<void> let_in;
  for (std::size_t i = 0; i < requests.size() && let_in; ++i) {
    const auto id = Submit(
        requests[i], [mailbox, i](GenerationEvent event) { mailbox->Put({i, std::move(event)}); });
    if (id) ids.push_back(*id);
    if (!id) let_in = std::unexpected(id.error());
  }
  std::vector<GenerationResult> results(ids.size());
  bool wanted = let_in.has_value();
  if (!wanted) stop();
  for (std::size_t left = ids.size(); left > 0;) {
    const auto is_interrupted = [](const GenerationRequest& request) {
      return request.interrupted && request.interrupted();
    };
    if (wanted && std::ranges::any_of(requests, is_interrupted)) {
      wanted = false;
      stop();
    }
    for (auto& [request, event] : mailbox->Take()) {
      GenerationResult& result = results[request];
      if (wanted) Append(event, result);
      if (event.end) {
        --left;
        Conclude(*std::move(event.end), wanted, result);
      }
      const bool tells = wanted && on_event && (event.end || !event.text.empty());
      if (tells && !on_event(request, event.text, event.end ? &result : nullptr)) {
        wanted = false;
        stop();
      }
    }
  }
  TRY(std::move(let_in));
  return results;
}

Result<std::vector<float>> Engine::NextTokenLogprobs(std::span<const TokenId> prompt,
                                                     std::span<const TokenId> candidates) {
  GenerationRequest request;
  request.prompt.assign(prompt.begin(), prompt.end());
  request.candidates.assign(candidates.begin(), candidates.end());
  return TRY(Generate(request, nullptr)).candidate_logprobs;
}

std::shared_ptr<const TokenConstraint> Engine::SpansOf(std::span<const SpanSource> sources) const {
  return MakeSpanConstraint(grammars().trie(), sources);
}

GrammarCache& Engine::grammars() const {
  std::call_once(grammars_made_, [this] {
    grammars_ = std::make_unique<GrammarCache>(tokenizer(), ToolMarkers(tool_format()));
  });
  return *grammars_;
}

EngineState Engine::State() const {
  const std::scoped_lock lock(mutex_);
  EngineState state = counts_;
  state.waiting = scheduler_.waiting();
  state.running = scheduler_.running();
  state.tokens_to_read = scheduler_.tokens_to_read();
  state.page_count = model_->pages().page_count();
  state.free_pages = model_->pages().free_count();
  state.cached_pages = cache_.idle_pages();
  state.pages_on_disk = cache_.pages_on_disk();
  return state;
}

void Engine::DropScope(std::string_view scope) {
  {
    const std::scoped_lock lock(mutex_);
    dropped_.push_back(ScopeKey(scope));
  }
  wake_.notify_all();
}

void Engine::MeasureSpeed() {
  constexpr double kMostMs = 150;  // of a step that is only tried: a start must not wait for it
  const std::scoped_lock lock(mutex_);
  KINGLET_CHECK(generations_.empty(), "{} requests", generations_.size());
  KvSequence sequence = model_->NewSequence();
  const std::vector<TokenId> tokens(256, 0);
  for (const std::size_t count : {1, 1, 8, 16, 64, 256}) {
    const StepWork work = WorkOf(sequence.length(), count);
    if (cost_.PredictMs(work) > kMostMs || sequence.length() + count > max_length_) break;
    const double start_ms = MonotonicMs();
    if (!model_->Forward(std::span(tokens).first(count), sequence)) return;
    // The first step of all brings weights and pages into memory.
    if (sequence.length() > 1) cost_.Observe(work, MonotonicMs() - start_ms);
  }
}

}  // namespace kinglet
