#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Calls of tools in each notation: of tools that there are, with arguments that their schemas allow."""
import json
import unittest

import serving
from schema_test import RulesTest, by_schema, holds, record, tool

# The context of the test's model is small: what a template says of calls, which tells the notation, is a comment, and
# the instructions that take its place in the notation of our own are left out, too.
ROUND = ("{% for message in messages if message.role != 'system' %}{{ message.content }}"
         "{% for call in message.tool_calls or [] %}{{ call.function.name }} {{ call.function.arguments.city }}{% endfor %}{% endfor %}")
NOTATIONS = {"hermes": '{# <tool_call>{"name": #}', "llama": '{# <|start_header_id|>ipython "parameters": #}',
             "mistral": "{# [TOOL_CALLS] #}", "args": "{# [TOOL_CALLS] [ARGS] #}", "json": ""}
PLACE = record(city={"enum": ["Oslo", "Rome"]}, days={"type": "integer", "minimum": 1, "maximum": 9})
WEATHER, NOW = tool("weather", PLACE), tool("now")
NOTE = tool("note", record(text={"type": "string", "maxLength": 6}))


def named(name):
    return {"type": "function", "function": {"name": name}}


def allowed(mode, *names):
    return {"type": "allowed_tools", "allowed_tools": {"mode": mode, "tools": [named(name) for name in names]}}


