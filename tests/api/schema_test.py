#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Answers by a schema or a grammar: a random model cannot break the rules, and what cannot be enforced is refused."""
import json
import re
import time
import unittest

import serving

MESSAGES = [{"role": "user", "content": serving.STORY}]
WORD = {"type": "string", "pattern": "^[a-z]{1,8}$"}


def record(**properties):
    """An object with just these members."""
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


PERSON = record(name=WORD, age={"type": "integer", "minimum": 0, "maximum": 120},
                home=record(city={"enum": ["Oslo", "Rome", None]}, floor={"type": "integer", "minimum": -2, "maximum": 9}))
TREE = {"$ref": "#/$defs/node", "$defs": {"node": record(
    value={"type": "integer", "minimum": 1, "maximum": 3}, children={"type": "array", "items": {"$ref": "#/$defs/node"}, "maxItems": 1})}}
SCHEMAS = {
    "nested objects": PERSON,
    "enums": {"enum": ["red", "green", 7, None, True, {"a": [1]}]},
    "bounded integers": {"type": "array", "minItems": 4, "maxItems": 4,
                         "items": {"type": "integer", "minimum": -7, "exclusiveMaximum": 13}},
    "arrays": {"type": "array", "minItems": 2, "maxItems": 3,
               "items": {"type": "array", "items": {"type": "boolean"}, "minItems": 1, "maxItems": 2}},
    "recursion": TREE,
    "patterns": record(plate={"type": "string", "pattern": "^[A-Z]{2}-[0-9]{3,4}$"},
                       word={"type": "string", "minLength": 2, "maxLength": 5}),
    "formats": record(day={"type": "string", "format": "date"}, id={"type": "string", "format": "uuid"}),
    "either": {"anyOf": [record(kind={"const": "a"}, n={"type": "integer", "minimum": 1, "maximum": 9}),
                         record(kind={"const": "b"}, t=WORD)]},
}
FORMATS = {"date": r"\d{4}-\d{2}-\d{2}", "uuid": r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"}
TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "integer": int}


def same(one, other):
    return type(one) is type(other) and one == other


