#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every answer leaves a row before it ends; the ledger as JSON, table and page; what users think of their answers."""
import csv
import io
import unittest

import serving
from serving import STORY

CHAT = [{"role": "user", "content": STORY}]
SCHEMA = {"type": "object", "properties": {"a": {"type": "boolean"}}, "required": ["a"], "additionalProperties": False}


class Ledger(serving.LibraryTest):
    def setUp(self):
        self.add("owls.md", "# Owls\n\nOwls sleep in hollow trees during the day. They hunt at night.")

    def rows(self, **query):
        return self.server.get("/v1/ledger?" + "&".join(f"{name}={value}" for name, value in query.items())).json()

    def post(self, path, body):
        reply = self.server.post(path, body)
        self.assertEqual(reply.status, 200, reply.body)
        return reply

    def test_each_way_to_ask_leaves_a_row_of_its_own(self):
        ways = [
            ("/v1/chat/completions", {"messages": CHAT, "max_tokens": 8}, "chat.completions", "text"),
            ("/v1/completions", {"prompt": STORY, "max_tokens": 8}, "completions", "text"),
            ("/v1/responses", {"input": STORY, "max_output_tokens": 16}, "responses", "text"),
            ("/v1/messages", {"messages": CHAT, "max_tokens": 8}, "messages", "text"),
            ("/api/chat", {"messages": CHAT, "stream": False, "options": {"num_predict": 8}}, "api.chat", "text"),
            ("/api/generate", {"prompt": STORY, "stream": False, "options": {"num_predict": 8}}, "api.generate", "text"),
            ("/v1/ask", {"question": "Where do owls sleep?", "mode": "quote"}, "ask", "quote"),
            ("/v1/chat/completions", {"messages": [{"role": "user", "content": "Where do owls sleep?"}],
                                      "kinglet": {"library": "notes"}}, "chat.completions", "chat")]
        for path, body, kind, mode in ways:
            answer = self.post(path, body).json()
            line = answer.get("kinglet") or answer["ledger"]
            row = self.rows(limit=1)["entries"][0]
            self.assertEqual((row["id"], row["kind"], row["mode"]), (line["id"], kind, mode))
            for name, value in row["ledger"].items():
                self.assertEqual(line[name], value, (path, name))
            self.assertGreater(row["ledger"]["total_ms"], 0)
            self.assertGreaterEqual(row["ledger"]["joules"], 0)
            self.assertIsNone(row["question"])
            if mode == "text":
                self.assertEqual(row["model"], "tiny")
                self.assertTrue(row["model_digest"].startswith("sample:"))
                self.assertTrue(0 < row["ledger"]["useful_tokens"] <= row["ledger"]["completion_tokens"], row)

    def test_a_stream_tells_its_row_too(self):
        events = self.post("/v1/chat/completions", {"messages": CHAT, "max_tokens": 8, "stream": True}).events()
        line = next(event["kinglet"] for event in events if "kinglet" in event)
        self.assertEqual(self.rows(limit=1)["entries"][0]["id"], line["id"])

    def test_a_request_that_is_refused_leaves_none(self):
        before = self.rows()["totals"]["answers"]
        self.expect_error(self.server.post("/v1/chat/completions", {"messages": CHAT, "max_tokens": 8,
                                                                    "kinglet": {"first_byte_budget_ms": 0.001}}), 429)
        self.expect_error(self.server.post("/v1/chat/completions", {"messages": []}), 400)
        self.assertEqual(self.rows()["totals"]["answers"], before)

    def test_verdicts(self):
        form = {"response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": SCHEMA}}}
        line = self.post("/v1/chat/completions", {"messages": CHAT, **form}).json()["kinglet"]
        self.assertEqual((line["valid"], line["kept"], line["in_budget"]), (True, None, None))
        self.assertEqual(self.rows(limit=1)["entries"][0]["mode"], "format")
        line = self.post("/v1/chat/completions", {"messages": CHAT, "max_tokens": 1, **form}).json()["kinglet"]
        self.assertEqual((line["valid"], line["useful_tokens"]), (False, 0))
        budget = {"kinglet": {"first_byte_budget_ms": 60000}}
        line = self.post("/v1/chat/completions", {"messages": CHAT, "max_tokens": 2, **budget}).json()["kinglet"]
        self.assertIs(line["in_budget"], True)
        line = self.post("/v1/ask", {"question": "Who painted the Sistine Chapel?", "mode": "quote"}).json()["ledger"]
        self.assertIs(line["kept"], False)

    def test_text_that_repeats_itself_is_not_useful(self):
        loop = {"prompt": STORY, "max_tokens": 64, "temperature": 0, "logit_bias": {"429": 100}}
        line = self.post("/v1/completions", loop).json()["kinglet"]
        self.assertEqual(line["completion_tokens"], 64)
        self.assertLess(line["useful_tokens"], 8, line)

    def test_feedback_is_kept_with_its_answer(self):
        answer = self.post("/v1/chat/completions", {"messages": CHAT, "max_tokens": 8}).json()["kinglet"]["id"]
        useful = self.rows()["totals"]["useful_answers"]
        reply = self.post("/v1/feedback", {"id": answer, "useful": False, "intent": "code", "comment": "ask ann@example.org"})
        self.assertEqual(reply.json(), {"id": answer, "recorded": True})
        self.assertEqual(self.rows(limit=1)["entries"][0]["feedback"],
                         {"useful": False, "corrected_intent": "code", "comment": "ask [email]"})
        self.assertEqual(self.rows()["totals"]["useful_answers"], useful - 1)
        self.assertIn("code", [group["intent"] for group in self.rows(by="intent")["by"]["intent"]])
        # As the server's page tells: what else was said stays.
        self.post("/v1/feedback", {"id": answer, "useful": True})
        self.assertEqual(self.rows()["totals"]["useful_answers"], useful)
        self.assertEqual(self.rows(limit=1)["entries"][0]["feedback"],
                         {"useful": True, "corrected_intent": "code", "comment": "ask [email]"})
        self.post("/v1/feedback", {"id": answer, "intent": "bills"})
        self.post("/v1/feedback", {"id": answer, "useful": None, "comment": None})
        self.assertEqual(self.rows(limit=1)["entries"][0]["feedback"],
                         {"useful": None, "corrected_intent": "bills", "comment": None})
        # Of none of the intents that there are.
        self.post("/v1/feedback", {"id": answer, "useful": True, "intent": ""})
        self.assertEqual(self.rows(limit=1)["entries"][0]["feedback"]["corrected_intent"], "")
        self.expect_error(self.server.post("/v1/feedback", {"id": "nonesuch", "useful": True}), 404)
        self.expect_error(self.server.post("/v1/feedback", {"id": answer}), 400, "useful")
        self.expect_error(self.server.post("/v1/feedback", {"useful": True}), 400, "id")
        self.expect_error(self.server.post("/v1/feedback", {"id": answer, "useful": 1}), 400, "useful")

    def test_what_is_asked_of_the_ledger(self):
        for _ in range(2):
            self.post("/v1/ask", {"question": "Where do owls sleep?", "mode": "quote"})
        self.assertEqual(len(self.rows(limit=1)["entries"]), 1)
        self.assertNotIn("by", self.rows())
        for by in "day", "mode", "model", "intent":
            self.assertEqual(sum(group["answers"] for group in self.rows(by=by)["by"][by]), self.rows()["totals"]["answers"])
        reply = self.server.get("/v1/ledger?format=csv&limit=2")
        self.assertTrue(reply.headers["Content-Type"].startswith("text/csv"))
        self.assertEqual(len(list(csv.DictReader(io.StringIO(reply.body.decode(), newline="")))), 2)
        reply = self.server.get("/v1/ledger?format=html")
        self.assertTrue(reply.headers["Content-Type"].startswith("text/html"))
        self.assertIn(b"By model", reply.body)
        for name, value in ("limit", "0"), ("limit", "1001"), ("limit", "1x"), ("by", "colour"), ("format", "pdf"):
            self.expect_error(self.server.get(f"/v1/ledger?{name}={value}"), 400, name)


