// SPDX-License-Identifier: Apache-2.0
// What each subcommand's file offers to the table in main.cc.
#pragma once

#include "cli/command.h"

namespace kinglet {

// Of --outcomes, of each subcommand of eval that has it.
inline constexpr const char* kOutcomesHelp =
    "writes what came of each question to this file, for eval compare";

CommandRun SetUpAsk(CLI::App& app, const Environment& environment);
CommandRun SetUpBench(CLI::App& app, const Environment& environment);
CommandRun SetUpCache(CLI::App& app, const Environment& environment);
CommandRun SetUpEval(CLI::App& app, const Environment& environment);
CommandRun SetUpEvalCalibrate(CLI::App& app, const Environment& environment);  // of eval
CommandRun SetUpEvalCascade(CLI::App& app);                                  // a subcommand of eval
CommandRun SetUpEvalChecker(CLI::App& app, const Environment& environment);  // likewise
CommandRun SetUpEvalClaims(CLI::App& app, const Environment& environment);   // likewise
CommandRun SetUpEvalCompare(CLI::App& app);                                  // a subcommand of eval
CommandRun SetUpEvalExtraction(CLI::App& app);                               // a subcommand of eval
CommandRun SetUpEvalGrounding(CLI::App& app, const Environment& environment);   // likewise
CommandRun SetUpEvalInjections(CLI::App& app, const Environment& environment);  // likewise
CommandRun SetUpEvalIntents(CLI::App& app, const Environment& environment);     // likewise
CommandRun SetUpEvalLoad(CLI::App& app);  // a subcommand of eval
CommandRun SetUpEvalPerplexity(CLI::App& app, const Environment& environment);  // likewise
CommandRun SetUpEvalRetrieval(CLI::App& app, const Environment& environment);   // likewise
CommandRun SetUpEvalSchema(CLI::App& app, const Environment& environment);      // likewise
CommandRun SetUpEvalTask(CLI::App& app, const Environment& environment);        // likewise
CommandRun SetUpEvalTools(CLI::App& app);                                       // likewise
CommandRun SetUpExtract(CLI::App& app, const Environment& environment);
CommandRun SetUpHelp(CLI::App& app, const Environment& environment);
CommandRun SetUpIngest(CLI::App& app, const Environment& environment);
CommandRun SetUpInspect(CLI::App& app, const Environment& environment);
CommandRun SetUpIntents(CLI::App& app, const Environment& environment);
CommandRun SetUpLedger(CLI::App& app, const Environment& environment);
CommandRun SetUpLedgerCascade(CLI::App& app, const Environment& environment);  // of ledger
CommandRun SetUpLibrary(CLI::App& app, const Environment& environment);
CommandRun SetUpLibraryExport(CLI::App& app, const Environment& environment);  // of library
CommandRun SetUpLibraryImport(CLI::App& app, const Environment& environment);  // likewise
CommandRun SetUpModels(CLI::App& app, const Environment& environment);
CommandRun SetUpPs(CLI::App& app, const Environment& environment);
CommandRun SetUpPull(CLI::App& app, const Environment& environment);
CommandRun SetUpReadArchive(CLI::App& app, const Environment& environment);
CommandRun SetUpReadDocument(CLI::App& app, const Environment& environment);
CommandRun SetUpRoute(CLI::App& app, const Environment& environment);
CommandRun SetUpRun(CLI::App& app, const Environment& environment);
CommandRun SetUpSearch(CLI::App& app, const Environment& environment);
CommandRun SetUpServe(CLI::App& app, const Environment& environment);
CommandRun SetUpTokenize(CLI::App& app, const Environment& environment);

}  // namespace kinglet
