#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""bench/compare against stand-ins for llama.cpp's programs: it takes turns, and tells what failed."""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

DATA = pathlib.Path(os.environ["KINGLET_TEST_DATA"])
COMPARE = DATA.parent.parent / "bench/compare"
MODEL = DATA / "models/stories-q4_0.gguf"
STAND_INS = {
    "llama-bench": 'print(json.dumps([{"avg_ts": 50.0}]))',
    "llama-batched-bench": 'print("noise"); print(json.dumps({"pl": 4, "speed_tg": 80.0}))',
    "llama-server": """
import http.server
class Handler(http.server.BaseHTTPRequestHandler):
    def reply(self, body):
        text = json.dumps(body).encode()
        self.send_response(200); self.send_header("Content-Length", str(len(text))); self.end_headers()
        self.wfile.write(text)
    def do_GET(self):
        self.reply({"status": "ok"})
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.reply({"content": "x", "timings": {"prompt_n": 16, "prompt_ms": 327.0}})
    def log_message(self, *_):
        pass
http.server.HTTPServer(("127.0.0.1", int(sys.argv[sys.argv.index("--port") + 1])), Handler).serve_forever()
"""}


class Compare(unittest.TestCase):
    def setUp(self):
        self.peer = pathlib.Path(tempfile.mkdtemp(prefix="kinglet-compare-test-"))
        self.addCleanup(shutil.rmtree, self.peer)
        for name, body in STAND_INS.items():
            self.stand_in(name, body)

    def stand_in(self, name, body):
        path = self.peer / name
        path.write_text(f"#!{sys.executable}\nimport json, os, sys\n{body}\n", encoding="utf-8")
        path.chmod(0o755)

    def compare(self, *arguments):
        done = subprocess.run([COMPARE, MODEL, "--kinglet", os.environ["KINGLET"], "--peer", self.peer, "-p", "32",
                               "-n", "8", "--depth", "64", "--prefix", "64", "-r", "2", "-t", "1", *arguments],
                              capture_output=True, text=True, timeout=120)
        return done.returncode, done.stdout, done.stderr

    def test_every_test_gets_a_ratio(self):
        status, out, err = self.compare("--json")
        self.assertEqual(status, 0, err + out)
        result = json.loads(out)
        self.assertEqual([row["name"] for row in result["tests"]],
                         ["prefill", "decode", "deep", "streams", "prefix", "start", "busy"])
        for row in result["tests"]:
            self.assertEqual(len(row["values"]["kinglet"]), 2, row)
            better = row["peer"] / row["kinglet"] if row["unit"] == "ms" else row["kinglet"] / row["peer"]
            self.assertAlmostEqual(row["ratio"], better)
        self.assertEqual(result["tests"][4]["peer"], 327.0)
        self.assertEqual(result["kept_beside_busy"]["peer"], 1.0)

    def test_a_peer_that_dies_is_told_by_name(self):
        self.stand_in("llama-bench", "os.kill(os.getpid(), 4)")
        status, out, _ = self.compare("--tests", "prefill,streams")
        self.assertEqual(status, 1)
        self.assertIn("llama-bench died of SIGILL", out)
        self.assertRegex(out, r"8 tokens, 4 streams +[\d.]+ +80\.0 tok/s +[\d.]+")

    def test_wrong_usage(self):
        self.assertEqual(self.compare("--tests", "nonesuch")[0], 2)
        self.assertEqual(self.compare("--kinglet", "/nonesuch")[0], 2)


if __name__ == "__main__":
    unittest.main()
