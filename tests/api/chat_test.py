#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""OpenAI's routes: what comes back, whole and streamed, and that no field is passed over in silence."""
import concurrent.futures
import unittest

import serving

ASK = {"messages": [{"role": "user", "content": serving.STORY}], "max_tokens": 12, "temperature": 0}
CONTINUED = " She loved to play outside"


class Chat(serving.ServerTest):
    def test_an_answer(self):
        reply = self.server.post("/v1/chat/completions", ASK)
        self.assertEqual((reply.status, reply.headers["Content-Type"]), (200, "application/json"))
        answer = reply.json()
        self.assertEqual((answer["object"], answer["model"]), ("chat.completion", "tiny"))
        choice, = answer["choices"]
        self.assertTrue(choice["message"]["content"].startswith(CONTINUED), choice)
        self.assertEqual((choice["message"]["role"], choice["finish_reason"]), ("assistant", "length"))
        usage = answer["usage"]
        self.assertEqual(usage["completion_tokens"], 12)
        self.assertEqual(usage["total_tokens"], usage["prompt_tokens"] + 12)
        line = answer["kinglet"]
        self.assertEqual((line["completion_tokens"], line["useful_tokens"]), (12, 12))
        self.assertGreater(line["prefill_ms"] + line["decode_ms"], 0)
        self.assertLessEqual(line["queue_ms"] + line["prefill_ms"] + line["decode_ms"], line["total_ms"] + 1)

    def test_the_second_time_comes_from_the_cache_and_says_the_same(self):
        ask = ASK | {"messages": [{"role": "user", "content": "One day, a big dog went to the park to run. " * 6}]}
        first = self.server.post("/v1/chat/completions", ask).json()
        second = self.server.post("/v1/chat/completions", ask).json()
        self.assertEqual(first["choices"], second["choices"])
        self.assertLessEqual(first["usage"]["prompt_tokens_details"]["cached_tokens"], 1)   # the beginning of all
        self.assertEqual(second["usage"]["prompt_tokens_details"]["cached_tokens"], second["usage"]["prompt_tokens"] - 1)

    def test_a_stream_says_what_the_whole_says(self):
        whole = self.server.post("/v1/chat/completions", ASK | {"n": 2, "logprobs": True, "top_logprobs": 2}).json()
        reply = self.server.post("/v1/chat/completions", ASK | {
            "n": 2, "logprobs": True, "top_logprobs": 2, "stream": True, "stream_options": {"include_usage": True}})
        self.assertTrue(reply.headers["Content-Type"].startswith("text/event-stream"))
        self.assertTrue(reply.body.endswith(b"data: [DONE]\n\n"))
        texts, roles, odds, reasons = ["", ""], [0, 0], [[], []], [None, None]
        *chunks, last = reply.events()
        for chunk in chunks:
            choice, = chunk["choices"]
            index = choice["index"]
            texts[index] += choice["delta"].get("content") or ""
            roles[index] += "role" in choice["delta"]
            odds[index] += (choice["logprobs"] or {"content": []})["content"]
            reasons[index] = choice["finish_reason"] or reasons[index]
        self.assertEqual(roles, [1, 1])
        for index, choice in enumerate(whole["choices"]):
            self.assertEqual(texts[index], choice["message"]["content"])
            self.assertEqual(odds[index], choice["logprobs"]["content"])
            self.assertEqual(reasons[index], choice["finish_reason"])
        self.assertEqual((last["choices"], last["usage"]["completion_tokens"]), ([], 24))

    def test_odds_are_those_of_the_model(self):
        content = self.server.post("/v1/chat/completions", ASK | {"logprobs": True, "top_logprobs": 5}).json()[
            "choices"][0]["logprobs"]["content"]
        for token in content:
            tops = token["top_logprobs"]
            self.assertEqual(len(tops), 5)
            self.assertEqual(tops[0]["token"], token["token"])   # greedy
            self.assertEqual([top["logprob"] for top in tops], sorted((top["logprob"] for top in tops), reverse=True))
            self.assertEqual(bytes(token["bytes"]).decode(), token["token"])

    def test_stops_seeds_and_biases(self):
        def text(**fields):
            choice = self.server.post("/v1/chat/completions", ASK | fields).json()["choices"][0]
            return choice["message"]["content"], choice["finish_reason"]
        self.assertEqual(text(stop="play"), (" She loved to ", "stop"))
        self.assertEqual(text(stop=["zebra", "to play", "loved"]), (" She ", "stop"))
        drawn = {text(temperature=1.5, seed=7)[0] for _ in range(3)}
        self.assertEqual(len(drawn), 1)
        self.assertNotEqual(text(temperature=1.5, seed=8)[0], drawn.pop())
        she = self.server.post("/tokenize", {"content": " She"}).json()["tokens"]
        self.assertFalse(text(logit_bias={str(she[-1]): -100})[0].startswith(" She"))

    def test_two_choices_of_a_draw_differ(self):
        answer = self.server.post("/v1/chat/completions", ASK | {"n": 4, "temperature": 2, "seed": 1}).json()
        self.assertGreater(len({choice["message"]["content"] for choice in answer["choices"]}), 1)

    def test_contents_in_parts_and_all_roles(self):
        parts = [{"type": "text", "text": serving.STORY[:20]}, {"type": "text", "text": serving.STORY[20:]}]
        for messages in ([{"role": "user", "content": parts}],
                         [{"role": "developer", "content": "Tell."}, {"role": "user", "content": serving.STORY}],
                         [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"},
                          {"role": "user", "content": serving.STORY}]):
            self.assertEqual(self.server.post("/v1/chat/completions", ASK | {"messages": messages}).status, 200)

    def test_wrong_fields_are_named(self):
        for fields, field in (
                ({"temprature": 1}, "temprature"), ({"temperature": 3}, "temperature"), ({"temperature": "1"}, "temperature"),
                ({"top_p": -1}, "top_p"), ({"n": 0}, "n"), ({"n": 1000}, "n"), ({"max_tokens": -1}, "max_tokens"),
                ({"stop": [""]}, "stop"), ({"stop": [1]}, "stop"), ({"stop": ["x"] * 17}, "stop"),
                ({"logit_bias": {"x": 1}}, "logit_bias"), ({"logit_bias": {"99999999": 1}}, "logit_bias"),
                ({"logit_bias": {"1": 101}}, "logit_bias"), ({"top_logprobs": 3}, "top_logprobs"),
                ({"stream_options": {"include_usage": True}}, "stream_options"), ({"seed": 1.5}, "seed"),
                ({"kinglet": {"budget": 1}}, "kinglet.budget"), ({"messages": []}, "messages"),
                ({"messages": [{"role": "robot", "content": "a"}]}, "messages[0].role"),
                ({"messages": [{"role": "user"}]}, "messages[0].content"),
                ({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}, "messages[0].content[0]"),
                ({"tools": [{"type": "function"}]}, "tools[0].function"), ({"tool_choice": "required"}, "tool_choice"),
                ({"response_format": {"type": "xml"}}, "response_format.type"),
                ({"reasoning_effort": "high"}, "reasoning_effort")):
            self.expect_error(self.server.post("/v1/chat/completions", ASK | fields), 400, field)

    def test_fields_that_change_nothing_are_taken(self):
        harmless = {"user": "a", "store": True, "metadata": {"a": "b"}, "parallel_tool_calls": True, "stop": None,
                    "response_format": {"type": "text"}, "tools": [], "tool_choice": "none", "service_tier": "auto"}
        answer = self.server.post("/v1/chat/completions", ASK | harmless).json()
        self.assertTrue(answer["choices"][0]["message"]["content"].startswith(CONTINUED))

    def test_what_is_no_json_object(self):
        for body in ("", "{", "[]", "null", '"a"', '{"messages": [}', b'{"messages": "\xff\xfe"}', "[" * 100_000):
            error = self.expect_error(self.server.send("POST", "/v1/chat/completions", body), 400)
            self.assertEqual(error["code"], "invalid_json")

    def test_a_prompt_beyond_the_context(self):
        long = ASK | {"messages": [{"role": "user", "content": "One day. " * 2000}]}
        message = self.expect_error(self.server.post("/v1/chat/completions", long), 400)["message"]
        self.assertRegex(message, r"context length is \d+ tokens.* the prompt has \d+")

    def test_a_model_that_is_not_there(self):
        error = self.expect_error(self.server.post("/v1/chat/completions", ASK | {"model": "gpt-9"}), 404, "model")
        self.assertEqual(error["code"], "model_not_found")
        self.assertIn("tiny", error["message"])

    def test_many_at_once_hear_what_each_hears_alone(self):
        def text(number):
            ask = ASK | {"messages": [{"role": "user", "content": f"{serving.STORY} She was {number} years old."}]}
            return self.server.post("/v1/chat/completions", ask).json()["choices"][0]["message"]["content"]
        alone = [text(number) for number in range(12)]
        with concurrent.futures.ThreadPoolExecutor(12) as clients:
            self.assertEqual(list(clients.map(text, range(12))), alone)