class Tools(RulesTest):
    @classmethod
    def make_server(cls):
        models = [serving.add_to_gguf(serving.STORIES, cls.home / f"{name}.gguf", tokenizer__chat_template=comment + ROUND)
                  for name, comment in NOTATIONS.items()]
        return serving.Server(models=models, environment=cls.environment)

    def expect_call(self, call, allowed=("weather", "now")):
        id_, name, arguments = call
        self.assertTrue(id_.startswith("call_"))
        self.assertIn(name, allowed)
        value = json.loads(arguments)
        self.assertTrue(value == {} if name == "now" else holds(value, PLACE), arguments)

    def token(self, text):
        return str(self.server.post("/tokenize", {"content": text}).json()["tokens"][-1])

    def test_required_calls_are_whole_in_each_notation(self):
        for model in NOTATIONS:
            for drawn in {"temperature": 0}, {"temperature": 1.5, "n": 3, "seed": 2}:
                for choice, names in ("required", ("weather", "now")), (named("weather"), ("weather",)), (named("now"), ("now",)):
                    with self.subTest(model, choice=choice, **drawn):
                        ask = {"model": model, "tools": [WEATHER, NOW], "tool_choice": choice, "parallel_tool_calls": False} | drawn
                        whole, ledger = self.choices(**ask)
                        for text, calls, reason in whole:
                            self.assertEqual((text, reason), ("", "tool_calls"))
                            call, = calls
                            self.expect_call(call, names)
                        self.assertIs(ledger["valid"], True)
                        streamed, ledger = self.choices(stream=True, **ask)
                        self.assertEqual([[call[1:] for call in calls] for _, calls, _ in streamed],
                                         [[call[1:] for call in calls] for _, calls, _ in whole])
                        self.assertEqual({(text, reason) for text, _, reason in streamed}, {("", "tool_calls")})
                        self.assertIs(ledger["valid"], True)

    def test_of_all_tools_some_may_be_called(self):
        ask = {"model": "hermes", "tools": [WEATHER, NOW], "temperature": 1.5, "n": 4, "parallel_tool_calls": False}
        for name in "weather", "now":
            choices, _ = self.choices(tool_choice=allowed("required", name), **ask)
            for _, calls, _ in choices:
                call, = calls
                self.expect_call(call, (name,))
        prompts = {self.ask(**ask | {"max_tokens": 1, "tool_choice": choice}).json()["usage"]["prompt_tokens"]
                   for choice in ("auto", allowed("auto", "now"))}
        self.assertEqual(len(prompts), 1)

    def test_mistral_hears_of_short_ids_alone(self):
        ids = ("{# [TOOL_CALLS] #}{% for m in messages %}{% for call in m.tool_calls or [] %}{{ call.id }} {% endfor %}"
               "{{ m.tool_call_id }}{{ m.content }}{% endfor %}")
        model = serving.add_to_gguf(serving.STORIES, self.home / "ids.gguf", tokenizer__chat_template=ids)
        call = {"type": "function", "function": {"name": "now", "arguments": "{}"}}
        with serving.Server(models=[model], environment=self.environment) as server:
            def told(*messages):
                answer = server.post("/v1/chat/completions", {"messages": messages, "max_tokens": 8, "temperature": 0}).json()
                return answer["usage"]["prompt_tokens"], answer["choices"]
            for given, seen in ("call_0123456789", "ab14600fc"), ("Ab3456789", "Ab3456789"), (None, "5feceb66f"):
                id_, of = ({"id": given}, {"tool_call_id": given}) if given else ({}, {})
                with self.subTest(given):
                    self.assertEqual(told({"role": "assistant", "content": "", "tool_calls": [call | id_]},
                                          {"role": "tool", "content": "Noon."} | of),
                                     told({"role": "user", "content": f"{seen} {seen}Noon."}))

    def test_a_message_of_calls_alone_has_no_content(self):
        message = self.ask(model="hermes", tools=[NOW], tool_choice="required", parallel_tool_calls=False).json()["choices"][0]["message"]
        self.assertIsNone(message["content"])
        self.assertEqual(message["tool_calls"][0]["function"], {"name": "now", "arguments": "{}"})

    def test_text_where_a_call_may_come(self):
        for model in NOTATIONS:
            for ask in {"tool_choice": "auto"}, {}, {"tool_choice": "none"}:
                (text, calls, reason), = self.choices(model=model, tools=[NOW], max_tokens=12, **ask)[0]
                self.assertEqual((calls, reason), ([], "length"))
                self.assertTrue(text)
        # An answer that begins with a brace can be nothing but a call of this notation.
        brace = {"logit_bias": {self.token("{"): 100}}
        (_, calls, reason), = self.choices(model="llama", tools=[WEATHER, NOW], **brace)[0]
        self.assertEqual((len(calls), reason), (1, "tool_calls"))
        self.expect_call(calls[0])
        (text, calls, reason), = self.choices(model="llama", tools=[WEATHER, NOW], tool_choice="none", max_tokens=8, **brace)[0]
        self.assertEqual((calls, reason), ([], "length"))

    def test_one_call_or_several(self):
        for model, more in ("hermes", "\n"), ("mistral", ","), ("json", ","):
            ask = {"model": model, "tools": [NOW], "tool_choice": "required", "logit_bias": {self.token(more): 100}}
            for stream in False, True:
                (_, calls, _), = self.choices(stream=stream, max_tokens=150, **ask)[0]
                self.assertGreater(len(calls), 1, model)
                self.assertEqual(len({call[0] for call in calls}), len(calls))
                for call in calls[:-1]:
                    self.expect_call(call)
                (_, calls, reason), = self.choices(stream=stream, parallel_tool_calls=False, **ask)[0]
                self.assertEqual((len(calls), reason), (1, "tool_calls"), model)

    def test_arguments_come_in_pieces(self):
        reply = self.ask(model="hermes", tools=[NOTE], tool_choice="required", parallel_tool_calls=False, stream=True)
        pieces = [part for chunk in reply.events() for choice in chunk["choices"] for part in choice["delta"].get("tool_calls", ())]
        self.assertGreater(len(pieces), 3)
        self.assertEqual(["id" in piece for piece in pieces], [True] + [False] * (len(pieces) - 1))
        self.assertEqual(list(json.loads("".join(piece["function"]["arguments"] for piece in pieces))), ["text"])

    def test_a_call_that_was_cut_is_not_valid(self):
        ask = {"model": "hermes", "tools": [NOTE], "tool_choice": "required", "parallel_tool_calls": False}
        used = self.ask(**ask).json()["usage"]["completion_tokens"]
        for stream in False, True:
            for tokens in range(4, used - 1, 5):
                (_, _, reason), = (of := self.choices(stream=stream, max_tokens=tokens, **ask))[0]
                self.assertEqual((reason, of[1]["valid"], of[1]["useful_tokens"]), ("length", False, 0), tokens)
            (_, _, reason), = self.choices(stream=stream, stop=['"arguments"', '{"t', "text"], **ask)[0]
            self.assertEqual(reason, "length")

    def test_what_came_of_a_call_is_read(self):
        call = {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": '{"city":"Oslo"}'}}
        told = [{"role": "user", "content": "Lily asked. "}, {"role": "assistant", "content": None, "tool_calls": [call]},
                {"role": "tool", "tool_call_id": "call_1", "content": " It is sunny."}]
        own = 'Lily asked. {"tool_calls":[{"name":"weather","arguments":{"city":"Oslo"}}]}The result of the call:\n It is sunny.'
        for model, text in ("hermes", "Lily asked. weather Oslo It is sunny."), ("json", own):
            ask = {"model": model, "tools": [WEATHER], "max_tokens": 8}
            one = self.ask(messages=told, **ask).json()
            other = self.ask(messages=[{"role": "user", "content": text}], **ask).json()
            self.assertEqual(one["usage"]["prompt_tokens"], other["usage"]["prompt_tokens"], model)
            self.assertEqual(one["choices"][0]["message"], other["choices"][0]["message"], model)

    def test_ollama(self):
        for stream in False, True:
            reply = self.server.post("/api/chat", {
                "model": "hermes", "messages": [{"role": "user", "content": serving.STORY}], "stream": stream,
                "tools": [WEATHER, NOW], "tool_choice": "required", "parallel_tool_calls": False, "options": {"temperature": 0}})
            self.assertEqual(reply.status, 200, reply.body)
            lines = [json.loads(line) for line in reply.body.splitlines()]
            call, = [call["function"] for line in lines for call in line["message"].get("tool_calls", ())]
            self.expect_call(["call_", call["name"], json.dumps(call["arguments"])])
            self.assertEqual((lines[-1]["done"], lines[-1]["done_reason"], lines[-1]["kinglet"]["valid"]), (True, "stop", True))

    def test_ollama_hears_of_whole_calls_alone(self):
        for stream in False, True:
            reply = self.server.post("/api/chat", {
                "model": "hermes", "messages": [{"role": "user", "content": serving.STORY}], "stream": stream, "tools": [NOTE],
                "tool_choice": "required", "options": {"temperature": 0, "num_predict": 46}})
            lines = [json.loads(line) for line in reply.body.splitlines()]
            self.assertEqual(lines[-1]["done_reason"], "length")
            self.assertEqual([call for line in lines for call in line["message"].get("tool_calls", ())], [])

    def test_ollama_names_the_tool_of_a_result(self):
        call = {"function": {"name": "weather", "arguments": {"city": "Oslo"}}}
        messages = [{"role": "user", "content": "Lily asked. "}, {"role": "assistant", "content": "", "tool_calls": [call]},
                    {"role": "tool", "content": " It is sunny.", "tool_name": "weather"}]
        reply = self.server.post("/api/chat", {"model": "hermes", "messages": messages, "tools": [WEATHER], "stream": False,
                                               "options": {"num_predict": 4}})
        self.assertEqual(reply.status, 200, reply.body)

    def test_the_first_byte_of_a_call_is_timed(self):
        ask = {"model": "hermes", "tools": [WEATHER], "tool_choice": "required", "parallel_tool_calls": False}
        self.assertGreater(self.choices(stream=True, **ask)[1]["first_byte_ms"], 0)

    def test_wrong_fields_are_named(self):
        unique = record(a={"type": "array", "uniqueItems": True})
        for field, fields in (
                ("tools", {"tools": {}}), ("tools[0]", {"tools": [1]}), ("tools[0].function", {"tools": [{}]}),
                ("tools[0].type", {"tools": [{"type": "web_search"}]}), ("tools[1].function", {"tools": [NOW, {"type": "function"}]}),
                ("tools[0].function.name", {"tools": [{"function": {}}]}), ("tools[0].function.name", {"tools": [tool(1)]}),
                ("tools[0].function.parameters", {"tools": [tool("a", [1])]}), ("tools[0].function.strict", {"tools": [tool("a", strict=1)]}),
                ("tools[0].function.color", {"tools": [tool("a", color=1)]}), ("tools[0].color", {"tools": [NOW | {"color": 1}]}),
                ("tools", {"tools": [tool("a b")]}), ("tools", {"tools": [NOW, NOW]}), ("tools", {"tools": [NOW] * 129}),
                ("tools", {"tools": [tool("a", {"type": "string"})]}), ("tools", {"tools": [NOW], **by_schema({})}),
                ("tool_choice", {"tools": [NOW], "tool_choice": "never"}), ("tool_choice", {"tool_choice": "required"}),
                ("tool_choice", {"tool_choice": named("now")}), ("tool_choice.type", {"tools": [NOW], "tool_choice": {"type": "x"}}),
                ("tool_choice.function", {"tools": [NOW], "tool_choice": {"type": "function"}}),
                ("tool_choice.function.name", {"tools": [NOW], "tool_choice": {"type": "function", "function": {}}}),
                ("tool_choice", {"tools": [NOW], "tool_choice": named("later")}),
                ("tool_choice.allowed_tools", {"tools": [NOW], "tool_choice": {"type": "allowed_tools"}}),
                ("tool_choice.allowed_tools.mode", {"tools": [NOW], "tool_choice": allowed("none", "now")}),
                ("tool_choice.allowed_tools.tools", {"tools": [NOW], "tool_choice": allowed("auto")}),
                ("tool_choice.allowed_tools.tools[1]", {"tools": [NOW], "tool_choice": allowed("auto", "now", "later")}),
                ("parallel_tool_calls", {"tools": [NOW], "parallel_tool_calls": "no"}),
                ("messages[0].tool_calls", {"messages": [{"role": "assistant", "tool_calls": [{}]}]}),
                ("messages[0].tool_calls", {"messages": [{"role": "user", "content": "a", "tool_calls": [named("now")]}]})):
            with self.subTest(fields=fields):
                self.refuse(field, **{"model": "hermes"} | fields)
        error = self.refuse("tools", '"a"', '"/properties/a/uniqueItems"', model="hermes", tools=[tool("a", unique)])
        self.assertEqual(error["code"], "unenforceable")
        # A tool that need not be strict takes any object instead.
        self.assertEqual(self.ask(model="hermes", tools=[tool("a", unique, strict=False)], max_tokens=4).status, 200)


if __name__ == "__main__":
    unittest.main()
