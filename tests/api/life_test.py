#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A server's life: several models, clients that leave, budgets, restarts, an orderly end and a sudden one."""
import contextlib
import gzip
import json
import re
import signal
import socket
import threading
import time
import unittest

import serving

ASK = {"messages": [{"role": "user", "content": serving.STORY}], "max_tokens": 4, "temperature": 0}
LONG = ASK | {"max_tokens": 100, "ignore_eos": True}


def wait_for(condition, seconds=20):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)


class Models(serving.ServerTest):
    @classmethod
    def make_server(cls):
        other = serving.add_to_gguf(cls.model, cls.home / "other.gguf", a__b="c")
        broken = cls.home / "broken.gguf"
        broken.write_bytes(b"GGUF")
        return serving.Server("--keep-alive-s", "1", models=[cls.model, f"second={other}", broken],
                              environment=cls.environment)

    def test_models_come_when_they_are_asked_for_and_go_when_nobody_does(self):
        names = [model["id"] for model in self.server.get("/v1/models").json()["data"]]
        self.assertEqual(names, ["tiny", "other", "broken"])

        def is_loaded_once_asked():   # asked again where the machine held us up until it had gone
            answers = [self.server.post("/v1/chat/completions", ASK | {"model": name}).json() for name in ("other", "second")]
            self.assertEqual([answer["model"] for answer in answers], ["other", "other"])
            return "other" in self.server.loaded()
        wait_for(is_loaded_once_asked)
        wait_for(lambda: not self.server.loaded())
        self.assertEqual(self.server.post("/v1/chat/completions", ASK).json()["model"], "tiny")

    def test_a_model_that_is_not_offered_is_told_which_are(self):
        error = self.expect_error(self.server.post("/v1/chat/completions", ASK | {"model": "nobody"}), 404)
        self.assertTrue(error["message"].endswith("there are: tiny, other, second, broken"), error)

    def test_a_model_that_cannot_be_loaded_says_why(self):
        for _ in range(2):
            reply = self.server.post("/v1/chat/completions", ASK | {"model": "broken"})
            self.assertGreaterEqual(reply.status, 400)
            self.assertIn("broken.gguf", reply.error()["message"])

    def test_ps_lists_them(self):
        def is_listed_once_asked():
            self.server.post("/v1/chat/completions", ASK)
            done = serving.subprocess.run([serving.os.environ["KINGLET"], "ps", "--url", f"http://127.0.0.1:{self.server.port}"],
                                          capture_output=True, text=True, timeout=60)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            return "tiny" in done.stdout
        wait_for(is_listed_once_asked)


