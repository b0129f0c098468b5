#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Answers from a library as they come: events of /v1/ask, and chat completions that name a library."""
import json
import unittest

import serving

KESTREL = "What does the kestrel eat?"


class Answers(serving.LibraryTest):
    def setUp(self):
        added = self.add("birds.md", "# Birds\n\nThe kestrel hovers over fields. It eats voles and large beetles all year.\n")
        self.assertIn(added.status, (200, 201), added.body)

    def named_events(self, body):
        text = self.server.post("/v1/ask", body | {"stream": True}).body.decode()
        return [block.split("\n")[0].removeprefix("event: ") for block in text.strip().split("\n\n")]

    def test_passages_then_quotes_then_claims_then_the_answer(self):
        for mode in ("quote", "cite"):
            names = self.named_events({"question": KESTREL, "mode": mode})
            self.assertEqual(names[0], "passages")
            self.assertEqual(names[-1], "answer")
            self.assertEqual(names[1], "quote", names)
            self.assertLess(names.index("quote"), names.index("claim"))

    def test_quotes_are_read_out_where_a_model_is_named(self):
        by_words = self.server.post("/v1/ask", {"question": KESTREL, "mode": "quote"}).json()
        self.assertIsNone(by_words["span"])
        self.assertEqual(by_words["ledger"]["prompt_tokens"], 0)
        model = self.server.get("/v1/models").json()["data"][0]["id"]
        read = self.server.post("/v1/ask", {"question": KESTREL, "mode": "quote", "model": model}).json()
        self.assertIn(read["span"]["text"], read["quotes"][0]["text"])
        self.assertGreater(read["ledger"]["prompt_tokens"], 0)
        self.assertEqual(read["dropped"], [])

    def test_the_first_quote_comes_with_its_span(self):
        text = self.server.post("/v1/ask", {"question": KESTREL, "stream": True}).body.decode()
        events = [block.split("\ndata: ") for block in text.strip().split("\n\n")]
        quotes = [json.loads(data) for name, data in events if name == "event: quote"]
        answer = json.loads(events[-1][1])
        self.assertEqual(quotes[0]["span"], answer["span"])
        self.assertTrue(all(quote["span"] is None for quote in quotes[1:]))

    def test_the_span_stands_in_its_quote(self):
        answer = self.server.post("/v1/ask", {"question": KESTREL}).json()
        span = answer["span"]
        quote = answer["quotes"][span["quote"]]
        begin = span["start_byte"] - quote["start_byte"]
        self.assertEqual(quote["text"].encode()[begin:begin + len(span["text"].encode())].decode(), span["text"])
        self.assertFalse(answer["calibrated"])
        self.assertTrue(any(passage["read"] for passage in answer["why"]["passages"]))
        self.assertIn("gate", answer["why"]["signals"])

    def chat(self, *messages, **fields):
        roles = ("user", "assistant")
        body = {"messages": [{"role": roles[i % 2], "content": text} for i, text in enumerate(messages)],
                "kinglet": {"library": "notes"}} | fields
        return self.server.post("/v1/chat/completions", body)

    def test_a_client_that_knows_nothing_of_libraries(self):
        answer = self.chat(KESTREL).json()
        text = answer["choices"][0]["message"]["content"]
        self.assertIn("[1] ", text)
        self.assertIn("voles", text)
        self.assertEqual(answer["choices"][0]["finish_reason"], "stop")
        self.assertGreater(answer["usage"]["prompt_tokens"], 0)
        whole = answer["kinglet"]["answer"]
        self.assertEqual(whole["question"], KESTREL)
        streamed = self.chat(KESTREL, stream=True).events()
        pieces = [chunk["choices"][0]["delta"].get("content") or "" for chunk in streamed]
        self.assertEqual("".join(pieces), text)
        self.assertEqual(streamed[0]["choices"][0]["delta"]["role"], "assistant")
        self.assertEqual(streamed[-1]["choices"][0]["finish_reason"], "stop")

    def test_usage_is_of_the_words_that_were_asked_for(self):
        answer = self.chat(KESTREL, max_tokens=3).json()
        self.assertEqual(answer["choices"][0]["finish_reason"], "length")
        self.assertEqual(answer["usage"]["completion_tokens"], 3)
        self.assertGreater(answer["kinglet"]["completion_tokens"], 3)   # it has read, too
        events = self.chat(KESTREL, max_tokens=3, stream=True, stream_options={"include_usage": True}).events()
        self.assertEqual(events[-2]["choices"][0]["finish_reason"], "length")
        self.assertEqual(events[-1]["usage"]["completion_tokens"], 3)

    def test_a_follow_up_is_understood_behind_the_first(self):
        answer = self.chat(KESTREL, "Voles. [1]", "And where does it hover?").json()["kinglet"]["answer"]
        self.assertIn("kestrel", answer["standalone_question"])
        self.assertIn("hover", answer["standalone_question"])

    def test_no_field_of_a_question_is_passed_over(self):
        turns = [{"question": KESTREL}]
        for fields, param in (({"question": ""}, "question"), ({"question": "And why?", "turns": turns}, "turns"),
                              ({"question": "And why?", "turns": turns, "mode": "quote"}, "turns")):
            self.expect_error(self.server.post("/v1/ask", fields), 400, param)
        behind = self.server.post("/v1/ask", {"question": "And where does it hover?", "turns": turns, "mode": "chat"}).json()
        self.assertEqual(behind["standalone_question"], KESTREL + " And where does it hover?")

    def test_it_says_that_it_does_not_know(self):
        text = self.chat("Who won the cup in 1954?").json()["choices"][0]["message"]["content"]
        self.assertTrue(text.startswith("I do not know: "), text)

    def test_what_a_library_cannot_do_is_refused(self):
        for fields, param in (({"tools": [{"type": "function", "function": {"name": "f"}}]}, "tools"), ({"n": 2}, "n"),
                              ({"response_format": {"type": "json_object"}}, "response_format"),
                              ({"kinglet": {"library": "notes", "risk": 0.1}}, "risk"),
                              ({"kinglet": {"library": 1}}, "kinglet.library")):
            self.expect_error(self.chat(KESTREL, **fields), 400, param)
        self.expect_error(self.chat(KESTREL, kinglet={"library": "other"}), 404)
        self.expect_error(self.chat(KESTREL, "Voles."), 400, "messages")
        self.expect_error(self.server.post("/v1/completions", {"prompt": "a", "kinglet": {"library": "notes"}}), 400,
                          "kinglet.library")


if __name__ == "__main__":
    unittest.main()
