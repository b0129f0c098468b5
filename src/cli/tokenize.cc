// SPDX-License-Identifier: Apache-2.0
// kinglet tokenize MODEL [TEXT]: the ids that a model reads for a text, and the bytes of each.
#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "base/display.h"
#include "base/json.h"
#include "catalog/store.h"
#include "cli/commands.h"
#include "cli/open_engine.h"
#include "cli/standard_input.h"
#include "text/tokenizer.h"

namespace kinglet {
namespace {

constexpr std::size_t kMaxTextBytes = std::size_t{1} << 30;  // as Tokenizer::Encode has it

struct Options {
  std::string model;
  std::optional<std::string> text;
  bool json = false;
  bool bos = false;
  bool special = false;
};

// A string, or its bytes where it is no UTF-8.
json::value PieceJson(std::string_view piece) {
  if (IsUtf8(piece)) return json::value(json::string(piece));
  json::array bytes;
  for (const char byte : piece) bytes.push_back(static_cast<unsigned char>(byte));
  return bytes;
}

// Written as it goes: a text of a gigabyte has more ids than a JSON value in memory should hold.
void PrintJson(const Tokenizer& tokenizer, std::span<const TokenId> ids) {
  fmt::print("{{\"ids\":[{}],\"pieces\":[", fmt::join(ids, ","));
  for (std::size_t i = 0; i < ids.size(); ++i) {
    fmt::print("{}{}", i == 0 ? "" : ",",
               ToJson(PieceJson(tokenizer.TokenBytes(ids[i], ControlTokens::kShow))));
  }
  fmt::print("]}}\n");
}

Result<void> Tokenize(const Options& options, const std::filesystem::path& home) {
  const std::filesystem::path path = TRY(ResolveModel(options.model, home));
  const auto tokenizer = TRY(OpenTokenizer(path));
  const std::string text = options.text ? *options.text : TRY(ReadStandardInput(kMaxTextBytes));
  std::vector<TokenId> ids = tokenizer->Encode(text, {.parse_special = options.special});
  if (options.bos) {
    const std::optional<TokenId> bos = tokenizer->bos();
    if (!bos) {
      return Error(StatusCode::kUsage, "--bos: the vocabulary of {} has no such token",
                   EscapeForDisplay(options.model));
    }
    ids.insert(ids.begin(), *bos);
  }
  if (options.json) {
    PrintJson(*tokenizer, ids);
    return {};
  }
  for (const TokenId id : ids) {
    const std::string_view piece = tokenizer->TokenBytes(id, ControlTokens::kShow);
    fmt::print("{:>7}  {}\n", id, Quoted(piece, piece.size()));
  }
  return {};
}

}  // namespace

CommandRun SetUpTokenize(CLI::App& app, const Environment& environment) {
  auto options = std::make_shared<Options>();
  app.add_option("MODEL", options->model,
                 "a .gguf file (a vocabulary alone will do), or a model that was pulled")
      ->required();
  app.add_option("TEXT", options->text, "without it, standard input to the last byte");
  app.add_flag("--json", options->json, "{\"ids\", \"pieces\"} instead of a line a token");
  app.add_flag("--bos", options->bos, "begin with the token for the beginning of a text");
  app.add_flag("--special", options->special,
               "names of control tokens in the text are these tokens");
  return [options, home = environment.home] { return Tokenize(*options, home); };
}

}  // namespace kinglet
