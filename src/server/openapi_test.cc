// SPDX-License-Identifier: Apache-2.0
// The description names the routes that there are, and no others.
#include "server/openapi.h"

#include <set>
#include <string>

#include <gtest/gtest.h>

#include "server/routes.h"

namespace kinglet {
namespace {

std::string LowerCase(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return lower;
}

TEST(OpenApi, NamesTheRoutesThatThereAre) {
  const json::object api = OpenApi("1.2.3");
  EXPECT_EQ(api.at("info").at("version"), "1.2.3");
  std::set<std::string> described;
  for (const auto& path : api.at("paths").as_object()) {
    for (const auto& operation : path.value().as_object()) {
      described.insert(std::string(operation.key()) + " " + std::string(path.key()));
    }
  }
  for (const Route& route : Routes()) {
    std::string path(route.path);
    if (path.ends_with("/*")) path.replace(path.size() - 1, 1, "{id}");
    const std::string method = LowerCase(route.method);
    ASSERT_EQ(described.erase(method + " " + path), 1U) << method << " " << path;
    const json::value& operation = api.at("paths").at(path).at(method);
    EXPECT_EQ(std::string_view(operation.at("summary").as_string()), route.summary);
    const bool needs_no_key = operation.as_object().contains("security");
    EXPECT_EQ(needs_no_key, route.role == Role::kNone) << path;
  }
  EXPECT_EQ(described.size(), 0U) << *described.begin();
}

}  // namespace
}  // namespace kinglet
