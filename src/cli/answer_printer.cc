// SPDX-License-Identifier: Apache-2.0
// Text of documents and models goes through EscapeForDisplay, all of it.
#include "cli/answer_printer.h"

#include <algorithm>
#include <cstdio>
#include <utility>

#include <fmt/format.h>

#include "base/display.h"

namespace kinglet {
namespace {

std::string OneLine(std::string text) {
  std::ranges::replace(text, '\n', ' ');
  return EscapeForDisplay(text);
}

// A claim that is its own quote is shown once, as the quote.
bool IsQuoteItself(const Answer& answer, const Claim& claim) {
  return claim.quotes.size() == 1 &&
         claim.text == answer.quotes[static_cast<std::size_t>(claim.quotes.front())].text;
}

// A heading's path often ends in the document's title.
std::string Place(const Quote& quote) {
  if (quote.heading.find(quote.title) != std::string::npos) return quote.heading;
  return quote.heading.empty() ? quote.title : quote.title + " > " + quote.heading;
}

void PrintAbstention(AbstainReason reason, const Answer& answer) {
  if (!answer.message.empty()) {
    fmt::print("{}\n", OneLine(answer.message));
    return;
  }
  fmt::print("I do not know: {} ({}).\n", Explain(reason), Name(reason));
  for (const Dropped& dropped : answer.dropped) {
    if (dropped.text.empty()) fmt::print("{}.\n", OneLine(dropped.reason));
  }
  if (answer.quotes.empty()) return;
  fmt::print("{}\n", reason == AbstainReason::kConflicting ? "It says:" : "What comes closest:");
}

std::string RankOr(const std::optional<int>& rank) { return rank ? fmt::to_string(*rank) : "-"; }

void PrintWhy(const Answer& answer) {
  const Grounds& grounds = answer.grounds;
  fmt::print(
      "\nPassages by rank; the ranks by words and by meaning; those the model has read: *\n");
  for (std::size_t i = 0; i < grounds.passages.size(); ++i) {
    const Candidate& passage = grounds.passages[i];
    fmt::print("{:>3}{} {:>7.3f} {:>4} {:>4}  {} {} bytes {}-{}\n", i + 1, passage.read ? '*' : ' ',
               passage.score, RankOr(passage.lexical_rank), RankOr(passage.vector_rank),
               OneLine(passage.document), OneLine(passage.heading), passage.start_byte,
               passage.end_byte);
  }
  fmt::print(
      "\nShare of the question's words in the passage that holds most: {:.2f}; with what "
      "vectors say: {:.2f}\n",
      grounds.coverage, grounds.topic);
  for (const auto& [name, value] : grounds.signals) fmt::print("{} {:.3f}  ", name, value);
  if (!grounds.signals.empty()) fmt::print("\n");
  if (grounds.answerable) {
    fmt::print(
        "Probability that the passages answer: {:.2f}; that what was read out does: {:.2f}\n",
        *grounds.answerable, answer.confidence);
  } else if (!grounds.signals.empty()) {
    fmt::print("What they are worth is not known: the model is not calibrated.\n");
  }
  for (const Dropped& dropped : answer.dropped) {
    if (!dropped.text.empty())
      fmt::print("Dropped: {}\n  because {}\n", OneLine(dropped.text), OneLine(dropped.reason));
  }
}

// How sure the answer is, and by what; of a cascade also who has answered, and why not the first.
std::string Confidence(const Answer& answer) {
  if (answer.mode == AskMode::kRefuse) return "nobody was asked";
  const auto& first = answer.first;
  std::string text = fmt::format("confidence {:.2f}", answer.confidence);
  if (first) text += " of " + EscapeForDisplay(answer.model);
  if (!answer.calibrated) {
    const bool was_asked = !answer.grounds.signals.empty();  // else the words alone decided
    text += was_asked ? " by words (the model is not calibrated)" : " by words";
  }
  if (!first || first->accepted) return text;
  return text + fmt::format("; {:.2f} of {} was below the bound", first->confidence.value_or(0),
                            EscapeForDisplay(first->model));
}

void PrintLastLine(const Answer& answer) {
  const LedgerLine& line = answer.ledger;
  std::string intent;
  if (const auto& route = answer.route; route) {
    intent = fmt::format("intent {} ({:.2f}) | ", OneLine(route->intent.value_or("none")),
                         route->confidence);
  }
  fmt::print(
      "\n{}{} | first byte {:.0f} ms ({} uncached prompt tokens) | {} prompt, {} cached, {} "
      "generated, {} "
      "useful "
      "tokens | total {:.0f} ms | {} | {}\n",
      intent, Confidence(answer), line.first_byte_ms, line.prompt_tokens - line.cached_tokens,
      line.prompt_tokens, line.cached_tokens, line.completion_tokens, line.useful_tokens,
      line.total_ms,
      line.joules
          ? fmt::format("{:.1f} J ({})", *line.joules, line.joules_source.value_or("unknown"))
          : "joules not known",
      line.cost ? fmt::format("cost {:.6f} {}", *line.cost, line.currency) : "cost: no prices set");
}

}  // namespace

void AnswerPrinter::PrintUnderstood(const Answer& answer) {
  if (answer.standalone == understood_) return;
  understood_ = answer.standalone;
  fmt::print("Understood as: {}\n", OneLine(understood_));
}

void AnswerPrinter::PrintQuotes(const Answer& answer) {
  PrintUnderstood(answer);
  for (; quotes_ < answer.quotes.size(); ++quotes_) PrintQuote(answer, quotes_);
}

void AnswerPrinter::PrintClaim(const Claim& claim, const Answer& answer) {
  if (IsQuoteItself(answer, claim)) return;
  fmt::print("{}{} {}\n", std::exchange(in_claims_, true) ? "" : "\n", OneLine(claim.text),
             Marks(claim));
  std::fflush(stdout);
}

void AnswerPrinter::PrintEnd(const Answer& answer, bool why) {
  PrintUnderstood(answer);
  if (answer.abstained) PrintAbstention(*answer.abstained, answer);
  PrintQuotes(answer);
  if (why) PrintWhy(answer);
  PrintLastLine(answer);
  std::fflush(stdout);
}

void AnswerPrinter::PrintQuote(const Answer& answer, std::size_t i) {
  const Quote& quote = answer.quotes[i];
  const std::string page = quote.page ? fmt::format(", page {}", *quote.page) : "";
  const std::string line = quote.line ? fmt::format(", line {}", *quote.line) : "";
  fmt::print("{}[{}] \u201c{}\u201d\n    {}\n    {}{}{}, bytes {}-{}\n", i == 0 ? "" : "\n", i + 1,
             WithSpan(answer, i), OneLine(Place(quote)), OneLine(quote.document), page, line,
             quote.start_byte, quote.end_byte);
  std::fflush(stdout);
  in_claims_ = false;
}

std::string AnswerPrinter::WithSpan(const Answer& answer, std::size_t i) const {
  const Quote& quote = answer.quotes[i];
  const auto& span = answer.span;
  if (!in_colour_ || !span || static_cast<std::size_t>(span->quote) != i)
    return OneLine(quote.text);
  const auto begin = static_cast<std::size_t>(span->start_byte - quote.start_byte);
  const auto end = static_cast<std::size_t>(span->end_byte - quote.start_byte);
  return fmt::format("{}\x1b[1m{}\x1b[0m{}", OneLine(quote.text.substr(0, begin)),
                     OneLine(quote.text.substr(begin, end - begin)),
                     OneLine(quote.text.substr(end)));
}

}  // namespace kinglet
