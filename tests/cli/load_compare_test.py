#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""bench/load_compare against a stand-in for llama-server: both get the same load, and what fails is told."""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

DATA = pathlib.Path(os.environ["KINGLET_TEST_DATA"])
COMPARE = DATA.parent.parent / "bench/load_compare"
MODEL = DATA / "models/stories-q4_0.gguf"
STAND_IN = """
import http.server
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.send_header("Content-Length", "0"); self.end_headers()
    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(200); self.end_headers()
        for i in range(body["max_tokens"]):
            self.event({"choices": [{"text": "a", "finish_reason": "length" if i + 1 == body["max_tokens"] else None}]})
        self.event({"choices": [], "usage": {"prompt_tokens": len(body["prompt"].split()),
                                             "completion_tokens": body["max_tokens"]}})
    def event(self, value):
        self.wfile.write(b"data: " + json.dumps(value).encode() + b"\\n\\n")
    def log_message(self, *_):
        pass
port = int(sys.argv[sys.argv.index("--port") + 1])
http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()
"""


class LoadCompare(unittest.TestCase):
    def setUp(self):
        self.peer = pathlib.Path(tempfile.mkdtemp(prefix="kinglet-load-compare-test-"))
        self.addCleanup(shutil.rmtree, self.peer)
        self.stand_in(STAND_IN)

    def stand_in(self, body):
        path = self.peer / "llama-server"
        path.write_text(f"#!{sys.executable}\nimport json, sys\n{body}\n", encoding="utf-8")
        path.chmod(0o755)

    def compare(self, *arguments):
        done = subprocess.run([COMPARE, MODEL, "--kinglet", os.environ["KINGLET"], "--peer", self.peer, "--trace",
                               DATA / "traces/azure_conversation.csv", "--slo", "ttft_ms=60000", "--scale-length",
                               "0.02", "--context", "512", "-t", "1", "--timeout", "100", *arguments],
                              capture_output=True, text=True, timeout=250)
        return done.returncode, done.stdout, done.stderr

    def test_both_get_the_same_load_in_turns(self):
        status, out, err = self.compare("--json", "--limit", "8", "--rate", "20", "-r", "2")
        self.assertEqual(status, 0, err + out)
        result = json.loads(out)
        for side in ("kinglet", "peer"):
            self.assertEqual([turn["completed"] for turn in result["results"][side]], [8, 8])
        ours, theirs = (result["results"][side][0] for side in ("kinglet", "peer"))
        self.assertEqual(ours["answer_tokens"], theirs["answer_tokens"])
        self.assertNotEqual(*(turn["conditions"]["seed"] for turn in result["results"]["kinglet"]))
        rows = {row["name"]: row for row in result["rows"]}
        self.assertEqual(rows["within the limits"]["ratio"], 1)
        self.assertAlmostEqual(rows["TTFT p50"]["ratio"], rows["TTFT p50"]["peer"] / rows["TTFT p50"]["kinglet"])
        self.assertIn("-np 4 -c 2048", result["commands"]["peer"])

    def test_the_highest_rate_of_each(self):
        status, out, err = self.compare("--find-rate", "0.9", "--rate", "8", "--duration-s", "1")
        self.assertEqual(status, 0, err + out)
        self.assertRegex(out, r"highest rate +[\d.]+ +[\d.]+ /s +[\d.]+")

    def test_a_peer_that_does_not_start_is_told(self):
        self.stand_in('sys.exit("no such model")')
        status, out, _ = self.compare("--limit", "2", "--rate", "20")
        self.assertEqual(status, 1)
        self.assertIn("peer: the server ended with 1: no such model", out)
        self.assertRegex(out, r"TTFT p50 +[\d.]+ +- ms")


if __name__ == "__main__":
    unittest.main()
