#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`kinglet eval task` and lm-evaluation-harness: the same numbers from the same data, the harness over the server."""
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import unittest

os.environ |= {"HF_DATASETS_OFFLINE": "1", "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
import lm_eval  # noqa: E402
from lm_eval.api.metrics import exact_match_hf_evaluate  # noqa: E402
from lm_eval.api.task import ConfigurableTask  # noqa: E402
from lm_eval.tasks import TaskManager  # noqa: E402

from kinglet_server import CHAT, Server, real_model  # noqa: E402

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "cli"))
from scripted_endpoint import Endpoint, echoed, said  # noqa: E402

TASKS = pathlib.Path(os.environ["KINGLET_TEST_DATA"]) / "tasks"
COMMON = """
dataset_path: json
dataset_kwargs: {data_files: {test: DATA}, cache_dir: FOLDER/cache}
test_split: test
doc_to_text: "The capital of {{land}} is"
"""
CHOOSE = "task: choose_capitals" + COMMON + """
output_type: multiple_choice
doc_to_choice: choices
doc_to_target: answer
metric_list: [{metric: acc}, {metric: acc_norm}, {metric: acc_bytes}]
"""
WRITE = "task: write_capitals" + COMMON + """
output_type: generate_until
doc_to_target: capital
generation_kwargs: {until: [",", ".", "\\n"], do_sample: false, max_gen_toks: 8}
metric_list: [{metric: exact_match, regexes_to_ignore: ["^\\\\s+", "\\\\s+$"]}]
"""


def kinglet(folder, *arguments):
    """Figures, and a line for each question."""
    outcomes = pathlib.Path(folder, "outcomes.jsonl")
    done = subprocess.run([os.environ["KINGLET"], "eval", "task", *arguments, "--no-cache", "--json", "--outcomes", outcomes],
                          capture_output=True, text=True, timeout=300,
                          env=os.environ | {"KINGLET_HOME": folder, "XDG_CACHE_HOME": os.environ["KINGLET_CACHE"]})
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout), [json.loads(line) for line in outcomes.read_text().splitlines()][1:]


