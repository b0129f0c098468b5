#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""lm-evaluation-harness over the completions route: likelihoods of choices and of texts, and texts that go on."""
import json
import os
import pathlib
import tempfile
import unittest

os.environ |= {"HF_DATASETS_OFFLINE": "1", "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
import lm_eval  # noqa: E402
from lm_eval.tasks import TaskManager  # noqa: E402

from kinglet_server import CHAT, Server

CAPITALS = [("France", "Paris"), ("Italy", "Rome"), ("Japan", "Tokyo"), ("Spain", "Madrid"), ("Egypt", "Cairo")]
CHOICE = """
task: capitals
dataset_path: json
dataset_kwargs: {data_files: {test: FOLDER/capitals.jsonl}, cache_dir: FOLDER/cache}
test_split: test
output_type: multiple_choice
doc_to_text: "The capital of {{land}} is"
doc_to_choice: choices
doc_to_target: answer
metric_list: [{metric: acc, aggregation: mean, higher_is_better: true}]
"""
WRITE = """
task: write_capitals
dataset_path: json
dataset_kwargs: {data_files: {test: FOLDER/capitals.jsonl}, cache_dir: FOLDER/cache}
test_split: test
output_type: generate_until
doc_to_text: "The capital of {{land}} is"
doc_to_target: "{{choices[answer]}}"
generation_kwargs: {until: [",", ".", "\\n"], do_sample: false, max_gen_toks: 8}
metric_list: [{metric: exact_match, aggregation: mean, higher_is_better: true}]
"""
READ = """
task: read_capitals
dataset_path: json
dataset_kwargs: {data_files: {test: FOLDER/capitals.jsonl}, cache_dir: FOLDER/cache}
test_split: test
output_type: loglikelihood_rolling
doc_to_text: ""
doc_to_target: "The capital of {{land}} is {{choices[answer]}}."
metric_list: [{metric: byte_perplexity, aggregation: weighted_perplexity, higher_is_better: false}]
"""


class Harness(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = cls.enterClassContext(Server.for_chat())
        folder = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        choices = [capital for _, capital in CAPITALS]
        rows = [{"land": land, "choices": choices, "answer": i} for i, (land, _) in enumerate(CAPITALS)]
        (folder / "capitals.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        for name, text in (("choice", CHOICE), ("write", WRITE), ("read", READ)):
            (folder / f"{name}.yaml").write_text(text.replace("FOLDER", str(folder)))
        done = lm_eval.simple_evaluate(
            model="local-completions", tasks=["capitals", "write_capitals", "read_capitals"], bootstrap_iters=0,
            task_manager=TaskManager(include_path=str(folder), include_defaults=False), log_samples=True,
            model_args={"model": CHAT, "base_url": cls.server.url + "/v1/completions", "num_concurrent": 1,
                        "batch_size": 4, "max_retries": 1})
        cls.results, cls.samples = done["results"], done["samples"]

    def odds_of(self, context, text):
        """The likelihood of a text after a context, from the server without the harness."""
        before, whole = (self.server.call("/tokenize", {"content": content, "parse_special": True})[1]["tokens"]
                         for content in (context, context + text))
        body = {"model": CHAT, "prompt": whole, "echo": True, "logprobs": 1, "max_tokens": 0}
        odds = self.server.call("/v1/completions", body)[1]["choices"][0]["logprobs"]["token_logprobs"]
        return sum(odds[len(before):])

    def test_choices_are_judged(self):
        self.assertGreaterEqual(self.results["capitals"]["acc,none"], 0.8)
        for sample in self.samples["capitals"]:
            for (context, choice), ((logprob, _),) in zip(sample["arguments"], sample["resps"]):
                self.assertAlmostEqual(float(logprob), self.odds_of(context, choice), places=3)

    def test_texts_are_written_up_to_their_stop(self):
        said = {sample["doc"]["land"]: sample["resps"][0][0] for sample in self.samples["write_capitals"]}
        self.assertEqual(said["France"], " Paris")
        self.assertEqual(len(said), len(CAPITALS))

    def test_whole_texts_are_read(self):
        for sample, (land, capital) in zip(self.samples["read_capitals"], CAPITALS):
            ((logprob,),) = sample["resps"]
            text = f"The capital of {land} is {capital}."
            self.assertAlmostEqual(float(logprob), self.odds_of("<|im_start|>", text), places=3)
        self.assertLess(self.results["read_capitals"]["byte_perplexity,none"], 4)


if __name__ == "__main__":
    unittest.main()