class Completions(serving.ServerTest):
    def complete(self, **fields):
        return self.server.post("/v1/completions", {"prompt": serving.STORY, "max_tokens": 8, "temperature": 0} | fields)

    def test_a_text_goes_on(self):
        choice, = self.complete().json()["choices"]
        self.assertTrue(choice["text"].startswith(" She loved"), choice)
        self.assertEqual(self.complete(max_tokens=None).json()["usage"]["completion_tokens"], 16)   # OpenAI's default

    def test_prompts_in_a_list_and_as_ids(self):
        ids = self.server.post("/tokenize", {"content": serving.STORY, "add_special": True}).json()["tokens"]
        answer = self.complete(prompt=[serving.STORY, "One day"], n=2).json()
        self.assertEqual([choice["index"] for choice in answer["choices"]], [0, 1, 2, 3])
        self.assertEqual(answer["choices"][0]["text"], answer["choices"][1]["text"])
        self.assertEqual(self.complete(prompt=ids).json()["choices"][0]["text"], answer["choices"][0]["text"])
        self.assertEqual(self.complete(prompt=[ids]).json()["choices"][0]["text"], answer["choices"][0]["text"])

    def test_echo_tells_the_odds_of_the_prompt(self):
        ids = self.server.post("/tokenize", {"content": serving.STORY, "add_special": True}).json()["tokens"]
        choice, = self.complete(prompt=ids, echo=True, logprobs=1, max_tokens=0).json()["choices"]
        odds = choice["logprobs"]
        self.assertEqual(len(odds["tokens"]), len(ids))
        self.assertIsNone(odds["token_logprobs"][0])
        self.assertTrue(all(value <= 0 for value in odds["token_logprobs"][1:]))
        # The same odds as when each token is written by the model itself.
        written = self.complete(prompt=ids[:-1], max_tokens=1, logprobs=5).json()["choices"][0]["logprobs"]
        self.assertAlmostEqual(written["top_logprobs"][0][odds["tokens"][-1]], odds["token_logprobs"][-1], places=5)

    def test_a_stream_says_what_the_whole_says(self):
        events = self.complete(stream=True).events()
        self.assertEqual("".join(event["choices"][0]["text"] for event in events), self.complete().json()["choices"][0]["text"])

    def test_wrong_fields_are_named(self):
        for fields, field in (({"prompt": None}, "prompt"), ({"prompt": []}, "prompt"), ({"prompt": ""}, None),
                              ({"prompt": [1.5]}, "prompt"), ({"suffix": "x"}, "suffix"), ({"best_of": 5}, "best_of"),
                              ({"echo": True, "stream": True}, "echo"), ({"logprobs": 99}, "logprobs")):
            if field is None:   # a text without tokens is one of them here: the beginning of sequence
                self.assertEqual(self.complete(**fields).status, 200)
            else:
                self.expect_error(self.complete(**fields), 400, field)
        self.expect_error(self.complete(prompt=[999_999]), 400)
        self.expect_error(self.complete(prompt=[-5]), 400)


