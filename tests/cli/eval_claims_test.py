#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""kinglet eval claims: verdicts, reports, what is missing, and that nothing is measured twice."""
import gzip
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "api"))
import serving  # noqa: E402

KINGLET = os.environ["KINGLET"]
STORIES = pathlib.Path(os.environ["KINGLET_TEST_DATA"]) / "models/stories-q4_0.gguf"


def claims(*arguments):
    ran = subprocess.run([KINGLET, "eval", "claims", *map(str, arguments)], capture_output=True, encoding="utf-8")
    return ran.returncode, ran.stdout, ran.stderr


class ClaimsTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.work = pathlib.Path(self.folder.name, "work")

    def found(self, *arguments):
        status, out, err = claims(*arguments, "--work", self.work, "--json")
        self.assertEqual((status, err), (0, ""))
        return json.loads(out)["claims"]

    def test_what_is_missing_makes_a_claim_not_testable_and_fails_no_other(self):
        found = self.found("--small", STORIES)
        self.assertEqual(found["c"]["verdict"], "not testable here")
        self.assertIn("--sparse MODEL", found["c"]["why"])
        self.assertIsNone(found["c"]["figure"])
        for letter in "af":
            self.assertIn(found[letter]["verdict"], ("held", "refuted", "undecided"))
            low, high = found[letter]["figure"]["ci95"]
            self.assertLessEqual(low, found[letter]["figure"]["value"])
            self.assertGreaterEqual(high, found[letter]["figure"]["value"])

    def test_not_any_file_is_an_8b(self):
        found = self.found("a", "--small", STORIES, "--eight-billions", STORIES)["a"]
        self.assertEqual(found["verdict"], "not testable here")
        self.assertIn("uses 0.26 M weights for a token, not 7.50 B", found["why"])

    def test_verdicts_follow_their_figures(self):
        found = self.found("a", "f", "--small", STORIES)
        # A 70B takes more than 100 ms by any model's measure, so that the 8B decides alone.
        side = found["a"]["figure"]
        low, high = side["ci95"]
        expected = "refuted" if low > 100 else "held" if high < 100 else "undecided"
        self.assertEqual(found["a"]["verdict"], expected)
        ladder = found["f"]["tables"][0]["rows"]
        self.assertEqual(ladder[0][0], "kernels: scalar")
        self.assertEqual(ladder[-1][0], "four answers together")

    def test_what_was_measured_is_kept(self):
        first = self.found("a", "f", "--small", STORIES)
        self.assertEqual(self.found("a", "f", "--small", STORIES), first)
        (self.work / "speed-stories-q4_0.json").write_text("{")
        self.assertNotEqual(self.found("a", "--small", STORIES)["a"]["tables"], first["a"]["tables"])

    def test_reports_are_a_page_and_markdown(self):
        page, text = pathlib.Path(self.folder.name, "r.html"), pathlib.Path(self.folder.name, "r.md")
        model = pathlib.Path(self.folder.name, "<b>&.gguf")
        model.write_bytes(STORIES.read_bytes())
        status, out, err = claims("a", "c", "--small", model, "--work", self.work, "--html", page, "--markdown", text)
        self.assertEqual((status, err), (0, ""))
        self.assertIn("(a) A 4-bit 8B", out)
        html = page.read_text(encoding="utf-8")
        self.assertIn("&lt;b&gt;&amp;", html)
        for raw in ("<b>", "<script", "http:", "https:"):
            self.assertNotIn(raw, html)
        self.assertEqual(html.count("<svg"), 1)
        markdown = text.read_text(encoding="utf-8")
        self.assertIn("\\<b\\>\\&", markdown)
        self.assertIn("not testable here", markdown)

    @unittest.skipUnless("KINGLET_SHARED" in os.environ, "KINGLET_SHARED is not set")
    def test_a_mixture_is_held_against_a_dense_model(self):
        tiny = pathlib.Path(os.environ["KINGLET_SHARED"]) / "data/tiny-models"
        models = [serving.add_to_gguf(tiny / name, pathlib.Path(self.folder.name, name), tokenizer__chat_template=serving.TEMPLATE)
                  for name in ("olmoe-f32.gguf", "llama-tied-f32.gguf")]
        models = ("--sparse", models[0], "--dense", models[1])
        found = self.found("c", *models)["c"]
        self.assertIn(found["verdict"], ("held", "refuted", "undecided"), found["why"])
        titles = [table["title"] for table in found["tables"]]
        self.assertIn("The busiest experts of the middle layer", titles)
        self.assertIn("--data FILE", found["caveats"][-1])
        # Asked questions, random weights are found to answer nothing.
        data = self.write_data()
        asked = self.found("c", *models, *data)["c"]
        self.assertEqual((asked["figure"], asked["tables"]), (found["figure"], found["tables"]))
        self.assertIn("Answers are not compared: of 6 questions", asked["caveats"][-1])
        for way in ("plain", "retrieved"):
            self.assertEqual(len(list(self.work.glob(f"*-{way}-*.jsonl"))), 2)
        # One that cannot be asked has a speed all the same.
        alone = self.found("c", *models[:3], tiny / "llama-tied-f32.gguf", *data)["c"]
        self.assertIn(alone["verdict"], ("held", "refuted", "undecided"))
        self.assertIn("no chat template", alone["caveats"][-1])

    def write_data(self):
        """Questions, intents and a page, as few as make every experiment run."""
        folder = pathlib.Path(self.folder.name)
        articles = []
        for article in range(3):
            paragraphs = []
            for i in range(4):
                name = f"{article}-{i}"
                questions = [{"id": f"{name}-{q}", "question": f"Which {thing} does the town of Abc{name} have?",
                              "answers": [{"text": f"the {thing} {name}"}] if q < 2 else []}
                             for q, thing in enumerate(("river", "tower", "king"))]
                text = f"The town of Abc{name} lies by the river {name}. Its landmark is the tower {name}."
                paragraphs.append({"context": text, "qas": questions})
            articles.append({"title": f"T{article}", "paragraphs": paragraphs})
        data, intents, pages = folder / "data.json", folder / "intents.jsonl", folder / "pages"
        data.write_text(json.dumps({"data": articles}))
        intents.write_text("".join(json.dumps({"text": f"please play song {i}", "intent": f"music{i % 2}"}) + "\n"
                                   for i in range(30)))
        (pages / "html").mkdir(parents=True)
        (pages / "html/page.html.gz").write_bytes(gzip.compress(b"<html><body><p>One.</p><p>Two.</p></body></html>"))
        return ["--data", data, "--intents", intents, "--pages", pages, "--limit", 6]

    def test_claims_about_answers_run_and_go_on_from_what_is_kept(self):
        model = pathlib.Path(os.environ.get("KINGLET_TEST_MODELS", "none"), "SmolLM2-135M-Instruct.Q4_1.gguf")
        if not model.is_file():
            self.skipTest("KINGLET_TEST_MODELS does not hold SmolLM2 135M")
        asked = ["b", "d", "e", "g", "--small", model, "--large", model, *self.write_data()]
        first = self.found(*asked)
        self.assertEqual(list(first), ["b", "d", "e1", "e2", "g"])
        for letter, finding in first.items():
            self.assertIn(finding["verdict"], ("held", "refuted", "undecided"), (letter, finding["why"]))
        self.assertEqual([row[0] for row in first["g"]["tables"][0]["rows"]], ["all", "questions", "forms", "others"])
        self.assertEqual(first["e2"]["tables"][0]["rows"][0][1], "1.00 (1.00 to 1.00)", "enforced is valid")
        again = self.found(*asked)
        for letter in ("b", "d", "e1", "e2"):
            self.assertEqual(again[letter], first[letter])
        # One run that is gone is made again, the others are not.
        gone = next(self.work.glob("*closed_book*"))
        gone.unlink()
        before = {file: file.read_bytes() for file in self.work.glob("*.jsonl")}
        self.assertEqual(self.found(*asked)["b"]["figure"], first["b"]["figure"])
        self.assertTrue(gone.is_file())
        self.assertEqual(before, {file: file.read_bytes() for file in before})

    def test_usage_errors(self):
        self.assertEqual(claims("z", "--work", self.work)[0], 2)
        self.assertEqual(claims("--small", STORIES)[0], 2)
        status, _, err = claims("--small", self.work / "none.gguf", "--work", self.work)
        self.assertNotEqual(status, 0)
        self.assertIn("none.gguf", err)
        status, _, err = claims("--data", self.work / "none.json", "--work", self.work)
        self.assertNotEqual(status, 0)
        self.assertIn("none.json", err)


if __name__ == "__main__":
    unittest.main()
