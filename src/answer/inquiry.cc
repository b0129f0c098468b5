// SPDX-License-Identifier: Apache-2.0
// The gate is asked of each way to understand a question; what it lets through is taken.
#include "answer/inquiry.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/clock.h"

namespace kinglet {
namespace {

constexpr int kRetrievedPassages = 6;      // what quotes are chosen from
constexpr std::size_t kLeastOwnTerms = 2;  // of a question that says alone what it asks

Result<Inquiry> InquireInOwnWords(std::span<const Turn> turns, std::string_view question,
                                  const Retriever& retriever) {
  Inquiry own = TRY(Inquire(question, retriever));
  if (!own.gate.abstain && own.terms.size() >= kLeastOwnTerms) return own;
  const auto is_unknown = [](const Term& term) { return term.chunk_count == 0; };
  // What the library does not know is not asked for, else the earlier question would be answered.
  if (!own.terms.empty() && std::ranges::all_of(own.terms, is_unknown)) return own;
  Inquiry both = TRY(Inquire(fmt::format("{} {}", turns.back().question, question), retriever));
  return both.gate.abstain ? std::move(own) : std::move(both);
}

}  // namespace

Result<Inquiry> Inquire(std::string_view question, const Retriever& retriever) {
  const double start_ms = MonotonicMs();
  const QueryStatistics words = TRY(retriever.library.TermStatistics(question));
  std::vector<Term> terms = FindTerms(question, words);
  Evidence evidence(TRY(retriever.Search(question, words, kRetrievedPassages)));
  GateDecision gate = Gate(terms, evidence);
  if (words.total_chunks == 0)
    gate.explanation = "the library is empty: `kinglet ingest PATH` puts documents into it";
  return Inquiry{.question = std::string(question),
                 .terms = std::move(terms),
                 .evidence = std::move(evidence),
                 .gate = std::move(gate),
                 .retrieval_ms = MonotonicMs() - start_ms};
}

Result<Inquiry> InquireBehind(std::span<const Turn> turns, std::string_view question,
                              const Retriever& retriever, LanguageModel& model,
                              const ServiceTerms& service,
                              const std::function<bool()>& interrupted) {
  const double start_ms = MonotonicMs();
  WrittenOut out = TRY(StandaloneQuestion(model, turns, question, service, interrupted));
  Inquiry inquiry = out.question ? TRY(Inquire(*out.question, retriever))
                                 : TRY(InquireInOwnWords(turns, question, retriever));
  inquiry.retrieval_ms = MonotonicMs() - start_ms;
  inquiry.written = std::move(out.written);
  return inquiry;
}

}  // namespace kinglet
