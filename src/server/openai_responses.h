// SPDX-License-Identifier: Apache-2.0
// OpenAI's responses: a conversation of items, which may go on from an earlier response that this
// server remembers for a while, in memory alone.
#pragma once

#include <cstddef>
#include <list>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "server/openai_chat.h"

namespace kinglet {

// Conversations by the id of their last response; the ones used least recently are forgotten.
class ResponseMemory {
 public:
  explicit ResponseMemory(std::size_t max_bytes) : max_bytes_(max_bytes) {}

  // owner: who may go on with it.
  void Remember(const std::string& id, const std::string& owner, json::array messages,
                json::object response);
  struct Remembered {
    json::array messages;
    json::object response;
  };
  std::optional<Remembered> Recall(const std::string& id, const std::string& owner);
  bool Forget(const std::string& id, const std::string& owner);

 private:
  struct Entry {
    std::string id, owner;
    Remembered what;
    std::size_t bytes = 0;
  };
  std::size_t max_bytes_;
  std::mutex mutex_;
  std::list<Entry> entries_;  // the one used last comes first
  std::map<std::string, std::list<Entry>::iterator> by_id_;
  std::size_t bytes_ = 0;
};

// memory must outlive the answer.
ApiResult<ParsedGeneration> ParseResponse(const json::object& body, const std::string& model,
                                          const Engine& engine, ResponseMemory& memory,
                                          const std::string& owner);

}  // namespace kinglet
