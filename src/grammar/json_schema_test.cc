// SPDX-License-Identifier: Apache-2.0
// Keyword by keyword: texts that a schema's grammar writes, texts that it does not, and what is
// refused with which place.
#include "grammar/json_schema.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/json.h"
#include "grammar/matcher.h"

namespace kinglet {
namespace {

using ::testing::HasSubstr;

bool Writes(const char* schema, std::string_view text) {
  auto grammar = CompileJsonSchema(*ParseJson(schema));
  EXPECT_TRUE(grammar) << schema << ": " << grammar.error().message();
  if (!grammar) return false;
  Matcher matcher(*std::move(grammar));
  const Matcher::StateId end = matcher.Next(matcher.start(), text);
  return end != Matcher::kDead && matcher.MayEnd(end);
}

std::string RefusalOf(const char* schema) {
  const auto grammar = CompileJsonSchema(*ParseJson(schema));
  return grammar ? "" : grammar.error().message();
}

struct Case {
  const char* schema;
  std::vector<const char*> good;
  std::vector<const char*> bad;
};

class JsonSchemaKeywordTest : public ::testing::TestWithParam<Case> {};

TEST_P(JsonSchemaKeywordTest, WritesWhatItAllowsAlone) {
  for (const char* const text : GetParam().good) {
    EXPECT_TRUE(Writes(GetParam().schema, text)) << GetParam().schema << " does not write " << text;
  }
  for (const char* const text : GetParam().bad) {
    EXPECT_FALSE(Writes(GetParam().schema, text)) << GetParam().schema << " writes " << text;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Types, JsonSchemaKeywordTest,
    ::testing::Values(
        Case{"true",
             {"null", "[]", "{\"a\":[1,\"\"]}", "-1.5e3"},
             {"", "nul", "01", "[1,]", "{a:1}", " 1"}},
        Case{R"({"type":"integer"})", {"0", "-12", "120"}, {"1.5", "01", "-", "\"1\""}},
        Case{R"({"type":["null","boolean"]})", {"null", "true"}, {"0", "\"\""}},
        Case{R"({"type":"string"})",
             {"\"\"", "\"\\n\\\"é\\\\\"", "\"\xF0\x9F\x90\xA6\""},
             {"\"\n\"", "\"\\q\"", "\"\xFF\"", "\"\xED\xA0\x80\"", "\"a"}},
        Case{R"({"enum":["a",1,null,{"b":[true]}]})",
             {"\"a\"", "1", "null", "{\"b\":[true]}"},
             {"\"b\"", "2", "{\"b\":[]}"}},
        Case{R"({"const":{"a":1,"b":2}})",
             {"{\"a\":1,\"b\":2}"},
             {"{\"b\":2,\"a\":1}", "{\"a\":1}"}}));

INSTANTIATE_TEST_SUITE_P(
    Numbers, JsonSchemaKeywordTest,
    ::testing::Values(
        Case{R"({"type":"integer","minimum":-3,"maximum":12})",
             {"-3", "0", "9", "12"},
             {"-4", "13", "100"}},
        Case{R"({"type":"number","exclusiveMinimum":0,"exclusiveMaximum":0.5})",
             {"0.1", "0.49", "0.4999"},
             {"0", "0.5", "0.50", "1", "-0.1"}},
        Case{R"({"type":"integer","minimum":18446744073709551615})",
             {"18446744073709551615", "100000000000000000000"},
             {"18446744073709551614"}},
        Case{R"({"type":"number","multipleOf":0.01,"minimum":0})",
             {"0.07", "1.1", "3"},
             {"0.001", "0.075"}},
        Case{R"({"type":"integer","multipleOf":7})", {"0", "49", "-14"}, {"1", "50"}},
        Case{
            R"({"$schema":"http://json-schema.org/draft-04/schema#","type":"number","minimum":1,"exclusiveMinimum":true})",
            {"1.1", "2"},
            {"1", "0"}},
        Case{R"({"anyOf":[{"type":"integer"},{"type":"number","maximum":0.25}]})",
             {"7", "0.2"},
             {"0.5"}},
        Case{
            R"({"$schema":"http://json-schema.org/draft-04/schema#","anyOf":[{"type":"integer"},{"type":"number","maximum":0.25}]})",
            {"7", "0.2", "-3.5"},
            {"7.0", "0.5"}},
        Case{
            R"({"$schema":"http://json-schema.org/draft-04/schema#","type":"number","not":{"type":"integer"}})",
            {"7.5"},
            {"7"}}));

INSTANTIATE_TEST_SUITE_P(
    Strings, JsonSchemaKeywordTest,
    ::testing::Values(
        Case{R"({"type":"string","minLength":2,"maxLength":3})",
             {"\"ab\"", "\"日本\"", "\"\\n\\n\\n\""},
             {"\"a\"", "\"abcd\""}},
        Case{R"({"type":["string","null"],"minLength":2,"maxLength":0})",
             {"null"},
             {"\"\"", "\"a\"", "\"ab\""}},
        Case{R"({"type":"string","pattern":"^a+$"})", {"\"a\"", "\"aaa\""}, {"\"\"", "\"ab\""}},
        Case{R"({"type":"string","pattern":"b"})", {"\"b\"", "\"abc\""}, {"\"ac\""}},
        Case{R"({"type":"string","pattern":"^(?!no)[a-z]{2,4}$"})",
             {"\"yes\"", "\"on\""},
             {"\"no\"", "\"nope\""}},
        Case{R"({"type":"string","pattern":"^\\p{Lu}\\w*$"})",
             {"\"Ärger\"", "\"Abc\""},
             {"\"abc\""}},
        Case{R"({"format":"date"})", {"\"2024-02-29\"", "7"}, {"\"2023-02-29\"", "\"2024-13-01\""}},
        Case{R"({"type":"string","format":"date-time"})",
             {"\"2024-01-31T23:59:59Z\"", "\"2024-01-31t00:00:00.5+01:00\""},
             {"\"2024-01-31\"", "\"2024-01-31T24:00:00Z\""}},
        Case{R"({"type":"string","format":"email"})",
             {"\"a.b@c.de\""},
             {"\"a@\"", "\"a b@c.de\"", "\".a@c.de\""}},
        Case{R"({"type":"string","format":"ipv6"})",
             {"\"::1\"", "\"fe80::1:2\"", "\"::ffff:1.2.3.4\""},
             {"\":::\"", "\"1::2::3\"", "\"1.2.3.4\""}},
        Case{R"({"type":"string","format":"ipv4"})",
             {"\"127.0.0.1\""},
             {"\"256.0.0.1\"", "\"01.0.0.1\"", "\"1.2.3\""}},
        Case{R"({"type":"string","format":"uuid"})",
             {"\"123e4567-e89b-12d3-a456-426614174000\""},
             {"\"123e4567\""}},
        Case{R"({"type":"string","format":"idn-hostname"})",
             {"\"a-b.c--d.example\"", "\"abc.ab-c\""},
             {"\"ab--c\"", "\"a.ab--cd\"", "\"-a\""}},
        Case{R"({"type":"string","format":"hostname"})",
             {"\"a--b.x.xn.xn-a.xa--c\"", "\"X-n.xnn--a\""},
             {"\"xn--a\"", "\"a.Xn--b\"", "\"xn-\""}},
        Case{R"({"type":"string","not":{"format":"hostname"}})",
             {"\"\"", "\"a_b\"", "\"a b\""},
             {"\"xn--a\"", "\"xn--bcher-kva.de\"", "\"a.b\""}},
        Case{R"({"type":"string","not":{"format":"email","minLength":4}})",
             {"\"ab.de\"", "\"\"", "\"a@b\""},
             {"\"a@b.c\"", "\"\\\"a b\\\"@c.d\"", "\"a@[1.2.3.4]\""}},
        Case{R"({"type":"string","oneOf":[{"format":"ipv4"},{"format":"hostname"}]})",
             {"\"a.b\"", "\"1.2.3\""},
             {"\"1.2.3.4\"", "\"xn--a\""}},
        Case{R"({"type":"string","format":"idn-email"})",
             {"\"a.b@c-d.de\""},
             {"\"a@ab--c\"", "\"a@b.xn--c\""}},
        Case{R"({"type":"string","format":"uri"})",
             {"\"https://a.b/c?d#e\"", "\"urn:x:y\""},
             {"\"/a\"", "\"a b:c\""}},
        Case{R"({"type":"integer","format":"int32"})",
             {"2147483647", "-2147483648"},
             {"2147483648"}}));

INSTANTIATE_TEST_SUITE_P(
    Arrays, JsonSchemaKeywordTest,
    ::testing::Values(
        Case{R"({"type":"array","items":{"type":"integer"},"minItems":1,"maxItems":3})",
             {"[1]", "[1,2,3]"},
             {"[]", "[1,2,3,4]", "[\"a\"]"}},
        Case{R"({"type":"array","prefixItems":[{"const":1},{"const":2}],"items":false})",
             {"[]", "[1]", "[1,2]"},
             {"[2]", "[1,2,3]"}},
        Case{R"({"type":"array","items":{"type":"integer"},"contains":{"const":5}})",
             {"[5]", "[1,5,2]"},
             {"[]", "[1,2]"}},
        Case{
            R"({"type":"array","items":{"enum":[1,2]},"contains":{"const":2},"minContains":2,"maxContains":2})",
            {"[2,2]", "[1,2,1,2]"},
            {"[2]", "[2,2,2]"}},
        Case{
            R"({"$schema":"http://json-schema.org/draft-06/schema#","type":"array","prefixItems":[false]})",
            {"[1]"},
            {"{}"}},
        Case{R"({"type":"array","maxItems":1,"uniqueItems":true})", {"[]", "[1]"}, {"[1,1]"}}));

INSTANTIATE_TEST_SUITE_P(
    Objects, JsonSchemaKeywordTest,
    ::testing::Values(
        Case{
            R"({"type":"object","properties":{"a":{"type":"integer"},"b":{}},"required":["b"],"additionalProperties":false})",
            {"{\"b\":1}", "{\"a\":1,\"b\":null}"},
            {"{}", "{\"a\":1}", "{\"b\":1,\"a\":1}", "{\"b\":1,\"c\":1}"}},
        Case{R"({"type":"object","properties":{"a":{"type":"integer"}}})",
             {"{}", "{\"a\":1,\"z\":[]}", "{\"aa\":\"\"}"},
             {"{\"a\":\"\"}", "{\"z\":1,\"a\":\"\"}"}},
        Case{
            R"({"type":"object","patternProperties":{"^x":{"type":"integer"}},"additionalProperties":{"type":"string"}})",
            {"{\"x1\":1,\"y\":\"\"}"},
            {"{\"x1\":\"\"}", "{\"y\":1}"}},
        Case{
            R"({"type":"object","propertyNames":{"maxLength":2},"minProperties":1,"maxProperties":2})",
            {"{\"a\":1}", "{\"a\":1,\"bb\":2}"},
            {"{}", "{\"abc\":1}", "{\"a\":1,\"b\":1,\"c\":1}"}},
        Case{
            R"({"type":"object","properties":{"a":true,"b":true},"additionalProperties":false,"dependentRequired":{"a":["b"]}})",
            {"{}", "{\"b\":1}", "{\"a\":1,\"b\":1}"},
            {"{\"a\":1}"}},
        Case{
            R"({"type":"object","properties":{"k":{"enum":["a","b"]},"n":{"type":"integer"}},"required":["k"],"additionalProperties":false,"if":{"properties":{"k":{"const":"a"}}},"then":{"required":["n"]},"else":{"properties":{"n":false}}})",
            {"{\"k\":\"a\",\"n\":1}", "{\"k\":\"b\"}"},
            {"{\"k\":\"a\"}", "{\"k\":\"b\",\"n\":1}"}}));

INSTANTIATE_TEST_SUITE_P(
    Combinations, JsonSchemaKeywordTest,
    ::testing::Values(
        Case{R"({"allOf":[{"type":"string","minLength":2},{"pattern":"^a"}]})",
             {"\"ab\""},
             {"\"a\"", "\"bb\"", "12"}},
        Case{R"({"anyOf":[{"type":"integer","maximum":3},{"type":"string"}]})",
             {"3", "\"\""},
             {"4", "null"}},
        Case{R"({"oneOf":[{"type":"integer","multipleOf":2},{"type":"integer","multipleOf":3}]})",
             {"2", "3", "9"},
             {"6", "5"}},
        Case{R"({"type":"object","not":{"additionalProperties":{"type":"null"}}})",
             {"{\"a\":1}", "{\"a\":null,\"b\":1}", "{\"a\":null,\"a\":1,\"a\":2}"},
             {"{}", "{\"a\":null}", "{\"a\":1,\"a\":null}"}},
        Case{R"({"oneOf":[{"type":"string","format":"iri"},{"type":"null"}]})",
             {"null", "\"a:b\""},
             {"\"a\"", "1"}},
        Case{R"({"type":"string","not":{"enum":["a","b"]}})", {"\"c\"", "\"aa\""}, {"\"a\"", "1"}},
        Case{R"({"$ref":"#/$defs/n","maximum":5,"$defs":{"n":{"type":"integer","minimum":1}}})",
             {"1", "5"},
             {"0", "6"}},
        Case{
            R"({"$schema":"http://json-schema.org/draft-07/schema#","$ref":"#/definitions/n","maximum":5,"definitions":{"n":{"type":"integer"}}})",
            {"9"},
            {"\"\""}},
        Case{
            R"({"$ref":"#/$defs/t","$defs":{"t":{"type":"object","properties":{"l":{"$ref":"#/$defs/t"}},"additionalProperties":false}}})",
            {"{}", "{\"l\":{\"l\":{}}}"},
            {"{\"l\":1}"}},
        Case{
            R"({"$id":"http://a.b/c","properties":{"x":{"$ref":"d#/definitions/y"}},"type":"object","additionalProperties":false,"$defs":{"d":{"$id":"d","definitions":{"y":{"type":"null"}}}}})",
            {"{\"x\":null}"},
            {"{\"x\":1}"}}));

// A name of so many characters, in labels of as many as there may be.
std::string NameOf(std::size_t size) {
  std::string name;
  while (name.size() < size) name += name.size() % 64 == 63 ? '.' : 'x';
  return name;
}

TEST(JsonSchemaTest, KnowsHowLongANameMayBe) {
  const char* const name = R"({"type":"string","format":"hostname"})";
  EXPECT_TRUE(Writes(name, '"' + NameOf(253) + '"'));
  EXPECT_FALSE(Writes(name, '"' + NameOf(254) + '"'));
  EXPECT_FALSE(Writes(name, '"' + std::string(64, 'x') + '"'));
  const char* const mail = R"({"type":"string","format":"idn-email"})";
  EXPECT_TRUE(Writes(mail, "\"a@" + NameOf(253) + '"'));
  EXPECT_FALSE(Writes(mail, "\"a@" + NameOf(254) + '"'));
}

TEST(JsonSchemaRefusalTest, NamesThePlaceOfWhatItCannotEnforce) {
  EXPECT_THAT(RefusalOf(R"({"properties":{"a":{"type":"array","uniqueItems":true}}})"),
              HasSubstr("\"/properties/a/uniqueItems\""));
  EXPECT_THAT(RefusalOf(R"({"items":{"format":"phone"}})"), HasSubstr("\"/items/format\""));
  EXPECT_THAT(RefusalOf(R"({"$defs":{"a/b":{"unevaluatedItems":false}},"$ref":"#/$defs/a~1b"})"),
              HasSubstr("\"/$defs/a~1b/unevaluatedItems\""));
  EXPECT_THAT(RefusalOf(R"({"$ref":"#/$defs/none"})"), HasSubstr("leads nowhere"));
  EXPECT_THAT(RefusalOf(R"({"$ref":"https://example.org/other"})"),
              HasSubstr("outside of the schema"));
  EXPECT_THAT(RefusalOf(R"({"pattern":"(a)\\1"})"), HasSubstr("back reference"));
  EXPECT_THAT(RefusalOf(R"({"items":{"not":{"format":"iri"}}})"), HasSubstr("written in part"));
  EXPECT_THAT(RefusalOf(R"({"oneOf":[{"format":"idn-email"},{"const":"\u00E9@a.b"}]})"),
              HasSubstr("written in part"));
  EXPECT_THAT(RefusalOf(R"({"pattern":"("})"), HasSubstr("\"/pattern\""));
  EXPECT_THAT(RefusalOf(R"({"type":"strange"})"), HasSubstr("\"/type\""));
  EXPECT_THAT(RefusalOf(R"({"allOf":[{"type":"string"},{"type":"integer"}]})"),
              HasSubstr("no text can match"));
  EXPECT_THAT(RefusalOf(R"({"$ref":"#"})"), HasSubstr("holds only what it holds itself"));
  EXPECT_THAT(RefusalOf("[]"), HasSubstr("this is no schema"));
}

TEST(JsonSchemaRefusalTest, BoundsWhatAHostileSchemaCosts) {
  std::string deep = "{}";
  for (int i = 0; i < 300; ++i) deep = R"({"items":)" + deep + "}";
  const auto grammar = CompileJsonSchema(*ParseJson(deep, {.max_depth = 1000}));
  ASSERT_FALSE(grammar);
  EXPECT_THAT(grammar.error().message(), HasSubstr("deep"));
  // One node, however large the count.
  EXPECT_EQ(RefusalOf(R"({"type":"array","items":{"type":"integer"},"minItems":1000000})"), "");
  EXPECT_EQ(RefusalOf(R"({"type":"string","maxLength":100000000})"), "");
  EXPECT_EQ(RefusalOf(R"({"type":"string","pattern":"^((a{1000}){1000}){1000}$"})"), "");
}

// Definitions in a row, each of which needs the next.
std::string RowOfDefinitions(int count, const char* part) {
  std::string schema = R"({"$ref":"#/$defs/d0","$defs":{)";
  for (int i = 0; i < count; ++i)
    schema += fmt::format("\"d{}\":", i) + fmt::format(fmt::runtime(part), i + 1) + ",";
  return schema + fmt::format(R"("d{}":{{"type":"integer"}}}}}})", count);
}

TEST(JsonSchemaRefusalTest, BoundsHowDeepAHostileSchemaLeads) {
  const std::string of_references = RowOfDefinitions(5000, R"({{"$ref":"#/$defs/d{}"}})");
  EXPECT_THAT(RefusalOf(of_references.c_str()), HasSubstr("in a row"));
  const std::string of_required = RowOfDefinitions(
      5000,
      R"({{"type":"object","properties":{{"a":{{"$ref":"#/$defs/d{}"}}}},"required":["a"]}})");
  EXPECT_THAT(RefusalOf(of_required.c_str()), HasSubstr("in a row"));
  const std::string of_items = RowOfDefinitions(
      3000, R"({{"type":"array","items":{{"$ref":"#/$defs/d{}"}},"minItems":1,"maxItems":1}})");
  EXPECT_EQ(RefusalOf(of_items.c_str()), "");
}

// Models go on with digits for ever, and a double holds no more than 308 before the point.
TEST(JsonSchemaTest, EndsNumbersWithinSoManyDigits) {
  const std::string forty(40, '7');
  for (const char* const schema :
       {R"({"type":"integer"})", R"({"type":"integer","minimum":0})", R"({"type":"number"})",
        R"({"exclusiveMinimum":0.5,"type":"number"})", R"({"multipleOf":7,"type":"number"})"}) {
    EXPECT_TRUE(Writes(schema, forty)) << schema;
    EXPECT_FALSE(Writes(schema, forty + "7")) << schema;
  }
  constexpr const char* kBounded = R"({"type":"number","maximum":1})";
  EXPECT_TRUE(Writes(kBounded, "0." + forty));
  EXPECT_FALSE(Writes(kBounded, "0." + forty + "7"));
}

TEST(JsonSchemaTest, WritesMoreDigitsWhereAllNumbersHaveThem) {
  const std::string large(60, '7');
  EXPECT_TRUE(Writes(R"({"type":"integer","minimum":1e55})", large));
  EXPECT_FALSE(Writes(R"({"type":"integer","minimum":1e55})", std::string(309, '7')));
  EXPECT_TRUE(Writes(R"({"const":1e50})", "1" + std::string(50, '0')));
  EXPECT_TRUE(Writes(R"({"type":"number","exclusiveMinimum":0,"maximum":1e-50})",
                     "0." + std::string(60, '0') + "7"));
}

TEST(JsonSchemaTest, WritesAnyValueAndAnyObject) {
  EXPECT_TRUE(Writes("true", "[{\"a\":null}]"));
  Matcher objects(CompileJsonSchema(*ParseJson(R"({"type":"object"})")).value());
  EXPECT_TRUE(objects.MayEnd(objects.Next(objects.start(), std::string_view("{\"a\":[]}"))));
  EXPECT_EQ(objects.Next(objects.start(), std::string_view("[")), Matcher::kDead);
}

}  // namespace
}  // namespace kinglet
