#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""kill -9 of `kinglet ingest` at moments drawn over its write window: nothing reported is lost.

--kills N sets how many (default 10), --seed S draws other moments."""
import argparse
import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import time
import unittest

KINGLET = os.environ["KINGLET"]
DOCUMENT_COUNT = 40
ARGUMENTS = None


def write_documents(folder, version, seed):
    """Texts of 0.1 to 60 kB, in plain text, Markdown and HTML."""
    draw = random.Random(seed)
    for i in range(DOCUMENT_COUNT):
        sentences = [f"This is sentence {n} of document {i}, {version} version." for n in range(draw.choice([2, 20, 200, 1000]))]
        suffix = ("txt", "md", "html")[i % 3]
        text = "\n\n".join(sentences)
        if suffix == "html":
            text = "".join(f"<p>{sentence}</p>" for sentence in sentences)
        (folder / f"{i:03}.{suffix}").write_text(text)


class IngestCrashTest(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = pathlib.Path(temporary.name)
        self.documents = self.folder / "documents"
        self.documents.mkdir()
        self.environment = {**os.environ, "KINGLET_HOME": str(self.folder / "home")}

    def kinglet(self, *arguments):
        done = subprocess.run([KINGLET, *arguments, "--json"], capture_output=True, text=True, env=self.environment)
        self.assertEqual(done.returncode, 0, done.stderr)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def ingest_and_kill(self, library, after_s):
        """Starts an ingest, kills it after_s seconds after it told of the first document; what it told."""
        command = [KINGLET, "ingest", str(self.documents), "--library", str(library), "--json"]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=self.environment)
        first = process.stdout.readline()
        time.sleep(after_s)
        process.send_signal(signal.SIGKILL)
        lines = (first + process.stdout.read()).split(b"\n")[:-1]
        process.stdout.close()
        process.wait()
        return [event["document"] for event in map(json.loads, lines) if "document" in event]

    def write_window_s(self):
        """Seconds from the first document on disk to the last."""
        library = self.folder / "measured"
        command = [KINGLET, "ingest", str(self.documents), "--library", str(library), "--json"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, env=self.environment) as process:
            process.stdout.readline()
            start = time.monotonic()
            process.stdout.read()
            return time.monotonic() - start

    def check(self, library, reported, version):
        verified = self.kinglet("library", "verify", "--library", str(library))[0]
        self.assertEqual(verified["problems"], [])
        listed = {d["document"]: d for d in self.kinglet("library", "list", "--library", str(library))[0]["documents"]}
        for document in reported:
            self.assertIn(document, listed)
        for document in random.sample(reported, min(3, len(reported))):
            shown = self.kinglet("library", "show", document, "--text", "--library", str(library))[0]
            self.assertIn(f"{version} version", shown["text"])

    def test_nothing_that_was_reported_is_lost(self):
        draw = random.Random(ARGUMENTS.seed)
        write_documents(self.documents, "first", 1)
        window_s = self.write_window_s()
        partial = 0
        for kill in range(ARGUMENTS.kills):
            library = self.folder / f"library{kill}"
            version = "first"
            write_documents(self.documents, version, kill)
            if kill % 2 == 1:  # every other library is full already, and its documents are replaced
                self.kinglet("ingest", str(self.documents), "--library", str(library))
                version = "second"
                write_documents(self.documents, version, kill)
            after_s = draw.uniform(0, window_s)
            with self.subTest(kill=kill, after_s=after_s):
                reported = self.ingest_and_kill(library, after_s)
                partial += 0 < len(reported) < DOCUMENT_COUNT
                self.check(library, reported, version)
                self.kinglet("ingest", str(self.documents), "--library", str(library))
                everything = [str(path) for path in self.documents.iterdir()]
                self.check(library, everything, version)
        print(f"{ARGUMENTS.kills} kills over {window_s:.2f} s, {partial} of them amid the ingest", file=sys.stderr)
        self.assertGreater(partial, ARGUMENTS.kills // 4)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    ARGUMENTS, rest = parser.parse_known_args()
    unittest.main(argv=[sys.argv[0], *rest])
