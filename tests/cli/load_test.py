#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`kinglet eval load` against `kinglet serve`, and against an endpoint that misbehaves on purpose."""
import http.server
import json
import os
import pathlib
import signal
import socket
import struct
import subprocess
import tempfile
import threading
import time
import unittest

DATA = pathlib.Path(os.environ["KINGLET_TEST_DATA"])
MODEL = DATA / "models/stories-q4_0.gguf"
AZURE = DATA / "traces/azure_conversation.csv"
MOONCAKE = DATA / "traces/mooncake.jsonl"


def eval_load(url, trace, *arguments, timeout=120):
    done = subprocess.run([os.environ["KINGLET"], "eval", "load", "--url", url, "--trace", str(trace),
                           *map(str, arguments)], capture_output=True, text=True, timeout=timeout)
    return done.returncode, done.stdout, done.stderr


class Load(unittest.TestCase):
    """What all tests ask of a result."""

    def load(self, url, trace, *arguments):
        status, out, err = eval_load(url, trace, "--json", *arguments)
        self.assertEqual(status, 0, err)
        result = json.loads(out)
        self.assert_adds_up(result)
        return result

    def assert_adds_up(self, result):
        self.assertEqual(result["sent"], result["completed"] + result["rejected"] + sum(result["failed"].values()))
        self.assertLessEqual(result["within_slo"], result["completed"])
        self.assertAlmostEqual(result["goodput_share"], result["within_slo"] / result["sent"])
        for name in ("ttft_ms", "tpot_ms", "itl_ms", "sender_late_ms"):
            spread = result[name]
            self.assertLessEqual(spread["p50"], spread["p90"])
            self.assertLessEqual(spread["p90"], spread["p99"])
            self.assertLessEqual(spread["p99"], spread["max"])


