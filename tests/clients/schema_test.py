#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Schemas and tools as people use them: each client's own way."""
import json
import os
import unittest

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"   # else litellm asks the network for prices
import instructor  # noqa: E402
import litellm  # noqa: E402
import ollama  # noqa: E402
import openai  # noqa: E402
from langchain_core.messages import HumanMessage, ToolMessage  # noqa: E402
from langchain_openai import ChatOpenAI  # noqa: E402

from kinglet_server import Server, real_model  # noqa: E402
from shapes import MODEL, TEXT, WEATHER, Case, Event, GetWeather, asked  # noqa: E402


def setUpModule():
    global server, client, base
    server = unittest.enterModuleContext(Server(real_model(MODEL + ".gguf"), flags=("--context", "2048")))
    base = server.url + "/v1"
    client = openai.OpenAI(base_url=base, api_key="none", max_retries=0)
    unittest.addModuleCleanup(client.close)


class LangChain(Case):
    def setUp(self):
        self.chat = ChatOpenAI(base_url=base, api_key="none", model=MODEL, temperature=0, max_retries=0)

    def test_structured_output_by_each_method(self):
        for method in "json_schema", "function_calling":
            self.expect_event(self.chat.with_structured_output(Event, method=method).invoke(TEXT))
        said = self.chat.with_structured_output(Event.model_json_schema(), method="json_schema", strict=True).invoke(TEXT)
        self.expect_event(Event.model_validate(said))
        mode = self.chat.with_structured_output(None, method="json_mode").invoke("Name a bird and its colour, as JSON.")
        self.assertIsInstance(mode, dict)

    def test_tools_and_what_came_of_them(self):
        bound = self.chat.bind_tools([GetWeather], tool_choice="any", strict=True, parallel_tool_calls=False)
        said = bound.invoke(WEATHER)
        call, = said.tool_calls
        self.expect_weather(call["name"], call["args"])
        pieces = list(bound.stream(WEATHER))
        whole = pieces[0]
        for piece in pieces[1:]:
            whole += piece
        self.assertEqual([(call["name"], call["args"]) for call in whole.tool_calls], [(call["name"], call["args"])])
        turns = [HumanMessage(WEATHER), said, ToolMessage("31 degrees, thunderstorm", tool_call_id=call["id"])]
        self.assertIn("31", self.chat.bind(max_tokens=60).invoke(turns).content)


class Others(Case):
    def test_litellm(self):
        for provider in "openai", "hosted_vllm":
            said = litellm.completion(model=f"{provider}/{MODEL}", messages=asked(TEXT), api_key="none", api_base=base, temperature=0,
                                      response_format=Event, num_retries=0)
            self.expect_event(Event.model_validate_json(said.choices[0].message.content))
            said = litellm.completion(model=f"{provider}/{MODEL}", messages=asked(WEATHER), api_key="none", api_base=base, temperature=0,
                                      tools=[openai.pydantic_function_tool(GetWeather)], tool_choice="required", num_retries=0)
            call = said.choices[0].message.tool_calls[0].function
            self.expect_weather(call.name, json.loads(call.arguments))
        said = litellm.completion(model=f"ollama_chat/{MODEL}", messages=asked(TEXT), api_base=server.url, temperature=0,
                                  response_format={"type": "json_schema", "json_schema": {"name": "event", "schema": Event.model_json_schema()}})
        self.expect_event(Event.model_validate_json(said.choices[0].message.content))

    def test_instructor_by_each_of_its_modes(self):
        for mode in instructor.Mode.JSON_SCHEMA, instructor.Mode.TOOLS, instructor.Mode.JSON:
            with self.subTest(mode=mode):
                patched = instructor.from_openai(client, mode=mode)
                self.expect_event(patched.chat.completions.create(model=MODEL, messages=asked(TEXT), response_model=Event,
                                                                  temperature=0, max_retries=0))

    def test_ollama(self):
        asks = ollama.Client(server.url)
        said = asks.chat(MODEL, asked(TEXT), format=Event.model_json_schema(), options={"temperature": 0})
        self.expect_event(Event.model_validate_json(said.message.content))
        text = "".join(piece.message.content for piece in asks.chat(MODEL, asked(TEXT), format=Event.model_json_schema(), stream=True,
                                                                    options={"temperature": 0}))
        self.assertEqual(text, said.message.content)
        said = asks.generate(MODEL, TEXT, format=Event.model_json_schema(), options={"temperature": 0})
        self.expect_event(Event.model_validate_json(said.response))
        self.assertIsInstance(json.loads(asks.generate(MODEL, "A bird and its colour, as JSON.", format="json").response), dict)

    def test_ollama_s_tools(self):
        def add_two_numbers(a: int, b: int) -> int:
            """Add two numbers.

            Args:
                a: the first number
                b: the second number
            """
            return a + b
        asks = ollama.Client(server.url)
        question = asked("What is 20 plus 11?")
        # A model of this size would rather answer; Ollama's API has no way to insist.
        begin, = server.call("/tokenize", {"content": "<tool_call>", "parse_special": True})[1]["tokens"]
        options = {"temperature": 0, "num_predict": 100, "logit_bias": {str(begin): 100}}
        for stream in False, True:
            answers = asks.chat(MODEL, question, tools=[add_two_numbers], options=options, stream=stream)
            calls = [call for answer in (answers if stream else [answers]) for call in answer.message.tool_calls or ()]
            self.assertEqual(calls[0].function.name, "add_two_numbers")
            self.assertEqual(add_two_numbers(**calls[0].function.arguments), 31)
        turns = [*question, {"role": "assistant", "content": "", "tool_calls": calls[:1]},
                 {"role": "tool", "content": "31", "tool_name": "add_two_numbers"}]
        before, after = (asks.chat(MODEL, messages, options={"num_predict": 1}) for messages in (question, turns))
        self.assertGreater(after.prompt_eval_count, before.prompt_eval_count + 20)


if __name__ == "__main__":
    unittest.main()
