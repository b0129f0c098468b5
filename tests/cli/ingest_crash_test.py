#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""kill -9 of `kinglet ingest`: nothing reported is lost, the library is sound, a later ingest completes it.

At moments drawn over its write window: --kills N sets how many (default 6), --seed S draws others.
And before, amid and after the calls that change a file or wait for the disk (kill_at_step.cc), of a small ingest: at some of
them, with --every-step at all."""
import argparse
import itertools
import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

KINGLET = os.environ["KINGLET"]
DOCUMENT_COUNT = 40
FEW_STEPS = 60  # from one that is tried to the next, unless every one is
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

    def ingest_and_die(self, library, step, moment):
        """An ingest that dies at that step; what it told, and whether it had such a step."""
        command = [KINGLET, "ingest", str(self.documents), "--library", str(library), "--json"]
        # The one that looks for AddressSanitizer's place among what is loaded would refuse.
        environment = {**self.environment, "LD_PRELOAD": ARGUMENTS.kill_at_step, "KILL_STEP": str(step), "KILL_MOMENT": moment,
                       "ASAN_OPTIONS": "verify_asan_link_order=0"}
        done = subprocess.run(command, stdout=subprocess.PIPE, env=environment)
        self.assertIn(done.returncode, (0, -signal.SIGKILL))
        lines = map(json.loads, done.stdout.split(b"\n")[:-1])
        return [event["document"] for event in lines if "document" in event], done.returncode != 0

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

    def is_library(self, library):
        """False where whoever makes it died before there was one."""
        done = subprocess.run([KINGLET, "library", "list", "--library", str(library)], capture_output=True, env=self.environment)
        return b"no library here" not in done.stderr and b"the library is empty" not in done.stderr

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
        for kill in itertools.count():
            if kill >= ARGUMENTS.kills and partial > ARGUMENTS.kills // 4:
                break
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
                if len(reported) < DOCUMENT_COUNT:
                    partial += 1
                else:
                    window_s /= 2   # measured while the machine was busier
                self.check(library, reported, version)
                self.kinglet("ingest", str(self.documents), "--library", str(library))
                everything = [str(path) for path in self.documents.iterdir()]
                self.check(library, everything, version)
        print(f"{kill} kills over {window_s:.2f} s, {partial} of them amid the ingest", file=sys.stderr)

    def die_at_steps(self, start, version):
        """From a copy of start (None: no library) that the documents are put into; how often it died."""
        library = self.folder / "dying"
        everything = [str(path) for path in self.documents.iterdir()]
        deaths = 0
        for moment in ("before", "amid", "after"):
            dies = True
            step = 1 if ARGUMENTS.every_step else random.Random(ARGUMENTS.seed + deaths).randint(1, FEW_STEPS)
            while dies:
                shutil.rmtree(library, ignore_errors=True)
                if start:
                    shutil.copytree(start, library)
                with self.subTest(start=start, moment=moment, step=step):
                    reported, dies = self.ingest_and_die(library, step, moment)
                    deaths += dies
                    if reported or self.is_library(library):
                        self.check(library, reported, version)
                    self.kinglet("ingest", str(self.documents), "--library", str(library))
                    self.check(library, everything, version)
                step += 1 if ARGUMENTS.every_step else FEW_STEPS
        return deaths

    def test_nothing_is_lost_at_any_step(self):
        def write(version, numbers):
            for i in numbers:
                sentences = (f"This is sentence {n} of document {i}, {version} version." for n in range(10 * (i + 1)))
                (self.documents / f"{i}.txt").write_text("\n\n".join(sentences))

        write("second", range(3))
        deaths = self.die_at_steps(None, "second")
        write("first", range(2))
        (self.documents / "2.txt").unlink()
        start = self.folder / "start"
        self.kinglet("ingest", str(self.documents), "--library", str(start))
        write("second", range(3))
        deaths += self.die_at_steps(start, "second")
        print(f"{deaths} deaths at steps", file=sys.stderr)
        self.assertGreater(deaths, 100 if ARGUMENTS.every_step else 5)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=6)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--every-step", action="store_true")
    parser.add_argument("--kill-at-step", help="the library that kill_at_step.cc becomes", required=True)
    ARGUMENTS, rest = parser.parse_known_args()
    unittest.main(argv=[sys.argv[0], *rest])
