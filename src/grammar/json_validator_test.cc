// SPDX-License-Identifier: Apache-2.0
// What the suites of JSON Schema do not show: places in errors, limits, large numbers, threads.
#include "grammar/json_validator.h"

#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/json.h"

namespace kinglet {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

// "" where the value is valid; else what the validator says.
std::string Fault(std::string_view schema, std::string_view value,
                  const ValidatorOptions& options = {}) {
  const auto parsed = ParseJson(schema);
  EXPECT_TRUE(parsed) << schema;
  const auto of_value = ParseJson(value);
  EXPECT_TRUE(of_value) << value;
  const auto validator = JsonValidator::Create(parsed.value_or(nullptr), options);
  EXPECT_TRUE(validator) << schema << ": " << (validator ? "" : validator.error().message());
  if (!validator) return "no validator";
  const auto verdict = (*validator)->Validate(of_value.value_or(nullptr));
  if (verdict) return "";
  return (verdict.error().code() == StatusCode::kLimitExceeded ? "limit: " : "") +
         verdict.error().message();
}

std::string CreateFault(std::string_view schema) {
  const auto validator = JsonValidator::Create(ParseJson(schema).value_or(nullptr));
  if (validator) return "";
  EXPECT_EQ(validator.error().code(), StatusCode::kInvalidInput);
  return validator.error().message();
}

std::string Repeated(std::string_view text, int count) {
  std::string all;
  for (int i = 0; i < count; ++i) all += text;
  return all;
}

TEST(JsonValidatorTest, SaysWhereAndWhich) {
  EXPECT_EQ(Fault(R"({"properties": {"a": {"items": {"minimum": 3}}}})", R"({"a": [3, 1]})"),
            R"(the value at "/a/1" breaks "minimum")");
  EXPECT_EQ(Fault(R"({"type": "string"})", "1"), R"(the value at "" breaks "type")");
  EXPECT_EQ(Fault("false", "1"), R"(the value at "" breaks "false")");
  EXPECT_EQ(Fault(R"({"additionalProperties": {"type": "null"}})", R"({"a/b~c": 1})"),
            R"(the value at "/a~1b~0c" breaks "type")");
  EXPECT_EQ(Fault(R"({"prefixItems": [{}, {"const": 1}]})", R"([0, 2])"),
            R"(the value at "/1" breaks "const")");
}

TEST(JsonValidatorTest, BlamesTheKeywordThatHoldsFalse) {
  EXPECT_EQ(Fault(R"({"additionalProperties": false})", R"({"a": 1})"),
            R"(the value at "/a" breaks "additionalProperties")");
  EXPECT_EQ(Fault(R"({"properties": {"a": {"allOf": [false]}}})", R"({"a": 1})"),
            R"(the value at "/a" breaks "allOf")");
  EXPECT_EQ(Fault(R"({"$ref": "#/$defs/no", "$defs": {"no": false}})", "1"),
            R"(the value at "" breaks "$ref")");
  EXPECT_EQ(Fault(R"({"unevaluatedItems": false})", "[1]"),
            R"(the value at "/0" breaks "unevaluatedItems")");
}

TEST(JsonValidatorTest, ForgetsWhatMayFail) {
  EXPECT_EQ(Fault(R"({"anyOf": [{"items": {"minimum": 3}}, {"maxItems": 0}]})", "[1]"),
            R"(the value at "" breaks "anyOf")");
  EXPECT_EQ(Fault(R"({"not": {"minimum": 3}, "if": {"type": "null"}, "maximum": 0})", "1"),
            R"(the value at "" breaks "maximum")");
  EXPECT_EQ(Fault(R"({"contains": {"items": {"minimum": 3}}})", "[[1]]"),
            R"(the value at "" breaks "contains")");
  EXPECT_EQ(Fault(R"({"contains": {"minimum": 3}, "maxContains": 1})", "[3, 4]"),
            R"(the value at "" breaks "maxContains")");
  EXPECT_EQ(Fault(R"({"oneOf": [{}, {}]})", "[1]"), R"(the value at "" breaks "oneOf")");
  EXPECT_EQ(Fault(R"({"if": {"minimum": 3}, "else": {"maximum": 0}})", "1"),
            R"(the value at "" breaks "maximum")");
}

TEST(JsonValidatorTest, NamesTheMemberOfABadName) {
  EXPECT_EQ(Fault(R"({"propertyNames": {"maxLength": 1}})", R"({"a": 1, "bc": 2})"),
            R"(the value at "/bc" breaks "maxLength")");
  EXPECT_EQ(Fault(R"({"required": ["b"]})", R"({"a": 1})"), R"(the value at "" breaks "required")");
}

TEST(JsonValidatorTest, ComparesNumbersExactly) {
  EXPECT_EQ(Fault(R"({"multipleOf": 0.01})", "0.1"), "");
  EXPECT_EQ(Fault(R"({"multipleOf": 0.01})", "19.99"), "");
  EXPECT_THAT(Fault(R"({"multipleOf": 0.01})", "19.995"), HasSubstr("multipleOf"));
  EXPECT_EQ(Fault(R"({"multipleOf": 1e-300})", "1e300"), "");
  EXPECT_THAT(Fault(R"({"multipleOf": 3e-300})", "1e300"), HasSubstr("multipleOf"));
  EXPECT_EQ(Fault(R"({"multipleOf": 0})", "1"), "");
  EXPECT_EQ(Fault(R"({"multipleOf": -2})", "-4"), "");
  EXPECT_EQ(Fault(R"({"maximum": 9223372036854775808})", "9223372036854775807"), "");
  EXPECT_THAT(Fault(R"({"maximum": 9223372036854775807})", "9223372036854775808"),
              HasSubstr("maximum"));
  EXPECT_THAT(Fault(R"({"exclusiveMaximum": 18446744073709551615})", "18446744073709551615"),
              HasSubstr("exclusiveMaximum"));
  EXPECT_THAT(Fault(R"({"minimum": -9007199254740992})", "-9007199254740993"),
              HasSubstr("minimum"));
  EXPECT_THAT(Fault(R"({"maximum": -1.5})", "-1.25"), HasSubstr("maximum"));
  EXPECT_EQ(Fault(R"({"minimum": -1.5, "maximum": 1.5})", "-0.0"), "");
}

TEST(JsonValidatorTest, TellsIntegersByTheirValue) {
  EXPECT_EQ(Fault(R"({"type": "integer"})", "1.0"), "");
  EXPECT_EQ(Fault(R"({"type": "integer"})", "1e300"), "");
  EXPECT_EQ(Fault(R"({"type": "integer"})", "12.5e1"), "");
  EXPECT_THAT(Fault(R"({"type": "integer"})", "1e-1"), HasSubstr("type"));
  EXPECT_THAT(Fault(R"({"type": "integer"})", "1.0", {.default_draft = JsonSchemaDraft::k4}),
              HasSubstr("type"));
  EXPECT_EQ(Fault(R"({"const": 1})", "1.0"), "");
  EXPECT_EQ(Fault(R"({"enum": [[{"a": 0}]]})", R"([{"a": -0.0}])"), "");
  EXPECT_THAT(Fault(R"({"const": true})", "1"), HasSubstr("const"));
}

// No double holds such a number: what it was compared with would be another one.
TEST(JsonValidatorTest, RefusesNumbersThatAreTooLarge) {
  EXPECT_THAT(Fault(R"({"items": {}})", "[1e400]"), StartsWith("limit: "));
  EXPECT_EQ(Fault(R"({"minimum": -1e400, "maximum": 1e400})", "1.7976931348623157e308"), "");
  EXPECT_THAT(Fault(R"({"minimum": 1e400})", "1e308"), HasSubstr("minimum"));
  EXPECT_THAT(Fault(R"({"const": 1e400})", "1e308"), HasSubstr("const"));
  EXPECT_THAT(Fault(R"({"multipleOf": 1e400})", "1e308"), HasSubstr("multipleOf"));
}

TEST(JsonValidatorTest, FindsDuplicates) {
  const auto fault = [](std::string_view items) {
    return Fault(R"({"uniqueItems": true})", items);
  };
  EXPECT_EQ(fault(R"([1, true, "1", [1], {"a": 1}, null, "n", "", [], {}, ["", ""], [""]])"), "");
  EXPECT_EQ(fault(R"(["1:a", ["a"], "a", {"a": "a"}, ["a", "a"]])"), "");
  EXPECT_EQ(fault("[0.1, 0.10000000000000002, -0.1, 1e-1000000, 10, 1]"), "");
  EXPECT_THAT(fault("[1, 1.0]"), HasSubstr("uniqueItems"));
  EXPECT_THAT(fault("[0, -0.0]"), HasSubstr("uniqueItems"));
  EXPECT_THAT(fault("[100, 1e2]"), HasSubstr("uniqueItems"));
  EXPECT_THAT(fault(R"([{"a": [1], "b": 2}, 0, {"b": 2.0, "a": [1.0]}])"),
              HasSubstr("uniqueItems"));
}

TEST(JsonValidatorTest, FindsDuplicatesAmongMany) {
  std::string items = "[0";
  for (int i = 1; i < 100'000; ++i) items += "," + std::to_string(i);
  EXPECT_EQ(Fault(R"({"uniqueItems": true})", items + "]"), "");
  EXPECT_THAT(Fault(R"({"uniqueItems": true})", items + ",7]"), HasSubstr("uniqueItems"));
}

TEST(JsonValidatorTest, CountsCodePoints) {
  EXPECT_EQ(Fault(R"({"minLength": 4, "maxLength": 4})", R"("aé€😀")"), "");
  EXPECT_THAT(Fault(R"({"maxLength": 3})", R"("aé€😀")"), HasSubstr("maxLength"));
  EXPECT_EQ(Fault(R"({"maxLength": 2.0})", R"("e\u0301")"), "");
}

TEST(JsonValidatorTest, StopsWhereTheSchemaHasNoEnd) {
  EXPECT_THAT(Fault(R"({"$ref": "#"})", "1"), StartsWith("limit: the schema"));
  EXPECT_THAT(Fault(R"({"anyOf": [{"type": "null"}, {"not": {"$ref": "#"}}]})", "1"),
              StartsWith("limit: the schema"));
  EXPECT_THAT(Fault(R"({"$defs": {"a": {"not": {"$ref": "#/$defs/b"}},
                                  "b": {"oneOf": [{"$ref": "#/$defs/a"}, false]}},
                        "contains": {"$ref": "#/$defs/a"}})",
                    "[1]"),
              StartsWith("limit: the schema"));
  EXPECT_EQ(Fault(R"({"items": {"$ref": "#"}})", "[[[[]], []]]"), "");
}

TEST(JsonValidatorTest, StopsWhereStepsMultiply) {
  std::string schema = R"({"$ref": "#/$defs/0", "$defs": {)";
  for (int i = 0; i < 60; ++i) {
    const std::string next = R"({"$ref": "#/$defs/)" + std::to_string(i + 1) + R"("})";
    schema += '"' + std::to_string(i) + R"(": {"allOf": [)" + next + "," + next + "]},";
  }
  EXPECT_THAT(Fault(schema + R"("60": {}}})", "1"), StartsWith("limit: the check takes more"));
}

TEST(JsonValidatorTest, StopsWhereAPatternTakesTooLong) {
  const std::string text = '"' + std::string(40, 'a') + "cb\"";
  EXPECT_THAT(Fault(R"({"pattern": "^(a+)+$"})", text), StartsWith("limit: the pattern"));
  EXPECT_THAT(Fault(R"({"not": {"pattern": "^(a|a)*b$"}})", text),
              StartsWith("limit: the pattern"));
  EXPECT_THAT(Fault(R"({"patternProperties": {"^(a*)*(a*)*b": false}})", "{" + text + ": 1}"),
              StartsWith("limit: the pattern"));
  EXPECT_EQ(Fault(R"({"pattern": "^(\\w+\\s?)*$"})", '"' + Repeated("word ", 10'000) + '"'), "");
}

TEST(JsonValidatorTest, HasLimitsOfItsCaller) {
  EXPECT_THAT(Fault("{}", "[[1]]", {.max_depth = 1}), StartsWith("limit: the value"));
  EXPECT_THAT(Fault(R"({"items": {"items": {}}})", "[[1]]", {.max_depth = 2}),
              StartsWith("limit: the schema"));
  EXPECT_EQ(Fault(R"({"items": {"items": {}}})", "[[1]]", {.max_depth = 3}), "");
  EXPECT_THAT(Fault(R"({"items": {}})", "[1, 2, 3]", {.max_steps = 40}),
              StartsWith("limit: the check takes more than 40"));
}

TEST(JsonValidatorTest, ChecksDeepValues) {
  constexpr int kDepth = 500;
  const auto value =
      ParseJson(Repeated("[", kDepth) + Repeated("]", kDepth), {.max_depth = kDepth + 1});
  ASSERT_TRUE(value);
  const auto deep = JsonValidator::Create(
      *ParseJson(R"({"type": "array", "uniqueItems": true, "items": {"$ref": "#"}})"),
      {.max_depth = 2 * kDepth});
  ASSERT_TRUE(deep);
  EXPECT_TRUE((*deep)->Validate(*value));
  const auto shallow = JsonValidator::Create(*ParseJson(R"({"items": {"$ref": "#"}})"));
  ASSERT_TRUE(shallow);
  EXPECT_EQ((*shallow)->Validate(*value).error().code(), StatusCode::kLimitExceeded);
}

TEST(JsonValidatorTest, RefusesWhatIsNoSchema) {
  EXPECT_THAT(CreateFault("1"), HasSubstr("no schema"));
  EXPECT_THAT(CreateFault(R"({"properties": {"a": "string"}})"), HasSubstr("no schema"));
  EXPECT_THAT(CreateFault(R"({"$ref": "#/title", "title": "a"})"), HasSubstr("no schema"));
  EXPECT_THAT(CreateFault(R"({"$ref": "#/a"})"), HasSubstr("\"/a\""));
  EXPECT_THAT(CreateFault(R"({"$ref": "other.json"})"), HasSubstr("other.json"));
  EXPECT_THAT(CreateFault(R"({"$ref": "#%"})"), HasSubstr("#%"));
  EXPECT_THAT(CreateFault(R"({"$ref": "http://json-schema.org/draft-07/schema#"})"),
              HasSubstr("draft-07"));
  EXPECT_THAT(CreateFault(R"({"pattern": "("})"), HasSubstr("pattern"));
  EXPECT_THAT(CreateFault(R"({"patternProperties": {"[": {}}})"), HasSubstr("pattern"));
  EXPECT_THAT(CreateFault(Repeated(R"({"not":)", 60) + "1" + Repeated("}", 60)),
              HasSubstr("no schema"));
}

TEST(JsonValidatorTest, RefusesSchemasThatTakeTooMuch) {
  EXPECT_THAT(CreateFault(R"({"anyOf": [{})" + Repeated(",{}", 100'000) + "]}"),
              HasSubstr("100000 parts"));
  EXPECT_THAT(CreateFault(R"({"$id": "http://a/)" + Repeated("b", 2000) + "\"}"),
              HasSubstr("an id"));
  std::string patterns;
  for (int i = 0; i < 1000; ++i)
    patterns += R"({"pattern": "(?:[^ab]|b){1000})" + std::to_string(i) + R"("},)";
  EXPECT_THAT(CreateFault(R"({"anyOf": [)" + patterns + "{}]}"), HasSubstr("memory"));
}

// What is never applied may be wrong.
TEST(JsonValidatorTest, LeavesUnusedDefinitionsAlone) {
  EXPECT_EQ(
      CreateFault(R"({"$defs": {"a": {"$ref": "gone.json"}, "b": {"pattern": "("}, "c": 1}})"), "");
  EXPECT_THAT(CreateFault(R"({"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "gone.json"}}})"),
              HasSubstr("gone.json"));
}

// The anchor that is meant is indexed by another reference, after one has asked for its name.
TEST(JsonValidatorTest, FindsDynamicAnchorsInUnknownKeywords) {
  EXPECT_THAT(Fault(R"({"$id": "http://a/b", "$dynamicRef": "#c", "$ref": "#/x/y",
                        "$defs": {"c": {"$dynamicAnchor": "c"}},
                        "x": {"y": {"$id": "d", "$ref": "b#c",
                                    "x": {"$dynamicAnchor": "c"}}}})",
                    "1"),
              "");
  EXPECT_THAT(Fault(R"({"$id": "http://a/b", "$ref": "#/x/y",
                        "x": {"y": {"$id": "d", "items": {"$ref": "e"}, "$defs": {
                                      "c": {"$dynamicAnchor": "c", "type": "null"},
                                      "e": {"$id": "e", "$dynamicRef": "#c",
                                            "$defs": {"c": {"$dynamicAnchor": "c"}}}}}}})",
                    "[1]"),
              R"(the value at "/0" breaks "type")");
}

TEST(JsonValidatorTest, FollowsReferencesIntoUnknownKeywords) {
  EXPECT_THAT(Fault(R"({"$ref": "#/x/0/a~1b%20c", "x": [{"a/b c": {"type": "null"}}]})", "1"),
              HasSubstr("type"));
}

TEST(JsonValidatorTest, ReadsEachDraftAsItIs) {
  const auto fault = [](JsonSchemaDraft draft, std::string_view schema, std::string_view value) {
    return Fault(schema, value, {.default_draft = draft});
  };
  constexpr auto k4 = JsonSchemaDraft::k4;
  constexpr auto k7 = JsonSchemaDraft::k7;
  constexpr auto k2020 = JsonSchemaDraft::k2020;
  EXPECT_EQ(fault(k4, R"({"const": 1, "if": {}, "then": false})", "2"), "");
  EXPECT_EQ(fault(k7, R"({"unevaluatedItems": false, "prefixItems": [false]})", "[1]"), "");
  EXPECT_EQ(
      fault(k7, R"({"$ref": "#/definitions/a", "maximum": 0, "definitions": {"a": {}}})", "1"), "");
  EXPECT_THAT(fault(k2020, R"({"$ref": "#/$defs/a", "maximum": 0, "$defs": {"a": {}}})", "1"),
              HasSubstr("maximum"));
  EXPECT_EQ(
      fault(k2020, R"({"$schema": "http://json-schema.org/draft-04/schema#", "const": 1})", "2"),
      "");
  EXPECT_THAT(fault(k4, R"({"minimum": 1, "exclusiveMinimum": true})", "1"),
              HasSubstr("exclusiveMinimum"));
  EXPECT_EQ(fault(k4, R"({"minimum": 1, "exclusiveMinimum": false})", "1"), "");
}

// An "id" of draft 4 says nothing to 2020-12, so that "#" stays the whole document.
TEST(JsonValidatorTest, TakesTheDraftOfAPartFromItsIdAlone) {
  EXPECT_THAT(Fault(R"({"$ref": "#/$defs/a", "$defs": {
                "a": {"$schema": "http://json-schema.org/draft-04/schema#", "id": "schema/a",
                      "items": {"$ref": "#/$defs/b"}},
                "b": {"const": 1}}})",
                    "[2]"),
              HasSubstr("const"));
  EXPECT_EQ(Fault(R"({"$ref": "a", "$defs": {
                "a": {"$schema": "http://json-schema.org/draft-07/schema#", "$id": "a",
                      "items": {"minContains": 1, "contains": true, "prefixItems": [false]}}}})",
                  "[[2]]"),
            "");
}

TEST(JsonValidatorTest, ChecksFormatsWhereAsked) {
  EXPECT_EQ(Fault(R"({"items": {"format": "ipv4"}})", R"(["1.2.3.4", "1.2.3"])"),
            R"(the value at "/1" breaks "format")");
  EXPECT_EQ(Fault(R"({"format": "ipv4"})", R"("1.2.3")", {.check_formats = false}), "");
  EXPECT_EQ(Fault(R"({"format": "colour"})", R"("1.2.3")"), "");
  EXPECT_EQ(Fault(R"({"format": "ipv4"})", "1"), "");
  EXPECT_EQ(Fault(R"({"format": "int32"})", "2147483647"), "");
  EXPECT_EQ(Fault(R"({"format": "int32"})", "\"a\""), "");
  EXPECT_EQ(Fault(R"({"format": "int32"})", "2147483648"), R"(the value at "" breaks "format")");
  EXPECT_EQ(Fault(R"({"format": "uint64"})", "1.5"), R"(the value at "" breaks "format")");
  EXPECT_EQ(Fault(R"({"format": "uint64"})", "-1", {.check_formats = false}), "");
}

TEST(JsonValidatorTest, ServesThreads) {
  const auto schema = ParseJson(R"({"items": {"anyOf": [{"minimum": 10}, {"type": "string"}, false],
                              "unevaluatedItems": false}})");
  ASSERT_TRUE(schema);
  const auto validator = JsonValidator::Create(*schema);
  ASSERT_TRUE(validator);
  std::vector<std::string> messages(4);
  {
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < messages.size(); ++i) {
      threads.emplace_back([&, i] {
        json::array items(i, 10);
        items.emplace_back(1);
        for (int round = 0; round < 200; ++round) {
          const auto verdict = (*validator)->Validate(items);
          messages[i] = verdict ? "" : verdict.error().message();
        }
      });
    }
  }
  for (std::size_t i = 0; i < messages.size(); ++i) {
    EXPECT_EQ(messages[i], "the value at \"/" + std::to_string(i) + "\" breaks \"anyOf\"");
  }
}

}  // namespace
}  // namespace kinglet
