#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Calls of tools in OpenAI's responses and Anthropic's messages: whole, streamed, and with results in a second turn."""
import json
import unittest

import serving

SIZES = {"type": "object", "properties": {"size": {"enum": ["big", "small"]}}, "required": ["size"],
         "additionalProperties": False}
FLAT = [{"type": "function", "name": "fetch_ball", "description": "Fetches a ball.", "parameters": SIZES, "strict": True}]
NESTED = [{"type": "function", "function": {"name": "fetch_ball", "description": "Fetches a ball.", "parameters": SIZES}}]
NAMED = [{"name": "fetch_ball", "description": "Fetches a ball.", "input_schema": SIZES}]
ARGUMENTS = '{"size":"small"}'
RESULT = "Lily has a small ball."
CHAT = {"temperature": 0, "max_tokens": 8, "tools": NESTED, "tool_choice": "none"}
# A past turn of chat completions: the other formats must say the same to the model.
PAST = [{"role": "user", "content": serving.STORY},
        {"role": "assistant", "content": "", "tool_calls": [
            {"id": "call_1", "type": "function", "function": {"name": "fetch_ball", "arguments": ARGUMENTS}}]},
        {"role": "tool", "tool_call_id": "call_1", "content": RESULT}]
HERMES = ("{% if tools %}{{ tools | tojson }}{% endif %}{% for message in messages %}{{ message.content }}"
          "{% for call in message.tool_calls or [] %}\n<tool_call>\n"
          '{"name": "{{ call.function.name }}", "arguments": {{ call.function.arguments | tojson }}}'
          "\n</tool_call>{% endfor %}{% endfor %}")


class ToolTest(serving.ServerTest):
    def chat(self, messages):
        answer = self.server.post("/v1/chat/completions", CHAT | {"messages": messages}).json()
        return answer["choices"][0]["message"]["content"], answer["usage"]["prompt_tokens"]

    def check_arguments(self, arguments):
        value = json.loads(arguments) if isinstance(arguments, str) else arguments
        self.assertEqual(list(value), ["size"])
        self.assertIn(value["size"], ("big", "small"))


