#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What attackers have done to llama-server, Ollama and vLLM, done to this server; after each it still answers."""
import gzip
import json
import os
import pathlib
import random
import socket
import struct
import subprocess
import time
import unittest

import serving

ASK = {"messages": [{"role": "user", "content": serving.STORY}], "max_tokens": 4, "temperature": 0}
MIB = 1 << 20


def resident_bytes(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) << 10


class Published(serving.ServerTest):
    """Holes that were published, each by its number."""
    arguments = ("--max-body-bytes", str(2 * MIB))

    def tearDown(self):
        self.assertEqual(self.server.get("/health").status, 200)
        self.assertEqual(self.server.post("/v1/chat/completions", ASK).status, 200)
        self.assertLess(resident_bytes(self.server.process.pid), 300 * MIB)

    def test_cve_2024_37032_path_traversal_in_names_of_models(self):
        # Ollama took ../ in a digest; CVE-2024-45436 and CVE-2026-7020 are its like.
        secret = self.home / "secret.gguf"
        secret.write_bytes(self.model.read_bytes())
        for name in ("../secret", str(secret), f"file://{secret}", "tiny/../secret", "..%2fsecret", "tiny\0", "hf:a/b:c",
                     "sha256:../../secret", "http://127.0.0.1:1/secret.gguf"):
            for path, body in (("/v1/chat/completions", ASK | {"model": name}), ("/api/show", {"model": name}),
                               ("/api/generate", {"model": name, "prompt": "a"}), ("/v1/embeddings", {"model": name, "input": "a"})):
                self.assertEqual(self.server.post(path, body).status, 404, (path, name))
        for path in ("/v1/models/../../secret", "/v1/models/%2e%2e%2fsecret", "/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd",
                     "//etc/passwd", "/v1/library/text?uri=../../etc/passwd", "/v1/library/text?uri=file:///etc/passwd"):
            reply = self.server.get(path)
            self.assertIn(reply.status, (400, 404), path)
            self.assertNotIn(b"root:", reply.body)

    def test_cve_2025_63389_nobody_loads_or_deletes_models_from_afar(self):
        # Ollama's /api/pull, /api/delete, /api/create, /api/push, /api/copy; also CVE-2024-39719 to 39722.
        for method, path in (("POST", "/api/pull"), ("DELETE", "/api/delete"), ("POST", "/api/create"), ("POST", "/api/push"),
                             ("POST", "/api/copy"), ("HEAD", "/api/blobs/sha256:0"), ("POST", "/models/load"),
                             ("POST", "/v1/load_lora_adapter"), ("POST", "/slots/0?action=save"), ("POST", "/props")):
            self.assertEqual(self.server.send(method, path, b"{}" if method == "POST" else None).status, 404, path)

    def test_cve_2024_34359_code_in_chat_templates(self):
        # llama-cpp-python rendered a model's template without a sandbox.
        attacks = ("{{ ''.__class__.__mro__[1].__subclasses__() }}", "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
                   "{% include '/etc/passwd' %}", "{% import 'os' as os %}{{ os }}", "{{ lipsum.__globals__ }}")
        for number, template in enumerate(attacks):
            model = serving.add_to_gguf(serving.STORIES, self.home / f"bad{number}.gguf", tokenizer__chat_template=template)
            done = subprocess.run([os.environ["KINGLET"], "run", model, "-p", "a", "-n", "1"], capture_output=True, timeout=60,
                                  stdin=subprocess.DEVNULL, env=os.environ | self.environment)
            self.assertNotIn(b"uid=", done.stdout + done.stderr)
            self.assertNotIn(b"root:", done.stdout + done.stderr)

    def test_cve_2025_61620_endless_chat_templates(self):
        # vLLM let a request bring a template, and one that never ends; here a request brings none, and a model's has limits.
        self.expect_error(self.server.post("/v1/chat/completions", ASK | {"chat_template": "{{ 1 }}"}), 400, "chat_template")
        model = serving.add_to_gguf(serving.STORIES, self.home / "endless.gguf", tokenizer__chat_template=
                                    "{% for a in range(999999999) %}{% for b in range(999999999) %}x{% endfor %}{% endfor %}")
        with serving.Server(models=[model], environment=self.environment) as server:
            begun = time.monotonic()
            self.expect_error(server.post("/v1/chat/completions", ASK), 400)
            self.assertLess(time.monotonic() - begun, 20)
            self.assertEqual(server.get("/health").status, 200)

    def test_cve_2025_62426_template_fields_that_are_the_servers(self):
        # vLLM's chat_template_kwargs could set "tokenize" and hold the whole server up.
        for own in ({"tokenize": True}, {"messages": "x"}, {"add_generation_prompt": False}, {"a": [[[[1]]]] * 100}):
            self.assertIn(self.server.post("/v1/chat/completions", ASK | {"chat_template_kwargs": own}).status, (200, 400))

    def test_cve_2024_21825_overflows_in_gguf(self):
        # llama.cpp: counts and lengths that wrap (21802, 21825, 21836, 23496, 23605; CVE-2025-53630); Ollama:
        # CVE-2024-39720, CVE-2025-0312, 0315, 0317.
        data = self.model.read_bytes()
        broken = [data[:4], data[:24], struct.pack("<IIQQ", 0x46554747, 3, 1 << 62, 0), struct.pack("<IIQQ", 0x46554747, 3, 0, 1 << 63),
                  data[:24] + struct.pack("<Q", (1 << 64) - 8) + data[32:], data[:24] + struct.pack("<Q", 1 << 40) + data[32:]]
        for number, content in enumerate(broken):
            path = self.home / f"broken{number}.gguf"
            path.write_bytes(content)
            done = subprocess.run([os.environ["KINGLET"], "serve", "--model", path, "--port", "0"], capture_output=True,
                                  timeout=60, stdin=subprocess.DEVNULL, env=os.environ | self.environment)
            self.assertEqual((done.returncode, done.stderr.count(b"\n")), (3, 1), done.stderr)

    def test_cve_2025_49847_tokens_of_any_bytes(self):
        # llama.cpp copied a token into a buffer by a length that it got wrong; CVE-2025-52566 counted tokens with a sign.
        texts = ["\u0000" * 1000, "\U0010ffff" * 500, "<s></s><unk>" * 200, " " * 5000, "a" * 50_000, "\u202e\ufeff\u200d" * 99]
        for text in texts:
            ids = self.server.post("/tokenize", {"content": text, "parse_special": True}).json()["tokens"]
            self.assertTrue(ids)
            self.assertEqual(self.server.post("/detokenize", {"tokens": ids}).status, 200)
        for id_ in (-1, 1 << 31, 1 << 62):
            self.expect_error(self.server.post("/detokenize", {"tokens": [id_]}), 400, "tokens")

    def test_cve_2024_8768_empty_prompts(self):
        # vLLM died of an empty prompt.
        for prompt in "", [], [[]], [""]:
            self.assertIn(self.server.post("/v1/completions", {"prompt": prompt, "max_tokens": 1}).status, (200, 400))

    def test_cve_2024_8939_best_of(self):
        # vLLM computed as many answers as were asked for.
        for fields in {"best_of": 1_000_000}, {"n": 1_000_000}, {"n": 1 << 70}:
            self.expect_error(self.server.post("/v1/completions", {"prompt": "a"} | fields), 400)

    def test_cve_2026_21869_negative_counts(self):
        # llama-server wrote before its buffers when n_discard was negative.
        for name in "n_discard", "n_keep", "n_predict", "id_slot", "cache_prompt":
            self.expect_error(self.server.post("/v1/completions", {"prompt": "a", name: -5}), 400, name)

    def test_cve_2025_48956_huge_headers(self):
        # vLLM had no limit for a header.
        for head in (b"GET /health HTTP/1.1\r\nHost: localhost\r\nA: " + b"x" * (8 * MIB),
                     b"GET /health HTTP/1.1\r\nHost: localhost\r\n" + b"A: x\r\n" * MIB, b"GET /" + b"a" * (8 * MIB)):
            answer = self.server.raw(head)
            self.assertTrue(answer == b"" or answer.startswith((b"HTTP/1.1 431", b"HTTP/1.1 400", b"HTTP/1.1 414")), answer[:100])

    def test_cve_2024_12886_compressed_bodies(self):
        # Ollama unpacked what it got without a bound.
        bomb = gzip.compress(b" " * (64 * MIB))
        reply = self.server.send("POST", "/v1/chat/completions", bomb, Content_Encoding="gzip")
        self.assertEqual(reply.status, 415)

    def test_cve_2025_48943_patterns_and_schemas(self):
        # vLLM died of patterns that are none, and of one that takes long (also CVE-2025-48942, 48944).
        evil = {"type": "object", "properties": {"a": {"type": "string", "pattern": "(a+)+$"}}, "required": ["a"]}
        for fields in {"json_schema": evil}, {"structured_outputs": {"regex": "(a+)+$"}}:
            self.assertEqual(self.server.post("/v1/chat/completions", ASK | fields).status, 200)
        broken = {"type": "string", "pattern": "(a+"}
        for field, fields in (
                ("json_schema", {"json_schema": broken}), ("structured_outputs.regex", {"structured_outputs": {"regex": "*"}}),
                ("guided_regex", {"guided_regex": "(a+)+$"}), ("guided_json", {"guided_json": evil}), ("grammar", {"grammar": "root ::= root"}),
                ("tools", {"tools": [{"type": "function", "function": {"name": "a", "parameters": {"type": ["x"]}}}]})):
            self.expect_error(self.server.post("/v1/chat/completions", ASK | fields), 400, field)

    def test_cve_2025_6242_no_request_makes_the_server_ask_another(self):
        # vLLM fetched what a message named.
        with socket.socket() as trap:
            trap.bind(("127.0.0.1", 0))
            trap.listen()
            trap.settimeout(0.5)
            url = f"http://127.0.0.1:{trap.getsockname()[1]}/a.png"
            for kind, part in (("image_url", {"url": url}), ("input_audio", {"data": url}), ("video_url", {"url": url})):
                messages = [{"role": "user", "content": [{"type": kind, kind: part}]}]
                self.expect_error(self.server.post("/v1/chat/completions", ASK | {"messages": messages}), 400)
            self.server.post("/v1/ask", {"question": url, "library": url})
            self.server.send("POST", f"/v1/library/documents?name={url}", b"a", Content_Type="text/plain-1")
            with self.assertRaises(TimeoutError):
                trap.accept()

    def test_cve_2025_62164_tensors_in_requests(self):
        # vLLM unpickled embeddings that a request brought.
        self.expect_error(self.server.post("/v1/completions", {"prompt": "a", "prompt_embeds": "gASVAAAA"}), 400, "prompt_embeds")