class AgainstKinglet(Load):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        home = {"KINGLET_HOME": cls.folder.name, "XDG_CACHE_HOME": cls.folder.name}
        cls.server = subprocess.Popen(
            [os.environ["KINGLET"], "serve", "--model", MODEL, "--port", "0", "-t", "1", "--quiet"],
            stdout=subprocess.PIPE, text=True, env=os.environ | home)
        cls.addClassCleanup(cls.end_server)
        cls.url = next(word for word in cls.server.stdout.readline().replace(",", "").split() if "://" in word)

    @classmethod
    def end_server(cls):
        cls.server.send_signal(signal.SIGTERM)
        cls.server.wait(30)
        cls.server.stdout.close()

    def test_a_trace_is_replayed_at_its_times_and_lengths(self):
        result = self.load(self.url, AZURE, "--scale-length", 0.1, "--scale-time", 0.1, "--slo",
                           "ttft_ms=60000,tpot_ms=60000")
        self.assertEqual((result["sent"], result["completed"], result["within_slo"]), (24, 24, 24))
        self.assertEqual(result["short_answers"], 0)
        self.assertGreater(result["elapsed_s"], 1.4)    # 14.3 s of the trace
        self.assertLess(abs(result["prompt_tokens"] / result["wanted_prompt_tokens"] - 1), 0.2)
        answers = [int(line.split(",")[2]) for line in AZURE.read_text(encoding="utf-8").splitlines()[1:]]
        self.assertEqual(result["answer_tokens"], sum(int(answer / 10 + 0.5) for answer in answers))
        self.assertGreater(result["ttft_ms"]["p50"], 0)
        self.assertGreater(result["itl_ms"]["p50"], 0)
        self.assertLess(result["sender_cpu_share"], 0.5)
        self.assertEqual(result["conditions"]["scale_length"], 0.1)

    def test_blocks_that_are_the_same_are_cached(self):
        result = self.load(self.url, MOONCAKE, "--scale-length", 0.09, "--scale-time", 0.01, "--seed", 7)
        self.assertEqual(result["completed"], 13)
        self.assertGreater(result["cached_tokens"], 500)
        self.assertLess(result["cached_tokens"], result["prompt_tokens"])

    def test_what_misses_the_limits_is_no_goodput(self):
        result = self.load(self.url, AZURE, "--scale-length", 0.02, "--rate", 50, "--limit", 5, "--slo",
                           "ttft_ms=0.001")
        self.assertEqual((result["sent"], result["completed"], result["within_slo"]), (5, 5, 0))
        self.assertEqual(result["rate_per_s"], 50)

    def test_too_long_a_prompt_is_refused_and_counted(self):
        result = self.load(self.url, AZURE, "--limit", 6, "--scale-time", 0.01, "--scale-length", 8)
        self.assertGreater(result["failed"]["refused"], 0)
        self.assertIn("error", result["first_error"])

    def test_the_table_for_people(self):
        status, out, err = eval_load(self.url, AZURE, "--scale-length", 0.02, "--limit", 3, "--scale-time", 0.1)
        self.assertEqual(status, 0, err)
        self.assertRegex(out, r"lengths times 0\.02, times times 0\.1, seed 1, [\d.]+ tokens a word")
        self.assertIn("3 sent, 3 completed, 0 rejected", out)
        self.assertRegex(out, r"TTFT +[\d.]+ +[\d.]+ +[\d.]+ +[\d.]+ +[\d.]+")
        self.assertRegex(out, r"the sender took [\d.]+ % of a core")

    def test_the_highest_rate_is_found(self):
        status, out, err = eval_load(self.url, AZURE, "--scale-length", 0.02, "--find-rate", 0.95, "--rate", 100,
                                     "--duration-s", 1, "--slo", "ttft_ms=0.001", "--json")
        self.assertEqual(status, 0, err)
        self.assertIsNone(json.loads(out)["rate_per_s"])   # nobody is so quick
        status, out, err = eval_load(self.url, AZURE, "--scale-length", 0.02, "--find-rate", 0.9, "--rate", 4,
                                     "--duration-s", 1, "--slo", "ttft_ms=60000")
        self.assertEqual(status, 0, err)
        self.assertIn("4.000 a second: ", out)
        self.assertRegex(out, r"highest rate with 90 % within the limits: [\d.]+ a second, all that the trace has")


def event(text, finish=None):
    return b"data: " + json.dumps({"choices": [{"text": text, "finish_reason": finish}]}).encode() + b"\n\n"


USAGE = b'data: {"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":2}}\n\ndata: [DONE]\n\n'


class Misbehaving(http.server.BaseHTTPRequestHandler):
    """Does with each request what the list of its server says next."""

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with self.server.lock:
            self.server.bodies.append(body)
            # The first two calibrate.
            behaviour = "well" if len(self.server.bodies) <= 2 else self.server.behaviours.pop(0)
        getattr(self, behaviour)()

    def head(self, status=200):
        self.send_response(status)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()

    def well(self):
        self.head()
        self.wfile.write(event("a") + event("b", "length") + USAGE)

    def reject(self):
        self.head(429)
        self.wfile.write(b'{"error": {"message": "busy"}}')

    def overload(self):
        self.head(503)

    def fail(self):
        self.head(500)

    def break_off(self):
        self.send_response(200)
        self.send_header("Content-Length", "100000")
        self.end_headers()
        self.wfile.write(event("a"))

    def reset(self):
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()

    def say_nothing(self):
        self.close_connection = True

    def stall(self):
        self.head()
        self.wfile.write(event("a"))
        self.wfile.flush()
        time.sleep(12)   # longer than any time limit here

    def garbage(self):
        self.head()
        self.wfile.write(b"data: {oops\n\n")

    def page(self):
        self.head()
        self.wfile.write(b"<html>a proxy's page</html>")

    def cut(self):
        self.head()
        self.wfile.write(event("a"))

    def empty(self):
        self.head()
        self.wfile.write(event("", "length") + USAGE)

    def error_within(self):
        self.head()
        self.wfile.write(event("a") + b'data: {"error": {"message": "out of memory", "code": 500}}\n\n')

    def log_message(self, *_):
        pass

    def finish(self):
        try:
            super().finish()
        except OSError:
            pass    # the other side has gone, or we have


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, *_):
        pass    # clients that hang up are part of the test


