#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Who may come in: keys, roles and limits; and what a page of a stranger may make a browser do."""
import hashlib
import os
import subprocess
import time
import unittest

import serving
from serving import key_row

ASK = {"messages": [{"role": "user", "content": serving.STORY}], "max_tokens": 4, "temperature": 0}


class Keys(serving.ServerTest):
    @classmethod
    def make_server(cls):
        cls.key_file = cls.home / "keys.toml"
        cls.write_keys()
        cls.library = cls.home / "shelf"
        cls.library.mkdir()
        return serving.Server("--api-key-file", cls.key_file, "--library", cls.library, models=[cls.model],
                              environment=cls.environment)

    @classmethod
    def write_keys(cls, *more):
        cls.key_file.write_text(key_row("reader", "r-secret", "read") + key_row("writer", "w-secret", "write") +
                                key_row("boss", "a-secret", "admin") + "".join(more))

    def chat(self, **headers):
        return self.server.post("/v1/chat/completions", ASK, **headers)

    def test_no_answer_without_a_key(self):
        for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Bearer "}, {"Authorization": "r-secret"},
                        {"Authorization": "Basic r-secret"}, {"X_Api_Key": "wrong"}, {"X_Api_Key": "r-secret" * 200}):
            reply = self.chat(**headers)
            self.assertEqual((reply.status, reply.error()["code"]), (401, "invalid_api_key"), headers)
        for path in "/v1/models", "/metrics", "/api/tags", "/api/ps", "/v1/ledger", "/v1/library/documents":
            self.assertEqual(self.server.get(path).status, 401, path)

    def test_a_key_in_either_header(self):
        self.assertEqual(self.chat(Authorization="Bearer r-secret").status, 200)
        self.assertEqual(self.chat(Authorization="bearer r-secret").status, 200)
        self.assertEqual(self.chat(X_Api_Key="r-secret").status, 200)

    def test_what_needs_none(self):
        for path in "/", "/health", "/health/live", "/openapi.json", "/api/version":
            self.assertEqual(self.server.get(path).status, 200, path)

    def test_roles(self):
        upload = "/v1/library/documents?name=a.txt"
        for secret, statuses in (("r-secret", (200, 403, 403)), ("w-secret", (200, 201, 403)), ("a-secret", (200, 201, 200))):
            headers = {"Authorization": f"Bearer {secret}"}
            self.assertEqual((self.server.get("/v1/models", **headers).status,
                              self.server.send("POST", upload, "A heron waits.", Content_Type="text/plain", **headers).status,
                              self.server.get("/v1/ledger", **headers).status), statuses, secret)

    def test_the_file_is_read_again_when_it_changes(self):
        self.write_keys(key_row("new", "n-secret", "read"))
        self.addCleanup(self.write_keys)
        end = time.monotonic() + 20
        while self.chat(Authorization="Bearer n-secret").status != 200:
            self.assertLess(time.monotonic(), end, "the new key is not known")
            time.sleep(0.1)
        self.key_file.write_text("[[key]]\nname = ")   # broken: the keys stay as they were
        time.sleep(1.5)
        self.assertEqual(self.chat(Authorization="Bearer n-secret").status, 200)

    def test_limits_of_a_key(self):
        self.write_keys(key_row("few", "f-secret", "read", requests_per_minute=3),
                        key_row("short", "s-secret", "read", tokens_per_minute=10))
        self.addCleanup(self.write_keys)
        end = time.monotonic() + 20
        while self.server.get("/v1/models", Authorization="Bearer s-secret").status == 401:
            self.assertLess(time.monotonic(), end, "the new key is not known")
            time.sleep(0.1)
        statuses = [self.server.get("/v1/models", Authorization="Bearer f-secret").status for _ in range(5)]
        self.assertEqual(statuses, [200, 200, 200, 429, 429])
        refused = self.server.get("/v1/models", Authorization="Bearer f-secret")
        self.assertEqual(refused.error()["code"], "rate_limit_exceeded")
        self.assertTrue(1 <= int(refused.headers["Retry-After"]) <= 60)
        self.assertEqual([self.chat(Authorization="Bearer s-secret").status for _ in range(3)], [200, 429, 429])

    def test_what_was_read_before_an_error_counts(self):
        self.write_keys(key_row("ranker", "k-secret", "read", tokens_per_minute=10))
        self.addCleanup(self.write_keys)
        rank = {"query": "Who has a ball?", "documents": [serving.STORY, serving.STORY * 100]}   # one fits the context
        end = time.monotonic() + 20
        while (reply := self.server.post("/v1/rerank", rank, Authorization="Bearer k-secret")).status == 401:
            self.assertLess(time.monotonic(), end, "the new key is not known")
            time.sleep(0.1)
        self.assertEqual(reply.status, 400, reply.body)
        self.assertEqual(self.chat(Authorization="Bearer k-secret").status, 429)

    def test_what_one_key_has_sent_is_not_in_the_cache_for_another(self):
        # CVE-2025-46570: the time to the first token tells whether somebody else has sent this prompt.
        ask = ASK | {"messages": [{"role": "user", "content": "The secret of the red house is under the tree. " * 8}]}
        def cached(secret):
            usage = self.server.post("/v1/chat/completions", ask, Authorization=f"Bearer {secret}").json()["usage"]
            return usage["prompt_tokens_details"]["cached_tokens"], usage["prompt_tokens"]
        self.assertLessEqual(cached("r-secret")[0], 1)
        self.assertLessEqual(cached("w-secret")[0], 1)
        again, prompt = cached("r-secret")
        self.assertEqual(again, prompt - 1)

    def test_responses_belong_to_their_key(self):
        ask = {"input": serving.STORY, "max_output_tokens": 2}
        first = self.server.post("/v1/responses", ask, Authorization="Bearer r-secret").json()
        path = f"/v1/responses/{first['id']}"
        self.assertEqual(self.server.get(path, Authorization="Bearer w-secret").status, 404)
        self.assertEqual(self.server.send("DELETE", path, Authorization="Bearer w-secret").status, 404)
        stolen = self.server.post("/v1/responses", ask | {"previous_response_id": first["id"]},
                                  Authorization="Bearer w-secret")
        self.assertEqual(stolen.status, 400)
        self.assertEqual(self.server.get(path, Authorization="Bearer r-secret").status, 200)

    def test_neither_keys_nor_prompts_are_logged(self):
        # CVE-2024-2952 and its like are leaks by logs: a line says who, which route, how long; not what.
        self.chat(Authorization="Bearer r-secret")
        self.server.get("/v1/models?key=r-secret", Authorization="Bearer wrong-secret")
        log = self.server.logged()
        self.assertIn('"key":"reader"', log)
        for text in "r-secret", "wrong-secret", "Lily", hashlib.sha256(b"r-secret").hexdigest():
            self.assertNotIn(text, log)