class Clients(serving.ServerTest):
    def test_a_client_that_leaves_frees_its_place(self):
        def left_over():
            """Requests that are not gone, and pages that are neither free nor cached."""
            state = self.server.loaded()["tiny"]
            pages = state["kv_pages"]
            return state["running"] + state["waiting"] + pages["all"] - pages["free"] - pages["cached"]
        for _ in range(20):
            body = json.dumps(LONG | {"stream": True, "n": 4}).encode()
            with socket.create_connection(("127.0.0.1", self.server.port)) as link:
                link.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
                link.recv(1000)
        # Whoever waits takes pages yet, though nobody runs; a page on its way to the disk is held until it is there.
        wait_for(lambda: left_over() == 0)
        lines = [row["ledger"] for row in self.server.get("/v1/ledger?limit=20").json()["entries"]]
        self.assertIn((False, 0), [(line["delivered"], line["useful_tokens"]) for line in lines])

    def test_a_budget_that_cannot_be_kept_is_refused_at_once(self):
        reply = self.server.post("/v1/chat/completions", ASK | {"kinglet": {"first_byte_budget_ms": 0}})
        error = self.expect_error(reply, 429)
        self.assertEqual(error["code"], "first_byte_budget")
        self.assertGreaterEqual(error["predicted_first_byte_ms"], 0)
        self.assertGreaterEqual(int(reply.headers["Retry-After"]), 1)
        batch = self.server.post("/v1/chat/completions", ASK | {"kinglet": {"first_byte_budget_ms": 0, "on_miss": "batch"}})
        self.assertEqual(batch.status, 200)
        kept = self.server.post("/v1/chat/completions", ASK | {"kinglet": {"first_byte_budget_ms": 60_000}})
        self.assertEqual(kept.status, 200)

    def test_metrics_count_what_happened(self):
        def count(name, **labels):
            total = 0
            for line in self.server.get("/metrics").body.decode().splitlines():
                if line.startswith(name + "{") and all(f'{key}="{value}"' in line for key, value in labels.items()):
                    total += float(line.rsplit(" ", 1)[1])
            return total
        generated = count("kinglet_tokens_total", kind="generated")
        answered = count("kinglet_requests_total", route="/v1/chat/completions", status="200")
        self.server.post("/v1/chat/completions", ASK)
        # An answer is counted when its last byte is on its way: who has read it may look too soon.
        wait_for(lambda: count("kinglet_requests_total", route="/v1/chat/completions", status="200") > answered)
        wait_for(lambda: count("kinglet_tokens_total", kind="generated") > generated)
        self.assertEqual(count("kinglet_tokens_total", kind="generated"), generated + 4)
        self.assertEqual(count("kinglet_requests_total", route="/v1/chat/completions", status="200"), answered + 1)
        for name in ("time_to_first_byte", "time_to_first_token", "time_per_output_token", "queue", "prefill"):
            self.assertGreater(count(f"kinglet_{name}_seconds_count", model="tiny", **{"class": "interactive"}), 0, name)
        self.assertGreater(count("kinglet_kv_pages", use="free"), 0)

    def test_the_dashboard_asks_for_what_there_is(self):
        self.server.post("/v1/chat/completions", ASK)
        self.server.post("/v1/chat/completions", ASK | {"kinglet": {"first_byte_budget_ms": 0}})
        text = self.server.get("/metrics").body.decode()
        dashboard = json.loads((serving.DATA.parents[1] / "docs/grafana.json").read_text())
        names = {name for panel in dashboard["panels"] for target in panel["targets"]
                 for name in re.findall(r"kinglet_\w+", target["expr"])}
        self.assertGreater(len(names), 9)
        for name in names:
            self.assertRegex(text, rf"(?m)^{name}[{{ ]", "the dashboard asks for what is not there")

    def test_pipelined_requests_are_answered_in_order(self):
        paths = ["/api/version", "/health", "/v1/models", "/nonesuch", "/health/live"]
        data = b"".join(b"GET %s HTTP/1.1\r\nHost: localhost\r\n%s\r\n" % (path.encode(), b"Connection: close\r\n" if path == paths[-1] else b"")
                        for path in paths)
        answer = self.server.raw(data)
        positions = [answer.find(text) for text in (b'"version"', b'"status":"ok"', b'"list"', b"not_found")]
        self.assertTrue(all(position >= 0 for position in positions) and positions == sorted(positions), answer)
        self.assertEqual(answer.count(b"HTTP/1.1 "), 5)

    def test_json_is_compressed_for_who_takes_it(self):
        reply = self.server.get("/openapi.json", Accept_Encoding="gzip")
        self.assertEqual(reply.headers["Content-Encoding"], "gzip")
        self.assertEqual(json.loads(gzip.decompress(reply.body))["openapi"][:2], "3.")


