// SPDX-License-Identifier: Apache-2.0
// What `ask` gives back, as plain data: claims, the quotes that carry them, what was dropped, and
// the bill.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"
#include "ledger/ledger.h"

namespace kinglet {

// Bytes [start_byte, end_byte) of the UTF-8 text that the library keeps of a document; text is
// those bytes.
struct Quote {
  std::string document;  // uri
  std::string title;
  std::string heading;  // path of headings, outermost first
  std::optional<int> page;
  std::optional<int> line;  // of the original, where it begins
  std::int64_t start_byte = 0;
  std::int64_t end_byte = 0;
  std::string text;
};

// A sentence of the answer and the quotes that carry it, as indices into Answer::quotes. The mark
// [1] is quotes[0].
struct Claim {
  std::string text;
  std::vector<int> quotes;
};

struct Dropped {
  std::string text;
  std::string reason;
};

enum class AbstainReason {
  kOffTopic,     // nothing that was found is about it
  kMissing,      // something is, yet what was asked stands nowhere
  kConflicting,  // quotes contradict each other
  kUnsupported,  // the model answered, and no quote carries what it said
  kRefused,      // its intent has a message in the place of an answer
};

enum class AskMode {
  kQuote,  // quotes alone: what a model reads out, or without one the best by words
  kCite,   // sentences of the model, each carried by a quote
  kChat,   // the same, the question understood behind what was said before
  kRefuse  // of an answer alone: nobody was asked, a message says so
};

// The words of quotes[quote] that answer in short: bytes [start_byte, end_byte) of the kept text.
struct AnswerSpan {
  int quote = 0;
  std::int64_t start_byte = 0;
  std::int64_t end_byte = 0;
  std::string text;
};

// A passage that quotes were chosen from, and how it was found.
struct Candidate {
  std::string document;
  std::string heading;
  std::int64_t start_byte = 0;
  std::int64_t end_byte = 0;
  double score = 0;
  std::optional<int> lexical_rank;
  std::optional<int> vector_rank;
  std::optional<double> similarity;
  bool read = false;  // by the model
};

// What a router has decided of a question.
struct AskRoute {
  std::optional<std::string> intent;  // unset: out of scope
  double confidence = 0;
};

// What the decision to answer rests on.
struct Grounds {
  std::vector<Candidate> passages;  // the best first
  double coverage = 0;              // of the question's words by the passage that covers it best
  double topic = 0;                 // the same with what vectors say, where there are some
  std::vector<std::pair<std::string_view, double>> signals;  // of the reading; empty without one
  std::optional<double> answerable;  // probability that the passages answer; not calibrated: unset
};

// Where a small model was asked before a larger one.
struct FirstStep {
  std::string model;
  // That its answer is right; unset: no model had to read to know.
  std::optional<double> confidence;
  bool accepted = false;  // else the larger one has answered
};

struct Answer {
  std::string question;
  AskMode mode = AskMode::kCite;
  std::optional<AbstainReason> abstained;
  std::string message;    // of kRefused, for the user
  double confidence = 0;  // 0..1: that its first quote answers, where it is calibrated; else the
                          // share of the question that the quotes cover
  bool calibrated = false;
  std::vector<Claim> claims;
  // Where it abstained, what comes closest, or the two sides of a conflict.
  std::vector<Quote> quotes;
  std::optional<AnswerSpan> span;
  std::vector<std::pair<int, int>> conflicts;  // quotes that contradict each other
  std::vector<Dropped> dropped;
  Grounds grounds;
  std::string standalone;  // the question as it was understood behind earlier ones; else empty
  std::string model;       // empty where none was asked
  std::optional<FirstStep> first;
  std::string library;  // folder
  std::optional<AskRoute> route;
  int draft_tokens = 0;  // that the model wrote as its own words, shown or not
  bool is_cut = false;   // the answer goes no further because these were too many
  LedgerLine ledger;     // without cost and id, which are its books' (ledger/books.h)

  // The claims with their marks: "Use vipw. [1]". Empty when it abstained.
  std::string Text() const;
};

// Of a claim's quotes: "[1][2]".
std::string Marks(const Claim& claim);

const char* Name(AskMode mode);
// Of the names of what can be asked for; any other is kCite.
AskMode AskModeOf(std::string_view name);
const char* Name(AbstainReason reason);
// For a person: "the library does not say".
const char* Explain(AbstainReason reason);

// How likely it is right, an abstention too, as the model's calibration has it; unset: no
// calibrated model has read.
std::optional<double> Sureness(const Answer& answer);

// Its row for the ledger.
LedgerEntry EntryOf(const Answer& answer, std::int64_t unix_seconds);

// The object that `ask --json` prints.
json::object ToJson(const Answer& answer);
// Its "why", and one of its quotes.
json::object ToJson(const Grounds& grounds);
json::object ToJson(const Quote& quote);
json::value ToJson(const std::optional<AnswerSpan>& span);
// Its "cascade".
json::value ToJson(const std::optional<FirstStep>& first);

}  // namespace kinglet