class SameNumbers(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = cls.enterClassContext(tempfile.TemporaryDirectory())
        server = cls.enterClassContext(Server.for_chat())
        for name, text in ("choose", CHOOSE), ("write", WRITE):
            text = text.replace("FOLDER", cls.folder).replace("DATA", str(TASKS / "capitals.jsonl"))
            pathlib.Path(cls.folder, name + ".yaml").write_text(text)
        done = lm_eval.simple_evaluate(
            model="local-completions", tasks=["choose_capitals", "write_capitals"], bootstrap_iters=0, log_samples=True,
            task_manager=TaskManager(include_path=cls.folder, include_defaults=False),
            model_args={"model": CHAT, "base_url": server.url + "/v1/completions", "tokenizer_backend": "remote",
                        "num_concurrent": 1, "batch_size": 4, "max_retries": 1})
        cls.results, cls.samples = done["results"], done["samples"]

    def check(self, task, metrics):
        figures, lines = kinglet(self.folder, TASKS / f"{task}.toml", real_model(CHAT + ".gguf"))
        samples = sorted(self.samples[task], key=lambda sample: sample["doc_id"])
        self.assertEqual(len(samples), figures["questions"])
        for metric in metrics:
            self.assertAlmostEqual(figures[metric], self.results[task][metric + ",none"])
            self.assertEqual([line["scores"][metric] for line in lines], [sample[metric] for sample in samples])
        return lines, samples

    def test_choices(self):
        lines, samples = self.check("choose_capitals", ("acc", "acc_norm", "acc_bytes"))
        for line, sample in zip(lines, samples):
            for logprob, ((theirs, _),) in zip(line["logprobs"], sample["resps"]):
                self.assertAlmostEqual(logprob, float(theirs), places=4)

    def test_texts(self):
        lines, samples = self.check("write_capitals", ("exact_match",))
        self.assertEqual([line["text"] for line in lines], [sample["resps"][0][0] for sample in samples])
        self.assertEqual({line["scores"]["exact_match"] for line in lines}, {0, 1}, "some are right, some wrong")


class SameScores(unittest.TestCase):
    """A thousand random replies from a script."""

    def outcomes(self, toml, rows, answer):
        with tempfile.TemporaryDirectory() as folder, Endpoint(answer) as endpoint:
            task = pathlib.Path(folder, "task.toml")
            task.write_text(toml)
            task.with_name("rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
            return kinglet(folder, task, "--url", endpoint.url, "--name", "m", "--concurrency", "16")[1]

    def test_exact_match(self):
        words = ["Paris", "paris", "\u00c9tat", "\u00e9tat", "\u03a3\u03a3", "12", "1", ".", "$", "the ", " ", "\n", "\u00df", "a"]
        patterns = [",", "\\$", "(?s).*#### ", "\\.$", "\\bthe ", "\\s+"]
        draw = random.Random(2)
        rights = []
        for i in range(10):
            flags = {name: draw.random() < 0.5 for name in ("ignore_case", "ignore_punctuation", "ignore_numbers")}
            ignored = draw.sample(patterns, draw.randint(0, 3))
            rows = [{"id": str(n), "right": "".join(draw.choices(words, k=draw.randint(1, 4)))} for n in range(100)]
            for row in rows:
                changed = row["right"].swapcase() if draw.random() < 0.5 else row["right"] + draw.choice(words)
                row["reply"] = draw.choice((row["right"], changed, "#### " + row["right"]))
            toml = ('name = "t"\ndata = "rows.jsonl"\nprompt = "{id}"\nanswer = "right"\n[scorer]\nname = "exact_match"\nstrip = false\n'
                    f"ignore = {json.dumps(ignored)}\n" + "".join(f"{name} = {str(on).lower()}\n" for name, on in flags.items()))
            lines = self.outcomes(toml, rows, lambda _, body: said(rows[int(body["messages"][0]["content"])]["reply"]))
            for row, line in zip(rows, lines):
                theirs = exact_match_hf_evaluate([row["reply"]], [row["right"]], regexes_to_ignore=ignored or None, **flags)
                self.assertEqual(line["scores"]["exact_match"], theirs["exact_match"], (row, ignored, flags))
            rights += [line["scores"]["exact_match"] for line in lines]
        self.assertEqual(len(rights), 1000)
        self.assertTrue(200 < sum(rights) < 900)

    def test_choices(self):
        draw = random.Random(3)
        letters = "ab\u00e9\u5317\U0001f426"
        rows = []
        for n in range(1000):
            choices = list({"".join(draw.choices(letters, k=draw.randint(1, 6))) for _ in range(5)})
            # No number, which the harness would take for an index.
            rows.append({"id": f"q{n}", "choices": choices + ["zz", "y"], "answer": draw.randrange(len(choices) + 2),
                         # Numbers that a float holds, so that both sides add up the same.
                         "odds": {choice: -draw.randint(1, 64 * len(choice)) / 16 for choice in choices + ["zz", "y"]}})
        def answer(_, body):
            number, choice = body["prompt"].split(" ")
            odds = rows[int(number[1:])]["odds"][choice]
            return echoed(body["prompt"], [odds] + [0] * len(choice))
        lines = self.outcomes('name = "t"\ndata = "rows.jsonl"\nformat = "raw"\nprompt = "{id}"\nchoices = "choices"\nanswer = "answer"\n'
                              '[scorer]\nname = "choice"\n', rows, answer)
        with tempfile.TemporaryDirectory() as folder:
            data = pathlib.Path(folder, "rows.jsonl")
            data.write_text("".join(json.dumps({key: row[key] for key in ("id", "choices", "answer")}) + "\n" for row in rows))
            theirs = ConfigurableTask(config={
                "task": "t", "dataset_path": "json", "dataset_kwargs": {"data_files": {"test": str(data)}, "cache_dir": folder},
                "test_split": "test", "output_type": "multiple_choice", "doc_to_text": "{{id}}", "doc_to_choice": "choices",
                "doc_to_target": "answer", "metric_list": [{"metric": "acc"}, {"metric": "acc_norm"}, {"metric": "acc_bytes"}]})
            for row, line in zip(rows, lines):
                self.assertEqual(line["scores"], theirs.process_results(row, [(row["odds"][one], False) for one in row["choices"]]), row)
        self.assertEqual(len(lines), 1000)


if __name__ == "__main__":
    unittest.main()