class Responses(ToolTest):
    def respond(self, **fields):
        return self.server.post("/v1/responses", {
            "input": serving.STORY, "max_output_tokens": 150, "temperature": 0, "tools": FLAT, "tool_choice": "required",
            "parallel_tool_calls": False} | fields)

    def test_a_call_is_an_item(self):
        for choice in ("required", {"type": "function", "name": "fetch_ball"}):
            answer = self.respond(tool_choice=choice).json()
            self.assertEqual((answer["status"], answer["tools"], answer["tool_choice"], answer["parallel_tool_calls"]),
                             ("completed", FLAT, choice, False))
            item, = answer["output"]
            self.assertEqual((item["type"], item["name"], item["status"]), ("function_call", "fetch_ball", "completed"))
            self.assertEqual((item["id"][:3], item["call_id"][:5]), ("fc_", "call_"))
            self.check_arguments(item["arguments"])

    def test_without_a_call_there_is_a_message(self):
        answer = self.respond(tool_choice="none", max_output_tokens=8).json()
        self.assertEqual([item["type"] for item in answer["output"]], ["message"])

    def test_a_call_cut_short_is_incomplete(self):
        tool = FLAT[0] | {"parameters": {"type": "object", "properties": {"text": {"type": "string", "minLength": 500}},
                                         "required": ["text"]}}
        for stream in (False, True):
            reply = self.respond(tools=[tool], stream=stream)
            answer = reply.events()[-1]["response"] if stream else reply.json()
            self.assertEqual((answer["status"], answer["output"][0]["status"]), ("incomplete", "incomplete"))

    def test_the_begin_of_a_call_is_no_text(self):
        for length in range(1, 30, 4):
            answer = self.respond(max_output_tokens=length).json()
            for item in answer["output"]:
                texts = [part["text"].strip() for part in item.get("content", [])]
                self.assertFalse([text for text in texts if "tool_call" in text], answer)

    def test_a_stream_says_what_the_whole_says(self):
        whole = self.respond(parallel_tool_calls=True).json()
        events = self.respond(parallel_tool_calls=True, stream=True).events()
        self.assertEqual([event["sequence_number"] for event in events], list(range(len(events))))
        output, pieces = [], []
        for event in events[2:-1]:
            kind = event["type"].removeprefix("response.")
            if kind == "output_item.added":
                self.assertEqual((event["output_index"], event["item"]["status"]), (len(output), "in_progress"))
                self.assertEqual(event["item"]["arguments"], "")
                pieces = []
                continue
            self.assertEqual(event["output_index"], len(output))
            if kind == "function_call_arguments.delta":
                pieces.append(event["delta"])
            elif kind == "function_call_arguments.done":
                self.assertEqual(event["arguments"], "".join(pieces))
            else:
                self.assertEqual(kind, "output_item.done")
                self.assertEqual(event["item"]["arguments"], "".join(pieces))
                output.append(event["item"])
        self.assertEqual(events[-1]["response"]["output"], output)
        self.assertEqual([(item["name"], item["arguments"]) for item in output],
                         [(item["name"], item["arguments"]) for item in whole["output"]])

    def test_results_follow_in_the_input(self):
        items = [{"role": "user", "content": serving.STORY},
                 {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "fetch_ball", "arguments": ARGUMENTS,
                  "status": "completed"},
                 {"type": "function_call_output", "call_id": "call_1", "output": RESULT}]
        for output in (RESULT, [{"type": "input_text", "text": RESULT}]):
            answer = self.respond(input=[*items[:2], items[2] | {"output": output}], tool_choice="none",
                                  max_output_tokens=8).json()
            self.assertEqual((answer["output"][0]["content"][0]["text"], answer["usage"]["input_tokens"]), self.chat(PAST))

    def test_results_follow_a_remembered_response(self):
        for stream in (False, True):
            reply = self.respond(stream=stream)
            first = reply.events()[-1]["response"] if stream else reply.json()
            call, = first["output"]
            result = [{"type": "function_call_output", "call_id": call["call_id"], "output": RESULT}]
            last = {"tool_choice": "none", "max_output_tokens": 8}
            second = self.respond(previous_response_id=first["id"], input=result, **last).json()
            spelled = self.respond(input=[{"role": "user", "content": serving.STORY}, call, *result], **last).json()
            self.assertEqual(second["usage"]["input_tokens"], spelled["usage"]["input_tokens"])
            self.assertEqual(second["output"][0]["content"], spelled["output"][0]["content"])
            self.assertGreater(second["usage"]["input_tokens"], first["usage"]["input_tokens"])

    def test_wrong_fields_are_named(self):
        call = {"type": "function_call", "call_id": "a", "name": "b", "arguments": "{}"}
        for fields, field in (({"tools": []}, "tool_choice"), ({"tools": [{"type": "web_search"}]}, "tools[0].type"),
                              ({"tools": NESTED}, "tools[0].name"), ({"tool_choice": "always"}, "tool_choice"),
                              ({"tool_choice": {"type": "function"}}, "tool_choice.name"),
                              ({"tools": [FLAT[0] | {"parameters": {"type": "x"}}]}, "tools"),
                              ({"parallel_tool_calls": 1}, "parallel_tool_calls"),
                              ({"input": [{"type": "reasoning"}]}, "input[0].type"),
                              ({"input": [call | {"arguments": {}}]}, "input[0].arguments"),
                              ({"input": [call, {"type": "function_call_output", "output": "a"}]}, "input[1].call_id"),
                              ({"input": [{"type": "function_call_output", "call_id": "a"}]}, "input[0].output")):
            with self.subTest(fields):
                self.expect_error(self.respond(**fields), 400, field)


