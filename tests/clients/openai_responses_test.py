#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""OpenAI's responses, by its own client: items in and out, what is remembered, and the order of events."""
import unittest

import openai

from kinglet_server import CHAT, QUESTION, Server

EVENTS = ["response.created", "response.in_progress", "response.output_item.added", "response.content_part.added",
          "response.output_text.delta", "response.output_text.done", "response.content_part.done",
          "response.output_item.done"]


def setUpModule():
    global server, client
    server = unittest.enterModuleContext(Server.for_chat())
    client = openai.OpenAI(base_url=server.url + "/v1", api_key="none", max_retries=0)
    unittest.addModuleCleanup(client.close)


def respond(question=QUESTION, **options):
    return client.responses.create(**{"model": CHAT, "input": question, "temperature": 0,
                                      "max_output_tokens": 24} | options)


class Responses(unittest.TestCase):
    def test_a_response_says_what_chat_says(self):
        chat = client.chat.completions.create(model=CHAT, messages=[{"role": "user", "content": QUESTION}],
                                              temperature=0, max_tokens=24)
        answer = respond()
        self.assertEqual(answer.output_text, chat.choices[0].message.content)
        self.assertEqual((answer.usage.input_tokens, answer.usage.output_tokens), (chat.usage.prompt_tokens, 24))
        self.assertEqual((answer.object, answer.status), ("response", "incomplete"))
        self.assertEqual(answer.incomplete_details.reason, "max_output_tokens")
        self.assertEqual((answer.output[0].type, answer.output[0].role), ("message", "assistant"))
        whole = respond("Say hello.", max_output_tokens=200)
        self.assertEqual((whole.status, whole.incomplete_details), ("completed", None))

    def test_instructions_and_messages_are_a_conversation(self):
        parts = [{"role": "developer", "content": "You are a parrot."},
                 {"role": "user", "content": [{"type": "input_text", "text": QUESTION}]}]
        chat = client.chat.completions.create(
            model=CHAT, messages=[{"role": "system", "content": "You are a parrot."},
                                  {"role": "user", "content": QUESTION}], temperature=0, max_tokens=24)
        self.assertEqual(respond(parts).output_text, chat.choices[0].message.content)
        self.assertEqual(respond(instructions="You are a parrot.").output_text, chat.choices[0].message.content)

    def test_the_events_of_a_stream_come_in_order(self):
        for question, limit, last in ((QUESTION, 24, "response.incomplete"), ("Say hello.", 200, "response.completed")):
            whole = respond(question, max_output_tokens=limit)
            events = list(respond(question, max_output_tokens=limit, stream=True))
            self.assertEqual([event.sequence_number for event in events], list(range(len(events))))
            types = [event.type for event in events]
            self.assertEqual(list(dict.fromkeys(types)), EVENTS + [last])
            deltas = [event for event in events if event.type == "response.output_text.delta"]
            self.assertEqual("".join(event.delta for event in deltas), whole.output_text)
            self.assertGreater(len(deltas), 3)
            self.assertEqual(len(types), len(deltas) + 8)
            end = events[-1].response
            self.assertEqual((end.output_text, end.usage.output_tokens), (whole.output_text, whole.usage.output_tokens))
            self.assertEqual({event.item_id for event in deltas}, {end.output[0].id})
            self.assertEqual(events[0].response.id, end.id)
            self.assertEqual(events[-2].item, end.output[0])

    def test_the_stream_helper_puts_a_response_together(self):
        with client.responses.stream(model=CHAT, input="Say hello.", temperature=0) as stream:
            written = "".join(event.delta for event in stream if event.type == "response.output_text.delta")
            answer = stream.get_final_response()
        self.assertEqual(answer.output_text, written)
        self.assertEqual(written, respond("Say hello.", max_output_tokens=None).output_text)

    def test_a_conversation_goes_on_from_a_response(self):
        first = respond("My name is Zoe.")
        second = respond("What is my name?", previous_response_id=first.id)
        self.assertEqual(second.previous_response_id, first.id)
        said = client.chat.completions.create(
            model=CHAT, temperature=0, max_tokens=24,
            messages=[{"role": "user", "content": "My name is Zoe."},
                      {"role": "assistant", "content": first.output_text},
                      {"role": "user", "content": "What is my name?"}])
        self.assertEqual(second.output_text, said.choices[0].message.content)
        self.assertGreater(second.usage.input_tokens_details.cached_tokens, 0)
        again = respond([{"role": "user", "content": "My name is Zoe."}, *first.output,
                         {"role": "user", "content": "What is my name?"}])
        self.assertEqual(again.output_text, second.output_text)   # a client that keeps the items itself

    def test_a_streamed_response_is_remembered_too(self):
        streamed = list(respond("My name is Zoe.", stream=True))[-1].response
        self.assertEqual(client.responses.retrieve(streamed.id).output_text, streamed.output_text)
        self.assertEqual(respond("And?", previous_response_id=streamed.id).previous_response_id, streamed.id)

    def test_what_is_not_stored_or_deleted_is_forgotten(self):
        forgotten = [respond(max_output_tokens=1, store=False).id, respond(max_output_tokens=1).id]
        client.responses.delete(forgotten[1])
        for identity in forgotten:
            with self.assertRaises(openai.NotFoundError):
                client.responses.retrieve(identity)
            with self.assertRaises(openai.APIStatusError) as caught:
                respond(previous_response_id=identity)
            self.assertEqual(caught.exception.code, "previous_response_not_found")

    def test_what_this_version_does_not_do_is_refused(self):
        schema = {"format": {"type": "json_schema", "name": "a", "schema": {"type": "array", "uniqueItems": True}}}
        for name, value in (("tools", [{"type": "web_search"}]), ("text", schema), ("background", True),
                            ("conversation", "conv_1"), ("truncation", "auto")):
            with self.assertRaises(openai.BadRequestError) as caught:
                respond(**{name: value})
            self.assertTrue(caught.exception.param.startswith(name), caught.exception.param)


if __name__ == "__main__":
    unittest.main()
