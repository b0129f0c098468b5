#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`kinglet ingest`, `library` and `search` as a person and a script use them: output, JSON, exit status."""
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

KINGLET = os.environ["KINGLET"]
DOCUMENTS = pathlib.Path(os.environ["KINGLET_TEST_DATA"]) / "documents"


class LibraryTest(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = pathlib.Path(temporary.name)
        self.documents = self.folder / "documents"
        self.documents.mkdir()
        for name in ("manual.html", "notes.md"):
            shutil.copy(DOCUMENTS / name, self.documents)
        self.page = str(self.documents / "manual.html")
        self.environment = {**os.environ, "KINGLET_HOME": str(self.folder / "home")}

    def run_kinglet(self, *arguments, status=0):
        done = subprocess.run([KINGLET, *arguments], capture_output=True, env=self.environment, cwd=self.folder)
        self.assertEqual(done.returncode, status, done)
        if status:
            self.assertRegex(done.stderr.decode(), r"\Akinglet: .*\n(kinglet: .*\n)?\Z")
        return done.stdout.decode()

    def json(self, *arguments):
        return [json.loads(line) for line in self.run_kinglet(*arguments, "--json").splitlines()]

    def ingest(self):
        return self.json("ingest", "documents")

    def test_ingest_tells_of_each_file_and_then_the_totals(self):
        events = self.ingest()
        self.assertEqual([(e["document"], e["outcome"]) for e in events[:-1]],
                         [(self.page, "added"), (str(self.documents / "notes.md"), "added")])
        self.assertEqual(events[-1]["added"], 2)
        self.assertIn("2 unchanged", self.run_kinglet("ingest", "documents"))

    def test_ingest_goes_on_after_a_failure_and_exits_1(self):
        (self.documents / "bad.html").write_bytes(b"<b>" * 5000)
        self.assertIn("2 added", self.run_kinglet("ingest", "documents", status=1))
        self.run_kinglet("ingest", "no-such-file", status=1)

    def test_search_gives_bytes_of_the_kept_text(self):
        self.ingest()
        found = self.json("search", "How much feed does a hen need?", "-k", "3")[0]
        passage = found["passages"][0]
        self.assertEqual(passage["document"], self.page)
        self.assertEqual(passage["heading"], "Part I. Animals > 2. Keeping Hens")
        self.assertEqual((passage["lexical_rank"], passage["vector_rank"]), (1, None))
        text = self.run_kinglet("library", "show", "documents/manual.html", "--text").encode()
        self.assertEqual(text[passage["start_byte"]:passage["end_byte"]].decode(), passage["text"])
        self.assertIn("about 120 g of feed", self.run_kinglet("search", "feed"))

    def test_library_lists_shows_verifies_and_removes(self):
        self.ingest()
        listed = self.json("library", "list")[0]["documents"]
        self.assertEqual([d["title"] for d in listed], ["2. Keeping Hens", "Bees & Co"])
        self.assertEqual(len(self.json("library", "show", self.page)[0]["chunks"]), listed[0]["chunks"])
        self.assertEqual(self.json("library", "verify")[0]["problems"], [])
        self.run_kinglet("library", "remove", "documents/manual.html")
        self.assertEqual(self.json("search", "hens")[0]["passages"], [])
        self.run_kinglet("library", "remove", self.page, status=1)

    def test_without_a_library_says_what_to_do(self):
        for command in (["search", "x"], ["library", "list"], ["library", "remove", "x"]):
            self.run_kinglet(*command, status=1)
        self.assertFalse((self.folder / "home" / "library").exists())

    def test_damage_is_found(self):
        self.ingest()
        file = self.folder / "home" / "library" / "library.sqlite"
        content = bytearray(file.read_bytes())
        at = content.find(b"A hen needs about")
        content[at:at + 5] = b"A man"
        file.write_bytes(content)
        self.run_kinglet("library", "verify", status=1)
        file.write_bytes(b"no database" * 1000)
        self.run_kinglet("library", "verify", status=3)


if __name__ == "__main__":
    unittest.main()
