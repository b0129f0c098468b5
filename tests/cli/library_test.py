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

    def test_what_is_exported_comes_in_again(self):
        self.ingest()
        lines = self.run_kinglet("library", "export")
        self.assertIn("2 documents", self.run_kinglet("library", "export", "all.jsonl"))
        self.assertEqual((self.folder / "all.jsonl").read_text(), lines)
        self.assertEqual([path.name for path in self.folder.glob("all.jsonl*")], ["all.jsonl"])
        counts = self.json("library", "import", "all.jsonl", "--library", "copy")[0]
        self.assertEqual((counts["added"], counts["replaced"], counts["unchanged"]), (2, 0, 0))
        self.assertIn("2 unchanged", self.run_kinglet("library", "import", "all.jsonl", "--library", "copy"))
        self.assertEqual(self.json("library", "verify", "--library", "copy")[0]["problems"], [])
        self.assertEqual(self.run_kinglet("library", "export", "--library", "copy"), lines)
        for query in ("How much feed does a hen need?", "bees", "winter"):
            found, in_copy = (self.json("search", query, "-k", "50", *where)[0]["passages"]
                              for where in ([], ["--library", "copy"]))
            self.assertEqual(found, in_copy)

    def test_an_import_names_the_line_that_is_wrong_and_keeps_those_before_it(self):
        self.ingest()
        lines = self.run_kinglet("library", "export").splitlines(keepends=True)
        (self.folder / "bad.jsonl").write_text(lines[0] + lines[1] + lines[2].replace("Bees", "Wasps"))
        command = [KINGLET, "library", "import", "bad.jsonl", "--library", "copy"]
        done = subprocess.run(command, capture_output=True, env=self.environment, cwd=self.folder, text=True)
        self.assertEqual(done.returncode, 3)
        self.assertRegex(done.stderr, r"^kinglet: bad.jsonl: line 3: .*digest")
        self.assertIn("1 added", done.stdout)
        self.assertEqual(len(self.json("library", "list", "--library", "copy")[0]["documents"]), 1)
        done = subprocess.run([*command[:3], "-"], input=b"{}", capture_output=True, env=self.environment)
        self.assertRegex(done.stderr, rb"^kinglet: standard input: line 1: ")
        self.run_kinglet("library", "import", "none.jsonl", status=1)

    def test_without_a_library_says_what_to_do(self):
        for command in (["search", "x"], ["library", "list"], ["library", "remove", "x"], ["library", "export", "x"]):
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