class Keys(serving.ServerTest):
    @classmethod
    def make_server(cls):
        keys = cls.home / "keys.toml"
        keys.write_text("".join(serving.key_row(role, f"secret-{role}", role) for role in ("read", "write", "admin")))
        return serving.Server("--api-key-file", keys, models=[cls.model], environment=cls.environment)

    def test_feedback_is_for_who_may_write(self):
        def status(role):
            headers = {"Authorization": f"Bearer secret-{role}"} if role else {}
            return self.server.post("/v1/feedback", {"id": "nonesuch", "useful": True}, **headers).status
        self.assertEqual([status(role) for role in (None, "read", "write", "admin")], [401, 403, 404, 404])


class WithoutLedger(serving.ServerTest):
    @classmethod
    def make_server(cls):
        (cls.home / "home/ledger.sqlite").mkdir(parents=True)
        return super().make_server()

    def test_answers_are_given_all_the_same(self):
        reply = self.server.post("/v1/chat/completions", {"messages": CHAT, "max_tokens": 2})
        self.assertEqual(reply.status, 200)
        self.assertIsNone(reply.json()["kinglet"]["id"])
        self.assertIn("ledger", self.server.logged())
        self.assertEqual(self.server.get("/v1/ledger").status, 500)


if __name__ == "__main__":
    unittest.main()