class Responses(serving.ServerTest):
    def respond(self, **fields):
        return self.server.post("/v1/responses", {"input": serving.STORY, "max_output_tokens": 8, "temperature": 0} | fields)

    def test_a_response_and_one_that_goes_on_from_it(self):
        first = self.respond().json()
        self.assertEqual((first["object"], first["status"]), ("response", "incomplete"))
        text = first["output"][0]["content"][0]["text"]
        self.assertTrue(text.startswith(" She loved"), text)
        second = self.respond(input=" The end.", previous_response_id=first["id"]).json()
        self.assertGreater(second["usage"]["input_tokens"], first["usage"]["total_tokens"])
        self.assertEqual(self.server.get(f"/v1/responses/{first['id']}").json()["output"], first["output"])
        self.assertTrue(self.server.send("DELETE", f"/v1/responses/{first['id']}").json()["deleted"])
        self.expect_error(self.server.get(f"/v1/responses/{first['id']}"), 404)
        self.expect_error(self.respond(previous_response_id=first["id"]), 400, "previous_response_id")

    def test_what_is_not_stored_is_not_remembered(self):
        first = self.respond(store=False).json()
        self.expect_error(self.server.get(f"/v1/responses/{first['id']}"), 404)

    def test_a_stream_in_the_order_of_its_numbers(self):
        reply = self.respond(stream=True)
        events = reply.events()
        self.assertEqual([event["sequence_number"] for event in events], list(range(len(events))))
        self.assertEqual((events[0]["type"], events[-1]["type"]), ("response.created", "response.incomplete"))
        text = "".join(event["delta"] for event in events if event["type"] == "response.output_text.delta")
        self.assertEqual(text, self.respond().json()["output"][0]["content"][0]["text"])
        self.assertEqual(events[-1]["response"]["output"][0]["content"][0]["text"], text)

    def test_wrong_fields_are_named(self):
        for fields, field in (({"input": None}, "input"), ({"tools": [{"type": "web_search"}]}, "tools[0].type"),
                              ({"input": [{"type": "function_call_output"}]}, "input[0].call_id"), ({"truncation": "auto"}, "truncation"),
                              ({"text": {"format": {"type": "xml"}}}, "text.format.type"), ({"background": True}, "background")):
            self.expect_error(self.respond(**fields), 400, field)


if __name__ == "__main__":
    unittest.main()
