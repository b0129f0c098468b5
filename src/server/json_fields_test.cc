// SPDX-License-Identifier: Apache-2.0
// Each kind of field, right and wrong, and what nobody has asked for.
#include "server/json_fields.h"

#include <gtest/gtest.h>

namespace kinglet {
namespace {

json::object Object(std::string_view text) {
  return std::move(ParseJson(text).value().get_object());
}

TEST(JsonFields, ReadsWhatIsThere) {
  const json::object object =
      Object(R"({"a":"x","b":true,"c":0.5,"d":64.0,"e":["p","q"],"f":null,"g":{"h":1}})");
  JsonFields fields(object);
  EXPECT_EQ(fields.Text("a"), "x");
  EXPECT_EQ(fields.Flag("b"), true);
  EXPECT_EQ(fields.Number("c", 0, 1), 0.5);
  EXPECT_EQ(fields.Whole("d", 0, 100), 64);
  EXPECT_EQ(fields.Texts("e", 2), (std::vector<std::string>{"p", "q"}));
  EXPECT_EQ(fields.Text("f"), std::nullopt);
  EXPECT_EQ(fields.Texts("a", 2), (std::vector<std::string>{"x"}));
  EXPECT_NE(fields.Object("g"), nullptr);
  EXPECT_EQ(fields.Text("absent"), std::nullopt);
  EXPECT_FALSE(fields.Finish().has_value());
}

TEST(JsonFields, RefusesWhatNobodyAskedFor) {
  const json::object object = Object(R"({"known":1,"unset":null,"other\n":2})");
  JsonFields fields(object, "options");
  EXPECT_EQ(fields.Whole("known", 0, 9), 1);
  const auto error = fields.Finish();
  ASSERT_TRUE(error.has_value());
  EXPECT_TRUE(error->field.starts_with("options.other"));
  EXPECT_EQ(error->field.find('\n'), std::string::npos) << "a line break reaches a log";
}

TEST(JsonFields, KeepsTheFirstError) {
  const json::object object = Object(R"({"a":1,"b":"x","c":11,"d":1.5,"e":["x",1],"f":"z"})");
  const auto error_of = [&](auto read) {
    JsonFields fields(object);
    read(fields);
    EXPECT_TRUE(fields.failed());
    fields.Fail("later", "is not told");
    return fields.Finish().value_or(FieldError{}).field;
  };
  EXPECT_EQ(error_of([](JsonFields& f) { f.Text("a"); }), "a");
  EXPECT_EQ(error_of([](JsonFields& f) { f.Flag("b"); }), "b");
  EXPECT_EQ(error_of([](JsonFields& f) { f.Number("b", 0, 1); }), "b");
  EXPECT_EQ(error_of([](JsonFields& f) { f.Whole("c", 0, 10); }), "c");
  EXPECT_EQ(error_of([](JsonFields& f) { f.Whole("d", 0, 10); }), "d");
  EXPECT_EQ(error_of([](JsonFields& f) { f.Texts("e", 5); }), "e");
  EXPECT_EQ(error_of([](JsonFields& f) { f.Texts("e", 1); }), "e");
  EXPECT_EQ(error_of([](JsonFields& f) { f.Word("f", {"x", "y"}); }), "f");
  EXPECT_EQ(error_of([](JsonFields& f) { f.RequiredText("g"); }), "g");
  EXPECT_EQ(error_of([](JsonFields& f) { f.Text("b", 0); }), "b");
  EXPECT_EQ(error_of([](JsonFields& f) { f.OnlyDefault("f", {"x"}, "no"); }), "f");
}

TEST(JsonFields, KnowsHowLongANumberIs) {
  const json::object object = Object(R"({"big":1e300,"whole":9223372036854775807})");
  JsonFields fields(object);
  EXPECT_EQ(fields.Whole("whole", 0, INT64_MAX), INT64_MAX);
  EXPECT_EQ(fields.Whole("big", 0, INT64_MAX), std::nullopt);
  EXPECT_TRUE(fields.failed());
}

}  // namespace
}  // namespace kinglet
