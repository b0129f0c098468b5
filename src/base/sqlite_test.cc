// SPDX-License-Identifier: Apache-2.0
// The wrapper: values come back as they went in, errors are values.
#include "base/sqlite.h"

#include <fstream>

#include <gtest/gtest.h>

namespace kinglet {
namespace {

TEST(Sqlite, RoundTripsValues) {
  Database database = Database::Open(":memory:", true).value();
  ASSERT_TRUE(database.Execute("CREATE TABLE t (a, b, c, d)"));
  Statement insert = database.Prepare("INSERT INTO t VALUES (?, ?, ?, ?)").value();
  const std::string with_zero("x\0y", 3);
  insert.Bind(1, std::int64_t{1} << 40).Bind(2, 0.5).Bind(3, with_zero);
  insert.Bind(4, std::optional<double>());
  ASSERT_TRUE(insert.Run());
  Statement select = database.Prepare("SELECT a, b, c, d FROM t").value();
  ASSERT_TRUE(select.Step().value());
  EXPECT_EQ(select.Int(0), std::int64_t{1} << 40);
  EXPECT_EQ(select.Double(1), 0.5);
  EXPECT_EQ(select.Text(2), with_zero);
  EXPECT_TRUE(select.IsNull(3));
  EXPECT_FALSE(select.Step().value());
}

TEST(Sqlite, AnEmptyStringIsNotNull) {
  Database database = Database::Open(":memory:", true).value();
  Statement select = database.Prepare("SELECT ?").value();
  select.Bind(1, std::string_view());
  ASSERT_TRUE(select.Step().value());
  EXPECT_FALSE(select.IsNull(0));
}

TEST(Sqlite, ErrorsAreValues) {
  Database database = Database::Open(":memory:", true).value();
  EXPECT_EQ(database.Prepare("SELEC").error().code(), StatusCode::kFailed);
  EXPECT_FALSE(database.Execute("DROP TABLE none"));
  EXPECT_FALSE(Database::Open(testing::TempDir() + "no/such/file", true));

  const std::string file = testing::TempDir() + "kinglet_not_a_database";
  std::ofstream(file) << std::string(4096, 'x');
  Database other = Database::Open(file, false).value();
  EXPECT_EQ(other.Execute("SELECT * FROM sqlite_schema").error().code(), StatusCode::kInvalidInput);
  std::filesystem::remove(file);
}

}  // namespace
}  // namespace kinglet