class Ends(serving.ServerTest):
    def cache(self, action, status=0):
        done = serving.subprocess.run([serving.os.environ["KINGLET"], "cache", action, "--json"], capture_output=True,
                                      timeout=60, env=serving.os.environ | self.environment)
        self.assertEqual(done.returncode, status, done.stderr)
        return json.loads(done.stdout)

    def test_pages_are_shown_checked_and_cleared(self):
        ask = ASK | {"messages": [{"role": "user", "content": "The red bird sat in the tree and sang. " * 14}]}
        with self.make_server() as server:
            for _ in range(2):
                server.post("/v1/chat/completions", ask)
            wait_for(lambda: server.loaded()["tiny"]["kv_pages"]["disk"] > 0)
            server.stop()
        self.assertEqual(self.cache("verify")["broken_pages"], 0)
        torn, *_ = sorted((self.home / "cache/pages").rglob("*.kv"))
        torn.write_bytes(torn.read_bytes()[:-1])
        self.assertEqual(self.cache("verify", status=1)["broken_pages"], 1)
        self.assertFalse(torn.exists())
        self.cache("clear")
        self.assertEqual(self.cache("list")["pages"]["files"], 0)

    def test_what_was_computed_outlives_the_server(self):
        # The second request shows that the prompt comes again, so its pages go to the disk.
        ask = ASK | {"messages": [{"role": "user", "content": "The sun was hot and the bird was sad. " * 14}]}
        with self.make_server() as server:
            first = [server.post("/v1/chat/completions", ask).json() for _ in range(2)]
            wait_for(lambda: server.loaded()["tiny"]["kv_pages"]["disk"] > 0)
            self.assertEqual(server.stop(), 0)
        with self.make_server() as server:
            again = server.post("/v1/chat/completions", ask).json()
        self.assertEqual(again["choices"], first[0]["choices"])
        self.assertGreater(again["usage"]["prompt_tokens_details"]["cached_tokens"], 60)
        for folder in (self.home / "cache").rglob("pages"):
            for file in folder.rglob("*"):
                self.assertEqual(file.stat().st_mode & 0o077, 0, file)

    def test_a_torn_page_is_never_used(self):
        ask = ASK | {"messages": [{"role": "user", "content": "Tom and his mom like to play with the red ball. " * 12}]}
        with self.make_server() as server:
            first = [server.post("/v1/chat/completions", ask).json() for _ in range(2)]
            wait_for(lambda: server.loaded()["tiny"]["kv_pages"]["disk"] > 0)
            server.stop()
        files = sorted((self.home / "cache/pages").rglob("*.kv"))
        self.assertTrue(files)
        for number, file in enumerate(files):
            data = bytearray(file.read_bytes())
            if number % 2 == 0:
                data[-100] ^= 1
                file.write_bytes(data)
            else:
                file.write_bytes(data[:len(data) // 2])
        self.assertEqual(self.cache("list")["pages"]["files"], len(files))
        with self.make_server() as server:
            again = server.post("/v1/chat/completions", ask).json()
        self.assertEqual(again["choices"], first[0]["choices"])
        self.assertLessEqual(again["usage"]["prompt_tokens_details"]["cached_tokens"], 1)

    def test_sigterm_lets_an_answer_end(self):
        with self.make_server() as server, contextlib.ExitStack() as links:
            begun = []
            for _ in range(4):
                link = links.enter_context(server.connect())
                link.request("POST", "/v1/chat/completions", json.dumps(LONG | {"n": 8, "stream": True, "stream_options": {"include_usage": True}}),
                             {"Content-Type": "application/json"})
                begun.append(link.getresponse())
            server.process.send_signal(signal.SIGTERM)
            answers = [serving.Reply(response) for response in begun]
            self.assertEqual(server.stop(), 0)
            self.assertEqual([(answer.status, answer.events()[-1]["usage"]["completion_tokens"]) for answer in answers], [(200, 800)] * 4)

    def test_more_signals_while_it_ends_do_no_harm(self):
        for _ in range(10):
            with self.make_server() as server:
                self.assertEqual(server.post("/v1/chat/completions", ASK).status, 200)
                process = server.process
                while process.poll() is None:
                    process.send_signal(signal.SIGTERM)
                self.assertEqual(process.returncode, 0)
                server.stop()

    def test_killed_under_load_it_starts_again(self):
        ask = ASK | {"messages": [{"role": "user", "content": "One day, a big dog went to the park. " * 14}], "max_tokens": 16}
        expected = self.server.post("/v1/chat/completions", ask).json()["choices"]
        for round_ in range(5):
            server = self.make_server()
            with server:
                self.assertEqual(server.post("/v1/chat/completions", ask).json()["choices"], expected)
                def load():
                    try:
                        while True:
                            server.post("/v1/chat/completions", ask | {"seed": round_})
                    except (OSError, serving.http.client.HTTPException, TypeError):
                        pass
                clients = [threading.Thread(target=load) for _ in range(4)]
                for client in clients:
                    client.start()
                time.sleep(0.05 * round_)
                server.stop(signal.SIGKILL)
                for client in clients:
                    client.join()


if __name__ == "__main__":
    unittest.main()
