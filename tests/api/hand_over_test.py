#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the ledger says of answers that an endpoint elsewhere has given: tokens, price, times."""
import contextlib
import http.client
import http.server
import json
import socket
import threading
import time
import unittest

import serving

INTENTS = serving.INTENTS + """
[[intent]]
name = "lawyers"
mode = "hand_over"
endpoint = "elsewhere"
examples = ["sue my landlord", "is this contract void", "draft a lawsuit", "what does the court say", "legal notice for the tenant"]

[[intent]]
name = "doctors"
mode = "hand_over"
endpoint = "for nothing"
examples = ["my head hurts", "is this rash serious", "a pill against fever", "what dose of aspirin", "I broke my leg"]

[[endpoint]]
name = "elsewhere"
url = "http://127.0.0.1:PORT/v1"
model = "large"
prompt_per_million = 2
cached_per_million = 0.5
completion_per_million = 10
currency = "CHF"

[[endpoint]]
name = "for nothing"
url = "http://127.0.0.1:PORT/v1"
model = "unpriced"
"""
USAGE = {"prompt_tokens": 3000, "completion_tokens": 500, "prompt_tokens_details": {"cached_tokens": 1000}}
COST = (2000 * 2 + 1000 * 0.5 + 500 * 10) / 1e6
PAUSE_S = 0.1


class Elsewhere(http.server.BaseHTTPRequestHandler):
    """An endpoint that streams as OpenAI's: usage, where it is asked for, in the last chunk."""

    asked = threading.Semaphore(0)   # released once for each who is to wait
    heard = threading.Event()   # the client has the beginning of its answer

    def do_POST(self):
        with contextlib.suppress(BrokenPipeError):   # who asked has gone
            self.answer()

    def answer(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if "think" in str(body):
            self.asked.release()
            self.heard.wait(60)
        self.send_response(500 if "broken" in str(body) else 200)
        if "broken" in str(body):
            self.send_header("Retry-After", "17")
        if "break off" in str(body):
            self.send_header("Content-Length", "1000")
        self.end_headers()
        if not body.get("stream"):
            time.sleep(PAUSE_S)
            return self.wfile.write(json.dumps({"choices": [{"message": {"content": "No."}}], "usage": USAGE}).encode())
        chunks = [{"choices": [{"delta": {"content": word}}]} for word in ("No", ".")]
        if body.get("stream_options", {}).get("include_usage"):
            chunks.append({"choices": [], "usage": USAGE})
        for chunk in chunks:
            self.wfile.write(b"data: " + json.dumps(chunk).encode() + b"\n\n")
            self.heard.wait(60)
            time.sleep(PAUSE_S)
        self.wfile.write(b"data: [DONE]\n\n")

    def log_message(self, *_):
        pass


class Intents(serving.ServerTest):
    @classmethod
    def make_server(cls, *flags):
        elsewhere = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Elsewhere)
        threading.Thread(target=elsewhere.serve_forever, daemon=True).start()
        cls.addClassCleanup(elsewhere.server_close)
        cls.addClassCleanup(elsewhere.shutdown)
        intents = cls.home / "intents.toml"
        intents.write_text(INTENTS.replace("PORT", str(elsewhere.server_port)))
        serving.train_intents(intents, cls.environment)
        home = cls.home / "home"
        home.mkdir(exist_ok=True)
        (home / "kinglet.toml").write_text('machine_per_hour = 3600.0\n[ledger]\nkeep_text = true\n')
        return serving.Server("--intents", intents, *flags, models=[cls.model], environment=cls.environment)


