// SPDX-License-Identifier: Apache-2.0
// The engine's thread: plan, compute, tell; and in between bring pages from the disk and take them
// there. It alone changes sequences and pages, so a step computes without the lock.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <utility>

#include "base/check.h"
#include "base/clock.h"
#include "engine/engine.h"

namespace kinglet {
namespace {

constexpr std::size_t kMostSaving = 4;  // pages at a time: they cannot be freed meanwhile
constexpr double kSaveAtEndMs = 3000;   // for what is not on the disk yet when an engine ends
// Of a prompt whose odds are asked for: logits of all its tokens are kept for a step.
constexpr std::size_t kOddsPiece = 64;
constexpr std::chrono::milliseconds kLookAgain(50);
// Pages that are freed beyond those that are needed now: it takes a walk through the cache.
constexpr std::size_t kEvictAhead = 8;

}  // namespace

void Engine::Run() {
  Step step;
  std::unique_lock lock(mutex_);
  while (!closing_) {
    Housekeep();
    if (TellEnded(lock)) continue;  // much may have come meanwhile
    Prepare(step);
    if (!step.items.empty()) {
      lock.unlock();
      Compute(step);
      lock.lock();
      Finish(step);
      continue;
    }
    step_end_ms_ = 0;
    // Requests that are here wait for pages from the disk, which tell when they have come.
    if (generations_.empty()) {
      wake_.wait(lock);
    } else {
      wake_.wait_for(lock, kLookAgain);
    }
  }
  for (auto& [id, generation] : generations_) generation->cancelled = true;
  EndCancelled();
  TellEnded(lock);
  SaveTheRest(lock);
}

// A document that was read just before the end is not read again at the next start.
void Engine::SaveTheRest(std::unique_lock<std::mutex>& lock) {
  const double until_ms = MonotonicMs() + kSaveAtEndMs;
  while (store_ != nullptr && MonotonicMs() < until_ms) {
    Housekeep();
    if (cache_.saving() == 0) return;
    wake_.wait_for(lock, kLookAgain);
  }
}

bool Engine::TellEnded(std::unique_lock<std::mutex>& lock) {
  if (ended_.empty()) return false;
  auto ended = std::exchange(ended_, {});
  lock.unlock();
  for (const auto& generation : ended) generation->End();
  // What a sink holds goes with it, and may take locks under which others ask for State().
  ended.clear();
  lock.lock();
  return true;
}

void Engine::Housekeep() {
  for (const Stored& stored : std::exchange(stored_, {})) {
    if (stored.page == nullptr) {
      cache_.Saved(stored.key, stored.good);
      continue;
    }
    cache_.Loaded(stored.key, stored.page, stored.good);
    const auto waits = generations_.find(stored.generation);
    if (waits == generations_.end() || --waits->second->loading > 0) continue;
    Look(*waits->second);
    scheduler_.SetBlocked(stored.generation, false);
  }
  for (const PageKey& scope : std::exchange(dropped_, {})) {
    for (const PageKey& key : cache_.Drop(scope)) {
      if (store_ != nullptr) store_->Remove(key);
    }
  }
  EndCancelled();
  for (const std::uint64_t id : std::exchange(fresh_, {})) {
    if (const auto found = generations_.find(id); found != generations_.end()) {
      LoadPages(*found->second);
    }
  }
  SavePages();
}

void Engine::EndCancelled() {
  const double now_ms = MonotonicMs();
  const auto is_late = [&](const Generation& generation) {
    const auto& timeout_ms = generation.request().terms.timeout_ms;
    return timeout_ms && now_ms - generation.submitted_ms > *timeout_ms;
  };
  std::vector<Generation*> ending;
  for (auto& [id, generation] : generations_) {
    if (generation->cancelled || is_late(*generation)) ending.push_back(generation.get());
  }
  for (Generation* generation : ending) {
    if (generation->sequence) Keep(*generation, generation->sequence->length(), true);
    Remove(*generation, generation->cancelled ? FinishReason::kCancelled : FinishReason::kLength);
  }
}

void Engine::LoadPages(Generation& generation) {
  const auto tokens = generation.tokens().first(generation.tokens().size() - 1);
  const PrefixCache::Found found = cache_.Look(generation.scope(), tokens);
  for (const PageKey& key : found.on_disk) {
    std::uint8_t* const page = cache_.RoomFor(key);
    if (page == nullptr) break;  // the rest is computed
    ++generation.loading;
    store_->Load(key, {page, model_->pages().page_bytes()},
                 [this, key, page, id = generation.id()](bool sound) {
                   {
                     const std::scoped_lock lock(mutex_);
                     stored_.push_back({key, sound, page, id});
                   }
                   wake_.notify_all();
                 });
  }
  if (generation.loading > 0) return;
  Look(generation);
  scheduler_.SetBlocked(generation.id(), false);
}

void Engine::SavePages() {
  if (store_ == nullptr) return;
  std::vector<PageKey> given_up;
  for (const PrefixCache::Unsaved& unsaved :
       cache_.TakeUnsaved(kMostSaving, max_pages_on_disk_, given_up)) {
    store_->Save(unsaved, [this, key = unsaved.key](bool saved) {
      {
        const std::scoped_lock lock(mutex_);
        stored_.push_back({key, saved});
      }
      wake_.notify_all();
    });
  }
  for (const PageKey& key : given_up) store_->Remove(key);
}

void Engine::Preempt(const Preemption& preemption) {
  Generation& generation = *generations_.at(preemption.id);
  ++counts_.preemptions;
  if (reuse_prefix_) {
    const auto computed = generation.tokens().first(generation.sequence->length());
    cache_.Keep(generation.scope(), computed, *generation.sequence, /*with_tail=*/true,
                preemption.to_disk ? Lasting::kAtOnce : Lasting::kNo, computed.size());
  }
  generation.sequence.reset();
  Look(generation);
  Unblock(generation);
}

bool Engine::MakeRoom(KvSequence& sequence, std::size_t count) {
  const std::size_t needed = sequence.PagesToReserve(count);
  const std::size_t free = model_->pages().free_count();
  if (needed > free) cache_.Evict(needed - free + kEvictAhead);
  return sequence.Reserve(count).has_value();
}

std::size_t Engine::LayerAt(double depth) const {
  const auto last = static_cast<double>(model_->config().block_count - 1);
  return static_cast<std::size_t>(std::lround(std::clamp(depth, 0.0, 1.0) * last));
}

void Engine::Prepare(Step& step) {
  step.items.clear();
  step.batch.clear();
  step.work = {};
  for (auto& [id, generation] : generations_) {
    if (generation->sequence) scheduler_.SetOwnPages(id, cache_.OwnPages(*generation->sequence));
  }
  const double now_ms = MonotonicMs();
  const StepPlan plan = scheduler_.Plan(now_ms, model_->pages().free_count() + cache_.idle_pages());
  for (const Preemption& preemption : plan.preemptions) Preempt(preemption);
  for (const StepItem& planned : plan.items) {
    Generation& generation = *generations_.at(planned.id);
    const auto tokens = generation.tokens();
    const bool odds = generation.request().prompt_logprobs && generation.reads_prompt();
    if (planned.starts) {
      const std::size_t most_cached = std::min(tokens.size() - 1, planned.most_cached);
      generation.sequence = std::make_unique<KvSequence>(
          reuse_prefix_ && !odds
              ? cache_.Take(generation.scope(), tokens.first(most_cached), max_length_)
              : model_->NewSequence());
    }
    KvSequence& sequence = *generation.sequence;
    std::size_t count = std::min(planned.count, tokens.size() - sequence.length());
    if (odds) count = std::min(count, kOddsPiece);
    if (!MakeRoom(sequence, count)) {
      // Less was there than the plan was told: this one waits for a better one.
      if (planned.starts) generation.sequence.reset();
      continue;
    }
    if (planned.starts && generation.started_ms == 0) {
      generation.started_ms = now_ms;
      generation.result.cached_tokens = static_cast<int>(sequence.length());
      counts_.cached_tokens += sequence.length();
    }
    const bool completes = sequence.length() + count == tokens.size();
    step.items.push_back({.generation = &generation,
                          .length = sequence.length(),
                          .count = count,
                          .completes = completes});
    step.work += WorkOf(sequence.length(), count);
    BatchItem item{&sequence, tokens.subspan(sequence.length(), count),
                   odds ? count : (completes ? std::size_t{1} : std::size_t{0})};
    if (const auto depth = generation.request().state_depth; completes && depth) {
      item.state = generation.RoomForState(model_->config().embedding_length);
      item.state_layer = LayerAt(*depth);
    }
    step.batch.push_back(item);
  }
  if (guess_ratio_ > 0) AddGuesses(step, plan.predicted_ms);
  step_start_ms_ = now_ms;
  step_end_ms_ = now_ms + plan.predicted_ms;
}

void Engine::AddGuesses(Step& step, double planned_ms) {
  const auto writes = [](const Item& item) {
    return item.completes && !item.generation->reads_prompt();
  };
  // What a token is worth: the time that it takes otherwise. Many at once take less each.
  const auto writers = std::max<std::ptrdiff_t>(1, std::ranges::count_if(step.items, writes));
  const double token_ms = planned_ms / static_cast<double>(writers);
  for (std::size_t i = 0; i < step.items.size(); ++i) {
    Item& item = step.items[i];
    Generation& generation = *item.generation;
    if (!writes(item)) continue;
    const std::size_t length = item.length + item.count;
    const std::size_t room = std::min(PromptLookup::kMostGuessed, kStepTokens - step.work.tokens);
    const std::size_t most = cost_.TokensWithin(guess_ratio_ * planned_ms, step.work, length, room);
    const std::size_t count = std::isinf(guess_ratio_)
                                  ? most
                                  : cost_.TokensWorthGuessing(token_ms, generation.guess_accuracy(),
                                                              step.work, length, most);
    const std::span<const TokenId> tokens = generation.WithGuess(item.length, count);
    const std::span<const TokenId> guess = tokens.subspan(item.count);
    if (guess.empty() || !MakeRoom(*generation.sequence, tokens.size())) continue;
    item.guess = guess;
    step.batch[i].tokens = tokens;
    step.batch[i].logit_count = guess.size() + 1;
    step.work += WorkOf(length, guess.size());
  }
}

void Engine::WriteToken(Item& item, std::size_t row) {
  Generation& generation = *item.generation;
  const std::size_t length = generation.tokens().size();
  while (true) {
    item.ended = generation.Write(model_->Logits(row + item.right));
    const std::span<const TokenId> written = generation.tokens().subspan(length);
    const auto differ = std::ranges::mismatch(written, item.guess);
    item.right = static_cast<std::size_t>(differ.in1 - written.begin());
    if (item.ended || item.right < written.size()) return;
  }
}

void Engine::Compute(Step& step) {
  const Result<void> done = model_->Forward(step.batch);
  KINGLET_CHECK(done.has_value(), "{}", done.error().message());
  std::vector<std::size_t> last(step.items.size());  // of each item's tokens, in the batch
  std::size_t end = 0;
  for (std::size_t i = 0; i < step.items.size(); ++i) {
    last[i] = (end += step.items[i].count) - 1;
    end += step.items[i].guess.size();
  }
  model_->pool().ParallelFor(step.items.size(), 1, [&](std::size_t begin, std::size_t stop, int) {
    for (std::size_t i = begin; i < stop; ++i) {
      Item& item = step.items[i];
      Generation& generation = *item.generation;
      if (generation.request().prompt_logprobs && generation.reads_prompt()) {
        for (std::size_t t = 0; t < item.count; ++t) {
          const std::size_t index = item.length + t + 1;
          if (index == generation.prompt_tokens()) break;
          generation.AddPromptOdds(index, model_->Logits(last[i] + 1 - item.count + t));
        }
      }
      if (!item.completes) continue;
      if (generation.request().candidates.empty()) {
        WriteToken(item, last[i]);
      } else {
        generation.Score(model_->Logits(last[i]));
        item.ended = true;
      }
    }
  });
}

void Engine::Finish(Step& step) {
  const double now_ms = MonotonicMs();
  cost_.Observe(step.work, now_ms - step_start_ms_);
  ++counts_.steps;
  for (const Item& item : step.items) {
    Generation& generation = *item.generation;
    scheduler_.Advanced(generation.id(), item.length, item.count);
    std::size_t computed = item.length + item.count;
    if (computed <= generation.prompt_tokens()) counts_.prompt_tokens += item.count;
    if (!item.completes) continue;
    generation.prompt_read = true;
    const bool read_all = computed == generation.prompt_tokens();
    if (!item.guess.empty()) {
      generation.LearnOfGuess(item.right);
      counts_.guessed_tokens += item.guess.size();
      counts_.right_guesses += item.right;
      scheduler_.Wrote(generation.id(), item.right);
      scheduler_.Advanced(generation.id(), computed, item.right);
      computed += item.right;
      generation.sequence->Truncate(computed);
    }
    if (item.ended) {
      Keep(generation, computed, /*with_tail=*/true);
      Remove(generation, generation.finish_reason);
    } else {
      scheduler_.Wrote(generation.id(), generation.tokens().size() - computed);
      if (!read_all) continue;
      const bool awaited = std::ranges::any_of(
          generations_, [&](const auto& other) { return other.second->leader == generation.id(); });
      Keep(generation, computed, awaited);
      Unblock(generation);
    }
  }
}

void Engine::Keep(Generation& generation, std::size_t tokens, bool with_tail) {
  if (!reuse_prefix_) return;
  const std::size_t lasting = generation.request().terms.lasting ? generation.prompt_tokens() : 0;
  cache_.Keep(generation.scope(), generation.tokens().first(tokens), *generation.sequence,
              with_tail, lasting > 0 ? Lasting::kOnceReused : Lasting::kNo, lasting);
}

void Engine::Remove(Generation& generation, FinishReason reason) {
  Unblock(generation);
  const std::uint64_t id = generation.id();
  scheduler_.Remove(id);
  generation.finish_reason = reason;
  generation.sequence.reset();
  ended_.push_back(std::move(generations_.at(id)));
  generations_.erase(id);
}

void Engine::Unblock(const Generation& leader) {
  for (auto& [id, generation] : generations_) {
    if (generation->leader != leader.id()) continue;
    generation->leader = 0;
    if (store_ != nullptr) {
      fresh_.push_back(id);  // there may be more of it on the disk
    } else {
      Look(*generation);
      scheduler_.SetBlocked(id, false);
    }
  }
}

void Engine::Look(Generation& generation) {
  const auto tokens = generation.tokens().first(generation.tokens().size() - 1);
  const PrefixCache::Found found = cache_.Look(generation.scope(), tokens);
  // What is on the disk and found no room is computed.
  const bool partly = !found.on_disk.empty();
  scheduler_.SetCached(generation.id(), partly ? 0 : found.tokens, found.idle_pages);
}

}  // namespace kinglet
