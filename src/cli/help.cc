// SPDX-License-Identifier: Apache-2.0
// kinglet help [TOPIC]: what a flag's one line cannot say.
#include <string>

#include <CLI/CLI.hpp>

#include "cli/commands.h"

namespace kinglet {
namespace {

struct Topic {
  std::string_view name;
  std::string_view text;
};

constexpr Topic kTopics[] = {
    {"models",
     "MODEL is a path to a .gguf file, a name that `kinglet models` lists, or hf:user/repo:quant.\n"
     "Where it may be left out, it is `model` of kinglet.toml, else the default model if it was "
     "pulled.\n"},
    {"folders",
     "KINGLET_HOME (default $XDG_DATA_HOME/kinglet, else ~/.local/share/kinglet) holds models/, "
     "library/,\n"
     "ledger.sqlite and kinglet.toml. KINGLET_CACHE (default $XDG_CACHE_HOME/kinglet, else "
     "~/.cache/kinglet)\n"
     "holds what can be made again: `kinglet help cache`.\n"},
    {"settings",
     "kinglet.toml in KINGLET_HOME knows: model, library, currency (default EUR), "
     "electricity_per_kwh and\n"
     "machine_per_hour (money; a cost is printed once one of the two is set), cache_max_bytes "
     "(default\n"
     "50000000000), and behind them a table for the ledger:\n"
     "\n"
     "  [ledger]\n"
     "  keep_text = false     # true: of questions and answers, with personal data masked\n"
     "  keep_days = 90        # older rows are removed; absent: none are\n"
     "  idle_watts = 20       # of the machine, for estimates where it does not count joules\n"
     "  active_watts = 65     # with all its processors busy\n"
     "\n"
     "Environment variables beat it, flags beat both.\n"},
    {"cache",
     "A model's weights are packed for this machine when it is first used, into "
     "KINGLET_CACHE/packed, a file\n"
     "as large as the model's. It is found by the model file's device, inode, size and time of "
     "change; later\n"
     "starts map it. All files together keep to cache_max_bytes (KINGLET_CACHE_MAX_BYTES beats "
     "it; 0: no\n"
     "files, weights are packed in memory at every start) and to four fifths of the free disk: "
     "the one used\n"
     "least lately goes first. `kinglet cache list`, `verify` (reads all, removes what is broken), "
     "`clear`.\n"
     "Keys and values of prompts that a server has read more than once are kept in "
     "KINGLET_CACHE/pages, in files\n"
     "that only their owner may read, up to --page-cache-bytes of `kinglet serve`; the same three "
     "commands\n"
     "show, check and remove them. eval.sqlite holds replies to `kinglet eval task`.\n"},
    {"keys",
     "`kinglet serve --api-key-file FILE` lets in who brings a key. FILE has a table for each:\n"
     "\n"
     "  [[key]]\n"
     "  name = \"laptop\"              # in the log, and in front of what is its own\n"
     "  role = \"read\"                # read; write: documents and feedback too; admin: the "
     "ledger too\n"
     "  sha256 = \"9f86d08...\"        # of the key: printf %s KEY | sha256sum\n"
     "  requests_per_minute = 60     # these three may be left out\n"
     "  tokens_per_minute = 20000    # read and written\n"
     "  concurrent = 4               # requests at once\n"
     "\n"
     "A good key: openssl rand -hex 32. The file is read again when it changes. Clients send the "
     "key as\n"
     "Authorization: Bearer KEY, or as X-Api-Key: KEY.\n"},
    {"ledger",
     "Each answer leaves a row before it ends: tokens read, cached, generated and useful, times by "
     "phase,\n"
     "joules (counted by the machine, else estimated and marked ~), cost where prices are set, and "
     "verdicts.\n"
     "A token is useful when it says something new in an answer that counts: one with sentences "
     "that quotes\n"
     "carry (kept), one that is whole and of its form (valid), one whose first byte was in time. "
     "Text is kept\n"
     "only where kinglet.toml says so (`kinglet help settings`); `kinglet ledger forget` removes "
     "rows.\n"},
    {"exit",
     "0: done (an abstention too). 1: it failed. 2: wrong usage. 3: the model, document or schema "
     "is invalid.\n"
     "130: Ctrl-C has ended it.\n"},
};

Result<void> Help(const std::string& name) {
  for (const Topic& topic : kTopics) {
    if (name.empty()) {
      fmt::print("kinglet help {}\n", topic.name);
    } else if (topic.name == name) {
      fmt::print("{}", topic.text);
      return {};
    }
  }
  if (name.empty()) return {};
  return Error(StatusCode::kUsage, "no help on {}; `kinglet help` lists the topics", name);
}

}  // namespace

CommandRun SetUpHelp(CLI::App& app, const Environment&) {
  auto topic = std::make_shared<std::string>();
  app.add_option("TOPIC", *topic, "what to explain; without it, the list of topics");
  return [topic] { return Help(*topic); };
}

}  // namespace kinglet