class HandedOver(Intents):
    def row(self, text, **fields):
        """The row of an answer, its figures beside the rest."""
        Elsewhere.heard.clear()
        body = json.dumps({"model": "auto", "messages": [{"role": "user", "content": text}]} | fields)
        with contextlib.suppress(http.client.IncompleteRead), self.server.connect() as connection:
            connection.request("POST", "/v1/chat/completions", body, {"Content-Type": "application/json"})
            response = connection.getresponse()
            Elsewhere.heard.set()
            response.read()
        row = self.server.get("/v1/ledger?limit=1").json()["entries"][0]
        return row | row["ledger"]

    def test_a_whole_answer_costs_its_tokens(self):
        row = self.row("sue my landlord")
        self.assertEqual((row["intent"], row["mode"], row["model"]), ("lawyers", "hand_over", "large"))
        self.assertEqual((row["prompt_tokens"], row["cached_tokens"], row["completion_tokens"]), (3000, 1000, 500))
        self.assertAlmostEqual(row["cost"], COST)
        self.assertEqual((row["currency"], row["joules"], row["machine_ms"]), ("CHF", None, 0))
        self.assertEqual(row["first_byte_ms"], row["total_ms"])
        self.assertGreater(row["total_ms"], PAUSE_S * 1000 * 0.9)
        self.assertEqual(row["question"], "sue my landlord")

    def test_a_stream_does_where_its_usage_comes(self):
        row = self.row("sue my landlord", stream=True, stream_options={"include_usage": True})
        self.assertEqual((row["completion_tokens"], row["currency"]), (500, "CHF"))
        self.assertAlmostEqual(row["cost"], COST)
        self.assertLess(row["first_byte_ms"], row["total_ms"] - PAUSE_S * 1000)

    def test_what_is_not_known_has_no_cost(self):
        self.assertIsNone(self.row("sue my landlord", stream=True)["cost"])
        row = self.row("my head hurts")
        self.assertEqual((row["model"], row["completion_tokens"], row["cost"]), ("unpriced", 500, None))
        self.assertIs(self.row("sue my landlord, broken")["delivered"], False)

    def test_an_error_goes_to_the_client_who_may_ask_again(self):
        reply = self.server.post("/v1/chat/completions", {"model": "auto", "messages": [{"role": "user", "content": "sue my landlord, broken"}]})
        self.assertEqual((reply.status, reply.headers["Retry-After"]), (500, "17"))

    def test_an_answer_that_broke_off_has_a_row(self):
        row = self.row("sue my landlord, break off", stream=True)
        self.assertEqual((row["intent"], row["model"], row["delivered"], row["cost"]), ("lawyers", "large", False, None))

    def ask_and_wait(self, text):
        """A connection whose answer does not begin before Elsewhere.heard."""
        body = json.dumps({"model": "auto", "stream": True, "messages": [{"role": "user", "content": text}]}).encode()
        link = socket.create_connection(("127.0.0.1", self.server.port))
        link.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        return link

    def test_who_asks_how_the_server_is_does_not_wait_for_others(self):
        Elsewhere.heard.clear()
        self.addCleanup(Elsewhere.heard.set)
        links = []
        for _ in range(16):   # as many as there are threads
            links.append(self.enterContext(self.ask_and_wait("sue my landlord, think for all")))
            self.assertTrue(Elsewhere.asked.acquire(timeout=60))
        for path in "/health", "/health/live", "/metrics", "/api/version", "/openapi.json", "/":
            self.assertEqual(self.server.get(path).status, 200, path)
        Elsewhere.heard.set()
        for link in links:
            while link.recv(65536):   # their rows stand when they end
                pass

    def test_who_leaves_before_the_first_byte_leaves_a_row(self):
        Elsewhere.heard.clear()
        self.addCleanup(Elsewhere.heard.set)
        with self.ask_and_wait("sue my landlord, think"):
            self.assertTrue(Elsewhere.asked.acquire(timeout=60))
        end = time.monotonic() + 20
        while not (rows := [row for row in self.server.get("/v1/ledger").json()["entries"] if row["question"] == "sue my landlord, think"]):
            self.assertLess(time.monotonic(), end, "there is no row")
            time.sleep(0.02)
        line = rows[0]["ledger"]
        self.assertEqual((rows[0]["intent"], rows[0]["model"], line["delivered"], line["cost"]), ("lawyers", "large", False, None))
        self.assertEqual(line["first_byte_ms"], line["total_ms"])
        self.assertGreater(line["total_ms"], 0)


class Keys(Intents):
    @classmethod
    def make_server(cls):
        keys = cls.home / "keys.toml"
        keys.write_text(serving.key_row("few", "f-secret", "read", tokens_per_minute=10))
        return super().make_server("--api-key-file", keys)

    def test_tokens_of_an_endpoint_count_too(self):
        ask = {"model": "auto", "messages": [{"role": "user", "content": "sue my landlord"}]}
        statuses = [self.server.post("/v1/chat/completions", ask, Authorization="Bearer f-secret").status for _ in range(2)]
        self.assertEqual(statuses, [200, 429])


if __name__ == "__main__":
    unittest.main()