class AgainstMisbehaviour(Load):
    def serve(self, behaviours):
        server = Server(("127.0.0.1", 0), Misbehaving)
        server.behaviours, server.bodies, server.lock = list(behaviours), [], threading.Lock()
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        return server, f"http://127.0.0.1:{server.server_port}/v1"

    def test_each_request_is_counted_once_and_for_what_became_of_it(self):
        expected = {"refused": "fail", "broken": "break_off reset say_nothing", "timed_out": "stall",
                    "garbage": "garbage page", "cut": "cut", "empty": "empty", "server_error": "error_within",
                    "no_connection": "", "cancelled": ""}
        behaviours = ["well", "reject", *" ".join(expected.values()).split(), "overload", "well", "reject"]
        server, url = self.serve(behaviours)
        result = self.load(url, AZURE, "--limit", len(behaviours), "--scale-time", 0.02, "--timeout-s", 5)
        self.assertEqual(result["failed"], {name: len(which.split()) for name, which in expected.items()})
        self.assertEqual((result["sent"], result["completed"], result["within_slo"], result["rejected"]),
                         (len(behaviours), 2, 2, 3))
        self.assertEqual(server.behaviours, [])     # each came once, and none again
        self.assertEqual(len(server.bodies), len(behaviours) + 2)
        self.assertIn("busy", result["first_error"])

    def test_requests_are_sent_whatever_became_of_those_before(self):
        _, url = self.serve(["stall"] * 10)
        result = self.load(url, AZURE, "--limit", 10, "--rate", 20, "--timeout-s", 8)
        self.assertEqual(result["peak_in_flight"], 10)
        self.assertLess(result["sender_late_ms"]["max"], 8000)   # none waited for the end of one before

    def test_what_is_asked(self):
        server, url = self.serve(["well"] * 2)
        self.load(url, AZURE, "--limit", 2, "--scale-time", 0.01, "--scale-length", 0.5, "--model", "m")
        body = server.bodies[2]
        self.assertEqual((body["max_tokens"], body["ignore_eos"], body["stream"], body["model"], body["temperature"]),
                         (22, True, True, "m", 0))
        self.assertEqual(body["stream_options"], {"include_usage": True})
        self.assertNotEqual(body["prompt"][:20], server.bodies[3]["prompt"][:20])
        server, url = self.serve(["well"])
        self.load(url, AZURE, "--limit", 1, "--stop-at-end", "--chat")
        self.assertNotIn("ignore_eos", server.bodies[2])
        self.assertEqual(server.bodies[2]["messages"][0]["role"], "user")

    def test_the_same_seed_is_the_same_load(self):
        prompts = []
        for seed in (1, 1, 2):
            server, url = self.serve(["well"] * 3)
            self.load(url, MOONCAKE, "--limit", 3, "--rate", 100, "--seed", seed)
            prompts.append(sorted(body["prompt"] for body in server.bodies[2:]))
        self.assertEqual(prompts[0], prompts[1])
        self.assertNotEqual(prompts[0], prompts[2])

    def test_errors(self):
        _, url = self.serve([])
        self.assertEqual(eval_load(url, DATA / "nonesuch")[0], 1)
        self.assertEqual(eval_load(url, MODEL)[0], 3)
        self.assertEqual(eval_load(url, AZURE, "--slo", "ttft=1")[0], 2)
        self.assertEqual(eval_load("nonsense", AZURE)[0], 2)
        status, _, err = eval_load("http://127.0.0.1:1", AZURE)
        self.assertEqual((status, err.count("\n")), (1, 1))
        self.assertIn("no_connection", err)


if __name__ == "__main__":
    unittest.main()