class Hostile(serving.ServerTest):
    """What is no request, or hardly one."""
    arguments = ("--max-body-bytes", str(2 * MIB))

    def status_of(self, data):
        answer = self.server.raw(data)
        return int(answer.split(b" ")[1]) if answer.startswith(b"HTTP/1.1 ") else None

    def test_smuggling(self):
        body = b'{"prompt":"a"}'
        post = b"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\n"
        for head in (post + b"Content-Length: 14\r\nTransfer-Encoding: chunked\r\n\r\n", post + b"Content-Length: 14\r\nContent-Length: 15\r\n\r\n",
                     post + b"Transfer-Encoding: chunked, identity\r\n\r\n", post + b"Content-Length: +14\r\n\r\n",
                     post + b"Content-Length: -1\r\n\r\n", post + b"Content-Length: 99999999999999999999\r\n\r\n",
                     post + b"Content-Length : 14\r\n\r\n", post + b"A: b\r\n c\r\nContent-Length: 14\r\n\r\n",
                     b"POST /v1/completions HTTP/1.1\nHost: localhost\nContent-Length: 14\n\n"):
            self.assertIn(self.status_of(head + body), (400, 413, 501, None), head)

    def test_bodies_beyond_the_limit(self):
        self.assertEqual(self.server.send("POST", "/v1/completions", b"x" * (3 * MIB)).status, 413)
        chunked = b"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n" + (
            b"10000\r\n" + b"x" * 65536 + b"\r\n") * 40
        self.assertIn(self.status_of(chunked), (413, None))

    def test_methods_and_paths(self):
        for line, status in ((b"GET / HTTP/1.0", 200), (b"HEAD /health HTTP/1.1", 200), (b"PUT /health HTTP/1.1", 405),
                             (b"GET /%zz HTTP/1.1", 400), (b"GET /%00 HTTP/1.1", 400), (b"TRACE / HTTP/1.1", 405),
                             (b"CONNECT a:1 HTTP/1.1", 400), (b"GET http://x/health HTTP/1.1", 200), (b"GET / HTTP/3.7", 400)):
            got = self.status_of(line + b"\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            self.assertIn(got, (status, 400, 505) if status != 200 else (200, 400), line)

    def test_deep_and_wide_json(self):
        for body in ('{"a":' * 5000 + "1" + "}" * 5000, "[" * 500_000, '{"messages":' + "[" * 40 + "]" * 40 + "}",
                     '{"a":1,' * 3 + "}", '{"prompt":"a","prompt":"b"}', '{"n":1e999}', '{"prompt":"\\ud800"}'):
            self.assertIn(self.server.send("POST", "/v1/completions", body).status, (200, 400), body[:40])

    def test_a_slow_header_is_cut_off(self):
        with serving.Server(models=[self.model], environment=self.environment) as server:
            with socket.create_connection(("127.0.0.1", server.port), timeout=30) as link:
                link.sendall(b"GET / HTTP/1.1\r\nHo")
                begun = time.monotonic()
                link.settimeout(25)
                while link.recv(4096):
                    pass
                self.assertLess(time.monotonic() - begun, 20)

    def test_ten_thousand_broken_requests(self):
        # Each is a sound request with some bytes changed, cut, doubled or swapped, from a seed.
        random_ = random.Random(20)
        body = json.dumps(ASK | {"stop": ["a"], "logit_bias": {"5": 1}, "seed": 1, "kinglet": {"class": "batch"}}).encode()
        paths = [b"/v1/chat/completions", b"/v1/completions", b"/v1/responses", b"/v1/messages", b"/api/chat", b"/api/generate",
                 b"/v1/embeddings", b"/v1/rerank", b"/v1/ask", b"/tokenize", b"/detokenize", b"/v1/library/documents?name=a.html"]
        before = None
        for number in range(10_000):
            request = bytearray(b"POST " + random_.choice(paths) + b" HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                                b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
            for _ in range(random_.randint(1, 6)):
                at = random_.randrange(len(request))
                kind = random_.randrange(5)
                if kind == 0:
                    request[at] = random_.randrange(256)
                elif kind == 1:
                    del request[at:at + random_.randint(1, 20)]
                elif kind == 2:
                    request[at:at] = request[at:at + random_.randint(1, 60)]
                elif kind == 3:
                    request[at:at] = random_.choice([b"\0", b"\xff\xfe", b"\r\n", b"\r\n\r\n", b'"', b"[[[[", b"\xf0\x9f\x90\x95", b"9" * 30])
                else:
                    other = random_.randrange(len(request))
                    request[at], request[other] = request[other], request[at]
            with socket.create_connection(("127.0.0.1", self.server.port), timeout=10) as link:
                try:
                    link.sendall(bytes(request))
                    link.shutdown(socket.SHUT_WR)
                    while link.recv(65536):
                        pass
                except ConnectionError:
                    pass
            if number == 2000:
                before = resident_bytes(self.server.process.pid)
        self.assertEqual(self.server.get("/health").status, 200)
        self.assertLess(resident_bytes(self.server.process.pid), before + 32 * MIB)
        end = time.monotonic() + 20
        while self.server.loaded()["tiny"]["running"] + self.server.loaded()["tiny"]["waiting"] > 0:
            self.assertLess(time.monotonic(), end, "requests of clients that went away are still there")
            time.sleep(0.1)


if __name__ == "__main__":
    unittest.main()
