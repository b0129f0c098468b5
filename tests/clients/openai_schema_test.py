#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""OpenAI's own client: answers that it parses into pydantic's models, and strict tools."""
import json
import unittest

import openai

from kinglet_server import Server, real_model
from shapes import MODEL, TEXT, WEATHER, Case, Event, GetWeather, asked


def setUpModule():
    global server, client
    server = unittest.enterModuleContext(Server(real_model(MODEL + ".gguf"), flags=("--context", "2048")))
    client = openai.OpenAI(base_url=server.url + "/v1", api_key="none", max_retries=0)
    unittest.addModuleCleanup(client.close)


class OpenAi(Case):
    def setUp(self):
        self.tools = [openai.pydantic_function_tool(GetWeather)]

    def test_an_answer_is_parsed_into_a_model(self):
        answer = client.chat.completions.parse(model=MODEL, messages=asked(TEXT), response_format=Event, temperature=0)
        self.expect_event(answer.choices[0].message.parsed)
        self.assertTrue(answer.kinglet["valid"])
        drawn = client.chat.completions.parse(model=MODEL, messages=asked(TEXT), response_format=Event, temperature=1.5, n=3, seed=1)
        for choice in drawn.choices:
            self.assertIsInstance(choice.message.parsed, Event)

    def test_a_stream_is_parsed_into_a_model(self):
        with client.chat.completions.stream(model=MODEL, messages=asked(TEXT), response_format=Event, temperature=0) as stream:
            types = {event.type for event in stream}
            self.expect_event(stream.get_final_completion().choices[0].message.parsed)
        self.assertIn("content.delta", types)

    def test_an_answer_that_was_cut_is_the_client_s_error(self):
        with self.assertRaises(openai.LengthFinishReasonError):
            client.chat.completions.parse(model=MODEL, messages=asked(TEXT), response_format=Event, max_tokens=5)

    def test_a_response_is_parsed_into_a_model(self):
        self.expect_event(client.responses.parse(model=MODEL, input=TEXT, text_format=Event, temperature=0).output_parsed)

    def test_any_object(self):
        answer = client.chat.completions.create(model=MODEL, messages=asked("Name a bird and its colour, as JSON."), temperature=0,
                                                response_format={"type": "json_object"})
        self.assertIsInstance(json.loads(answer.choices[0].message.content), dict)

    def test_a_refusal_names_the_place(self):
        unique = {"type": "object", "properties": {"a": {"type": "array", "uniqueItems": True}}}
        with self.assertRaises(openai.BadRequestError) as caught:
            client.chat.completions.create(model=MODEL, messages=asked(TEXT), response_format={
                "type": "json_schema", "json_schema": {"name": "a", "schema": unique, "strict": True}})
        self.assertEqual((caught.exception.code, caught.exception.param), ("unenforceable", "response_format.json_schema.schema"))
        self.assertIn("/properties/a/uniqueItems", str(caught.exception))

    def test_strict_tools_and_what_came_of_them(self):
        for choice in "required", {"type": "function", "function": {"name": "GetWeather"}}:
            answer = client.chat.completions.parse(model=MODEL, messages=asked(WEATHER), tools=self.tools, tool_choice=choice, temperature=0)
            self.assertEqual(answer.choices[0].finish_reason, "tool_calls", choice)
            for call in answer.choices[0].message.tool_calls:
                self.assertIsInstance(call.function.parsed_arguments, GetWeather)
                self.expect_weather(call.function.name, json.loads(call.function.arguments))
        call = answer.choices[0].message.tool_calls[0]
        messages = [*asked(WEATHER), answer.choices[0].message,
                    {"role": "tool", "tool_call_id": call.id, "content": "31 degrees, thunderstorm"}]
        told = client.chat.completions.create(model=MODEL, messages=messages, temperature=0, max_tokens=60)
        self.assertIn("31", told.choices[0].message.content)

    def test_calls_are_no_must(self):
        for choice in "auto", "none":
            answer = client.chat.completions.parse(model=MODEL, messages=asked("Explain what a compiler is."), tools=self.tools,
                                                   tool_choice=choice, temperature=0, max_tokens=80)
            self.assertTrue(answer.choices[0].message.content)
            self.assertIsNone(answer.choices[0].message.tool_calls)

    def test_a_stream_of_calls(self):
        whole = client.chat.completions.create(model=MODEL, messages=asked(WEATHER), tools=self.tools, tool_choice="required",
                                               parallel_tool_calls=False, temperature=0).choices[0].message.tool_calls[0].function
        with client.chat.completions.stream(model=MODEL, messages=asked(WEATHER), tools=self.tools, tool_choice="required",
                                            parallel_tool_calls=False, temperature=0) as stream:
            pieces = [event for event in stream if event.type == "tool_calls.function.arguments.delta"]
            call, = stream.get_final_completion().choices[0].message.tool_calls
        self.assertEqual("".join(piece.arguments_delta for piece in pieces), whole.arguments)
        self.assertEqual((call.function.name, call.function.arguments), (whole.name, whole.arguments))
        self.assertIsInstance(call.function.parsed_arguments, GetWeather)


if __name__ == "__main__":
    unittest.main()
