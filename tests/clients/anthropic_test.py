#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Anthropic's own client: messages, their streams, and counts of tokens."""
import asyncio
import unittest

import anthropic

from kinglet_server import CHAT, QUESTION, Server

MESSAGES = [{"role": "user", "content": QUESTION}]


def setUpModule():
    global server, client
    server = unittest.enterModuleContext(Server.for_chat("--context", "2048"))
    client = anthropic.Anthropic(base_url=server.url, api_key="none", max_retries=0)
    unittest.addModuleCleanup(client.close)


# The client has no argument for the temperature; the API has.
GREEDY = {"temperature": 0}


def ask(**options):
    return client.messages.create(**{"model": CHAT, "messages": MESSAGES, "max_tokens": 24, "extra_body": GREEDY} |
                                  options)


class Messages(unittest.TestCase):
    def test_an_answer_is_what_openai_s_route_says(self):
        body = {"model": CHAT, "messages": MESSAGES, "max_tokens": 24} | GREEDY
        other = server.call("/v1/chat/completions", body)[1]
        answer = ask()
        self.assertEqual(answer.content[0].text, other["choices"][0]["message"]["content"])
        self.assertEqual((answer.type, answer.role, answer.model), ("message", "assistant", CHAT))
        self.assertEqual((answer.stop_reason, answer.stop_sequence), ("max_tokens", None))
        usage = answer.usage
        self.assertEqual(usage.input_tokens + usage.cache_read_input_tokens, other["usage"]["prompt_tokens"])
        self.assertEqual(usage.output_tokens, 24)
        self.assertTrue(answer._request_id.startswith("req_"))

    def test_the_events_of_a_stream_come_in_order(self):
        events = list(ask(stream=True))
        types = [event.type for event in events]
        self.assertEqual(types[:2], ["message_start", "content_block_start"])
        self.assertEqual(types[-3:], ["content_block_stop", "message_delta", "message_stop"])
        self.assertEqual(set(types[2:-3]), {"content_block_delta"})
        self.assertEqual("".join(event.delta.text for event in events[2:-3]), ask().content[0].text)
        self.assertGreater(len(events), 8)
        self.assertEqual((events[0].message.content, events[0].message.stop_reason), ([], None))
        self.assertEqual((events[-2].delta.stop_reason, events[-2].usage.output_tokens), ("max_tokens", 24))

    def test_the_stream_helper_puts_a_message_together(self):
        with client.messages.stream(model=CHAT, messages=MESSAGES, max_tokens=24, extra_body=GREEDY) as stream:
            written = "".join(stream.text_stream)
            message = stream.get_final_message()
        whole = ask()
        self.assertEqual(message.content[0].text, written)
        self.assertEqual((written, message.stop_reason), (whole.content[0].text, "max_tokens"))
        self.assertEqual(message.usage.output_tokens, 24)
        self.assertEqual(message.usage.input_tokens + message.usage.cache_read_input_tokens,
                         whole.usage.input_tokens + whole.usage.cache_read_input_tokens)

    def test_asynchronous_clients_hear_the_same(self):
        async def hear():
            async with anthropic.AsyncAnthropic(base_url=server.url, api_key="none") as other:
                async with other.messages.stream(model=CHAT, messages=MESSAGES, max_tokens=24,
                                                 extra_body=GREEDY) as stream:
                    return await stream.get_final_text()
        self.assertEqual(asyncio.run(hear()), ask().content[0].text)

    def test_a_conversation_with_a_system_text_of_blocks(self):
        system = [{"type": "text", "text": "You are a parrot.", "cache_control": {"type": "ephemeral"}}]
        messages = [{"role": "user", "content": [{"type": "text", "text": "My name is Zoe."}]},
                    {"role": "assistant", "content": [{"type": "thinking", "thinking": "A name.", "signature": ""},
                                                      {"type": "text", "text": "Hello Zoe."}]},
                    {"role": "user", "content": "What is my name?"}]
        plain = [messages[0], {"role": "assistant", "content": "Hello Zoe."}, messages[2]]
        answer = ask(system=system, messages=messages)
        self.assertIn("Zoe", answer.content[0].text)
        self.assertEqual(answer.content[0].text, ask(system="You are a parrot.", messages=plain).content[0].text)

    def test_tokens_are_counted_as_they_are_billed(self):
        system = "You are a parrot."
        count = client.messages.count_tokens(model=CHAT, messages=MESSAGES, system=system).input_tokens
        usage = ask(system=system, max_tokens=1).usage
        self.assertEqual(count, usage.input_tokens + usage.cache_read_input_tokens)
        shorter = [{"role": "user", "content": "Name three colours"}]
        less = client.messages.count_tokens(model=CHAT, messages=shorter, system=system).input_tokens
        self.assertEqual(count - less, server.count(QUESTION) - server.count("Name three colours"))

    def test_a_stop_sequence_is_told(self):
        whole = ask().content[0].text
        stop = whole[len(whole) // 2:][:6]
        answer = ask(stop_sequences=[stop])
        self.assertEqual((answer.content[0].text, answer.stop_reason, answer.stop_sequence),
                         (whole[:whole.index(stop)], "stop_sequence", stop))
        end = ask(messages=[{"role": "user", "content": "Say hello."}], max_tokens=200)
        self.assertEqual((end.stop_reason, end.stop_sequence), ("end_turn", None))

    def refused(self, kind, status, word, **options):
        with self.assertRaises(anthropic.APIStatusError) as caught:
            ask(**options)
        error = caught.exception
        self.assertEqual((error.status_code, error.body["type"], error.body["error"]["type"]), (status, "error", kind))
        self.assertIn(word, error.body["error"]["message"])
        self.assertTrue(error.request_id.startswith("req_"))
        return error

    def test_refusals_have_anthropic_s_shape_and_class(self):
        tool = {"type": "bash_20250124", "name": "bash"}
        image = {"type": "image", "source": {"type": "url", "url": "x"}}
        for word, options in (("tools", {"tools": [tool]}), ("top_q", {"extra_body": {"top_q": 1}}),
                              ("max_tokens", {"max_tokens": 0}), ("temperature", {"extra_body": {"temperature": 3}}),
                              ("messages[0].content[0]", {"messages": [{"role": "user", "content": [image]}]}),
                              ("prompt is too long", {"messages": [{"role": "user", "content": "word " * 3000}]})):
            error = self.refused("invalid_request_error", 400, word, **options)
            self.assertIsInstance(error, anthropic.BadRequestError)
        missing = self.refused("not_found_error", 404, "claude", model="claude-opus-4")
        self.assertIsInstance(missing, anthropic.NotFoundError)


if __name__ == "__main__":
    unittest.main()