class Browsers(serving.ServerTest):
    arguments = ("--cors-origin", "https://good.example", "--allowed-host", "kinglet.lan")

    def test_a_name_made_to_point_here_is_not_answered(self):
        # CVE-2024-28224: DNS rebinding gave pages of strangers the API of Ollama.
        for host, status in (("evil.example", 403), ("evil.example:80", 403), ("localhost.evil.example", 403),
                             ("127.0.0.1.evil.example", 403), (f"127.0.0.1:{self.server.port}", 200), ("localhost", 200),
                             ("[::1]:8080", 200), ("kinglet.lan:8080", 200), ("LOCALHOST", 200)):
            self.assertEqual(self.server.get("/v1/models", Host=host).status, status, host)

    def test_pages_of_other_origins(self):
        for origin, status in (("https://evil.example", 403), ("null", 403), ("http://localhost:9", 403),
                               ("https://good.example.evil.example", 403), ("https://good.example", 200),
                               (f"http://127.0.0.1:{self.server.port}", 200)):
            reply = self.server.post("/v1/chat/completions", ASK, Origin=origin)
            self.assertEqual(reply.status, status, origin)
            self.assertEqual(reply.headers["Access-Control-Allow-Origin"], origin if status == 200 else None)

    def test_preflights(self):
        good = self.server.send("OPTIONS", "/v1/chat/completions", Origin="https://good.example",
                                Access_Control_Request_Method="POST")
        self.assertEqual((good.status, good.headers["Access-Control-Allow-Methods"]), (204, "POST"))
        self.assertIn("Authorization", good.headers["Access-Control-Allow-Headers"])
        evil = self.server.send("OPTIONS", "/v1/chat/completions", Origin="https://evil.example",
                                Access_Control_Request_Method="POST")
        self.assertIsNone(evil.headers["Access-Control-Allow-Origin"])

    def test_a_form_writes_nothing(self):
        for kind in "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=a", "":
            reply = self.server.send("POST", "/v1/library/documents?name=a.txt", "text", Content_Type=kind)
            self.assertEqual(reply.status, 415, kind)


class Doors(unittest.TestCase):
    def refused(self, *arguments):
        done = subprocess.run([os.environ["KINGLET"], "serve", "--model", serving.STORIES, *arguments],
                              capture_output=True, text=True, timeout=30, stdin=subprocess.DEVNULL)
        self.assertEqual((done.stdout, done.stderr.count("\n")), ("", 1), done.stderr)
        return done.returncode, done.stderr

    def test_no_door_to_other_machines_without_a_key(self):
        # CVE-2025-63389: Ollama's management routes answer everybody who can reach them.
        for host in "0.0.0.0", "::", "192.0.2.1":
            status, error = self.refused("--host", host)
            self.assertEqual(status, 2)
            self.assertIn("--api-key-file", error)

    def test_a_library_that_there_is_not_is_told_at_the_start(self):
        status, error = self.refused("--library", "notes=/no/such/folder")
        self.assertEqual(status, 1)
        self.assertIn("`kinglet ingest PATH --library /no/such/folder`", error)

    def test_broken_files_name_their_line(self):
        path = serving.pathlib.Path(self.enterContext(serving.tempfile.TemporaryDirectory())) / "keys.toml"
        for text, line in (("[[key]]\nname = \"a\"\n", 1), ("[[key]]\nname = \"a\"\nsha256 = \"12\"\n", 3), ("[[key]\n", 1),
                           (key_row("a", "x", "king"), 3), (key_row("a", "x", "read", requests_per_minute=-1), 5),
                           (key_row("a", "x", "read") + key_row("a", "y", "read"), 5), ("keys = 1\n", 1)):
            path.write_text(text)
            status, error = self.refused("--api-key-file", str(path))
            self.assertEqual(status, 3, error)
            self.assertIn(f"line {line}", error)
        self.assertEqual(self.refused("--api-key-file", str(path) + ".none")[0], 1)

    def test_a_port_that_is_taken(self):
        with serving.socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            status, error = self.refused("--port", str(taken.getsockname()[1]))
            self.assertEqual(status, 1)
            self.assertIn(str(taken.getsockname()[1]), error)


if __name__ == "__main__":
    unittest.main()
