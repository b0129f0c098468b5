// SPDX-License-Identifier: Apache-2.0
// The key is a digest of the system and the ask; likelihoods are floats, which JSON gives back.
#include "eval/reply_cache.h"

#include <system_error>
#include <utility>

#include "base/digest.h"
#include "base/display.h"
#include "base/json.h"

namespace kinglet {
namespace {

constexpr const char* kTables = R"(
PRAGMA auto_vacuum = FULL;
PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;
CREATE TABLE IF NOT EXISTS replies (number INTEGER PRIMARY KEY, key TEXT UNIQUE, reply TEXT))";

std::string KeyOf(std::string_view system, const TaskAsk& ask) {
  json::array messages;
  for (const ChatMessage& message : ask.messages) {
    messages.push_back(json::array{message.role, message.content});
  }
  return Sha256::HexOf(
      ToJson(json::object{{"system", system},
                          {"messages", std::move(messages)},
                          {"text", ask.text},
                          {"choices", json::array(ask.choices.begin(), ask.choices.end())},
                          {"max_tokens", ask.max_tokens},
                          {"stop", json::array(ask.stop.begin(), ask.stop.end())}}));
}

// Nothing where it is no reply to this ask.
std::optional<TaskReply> ParseReply(std::string_view text, const TaskAsk& ask) {
  const auto value = ParseJson(text);
  if (!value) return std::nullopt;
  TaskReply reply;
  if (ask.choices.empty()) {
    if (!value->is_string()) return std::nullopt;
    reply.text = value->get_string();
    return reply;
  }
  if (!value->is_array() || value->get_array().size() != ask.choices.size()) return std::nullopt;
  for (const json::value& one : value->get_array()) {
    if (!one.is_number()) return std::nullopt;
    reply.logprobs.push_back(static_cast<float>(one.to_number<double>()));
  }
  return reply;
}

std::filesystem::path Beside(const std::filesystem::path& file, const char* ending) {
  return file.string() + ending;
}

std::uint64_t BytesOf(const std::filesystem::path& file) {
  std::uint64_t bytes = 0;
  for (const char* const ending : {"", "-wal", "-shm"}) {
    std::error_code error;
    const auto size = std::filesystem::file_size(Beside(file, ending), error);
    if (!error) bytes += size;
  }
  return bytes;
}

}  // namespace

Result<ReplyCache> ReplyCache::Open(const std::filesystem::path& file) {
  std::error_code error;
  std::filesystem::create_directories(file.parent_path(), error);
  const auto open = [&]() -> Result<ReplyCache> {
    Database database = TRY(Database::Open(file, /*create=*/true));
    TRY(database.Execute(kTables));
    if (BytesOf(file) > kMaxBytes) {
      TRY(
          database.Execute("DELETE FROM replies WHERE number <= (SELECT (MIN(number) + "
                           "MAX(number)) / 2 FROM replies)"));
    }
    Statement find = TRY(database.Prepare("SELECT reply FROM replies WHERE key = ?1"));
    Statement keep =
        TRY(database.Prepare("INSERT OR REPLACE INTO replies (key, reply) VALUES (?1, ?2)"));
    return ReplyCache(std::move(database), std::move(find), std::move(keep));
  };
  auto cache = open();
  if (cache) return cache;
  return std::unexpected(Status(
      cache.error().code(), fmt::format("{}: {}; kinglet cache clear removes it, --no-cache does "
                                        "without",
                                        EscapeForDisplay(file.string()), cache.error().message())));
}

Result<std::optional<TaskReply>> ReplyCache::Find(std::string_view system, const TaskAsk& ask) {
  find_.Bind(1, std::string_view(KeyOf(system, ask)));
  std::optional<TaskReply> reply;
  if (TRY(find_.Step())) reply = ParseReply(find_.Text(0), ask);
  find_.Reset();
  return reply;
}

Result<void> ReplyCache::Keep(std::string_view system, const TaskAsk& ask, const TaskReply& reply) {
  if (!reply.error.empty()) return {};
  const json::value value = ask.choices.empty()
                                ? json::value(reply.text)
                                : json::array(reply.logprobs.begin(), reply.logprobs.end());
  keep_.Bind(1, std::string_view(KeyOf(system, ask))).Bind(2, std::string_view(ToJson(value)));
  return keep_.Run();
}

ReplyCacheUse MeasureReplyCache(const std::filesystem::path& file) {
  ReplyCacheUse use{.bytes = BytesOf(file)};
  auto database = Database::Open(file, /*create=*/false);
  if (!database) return use;
  auto count = database->Prepare("SELECT COUNT(*) FROM replies");
  if (!count) return use;
  if (const auto row = count->Step(); row && *row) {
    use.replies = static_cast<std::uint64_t>(count->Int(0));
  }
  return use;
}

ReplyCacheUse ClearReplyCache(const std::filesystem::path& file) {
  const ReplyCacheUse use = MeasureReplyCache(file);
  for (const char* const ending : {"", "-wal", "-shm"}) {
    std::error_code error;
    std::filesystem::remove(Beside(file, ending), error);
  }
  return use;
}

}  // namespace kinglet