class Anthropic(ToolTest):
    def message(self, **fields):
        return self.server.post("/v1/messages", {
            "messages": [{"role": "user", "content": serving.STORY}], "max_tokens": 150, "temperature": 0, "tools": NAMED,
            "tool_choice": {"type": "any", "disable_parallel_tool_use": True}} | fields)

    def test_a_call_is_a_block(self):
        for choice in ({"type": "any", "disable_parallel_tool_use": True},
                       {"type": "tool", "name": "fetch_ball", "disable_parallel_tool_use": True}):
            answer = self.message(tool_choice=choice).json()
            block, = answer["content"]
            self.assertEqual((answer["stop_reason"], block["type"], block["name"]), ("tool_use", "tool_use", "fetch_ball"))
            self.assertTrue(block["id"].startswith("toolu_"))
            self.check_arguments(block["input"])

    def test_without_a_call_there_is_a_text(self):
        answer = self.message(tool_choice={"type": "none"}, max_tokens=8).json()
        self.assertEqual(([block["type"] for block in answer["content"]], answer["stop_reason"]), (["text"], "max_tokens"))

    def test_a_stream_says_what_the_whole_says(self):
        many = {"tool_choice": {"type": "any"}}
        whole = self.message(**many).json()
        start, *events, change, stop = self.message(**many, stream=True).events()
        self.assertEqual((start["type"], stop["type"]), ("message_start", "message_stop"))
        self.assertEqual(change["delta"]["stop_reason"], whole["stop_reason"])
        blocks, pieces = [], []
        for event in events:
            self.assertEqual(event["index"], len(blocks))
            if event["type"] == "content_block_start":
                self.assertEqual((event["content_block"]["type"], event["content_block"]["input"]), ("tool_use", {}))
                block, pieces = event["content_block"], []
            elif event["type"] == "content_block_delta":
                self.assertEqual(event["delta"]["type"], "input_json_delta")
                pieces.append(event["delta"]["partial_json"])
            else:
                self.assertEqual(event["type"], "content_block_stop")
                blocks.append((block["name"], "".join(pieces)))
        calls = [(block["name"], block["input"]) for block in whole["content"]]
        self.assertEqual(len(blocks), len(calls))
        for (name, arguments), call in zip(blocks[:-1] if whole["stop_reason"] == "max_tokens" else blocks, calls):
            self.assertEqual((name, json.loads(arguments)), call)

    def test_results_follow_in_the_next_turn(self):
        use = {"type": "tool_use", "id": "call_1", "name": "fetch_ball", "input": json.loads(ARGUMENTS)}
        result = {"type": "tool_result", "tool_use_id": "call_1", "content": RESULT}
        after = {"type": "text", "text": "Go on.", "cache_control": {"type": "ephemeral"}}
        parts = result | {"content": [{"type": "text", "text": RESULT}]}
        failed = result | {"is_error": True}
        error = [*PAST[:2], PAST[2] | {"content": "Error: " + RESULT}]
        for blocks, past in (([result], PAST), ([parts], PAST), ([failed], error),
                             ([result, after], [*PAST, {"role": "user", "content": "Go on."}])):
            turns = [{"role": "user", "content": serving.STORY}, {"role": "assistant", "content": [use]},
                     {"role": "user", "content": blocks}]
            answer = self.message(messages=turns, tool_choice={"type": "none"}, max_tokens=8).json()
            text, tokens = self.chat(past)
            self.assertEqual(answer["content"][0]["text"], text)
            self.assertEqual(answer["usage"]["input_tokens"] + answer["usage"]["cache_read_input_tokens"], tokens)
            count = self.server.post("/v1/messages/count_tokens", {"messages": turns, "tools": NAMED}).json()
            self.assertEqual(count["input_tokens"], tokens)

    def test_wrong_fields_are_named(self):
        use = {"type": "tool_use", "id": "a", "name": "b", "input": {}}
        result = {"type": "tool_result", "tool_use_id": "a"}
        for fields, field in (({"tools": []}, "tool_choice"), ({"tools": [{"name": "a"}]}, "tools[0].input_schema"),
                              ({"tools": [NAMED[0] | {"type": "bash_20250124"}]}, "tools[0].type"),
                              ({"tools": [NAMED[0] | {"input_schema": {"type": "x"}}]}, "tools"),
                              ({"tool_choice": {}}, "tool_choice.type"), ({"tool_choice": {"type": "tool"}}, "tool_choice.name"),
                              ({"messages": [{"role": "user", "content": [use]}]}, "messages[0].content[0]"),
                              ({"messages": [{"role": "assistant", "content": [result]}]}, "messages[0].content[0]"),
                              ({"messages": [{"role": "assistant", "content": [use | {"input": "{}"}]}]},
                               "messages[0].content[0].input"),
                              ({"messages": [{"role": "user", "content": [{"type": "image"}]}]}, "messages[0].content[0]")):
            with self.subTest(fields):
                reply = self.message(**fields)
                self.assertEqual((reply.status, reply.error()["type"]), (400, "invalid_request_error"))
                self.assertIn(field, reply.error()["message"])


class WithTemplate:
    """The same with a model whose template knows tools."""
    @classmethod
    def make_server(cls):
        model = serving.add_to_gguf(serving.STORIES, cls.home / "hermes.gguf", tokenizer__chat_template=HERMES)
        return serving.Server(models=[model], environment=cls.environment)


class ResponsesWithTemplate(WithTemplate, Responses):
    pass


class AnthropicWithTemplate(WithTemplate, Anthropic):
    pass


if __name__ == "__main__":
    unittest.main()
