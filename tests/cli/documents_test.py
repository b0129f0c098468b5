#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Files of formats that a process apart reads: what comes of them, and of those that are broken, locked or too much."""
import email.message
import hashlib
import json
import mailbox
import os
import pathlib
import shutil
import subprocess
import tarfile
import tempfile
import unittest
import zipfile

SAMPLES = pathlib.Path(os.environ["KINGLET_TEST_DATA"]) / "documents"


class Documents(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.files = self.folder / "files"
        self.files.mkdir()

    def kinglet(self, *arguments, **environment):
        done = subprocess.run([os.environ["KINGLET"], *map(str, arguments), "--library", self.folder / "library"], text=True,
                              capture_output=True, timeout=120, env=os.environ | environment)
        return done.returncode, done.stdout, done.stderr

    def ingest(self, **environment):
        """What came of each file, by its name."""
        status, out, err = self.kinglet("ingest", "--json", self.files, **environment)
        self.assertIn(status, (0, 1), err)
        lines = [json.loads(line) for line in out.splitlines()]
        return {pathlib.Path(line["document"]).name: (line["outcome"], line.get("reason", "")) for line in lines if "document" in line}

    def test_a_pdf_has_headings_and_pages(self):
        shutil.copy(SAMPLES / "hens.pdf", self.files)
        self.assertEqual(self.ingest(), {"hens.pdf": ("added", "")})
        self.assertEqual(self.ingest(), {"hens.pdf": ("unchanged", "")})
        _, text, _ = self.kinglet("library", "show", self.files / "hens.pdf", "--text")
        self.assertNotIn("second edition", text)    # at the top of all four pages
        self.assertNotIn("of 4", text)
        self.assertIn("The perches are set forty centimetres above the floor, away from the draught of the door", text)
        found = {}
        for query in "litre", "perches", "mites", "Moulting":
            status, out, err = self.kinglet("search", query, "--json", "--limit", 1)
            self.assertEqual(status, 0, err)
            found[query] = json.loads(out)["passages"][0]
        self.assertEqual([(of["page"], of["title"]) for of in found.values()], [(n, "Care of Hens") for n in (1, 2, 3, 4)])
        self.assertEqual(found["mites"]["heading"], "Care of Hens > Illness")
        status, out, _ = self.kinglet("ask", "--mode", "quote", "--json", "How high are the perches set?")
        quote = json.loads(out)["quotes"][0]
        self.assertEqual((status, quote["page"]), (0, 2))
        self.assertIn(", page 2, bytes", self.kinglet("ask", "--mode", "quote", "How high are the perches set?")[1])
        self.assertEqual(self.kinglet("library", "verify")[0], 0)

    def test_office_documents_and_books(self):
        kinds = ("docx", "pptx", "xlsx", "odt", "odp", "ods", "epub")
        for kind in kinds:
            shutil.copy(SAMPLES / f"hens.{kind}", self.files)
        self.assertEqual(self.ingest(), {f"hens.{kind}": ("added", "") for kind in kinds})
        for kind in kinds:
            _, text, _ = self.kinglet("library", "show", self.files / f"hens.{kind}", "--text")
            expected = (SAMPLES / f"hens.{kind}.expected.txt").read_text().splitlines()[1:]
            blocks = [line.split("] ", 1)[1] for line in expected if "] " in line]
            self.assertGreater(len(blocks), 1)
            for block in blocks:
                self.assertIn(block, text, kind)
        # A name that looks like a flag is a name.
        (self.files / "hens.docx").rename(self.files / "--help.docx")
        self.assertEqual(self.ingest()["--help.docx"][0], "moved")
        (self.files / "--help.docx").write_bytes((SAMPLES / "hens.docx").read_bytes() + b" ")
        self.assertEqual(self.ingest()["--help.docx"][0], "replaced")
        # What has taken over a reader cannot have the library: names that lead out, bombs and noise are failures.
        for path in self.files.iterdir():
            path.unlink()
        with zipfile.ZipFile(self.files / "bomb.docx", "w", zipfile.ZIP_DEFLATED) as bomb:
            bomb.writestr("_rels/.rels", "<Relationships><Relationship Type='/officeDocument' Target='document.xml'/></Relationships>")
            with bomb.open("document.xml", "w", force_zip64=True) as member:
                for _ in range(300):
                    member.write(b" " * (1 << 20))
        (self.files / "noise.epub").write_bytes(b"PK\3\4" + bytes(range(256)) * 64)
        (self.files / "old.docx").write_bytes(bytes.fromhex("d0cf11e0a1b11ae1") + bytes(4096))
        outcomes = self.ingest()
        self.assertEqual({outcomes[name][0] for name in ("bomb.docx", "noise.epub", "old.docx")}, {"failed"}, outcomes)
        self.assertRegex(outcomes["bomb.docx"][1], "bytes|large|limit")
        self.assertEqual(self.kinglet("library", "verify")[0], 0)

    def test_a_word_document_may_be_rich_text(self):
        (self.files / "a.doc").write_text(r"{\rtf1\ansi{\fonttbl{\f1\fcharset128 A;}}\f1\'8c\'7b{\*\x y}.\par}")
        self.assertEqual(self.ingest(), {"a.doc": ("added", "")})
        self.assertEqual(self.kinglet("library", "show", self.files / "a.doc", "--text")[1], "鶏.")

    def test_an_archive_holds_documents(self):
        kinds = ("pdf", "docx", "epub")
        with zipfile.ZipFile(self.files / "hens.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            for kind in kinds:
                archive.write(SAMPLES / f"hens.{kind}", f"Hühner/hens.{kind}")
            archive.writestr("geese.txt", "Geese hiss at strangers.\n")
            archive.writestr("program.bin", bytes(100))
            archive.writestr("locked.pdf", (SAMPLES / "locked.pdf").read_bytes())
        for mode, suffix in ("w", "tar"), ("w:gz", "tgz"), ("w:bz2", "tar.bz2"), ("w:xz", "tar.xz"):
            with tarfile.open(self.files / f"notes.{suffix}", mode) as archive:
                archive.add(SAMPLES / "notes.md", "notes.md")
        outcomes = self.ingest()
        self.assertEqual({name: outcome for name, (outcome, _) in outcomes.items()},
                         {**{f"hens.{kind}": "added" for kind in kinds}, "geese.txt": "added", "program.bin": "skipped",
                          "locked.pdf": "failed", "notes.md": "added"})
        self.assertIn("encrypted", outcomes["locked.pdf"][1])
        status, out, _ = self.kinglet("ask", "--mode", "quote", "--json", "How high are the perches set?")
        quote = json.loads(out)["quotes"][0]
        self.assertEqual((status, quote["document"], quote["page"]), (0, f"{self.files}/hens.zip!/Hühner/hens.pdf", 2))
        member = f"{self.files}/hens.zip!/geese.txt"
        self.assertEqual(self.kinglet("library", "show", member, "--text")[1].rstrip("\n"), "Geese hiss at strangers.")
        _, out, _ = self.kinglet("library", "list", "--json")
        listed = {of["document"]: of for of in json.loads(out)["documents"]}
        self.assertEqual(listed[member]["digest"], hashlib.sha256(b"Geese hiss at strangers.\n").hexdigest())
        self.assertEqual((listed[member]["title"], listed[member]["media_type"]), ("geese.txt", "text/plain"))
        self.assertEqual(sum("notes." in name for name in listed), 4)
        again = self.ingest()
        self.assertEqual({again[f"notes.{suffix}"][0] for suffix in ("tar", "tgz", "tar.bz2", "tar.xz")}, {"unchanged"})
        (self.files / "hens.zip").unlink()
        self.assertEqual(self.ingest()["hens.pdf"][0], "removed")
        self.assertEqual(self.kinglet("library", "verify")[0], 0)

    def test_a_hostile_archive_is_a_failure_and_no_more(self):
        with zipfile.ZipFile(self.files / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as bomb:
            bomb.writestr("first.txt", "Ducks swim.\n")
            for name in "abcdef":
                bomb.writestr(f"{name}.txt", b" " * (50 << 20))
            bomb.writestr("last.txt", "Nobody comes here.\n")
        with zipfile.ZipFile(self.files / "large.zip", "w", zipfile.ZIP_DEFLATED) as large:
            large.writestr("large.txt", b" " * (65 << 20))
            large.writestr("small.txt", "Swans glide.\n")
            large.writestr("inner.zip", (SAMPLES / "hens.epub").read_bytes())
        (self.files / "noise.tar").write_bytes(bytes(range(256)) * 64)
        (self.files / "text.zip").write_text("A text that calls itself an archive.\n")
        outcomes = self.ingest()
        self.assertEqual({name for name, (outcome, _) in outcomes.items() if outcome == "added"} - set("abcdef"),
                         {"first.txt", "small.txt", *(f"{name}.txt" for name in "abcde")})
        for name, reason in {"bomb.zip": "bomb", "large.txt": "more than the limit", "inner.zip": "an archive in an archive",
                             "noise.tar": "no tar archive", "text.zip": "no zip archive"}.items():
            self.assertEqual(outcomes[name][0], "failed", outcomes)
            self.assertIn(reason, outcomes[name][1])
        self.assertEqual(self.kinglet("library", "verify")[0], 0)

    def test_a_mail_has_what_is_attached_to_it(self):
        mail = email.message.EmailMessage()
        mail["Subject"], mail["From"] = "Die Hühner im März, und was sie an jedem einzelnen Tag legten", "Jürgen <j@hen.example>"
        mail.set_content("Anbei die Liste.\n")
        mail.add_alternative("<p>Anbei die Liste.", subtype="html")
        mail.add_attachment("Henne;Eier\nBerta;31\n", subtype="csv", filename="Hühner.csv", charset="koi8-r")
        mail.add_attachment((SAMPLES / "hens.pdf").read_bytes(), maintype="application", subtype="pdf", filename="hens.pdf")
        mail.add_attachment((SAMPLES / "locked.pdf").read_bytes(), maintype="application", subtype="pdf", filename="locked.pdf")
        (self.files / "a.eml").write_bytes(mail.as_bytes())
        shutil.copy(SAMPLES / "hens.pdf", self.files)
        box = mailbox.mbox(self.files / "b.mbox")
        box.add(mail)
        box.add("Subject: Zwei\nContent-Type: text/plain; charset=iso-2022-jp\n\n\x1b$B7\\\x1b(B\nFrom here on.\n")
        box.close()
        (self.files / "c.eml").write_text("No mail at all.\n")
        outcomes = self.ingest()
        self.assertEqual([outcomes[name][0] for name in ("a.eml", "b.mbox", "c.eml")], ["added", "added", "failed"])
        self.assertIn("not a mail", outcomes["c.eml"][1])
        pdf = self.kinglet("library", "show", self.files / "hens.pdf", "--text")[1].rstrip("\n")
        self.assertIn("forty centimetres", pdf)
        _, text, _ = self.kinglet("library", "show", self.files / "a.eml", "--text")
        self.assertEqual(text.rstrip("\n"), f"{mail['Subject']}\n\nFrom: Jürgen <j@hen.example>\n\nAnbei die Liste.\n\n"
                         f"Hühner.csv\n\nHenne: Berta; Eier: 31\n\nhens.pdf\n\n{pdf}\n\nlocked.pdf\n\n"
                         "(It could not be read: it is encrypted, and needs a password.)")
        _, texts, _ = self.kinglet("library", "show", self.files / "b.mbox", "--text")
        self.assertEqual(texts.rstrip("\n"), text.rstrip("\n") + "\n\nZwei\n\n鶏\nFrom here on.")
        self.assertEqual(self.kinglet("library", "verify")[0], 0)

    def test_what_cannot_be_read_says_why(self):
        for name in "locked.pdf", "scanned.pdf", "hens.pdf":
            shutil.copy(SAMPLES / name, self.files)
        whole = (SAMPLES / "hens.pdf").read_bytes()
        (self.files / "cut.pdf").write_bytes(whole[:len(whole) // 2])
        (self.files / "noise.pdf").write_bytes(b"%PDF-1.7\n" + bytes(range(256)) * 64)
        (self.files / "text.pdf").write_text("A text that calls itself a PDF.\n")
        (self.files / "notes.txt").write_text("Geese hiss.\n")
        outcomes = self.ingest()
        reasons = {name: reason for name, (outcome, reason) in outcomes.items() if outcome == "failed"}
        self.assertEqual(set(reasons), {"locked.pdf", "scanned.pdf", "cut.pdf", "noise.pdf"})
        self.assertIn("encrypted", reasons["locked.pdf"])
        self.assertIn("scanned", reasons["scanned.pdf"])
        self.assertIn("no sound PDF", reasons["cut.pdf"])
        self.assertIn("no sound PDF", reasons["noise.pdf"])
        self.assertEqual((outcomes["hens.pdf"][0], outcomes["notes.txt"][0]), ("added", "added"))

    def test_a_reader_that_is_missing_or_hangs_or_crashes_is_one_document(self):
        shutil.copy(SAMPLES / "hens.pdf", self.files)
        (self.files / "notes.txt").write_text("Geese hiss.\n")
        tools = self.folder / "tools"
        tools.mkdir()
        for script, word in ("exec python3 -c 'import ctypes; ctypes.string_at(0)'", "signal"), ("ulimit -v 100000; exit 7", "no sound PDF"), ("exec yes", "limit"), (None, "poppler-utils"):
            with self.subTest(script):
                tool = tools / "pdftotext"
                tool.unlink(missing_ok=True)
                if script:
                    tool.write_text(f"#!/bin/sh\n{script}\n")
                    tool.chmod(0o755)
                outcomes = self.ingest(PATH=f"{tools}{':/bin' if script else ''}")
                self.assertEqual(outcomes["hens.pdf"][0], "failed")
                self.assertIn(word, outcomes["hens.pdf"][1])
                self.assertIn(outcomes["notes.txt"][0], ("added", "unchanged"))
        self.assertEqual(self.kinglet("library", "verify")[0], 0)

    def test_the_reader_can_do_nothing_but_read(self):
        shutil.copy(SAMPLES / "hens.pdf", self.files)
        tool = self.folder / "pdftotext"
        told = self.folder / "told"
        tool.write_text(f"#!/bin/sh\n: >{told} && echo wrote >&2\necho told >{self.files}/hens.pdf\nexit 3\n")
        tool.chmod(0o755)
        before = (self.files / "hens.pdf").read_bytes()
        self.assertEqual(self.ingest(PATH=f"{self.folder}:/bin")["hens.pdf"][0], "failed")
        self.assertFalse(told.exists())
        self.assertEqual((self.files / "hens.pdf").read_bytes(), before)


if __name__ == "__main__":
    unittest.main()