def holds(value, schema, root=None):
    """Whether a value satisfies a schema of the keywords above."""
    root = root or schema
    if "$ref" in schema:
        return holds(value, root["$defs"][schema["$ref"].rsplit("/", 1)[1]], root)
    if "anyOf" in schema:
        return any(holds(value, part, root) for part in schema["anyOf"])
    if "enum" in schema:
        return any(same(value, one) for one in schema["enum"])
    if "const" in schema:
        return same(value, schema["const"])
    if type(value) is not TYPES[schema["type"]]:
        return False
    if isinstance(value, dict):
        return (set(schema["required"]) <= set(value) <= set(schema["properties"])
                and all(holds(member, schema["properties"][name], root) for name, member in value.items()))
    if isinstance(value, list):
        return (schema.get("minItems", 0) <= len(value) <= schema["maxItems"]
                and all(holds(item, schema["items"], root) for item in value))
    if isinstance(value, str):
        if "format" in schema:
            return re.fullmatch(FORMATS[schema["format"]], value) is not None
        return (re.search(schema.get("pattern", ""), value) is not None
                and schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", 1000))
    if isinstance(value, bool):
        return True
    return schema["minimum"] <= value <= schema.get("maximum", value) and value < schema.get("exclusiveMaximum", value + 1)


def by_schema(schema):
    return {"response_format": {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}}


def tool(name, parameters=None, **more):
    return {"type": "function", "function": {"name": name} | ({"parameters": parameters} if parameters else {}) | more}


class RulesTest(serving.ServerTest):
    def ask(self, **fields):
        return self.server.post("/v1/chat/completions", {"messages": MESSAGES, "temperature": 0, "max_tokens": 200} | fields)

    def choices(self, stream=False, **fields):
        """(text, calls as [id, name, arguments], why it ended) of each choice, and the answer's ledger."""
        reply = self.ask(stream=stream, **fields)
        self.assertEqual(reply.status, 200, reply.body)
        if not stream:
            answer = reply.json()
            return [(choice["message"]["content"] or "",
                     [[call["id"], call["function"]["name"], call["function"]["arguments"]]
                      for call in choice["message"].get("tool_calls", ())], choice["finish_reason"])
                    for choice in answer["choices"]], answer["kinglet"]
        texts, calls, reasons, ledger = {}, {}, {}, None
        for chunk in reply.events():
            ledger = chunk.get("kinglet", ledger)
            for choice in chunk["choices"]:
                index, delta = choice["index"], choice["delta"]
                texts[index] = texts.get(index, "") + (delta.get("content") or "")
                of_choice = calls.setdefault(index, [])
                for part in delta.get("tool_calls", ()):
                    if "id" in part:   # it begins
                        self.assertEqual((part["index"], part["type"]), (len(of_choice), "function"))
                        of_choice.append([part["id"], part["function"]["name"], ""])
                    of_choice[part["index"]][2] += part["function"]["arguments"]
                reasons[index] = choice["finish_reason"] or reasons.get(index)
        return [(texts[index], calls[index], reasons[index]) for index in sorted(texts)], ledger

    def refuse(self, field, *words, **fields):
        started = time.monotonic()
        error = self.expect_error(self.ask(**fields), 400, field)
        self.assertLess(time.monotonic() - started, 20)
        for word in words:
            self.assertIn(word, error["message"])
        return error


class Schemas(RulesTest):
    def test_answers_are_what_the_schema_says(self):
        for what, schema in SCHEMAS.items():
            for drawn in ({"temperature": 0}, {"temperature": 1.5, "n": 4, "seed": 3, "top_k": -1, "min_p": 0}):
                with self.subTest(what, **drawn):
                    whole, ledger = self.choices(**drawn, **by_schema(schema))
                    self.assertEqual(len(whole), drawn.get("n", 1))
                    for text, calls, reason in whole:
                        self.assertEqual((calls, reason), ([], "stop"), text)
                        self.assertTrue(holds(json.loads(text), schema), text)
                    self.assertIs(ledger["valid"], True)
                    self.assertEqual(ledger["useful_tokens"], ledger["completion_tokens"])
                    self.assertEqual(self.choices(stream=True, **drawn, **by_schema(schema))[0], whole)

    def test_a_draw_reaches_more_than_one_value(self):
        drawn, _ = self.choices(temperature=2, n=16, seed=1, top_k=-1, min_p=0, kinglet={"show_schema": False}, **by_schema(SCHEMAS["enums"]))
        self.assertGreater(len({text for text, _, _ in drawn}), 2)

    def test_each_way_to_send_a_schema(self):
        color = {"enum": ["red", "green"]}
        for fields in (by_schema(color), {"json_schema": color}, {"structured_outputs": {"json": color}},
                       {"response_format": {"type": "json_object", "schema": color}}):
            (text, _, reason), = self.choices(**fields)[0]
            self.assertIn(json.loads(text), color["enum"])
            self.assertEqual(reason, "stop")
        written = self.server.post("/v1/completions", {"prompt": serving.STORY, **by_schema(color)}).json()
        self.assertIn(json.loads(written["choices"][0]["text"]), color["enum"])
        flat = {"type": "json_schema", "name": "color", "schema": color, "strict": True}
        response = self.server.post("/v1/responses", {"input": serving.STORY, "text": {"format": flat}}).json()
        self.assertIn(json.loads(response["output"][0]["content"][0]["text"]), color["enum"])
        self.assertEqual(response["status"], "completed")
        for route, ask in (("/api/chat", {"messages": MESSAGES}), ("/api/generate", {"prompt": serving.STORY})):
            for stream in False, True:
                reply = self.server.post(route, ask | {"format": color, "stream": stream})
                lines = [json.loads(line) for line in reply.body.splitlines()]
                text = "".join(line["message"]["content"] if "message" in line else line["response"] for line in lines)
                self.assertIn(json.loads(text), color["enum"])
                self.assertEqual((lines[-1]["done_reason"], lines[-1]["kinglet"]["valid"]), ("stop", True))

    def test_the_model_is_shown_the_schema(self):
        color = {"enum": ["red", "green"]}
        told = [{"role": "system", "content": "Answer with one JSON value that satisfies this JSON Schema, and nothing else:\n"
                                              '{"enum":["red","green"]}'}, *MESSAGES]
        short = [told[0] | {"content": told[0]["content"] + "\n\nBe brief."}, *MESSAGES]
        brief = [{"role": "system", "content": "Be brief."}, *MESSAGES]
        large = {"description": "a" * 4096, **color}

        def tokens(**fields):
            return self.ask(max_tokens=16, **fields).json()["usage"]["prompt_tokens"]
        hidden = tokens(kinglet={"show_schema": False}, **by_schema(color))
        self.assertEqual(hidden, tokens())
        self.assertEqual(tokens(**by_schema(color)), tokens(messages=told))
        self.assertEqual(tokens(messages=brief, **by_schema(color)), tokens(messages=short))
        # What takes many tokens, says nothing or is for a text that is no conversation is not shown.
        self.assertEqual(tokens(**by_schema(large)), hidden)
        self.assertEqual(self.ask(kinglet={"show_schema": True}, **by_schema(large)).error()["code"], "context_length_exceeded")
        self.assertEqual(tokens(response_format={"type": "json_object"}), hidden)
        self.expect_error(self.server.post("/v1/completions", {"prompt": "a", "kinglet": {"show_schema": True}}), 400, "kinglet.show_schema")

    def test_any_object(self):
        ends = self.server.post("/tokenize", {"content": '}"'}).json()["tokens"][-2:]
        anything = {"response_format": {"type": "json_object"}, "logit_bias": {str(token): 6 for token in ends}}
        ended = 0
        for seed in range(12):
            (text, _, reason), = self.choices(temperature=1.5, seed=seed, max_tokens=400, **anything)[0]
            self.assertTrue(text.startswith("{"), text)
            if reason == "stop":
                self.assertIsInstance(json.loads(text), dict)
                ended += 1
        self.assertGreater(ended, 0)

    def test_an_answer_without_rules_is_neither_right_nor_wrong(self):
        self.assertIsNone(self.choices(max_tokens=4)[1]["valid"])
        self.assertIsNone(self.choices(max_tokens=4, response_format={"type": "text"})[1]["valid"])

    def test_an_answer_that_was_cut_is_not_valid(self):
        for stream in False, True:
            for fields in ({"max_tokens": 5}, {"stop": ['"age"']}, {"stop": [","]}):
                (text, _, reason), = (of := self.choices(stream=stream, **fields, **by_schema(PERSON)))[0]
                self.assertTrue(text.startswith("{"), text)
                self.assertEqual((reason, of[1]["valid"], of[1]["useful_tokens"]), ("length", False, 0), text)
        ollama = self.server.post("/api/chat", {"messages": MESSAGES, "format": PERSON, "stream": False,
                                                "options": {"num_predict": 3}}).json()
        self.assertEqual((ollama["done_reason"], ollama["kinglet"]["valid"]), ("length", False))

    def test_members_without_names_of_their_own_are_not_counted(self):
        # Nothing would keep a model from writing one name twice.
        grade = {"type": "integer", "minimum": 0, "maximum": 3}
        schema = {"type": "object", "additionalProperties": grade, "propertyNames": {"pattern": "^[a-c]{1,2}$"},
                  "minProperties": 2, "maxProperties": 2}
        reply = self.ask(**by_schema(schema))
        self.assertEqual(reply.status, 400, reply.body)
        self.assertIn("names of their own", reply.json()["error"]["message"])
        (text, _, reason), = self.choices(max_tokens=300, **by_schema(schema | {"minProperties": 1}))[0]
        self.assertIn((reason, len(json.loads(text)) in (1, 2)), [("stop", True)], text)

    def test_a_number_of_a_list_ends(self):
        zero = self.server.post("/tokenize", {"content": "0"}).json()["tokens"][-1]
        for number in 1.5, 0.1, 100, 1e300:
            (text, _, reason), = self.choices(max_tokens=330, logit_bias={str(zero): 100}, **by_schema({"enum": [number]}))[0]
            self.assertEqual((float(text), reason), (number, "stop"))

    def test_a_stop_text_that_does_not_come_changes_nothing(self):
        self.assertEqual(self.choices(stop=["zebra!"], **by_schema(PERSON))[0], self.choices(**by_schema(PERSON))[0])

    def test_odds_beside_a_schema(self):
        answer = self.ask(logprobs=True, top_logprobs=3, **by_schema(PERSON)).json()
        odds = answer["choices"][0]["logprobs"]["content"]
        text = answer["choices"][0]["message"]["content"]
        self.assertTrue(b"".join(bytes(of["bytes"]) for of in odds).decode().startswith(text))
        self.assertTrue(all(of["logprob"] <= 0 for of in odds))

    def test_a_bias_does_not_break_a_schema(self):
        brace = self.server.post("/tokenize", {"content": "}"}).json()["tokens"][-1]
        for bias in -100, 100:
            (text, _, reason), = self.choices(logit_bias={str(brace): bias}, **by_schema(PERSON))[0]
            self.assertEqual(reason, "stop")
            self.assertTrue(holds(json.loads(text), PERSON), text)

    def test_what_cannot_be_enforced_is_refused_with_its_place(self):
        named = "response_format.json_schema.schema"
        for schema, place in (
                (record(a={"type": "array", "uniqueItems": True}), "/properties/a/uniqueItems"),
                (record(a={"type": "string", "format": "nonesuch"}), "/properties/a/format"),
                (record(a={"$ref": "#/$defs/gone"}), "/properties/a/$ref"),
                (record(a={"$ref": "http://127.0.0.1:1/a.json"}), "/properties/a/$ref"),
                ({"type": "strin"}, "/type"), ({"type": "array", "items": {"pattern": "(["}}, "/items/pattern"),
                ({"anyOf": [{"type": "null"}, {"unevaluatedProperties": False}]}, "/anyOf/1/unevaluatedProperties"),
                (False, "")):
            for stream in False, True:
                error = self.refuse(named, f'"{place}"' if place else "", stream=stream, **by_schema(schema))
                self.assertEqual(error["code"], "unenforceable")
        unique = {"type": "array", "uniqueItems": True}
        self.refuse("json_schema", '"/uniqueItems"', json_schema=unique)
        self.refuse("structured_outputs.json", '"/uniqueItems"', structured_outputs={"json": unique})
        reply = self.server.post("/v1/responses", {"input": "a", "text": {"format": {
            "type": "json_schema", "name": "a", "schema": unique}}})
        self.assertIn('"/uniqueItems"', self.expect_error(reply, 400, "text.format.schema")["message"])
        reply = self.server.post("/api/chat", {"messages": MESSAGES, "format": unique})
        self.assertEqual(reply.status, 400)
        self.assertIn('"/uniqueItems"', reply.error())

    def test_wrong_fields_are_named(self):
        for field, fields in (
                ("response_format.type", {"response_format": {}}), ("response_format.type", {"response_format": {"type": "xml"}}),
                ("response_format.json_schema", {"response_format": {"type": "json_schema"}}),
                ("response_format.json_schema.name", {"response_format": {"type": "json_schema", "json_schema": {"schema": {}}}}),
                ("response_format.json_schema.schema", {"response_format": {"type": "json_schema", "json_schema": {"name": "a"}}}),
                ("response_format.json_schema.schema", by_schema([])), ("json_schema", {"json_schema": "object"}),
                ("response_format.schema", {"response_format": {"type": "text", "schema": {}}}),
                ("structured_outputs.regexp", {"structured_outputs": {"regexp": "a"}}),
                ("grammar", {"grammar": 1}), ("grammar", {"grammar": 'root ::= "a"', "json_schema": {}}),
                ("structured_outputs.choice", {"structured_outputs": {"regex": "a", "choice": ["a"]}}),
                ("structured_outputs.choice", {"structured_outputs": {"choice": []}})):
            with self.subTest(fields=fields):
                self.refuse(field, **fields)


class Grammars(RulesTest):
    def test_patterns_choices_and_grammars(self):
        gbnf = 'root ::= greeting ", " name "!"\ngreeting ::= "Hi" | "Hello"\nname ::= [A-Z] [a-z]{1,6}\n'
        for fields, pattern in (
                ({"structured_outputs": {"regex": "[A-Z][a-z]{2,5} [0-9]{4}"}}, "[A-Z][a-z]{2,5} [0-9]{4}"),
                ({"structured_outputs": {"regex": "(ab|cd){1,3}e|[^a-z]{3}"}}, "(ab|cd){1,3}e|[^a-z]{3}"),
                ({"structured_outputs": {"choice": ["red", "green", "кот"]}}, "red|green|кот"),
                ({"grammar": gbnf}, "(Hi|Hello), [A-Z][a-z]{1,6}!"),
                ({"structured_outputs": {"grammar": gbnf}}, "(Hi|Hello), [A-Z][a-z]{1,6}!")):
            for drawn in {"temperature": 0}, {"temperature": 1.5, "seed": 5, "n": 3}:
                with self.subTest(**fields, **drawn):
                    whole, ledger = self.choices(**drawn, **fields)
                    for text, _, reason in whole:
                        self.assertIsNotNone(re.fullmatch(pattern, text), text)
                        self.assertEqual(reason, "stop")
                    self.assertIs(ledger["valid"], True)
                    self.assertEqual(self.choices(stream=True, **drawn, **fields)[0], whole)

    def test_what_is_no_grammar(self):
        self.refuse("grammar", "line 1", "nowhere", grammar="root ::= nowhere")
        self.refuse("grammar", "line 2", grammar='root ::= "a"\nb ::= (')
        self.refuse("grammar", grammar='root ::= root "a"')
        self.refuse("structured_outputs.regex", structured_outputs={"regex": "(["})
        self.refuse("structured_outputs.regex", structured_outputs={"regex": r"(a)\1"})


class Hostile(RulesTest):
    def tearDown(self):
        """The server lives, and others are served."""
        (text, _, _), = self.choices(**by_schema(PERSON))[0]
        self.assertTrue(holds(json.loads(text), PERSON))

    def survive(self, **fields):
        """Either answer will do, if it comes soon."""
        started = time.monotonic()
        reply = self.ask(max_tokens=8, **fields)
        self.assertLess(time.monotonic() - started, 20)
        self.assertIn(reply.status, (200, 400), reply.body)
        if reply.status == 200:
            self.assertIn(reply.json()["choices"][0]["finish_reason"], ("stop", "length"))
        else:
            self.assertTrue(reply.error()["message"])
        return reply.status

    def test_references_in_a_circle(self):
        for schema in ({"$ref": "#"}, {"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}},
                       {"$defs": {"a": {"allOf": [{"$ref": "#/$defs/a"}]}}, "$ref": "#/$defs/a"},
                       {"$defs": {"a": record(a={"$ref": "#/$defs/a"})}, "$ref": "#/$defs/a"}):   # it has no end
            self.assertEqual(self.survive(**by_schema(schema)), 400, schema)

    def test_a_schema_that_is_deep(self):
        schema = {"type": "integer"}
        for _ in range(200):
            schema = {"type": "array", "items": schema, "minItems": 1}
        self.assertEqual(self.survive(**by_schema(schema)), 400)   # as any JSON that is so deep
        chain = {"$ref": "#/$defs/d0", "$defs": {f"d{i}": record(a={"$ref": f"#/$defs/d{i + 1}"}) for i in range(2000)}}
        chain["$defs"]["d2000"] = {"type": "null"}
        self.survive(**by_schema(chain))

    def test_counts_and_patterns_that_explode(self):
        for schema in ({"type": "array", "minItems": 10**9}, {"type": "array", "maxItems": 10**9}, {"type": "string", "minLength": 10**9},
                       {"type": "array", "minItems": 10**30}, {"type": "object", "minProperties": 10**9},
                       {"type": "string", "pattern": "(a{1000}){1000}"}, {"type": "string", "pattern": "^((a{1000}){1000}){1000}$"},
                       {"type": "string", "pattern": "^(a|b)*a(a|b){20}$"}, {"type": "string", "pattern": "(" * 5000},
                       {"type": "integer", "minimum": -10**300, "maximum": 10**300}, {"multipleOf": 1e-300},
                       {"type": "integer", "multipleOf": 1000003}):
            with self.subTest(**schema):
                self.survive(**by_schema(schema))
        for rules in ({"regex": "(a{1000}){1000}"}, {"regex": "(a*)*" * 200}, {"regex": "(" * 20_000},
                      {"grammar": 'root ::= ("a"{1000}){1000}'},
                      {"grammar": "root ::= " + "(" * 20_000}, {"choice": ["a" * 500 + str(i) for i in range(1000)]}):
            with self.subTest(rules=str(rules)[:60]):
                self.survive(structured_outputs=rules)

    def test_combinations_that_multiply(self):
        wide = {f"p{i}": {"type": "integer"} for i in range(300)}
        for schema in ({"type": "object", "properties": wide}, {"enum": [f"v{i}" for i in range(20_000)]},
                       {"allOf": [{"anyOf": [record(**{f"a{i}": WORD}), record(**{f"b{i}": WORD})]} for i in range(20)]},
                       {"allOf": [{"type": "string", "pattern": f"x{i}"} for i in range(12)]},
                       {"oneOf": [{"type": "string", "pattern": f"x{i}.*y"} for i in range(20)]},
                       {"not": {"not": {"not": {"pattern": "(a|b)*a(a|b){12}"}}}}):
            with self.subTest(schema=str(schema)[:60]):
                self.survive(**by_schema(schema))

    def test_tools_that_are_hostile(self):
        self.survive(tools=[tool("a", {"$ref": "#"})])
        wide = record(**{f"p{i}": {} for i in range(100)})
        self.survive(tools=[tool(f"a{i}", wide) for i in range(8)])


if __name__ == "__main__":
    unittest.main()
